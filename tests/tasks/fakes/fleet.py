"""Both servers, their repository, and the command line that operates them."""

from __future__ import annotations

import contextlib
import io
import json
import pickle
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlsplit

import pytest
from fabric import Config, Executor

from fabfile import ns
from fabfile.model.errors import REFUSED, Trouble, Unwelcome
from fabfile.model.inventory import Server
from fabfile.model.probe import Answer, Question
from fabfile.model.release import Release, parse_release
from fabfile.ops.session import Session
from fabfile.remote.access.connect import Ask
from fabfile.remote.host import Host

from .attaching import Near, Program
from .connection import Connection, Simulated
from .machine import ROOT, Killed, Machine
from .origin import Origin
from .program import Program as Fab
from .program import copied
from .proxy import NOBODY, through
from .silence import Silence
from .storage import Storage

HOSTS = """\
[defaults]
user = ubuntu
key = id
path = /home/ubuntu/app
root = /opt/app
repository = git://origin/app.git
branch = main
[ubuntu]
host = 10.0.0.1
compose = compose/ubuntu.yml
domains = app.example, api.app.example
calls = montreal
[montreal]
host = 10.0.0.2
compose = compose/montreal.yml
"""
DEPLOYED: list[bytes] = []
COLOUR = re.compile(r"\x1b\[[0-9;?]*[a-zA-Z]")
OUTSIDE = "203.0.113.9"
"""Where the operator is."""


@dataclass(frozen=True)
class Ran:
    """How a command ended and what it showed."""

    code: int
    out: str
    err: str

    @property
    def everything(self) -> str:
        return self.out + self.err

    @property
    def error(self) -> str:
        """The one line that says what failed, without its evidence."""
        lines = [line for line in self.err.splitlines() if line.startswith("error: ")]
        assert len(lines) == 1, self.everything
        return lines[0].removeprefix("error: ")

    @property
    def evidence(self) -> list[str]:
        """What stands below the error, up to what shows more of it."""
        return [line for line in self._below if not line.startswith("next: ")]

    @property
    def next(self) -> list[str]:
        """The commands that show more of the error."""
        lines = [line.removeprefix("next: ") for line in self._below if line.startswith("next: ")]
        assert not lines or self._below[-len(lines) :] == [f"next: {line}" for line in lines]
        return lines

    @property
    def _below(self) -> list[str]:
        _, _, below = self.err.partition(f"error: {self.error}\n")
        return [line.strip() for line in below.splitlines()]

    @property
    def lines(self) -> list[str]:
        """What was shown, without times."""
        return [re.sub(r" \d+\.\ds(?= |$)", "", line) for line in self.out.splitlines()]

    @property
    def unbroken(self) -> str:
        """What was shown, in one line without the servers: a plan breaks its lines at words."""
        return " ".join(re.sub(r"^\[\S+\] +", "", line) for line in self.lines)

    @property
    def json(self) -> Any:
        return json.loads(self.out)


class Terminal(io.StringIO):
    """A stream with a person at its other end."""

    def isatty(self) -> bool:
        return True


class Fleet:
    """Two simulated servers and the commands of the operator."""

    def __init__(self, folder: Path, patch: pytest.MonkeyPatch) -> None:
        self.origin = Origin()
        self.journal: list[str] = []
        self.ubuntu = Machine("ubuntu", "10.0.0.1", self.origin, self.journal)
        self.montreal = Machine("montreal", "10.0.0.2", self.origin, self.journal)
        self.machines = {"ubuntu": self.ubuntu, "montreal": self.montreal}
        self.unreachable: dict[str, Trouble] = {}
        self.connections: list[Connection] = []
        self.storage = Storage()
        self._patch = patch
        network = {machine.address: machine for machine in self.machines.values()}
        self.ubuntu.network = self.montreal.network = network
        self.hosts = folder / "hosts.ini"
        self.hosts.write_text(HOSTS)
        patch.setenv("HOSTS_INI", str(self.hosts))
        patch.setattr("fabfile.ops.session.Session", partial(Session, opener=self._open))
        patch.setattr("fabfile.remote.host.Connection", Connection)
        patch.setattr("invoke.parser.parser.copy", SimpleNamespace(deepcopy=copied))
        patch.setattr("fabfile.remote.data.s3.connect", self.storage.connect)
        patch.setattr("fabfile.remote.outside.ask_from_here", self._ask_from_here)
        patch.setattr("fabfile.ops.inside.running.Here", Near)
        patch.setattr("fabfile.remote.inside.attached.Connection", Connection)
        patch.setattr("fabfile.remote.inside.attached.opened", self._program)
        self.names = {"app.example": "10.0.0.1", "api.app.example": "10.0.0.1"}
        """Name → its address, as the operator's machine finds it."""
        self.places: dict[str, str] = {}
        """URL → where it was asked from outside the last time; empty: at its own address."""
        patch.setattr("fabfile.remote.outside.addresses_of", self._addresses_of)
        self.closed: dict[int, str] = {}
        """Port of a server that its firewall keeps from the operator → what connecting says."""
        patch.setattr("fabfile.remote.access.knocking.unreached", self._unreached)
        self.open: set[int] = set()
        """Ports that the operator reaches on every server, besides those that are published."""
        patch.setattr("fabfile.remote.access.knocking.answering", self._answering)
        self.ahead = 0
        """Seconds that the servers' clocks are ahead of the operator's."""

    def _program(self, host: Host, _here: object) -> Program:
        return Program(self.machines[host.name])

    def _unreached(self, _host: Host, ports: Sequence[int], *, sudo: bool) -> dict[int, str]:
        """What a listener for a moment would show."""
        assert sudo
        return {port: self.closed[port] for port in ports if port in self.closed}

    def _answering(self, _address: str, ports: Sequence[int]) -> list[int]:
        published = {443, 8001} - set(self.closed)
        return [port for port in ports if port in published | self.open]

    def fab(self, line: str) -> Ran:
        """Run ``fab LINE`` in this process, off a terminal."""
        for machine in self.machines.values():
            machine.clock += 60
        out, err = io.StringIO(), io.StringIO()
        return self._run(line.split(), out, err)

    def fab_words(self, *words: str) -> Ran:
        """Run ``fab`` with words that may hold anything, off a terminal."""
        return self._run(words, io.StringIO(), io.StringIO())

    def fab_on_a_terminal(self, line: str, answer: str) -> Ran:
        """Run ``fab LINE`` where a person can answer."""
        for machine in self.machines.values():
            machine.clock += 60
        self._patch.setattr("sys.stdin", Terminal(answer))
        return self._run(line.split(), io.StringIO(), Terminal())

    def _run(self, words: Sequence[str], out: io.StringIO, err: io.StringIO) -> Ran:
        program = Fab(name="fab", namespace=ns, executor_class=Executor, config_class=Config)
        code: object = 0
        silence = Silence(self.machines.values())
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            try:
                program.run(["fab", *words])
            except SystemExit as ended:
                code = ended.code
            except Killed:
                pass
        if any(machine.plug_pulled for machine in self.machines.values()):
            code = -9
            for machine in self.machines.values():
                machine.plug_pulled = False
                machine.locks.clear()
                machine.turn = ""
                if machine.announced:
                    said = f"somebody, at step '{machine.announced[-1]}'"
                    machine.files[f"{ROOT}/locks/died"] = said
        assert isinstance(code, int)
        assert "a bug in the collection: AssertionError" not in err.getvalue(), err.getvalue()
        ran = Ran(code, *(COLOUR.sub("", stream.getvalue()) for stream in (out, err)))
        if found := silence.broken_by(words[0], ran.everything, well=code == 0):
            raise AssertionError(f"fab {' '.join(words)}: a secret stands in {found}")
        return ran

    def deployed(self) -> Fleet:
        """Both servers with a first verified release, which is made once and copied then."""
        if not DEPLOYED:
            ran = self.fab("deploy")
            assert ran.code == 0, ran.everything
            self.forget()
            everything = (self.origin, self.journal, self.ubuntu, self.montreal)
            DEPLOYED.append(pickle.dumps(everything))
        self.origin, self.journal, self.ubuntu, self.montreal = pickle.loads(DEPLOYED[0])
        self.machines = {"ubuntu": self.ubuntu, "montreal": self.montreal}
        return self

    def forget(self) -> None:
        """Start the transcripts anew."""
        self.journal.clear()
        for machine in self.machines.values():
            for kept in (machine.did, machine.transcript, machine.inputs, machine.announced):
                kept.clear()
            machine.trips = 0

    def releases(self, name: str) -> list[Release]:
        """The records of a server, oldest first."""
        found = [parse_release(text) for text in self.machines[name].releases().values()]
        return [release for release in found if release]

    @contextlib.contextmanager
    def untouched(self) -> Iterator[None]:
        """Nothing on any server may be changed inside."""
        before = {name: picture(machine) for name, machine in self.machines.items()}
        self.forget()
        yield
        assert {name: machine.did for name, machine in self.machines.items()} == {
            name: [] for name in self.machines
        }
        assert {name: picture(machine) for name, machine in self.machines.items()} == before

    def _open(self, server: Server, _ask: Ask) -> Host:
        if server.name in self.unreachable:
            raise self.unreachable[server.name]
        if server.user not in self.machines[server.name].lets_in:
            raise Unwelcome(f"{server.name}: {server.user} is not let in", code=REFUSED)
        self.machines[server.name].logged_in = server.user
        connection = Connection(self.machines[server.name])
        self.connections.append(connection)
        host = Host(server, connection, Simulated(connection))
        host.clock = lambda: self.machines[server.name].clock - self.ahead
        return host

    def _addresses_of(self, name: str) -> frozenset[str]:
        if name.replace(".", "").isdigit():
            return frozenset({name})
        return frozenset({self.names[name]} if name in self.names else ())

    def _ask_from_here(
        self,
        questions: Sequence[Question],
        env: Mapping[str, str],
        edge: tuple[str, int] | None,
        trust: str = "",
    ) -> list[Answer]:
        """What this machine is answered by the servers' proxies."""
        answers = []
        for question in questions:
            self.places[question.url] = question.connect
            host = urlsplit(question.url).hostname or ""
            machine = next((m for n, m in self.machines.items() if leads(n, host)), None)
            token = env.get(question.probe.bearer, "")
            answered = NOBODY
            if machine:
                answered = through(
                    machine.engine,
                    machine.proxy,
                    question.url,
                    token,
                    OUTSIDE,
                    question.maintenance,
                )
            answers.append(Answer(answered.status, answered.body, answered.error))
        return answers


def leads(name: str, host: str) -> bool:
    """Whether a domain name leads to the server of that name."""
    staging = host.removeprefix("api.").startswith("staging.")
    return host.endswith("app.example") and name == ("staging" if staging else "ubuntu")


def picture(machine: Machine) -> tuple[Any, ...]:
    """All of a server that a command could change."""
    engine = machine.engine
    return (
        dict(machine.files),
        set(machine.folders),
        machine.head,
        dict(machine.edited),
        dict(machine.worktrees),
        machine.schema,
        dict(engine.images),
        {name: (c.id, c.state, c.image) for name, c in engine.containers.items()},
        dict(machine.locks),
    )
