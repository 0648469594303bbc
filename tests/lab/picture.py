"""The pictures in docs/: a real deploy, and what looks at servers, as a terminal shows it."""

from __future__ import annotations

import fcntl
import io
import os
import pty
import struct
import subprocess
import tempfile
import termios
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from itertools import groupby
from pathlib import Path

import pyte
from rich.console import Console
from rich.style import Style
from rich.terminal_theme import MONOKAI
from rich.text import Text

from .commits import Origin
from .deployments import Operator
from .rig import Lab, LabError
from .scenes import APP, ending

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
SUBJECT = "Answer lists faster"
LINES = 90
DEPLOY = 100
"""Columns of the picture in README."""
WIDTHS = (80, 120)
"""Columns of the others."""
SCREENS: Mapping[str, tuple[str, ...]] = {
    "status": ("status",),
    "logs": ("ubuntu.logs", "--service", "core-api", "--tail", "6"),
    "stats": ("ubuntu.stats",),
    "disk": ("ubuntu.disk",),
    "history": ("ubuntu.history",),
    "plan": ("ubuntu.plan",),
}
"""What looks at servers: each has a picture of each width, ``docs/screens/NAME-WIDTH.svg``."""
WELL = (0, 1)
"""Exit codes: a status says by 1 that the lab has no backup."""
COLOURS: Mapping[str, str] = {"brown": "yellow", "brightbrown": "bright_yellow"}
"""What pyte calls otherwise than rich."""
BRIGHT = "bright"


def draw() -> list[Path]:
    """Deploy a change of core-api in the lab, and keep what the terminal showed; the files."""
    lab = Lab()
    with tempfile.TemporaryDirectory() as folder:
        origin = Origin(lab.folder / "origin.git", Path(folder) / "clone")
        edits = {APP: ending(f"PICTURE = {time.time_ns()}")}
        commit = origin.commit(SUBJECT, edits)
        Operator(lab.hosts_ini).must("ubuntu.deploy", "--yes", "--ref", origin.base)
        try:
            looked = screens(lab.hosts_ini, DOCS / "screens")
            words = ("ubuntu.deploy", "--yes", "--ref", commit)
            shown = on_a_terminal(*words, hosts=lab.hosts_ini, columns=DEPLOY)
        finally:
            origin.rewind()
    if "verified" not in shown[-1].plain:
        raise LabError("\n".join(row.plain for row in shown[-12:]))
    return [*looked, _save(shown, DOCS / "deploy.svg", "fab ubuntu.deploy", DEPLOY)]


def screens(hosts: Path, folder: Path) -> dict[Path, list[str]]:
    """Draw each screen at each width into a folder; the files, each with its lines."""
    folder.mkdir(exist_ok=True)
    made = {}
    for name, words in SCREENS.items():
        for columns in WIDTHS:
            shown = on_a_terminal(*words, hosts=hosts, columns=columns)
            file = folder / f"{name}-{columns}.svg"
            _save(shown, file, f"fab {' '.join(words)}", columns)
            made[file] = [row.plain for row in shown]
    return made


def _save(rows: Sequence[Text], file: Path, title: str, columns: int) -> Path:
    console = Console(record=True, width=columns, file=io.StringIO(), force_terminal=True)
    for line in rows:
        console.print(line, overflow="crop", no_wrap=True)
    console.save_svg(str(file), title=title, theme=MONOKAI)
    return file


def on_a_terminal(*words: str, hosts: Path, columns: int) -> list[Text]:
    """Run fab on a terminal of so many columns, and what stands there at the end."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", LINES, columns, 0, 0))
    screen = pyte.Screen(columns, LINES)
    stream = pyte.ByteStream(screen)
    environment = {**os.environ, "HOSTS_INI": str(hosts), "TERM": "xterm-256color"}
    fab = [str(ROOT / ".venv/bin/fab"), *words]
    with subprocess.Popen(
        fab, cwd=ROOT, env=environment, stdin=theirs, stdout=theirs, stderr=theirs
    ) as running:
        os.close(theirs)
        with suppress(OSError):  # how Linux says that nobody has the other end any more
            while data := os.read(ours, 4096):
                stream.feed(data)
    os.close(ours)
    rows = [_row(screen.buffer[number], columns) for number in range(LINES)]
    while rows and not rows[-1].plain.strip():
        rows.pop()
    if not rows or running.returncode not in WELL:
        raise LabError("\n".join(row.plain for row in rows[-12:]) or "fab showed nothing")
    return rows


def _row(cells: Mapping[int, pyte.screens.Char], columns: int) -> Text:
    row = Text()
    styled = [(_style(cells[column]), cells[column].data) for column in range(columns)]
    for style, group in groupby(styled, key=lambda cell: cell[0]):
        row.append("".join(data for _, data in group), style)
    row.rstrip()
    return row


def _style(cell: pyte.screens.Char) -> Style:
    bright = cell.fg.startswith(BRIGHT)
    named = f"{BRIGHT}_{cell.fg.removeprefix(BRIGHT)}" if bright else cell.fg
    colour = None if cell.fg == "default" else COLOURS.get(cell.fg, named)
    return Style(color=colour, bold=cell.bold)
