"""Deploys as CI and cron make them: the real command, off a terminal, judged by what it says."""

from __future__ import annotations

import configparser
import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.lab.commits import Origin
from tests.lab.rig import Lab, Server
from tests.lab.rig.place import ROOT
from tests.lab.rig.server import CHECKOUT

FAB = Path(sys.executable).with_name("fab")
SERVERS = ("ubuntu", "montreal")
DEADLINE = 300
RUNNING = f"""
git -C {CHECKOUT} rev-parse -q --verify HEAD
docker ps --format '{{{{.ID}}}} {{{{.Names}}}} {{{{.Status}}}}' | sed 's/ Up .*(/ (/' | sort
"""
"""What shows the commit that a server stands on and the containers that run, and how they are."""
STATUS = {"status", "ubuntu.status", "montreal.status"}


@dataclass(frozen=True)
class Ran:
    """What became of one command."""

    code: int
    out: str
    err: str
    seconds: float

    @property
    def error(self) -> str:
        """The one line that says what is wrong; the evidence below it is not in it."""
        lines = [line for line in self.err.splitlines() if line.startswith("error: ")]
        assert len(lines) == 1, self
        return lines[0].removeprefix("error: ")

    @property
    def evidence(self) -> list[str]:
        """What stands below the error, up to what shows more of it."""
        below = [line.strip() for line in self.err.partition("error: ")[2].splitlines()[1:]]
        return [line for line in below if not line.startswith("next: ")]

    @property
    def unbroken(self) -> str:
        """What was shown, in one line without the servers: a plan breaks its lines at words."""
        return " ".join(re.sub(r"^\[\S+\] +", "", line) for line in self.out.splitlines())

    def steps(self, server: str) -> list[str]:
        """The steps that were done on a server, without their times and notes."""
        done = f"[{server}] ✓ "
        lines = [line.removeprefix(done) for line in self.out.splitlines() if done in line]
        return [line.rpartition(" (")[0].rpartition(" ")[0] or line for line in map(_noted, lines)]


def _noted(line: str) -> str:
    return line if line.endswith(")") else f"{line} ()"


class Operator:
    """Somebody at another machine who knows the lab by a ``hosts.ini``."""

    def __init__(self, hosts_ini: Path, tasks: Path = ROOT, **environment: str) -> None:
        self.hosts_ini = hosts_ini
        self.tasks = tasks
        """Where the tasks stand that are run."""
        self.environment = environment

    def fab(
        self, *words: str, hosts_ini: Path | None = None, stdin: Any = subprocess.DEVNULL
    ) -> Ran:
        """Run ``fab`` with these words to its end, whatever that is."""
        start = time.monotonic()
        running = self.start(*words, hosts_ini=hosts_ini, stdin=stdin)
        return ended(running, start)

    def must(self, *words: str) -> Ran:
        """Run ``fab``; it must exit with 0."""
        ran = self.fab(*words)
        assert ran.code == 0, ran
        return ran

    def json(self, *words: str) -> Any:
        """What a command that exits with 0 prints with ``--json``.

        A status may end with 1: servers of the lab have no backups yet.
        """
        if words[0] not in STATUS:
            return json.loads(self.must(*words, "--json").out)
        ran = self.fab(*words, "--json")
        assert ran.code in (0, 1), ran
        return json.loads(ran.out)

    def start(
        self, *words: str, hosts_ini: Path | None = None, stdin: Any = subprocess.DEVNULL
    ) -> subprocess.Popen[str]:
        """Start ``fab`` and go on."""
        bare = {key: os.environ[key] for key in ("PATH", "HOME", "LANG") if key in os.environ}
        return subprocess.Popen(
            [FAB, *words],
            cwd=self.tasks,
            env={
                **bare,
                **self.environment,
                "HOSTS_INI": str(hosts_ini or self.hosts_ini),
                "PYTHONUNBUFFERED": "1",
            },
            stdin=stdin,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def inventory(self, folder: Path, server: str = "montreal", **settings: str | Path) -> Path:
        """A ``hosts.ini`` in ``folder`` that says something else of one server."""
        return inventory(self.hosts_ini, folder, server, settings)


def ended(running: subprocess.Popen[str], start: float) -> Ran:
    """Wait for a command; one that hangs is killed, and the test fails."""
    try:
        out, err = running.communicate(timeout=DEADLINE)
    except subprocess.TimeoutExpired:
        running.kill()
        out, err = running.communicate()
        pytest.fail(f"still running after {DEADLINE} s:\n{out}\n{err}")
    return Ran(running.returncode, out, err, time.monotonic() - start)


def inventory(
    template: Path, folder: Path, server: str, settings: Mapping[str, str | Path]
) -> Path:
    parsed = configparser.ConfigParser(interpolation=None, default_section="defaults")
    parsed.read(template)
    parsed["defaults"]["key"] = str(template.parent / parsed["defaults"]["key"])
    for key, value in settings.items():
        parsed[server][key] = str(value)
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / "hosts.ini"
    with file.open("w") as text:
        parsed.write(text)
    (folder / "known_hosts").write_text((template.parent / "known_hosts").read_text())
    return file


def refusal(operator: Operator, hosts_ini: Path | None = None, *words: str) -> str:
    """The one line with which a deploy of montreal refuses."""
    return refused(operator.fab("montreal.deploy", *words, hosts_ini=hosts_ini))


def refused(ran: Ran) -> str:
    """A command that ended before it touched anything: one line, exit code 2; that line."""
    assert (ran.code, ran.out, len(ran.err.splitlines())) == (2, "", 1), ran
    return ran.error


@dataclass
class Pair:
    """Both servers, verified at the base."""

    lab: Lab
    operator: Operator
    origin: Origin
    good: Mapping[str, object] | None = None

    @property
    def ubuntu(self) -> Server:
        return self.lab.server("ubuntu")

    @property
    def montreal(self) -> Server:
        return self.lab.server("montreal")

    def make_good(self, *, after_a_failure: bool = False, left_well: bool = False) -> None:
        """Deploy the base to both servers, unless nothing was changed since the last time.

        What a failed test left may not be deployable; then both servers begin anew. ``left_well``:
        what runs is good, and nobody need look.
        """
        self.origin.rewind()
        if not left_well and self._state() != self.good:
            if after_a_failure and self.operator.fab("deploy").code:
                for name in SERVERS:
                    self.lab.server(name).reset()
            ran = self.operator.must("deploy")
            assert "error" not in ran.err, ran
            self.remember()

    def remember(self) -> None:
        """Take what runs now for good."""
        self.good = self._state()

    def _state(self) -> Mapping[str, str]:
        words = ["sh", "-c", RUNNING]
        return {name: self.lab.server(name).must(words, user="ubuntu") for name in SERVERS}
