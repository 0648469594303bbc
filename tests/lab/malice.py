"""A user without rights on the servers who attacks while something else goes on there.

``TEST_MALLORY=1`` (set by ``scripts/test --full``) lets the attack of ``mallory.py`` run on both
servers beside every test of the lab, and fails the run where it had a success.
"""

from __future__ import annotations

import json
import os
import subprocess
import threading
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.lab.rig import Lab, Server

SWITCH = "TEST_MALLORY"
PROGRAM = Path(__file__).with_name("mallory.py")
USER = "mallory"
MAKE = f"id -u {USER} >/dev/null 2>&1 || useradd --create-home --shell /bin/sh {USER}"
OURS = """
docker network ls -q --filter label=com.docker.compose.project=wishwithme |
  xargs -r docker network inspect --format '{{range .IPAM.Config}}{{.Subnet}} {{end}}'
"""
CONNECTED = "connect "
AGAIN = 1.0
"""Seconds until the attack begins anew on a server that went away under it."""


@dataclass
class Attack:
    """What came of it, on one server."""

    server: str
    successes: list[str] = field(default_factory=list)
    tried: dict[str, int] = field(default_factory=dict)


class Mallory:
    """The attack on one server, begun anew whenever that one was restarted."""

    def __init__(self, server: Server, secrets: Sequence[str]) -> None:
        self._server = server
        self._secrets = list(secrets)
        self._over = threading.Event()
        self._ready = threading.Event()
        self._running: subprocess.Popen[str] | None = None
        self._thread = threading.Thread(target=self._attack, daemon=True)
        self.attack = Attack(server.name)

    def begin(self) -> None:
        """Return once it is under way."""
        self._server.must(["sh", "-c", MAKE])
        self._thread.start()
        assert self._ready.wait(60), "mallory did not begin"

    def tell(self, found: list[Attack]) -> None:
        """End it, and add what came of it."""
        self._over.set()
        running = self._running
        if running and running.stdin:
            running.stdin.close()
        self._thread.join(60)
        found.append(self.attack)

    def _attack(self) -> None:
        while not self._over.is_set():
            words = ["docker", "exec", "-i", "-u", USER, "-e", f"HOME=/home/{USER}"]
            self._running = running = subprocess.Popen(
                [*words, self._server.container, "python3", "-c", PROGRAM.read_text()],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                text=True,
            )
            self._follow(running)
            self._over.wait(AGAIN)

    def _counts(self, success: str) -> bool:
        """Not what was reached of a network that a test made for somebody else."""
        if not success.startswith(CONNECTED):
            return True
        network = success.removeprefix(CONNECTED).rpartition(".")[0]
        return f"{network}." in self._server.exec(["sh", "-c", OURS], "root").stdout

    def _follow(self, running: subprocess.Popen[str]) -> None:
        assert running.stdin is not None
        assert running.stdout is not None
        try:
            running.stdin.write(json.dumps({"secrets": self._secrets}) + "\n")
            running.stdin.flush()
        except OSError:  # the server is down
            return
        for line in running.stdout:
            kind, _, rest = line.strip().partition(" ")
            if kind == "READY":
                self._ready.set()
            elif kind == "SUCCESS" and rest not in self.attack.successes and self._counts(rest):
                self.attack.successes.append(rest)
            elif kind == "TRIED":
                for what, times in json.loads(rest).items():
                    self.attack.tried[what] = self.attack.tried.get(what, 0) + times


@contextmanager
def attacked(servers: Sequence[Server], secrets: Sequence[str]) -> Iterator[list[Attack]]:
    """Attack these servers while the block runs; the list is filled at its end."""
    found: list[Attack] = []
    with ExitStack() as stack:
        for server in servers:
            mallory = Mallory(server, secrets)
            stack.callback(mallory.tell, found)
            mallory.begin()
        yield found


def failed(attacks: Sequence[Attack]) -> list[str]:
    """Each success, with its server; every attack has tried everything."""
    for attack in attacks:
        print(f"{attack.server}: {attack.tried}")
    return [f"{attack.server}: {what}" for attack in attacks for what in attack.successes]


def secrets_of(lab: Lab) -> list[str]:
    """The secrets of a lab, which no process may show."""
    file = lab.folder / "secrets.json"
    return list(json.loads(file.read_text()).values()) if file.exists() else []


@pytest.fixture(scope="session", autouse=True)
def mallory(request: pytest.FixtureRequest) -> Iterator[None]:
    """With the switch on: the attack, from the first test that needs the lab to the last."""
    items = request.session.items
    if SWITCH not in os.environ or not any("lab" in getattr(i, "fixturenames", ()) for i in items):
        yield
        return
    lab: Lab = request.getfixturevalue("lab")
    with attacked(list(lab.servers.values()), secrets_of(lab)) as attacks:
        yield
    successes = failed(attacks)
    assert not successes, "\n".join(successes)
