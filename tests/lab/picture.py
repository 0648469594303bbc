"""The picture of a deploy in README: a real one in the lab, as a terminal shows it."""

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
from collections.abc import Mapping
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
FILE = ROOT / "docs/deploy.svg"
SUBJECT = "Answer lists faster"
COLUMNS, LINES = 100, 90
COLOURS: Mapping[str, str] = {"brown": "yellow"}
"""What pyte calls otherwise than rich."""


def draw() -> Path:
    """Deploy a change of core-api in the lab, and keep what the terminal showed; the file."""
    lab = Lab()
    with tempfile.TemporaryDirectory() as folder:
        origin = Origin(lab.folder / "origin.git", Path(folder) / "clone")
        commit = origin.commit(SUBJECT, {APP: ending(f"PICTURE = {time.time_ns()}")})
        Operator(lab.hosts_ini).must("ubuntu.deploy", "--yes", "--ref", origin.base)
        try:
            shown = _on_a_terminal("ubuntu.deploy", "--yes", "--ref", commit, hosts=lab.hosts_ini)
        finally:
            origin.rewind()
    console = Console(record=True, width=COLUMNS, file=io.StringIO(), force_terminal=True)
    for line in shown:
        console.print(line, overflow="crop", no_wrap=True)
    console.save_svg(str(FILE), title="fab ubuntu.deploy", theme=MONOKAI)
    return FILE


def _on_a_terminal(*words: str, hosts: Path) -> list[Text]:
    """Run fab on a terminal of so many columns, and what stands there at the end."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", LINES, COLUMNS, 0, 0))
    screen = pyte.Screen(COLUMNS, LINES)
    stream = pyte.ByteStream(screen)
    environment = {**os.environ, "HOSTS_INI": str(hosts), "TERM": "xterm-256color"}
    fab = [str(ROOT / ".venv/bin/fab"), *words]
    with subprocess.Popen(
        fab, cwd=ROOT, env=environment, stdin=theirs, stdout=theirs, stderr=theirs
    ):
        os.close(theirs)
        with suppress(OSError):  # how Linux says that nobody has the other end any more
            while data := os.read(ours, 4096):
                stream.feed(data)
    os.close(ours)
    rows = [_row(screen.buffer[number]) for number in range(LINES)]
    while rows and not rows[-1].plain.strip():
        rows.pop()
    if not rows or "verified" not in rows[-1].plain:
        raise LabError("\n".join(row.plain for row in rows[-12:]) or "fab showed nothing")
    return rows


def _row(cells: Mapping[int, pyte.screens.Char]) -> Text:
    row = Text()
    styled = [(_style(cells[column]), cells[column].data) for column in range(COLUMNS)]
    for style, group in groupby(styled, key=lambda cell: cell[0]):
        row.append("".join(data for _, data in group), style)
    row.rstrip()
    return row


def _style(cell: pyte.screens.Char) -> Style:
    colour = None if cell.fg == "default" else COLOURS.get(cell.fg, cell.fg)
    return Style(color=colour, bold=cell.bold)
