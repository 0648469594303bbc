"""A simulated server: its files, its checkout, its engine, and what commands do to them."""

from __future__ import annotations

import json
import posixpath
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from . import application
from .attaching import Attached
from .bare import Bare
from .builds import Builds
from .commands import Command
from .composing import Model, Refused, read_env, resolve
from .engine import Container, Ended, Engine
from .origin import Commit, Origin
from .proxy import Proxy, loaded

CHECKOUT = "/home/ubuntu/app"
ROOT = "/opt/app"


class Killed(BaseException):
    """The operator's process ends here, whatever it was doing: no command of it comes any more."""


@dataclass
class Fault:
    """What happens instead of a command that matches."""

    pattern: str
    """Searched for in the command as a transcript shows it."""
    ended: Ended = Ended(1, err="injected")
    raises: Callable[[], BaseException] | None = None
    times: int = 1_000_000
    first: Callable[[], object] = lambda: None
    """Done before the command fails or, with ``after``, goes on."""
    goes_on: bool = False


@dataclass
class Seen:
    """What doctor finds besides what every look does."""

    shell: str = "/bin/bash"
    sessions: str = "10"
    socket: str = "660"
    memory: int = 4 << 20
    """KiB."""
    mtu: int = 1500
    network_mtu: str = ""
    security: str = "name=seccomp,profile=builtin name=cgroupns"
    live: str = "false"
    inodes: int = 2_000_000
    made: str = "2027-01-10T08:00:00.123456789Z"
    kept_mode: str = "600"


class Machine:
    """One server. ``did`` is what was changed on it, a line per command."""

    def __init__(self, name: str, address: str, origin: Origin, journal: list[str]) -> None:
        self.name = name
        self.journal = journal
        """What was changed on this server and on others, in the order in which it happened."""
        self.address = address
        self.origin = origin
        self.clock = 1_800_000_000
        self.user = "ubuntu"
        self.sudo = True
        self.cpus = 4
        self.free = 20 << 30
        self.memory = ""
        """What is available, and what containers have, as a look tells it."""
        self.compose = "2.26.1"
        self.examined = Seen()
        self.bare = Bare()
        """What a look finds that asks what it has of a server."""
        self.lets_in = {"ubuntu"}
        """Whom sshd lets in with the key."""
        self.logged_in = ""
        """Who was let in last."""
        self.missing_programs: tuple[str, ...] = ()
        self.listening: set[int] = {22}
        self.env_stat = "ubuntu|600"
        self.files: dict[str, str] = {f"{CHECKOUT}/.env": application.env(name)}
        self.folders: set[str] = {CHECKOUT}
        self.modes: dict[str, str] = {}
        """Path → its mode, where that is not 700."""
        self.clone = ""
        """What keeps git from working in the checkout, as a look tells it."""
        self.reach = ""
        """Networks and the rules that close them, as a look tells them; empty: it was not asked."""
        self.commits: dict[str, Commit] = {}
        self.worktrees: dict[str, str] = {}
        self.head = ""
        self.meanwhile = False
        """Whether the stack's file has the number of replicas that a deploy has meanwhile."""
        self.edited: dict[str, str] = {}
        self.schema = ""
        self.password = application.PASSWORD
        self.databases: dict[str, dict[str, int]] = {"app": {}, "postgres": {}}
        """Database → table → its rows; ``app`` is the one that is live."""
        self.dumps: dict[str, dict[str, int]] = {}
        """Name of a backup → what is in its file."""
        self.instants: dict[str, dict[str, int]] = {}
        """Container of an earlier instant → what its database holds."""
        self.cut_after = 0
        """Bytes of a stream after which nothing more comes."""
        self.dropped = False
        """Whether the connection is gone in the middle of a stream: then that just ends."""
        self.deaf = 0
        """Bytes of an input after which a command ends without reading on."""
        self.pipes_closed = 0
        self.engine = Engine("172.20.0" if name == "ubuntu" else "172.21.0")
        self.proxy: Proxy | None = None
        self.answers = ["api new 0 20 30", "api former 0 20 270"]
        """What each look at the proxy's log finds during a canary, as the script prints it."""
        self.served = ""
        """The certificate that the proxy has loaded."""
        self.logged: list[tuple[str, str]] = []
        """Container, without the project's name, and what it has written, behind the time."""
        self.asked_for_logs: list[tuple[str, str, str, bool]] = []
        """Service, tail, since, and whether to follow."""
        self.measures = "stats"
        """What is measured: ``stats`` or ``network``."""
        self.happened: list[dict[str, object]] = []
        """The events that the engine remembers."""
        self.logging_ends: list[Callable[[], None]] = []
        """What happens here each time before logs that are followed end."""
        self.volumes: dict[str, str] = {}
        """Where a service has a volume → what is in it."""
        self.archives: dict[str, str] = {}
        """Name of a backup of a volume → what is in its file."""
        self.crontab: str | None = None
        """Of the user who logs in; None: there is none."""
        self.cron = "yes"
        """Whether a cron daemon runs, as the look says it."""
        self.stamps: dict[str, tuple[int, str]] = {}
        """File in ``operator/jobs`` → when it was written, and what stands in it."""
        self.environment = ""
        """The requirements that the environment of the jobs was made from; empty: there is none."""
        self.own_job = Ended(0, "tidied\n")
        """How a job of the application's own ends."""
        self.locks: dict[str, str] = {}
        """Place → who holds it."""
        self.turn = ""
        """What was given with the lock that is held."""
        self.attached = Attached()
        self.lingering = ""
        """Who died while a step of theirs goes on here."""
        self.builds = Builds()
        """What it is as a builder, and what it has of the images that come to it."""
        self.faults: list[Fault] = []
        self.plug_pulled = False
        """Whether the operator's process was killed while it did something here."""
        self.did: list[str] = []
        self.transcript: list[tuple[str, ...]] = []
        self.trips = 0
        """How often an answer was waited for: several commands may be asked for at once."""
        self.inputs: list[str] = []
        self.announced: list[str] = []
        """The steps that the holder of the lock told others."""
        self.network: Mapping[str, Machine] = {}
        """The servers that can be reached from here, by address."""

    def note(self, line: str) -> None:
        """Remember what is done."""
        self.did.append(line)
        self.journal.append(f"{self.name}: {line}")

    def kill_the_operator_at(self, pattern: str) -> None:
        """Let the process of the operator die instead of the first command that matches."""
        self.fail(pattern, raises=self._pull, times=1)

    def _pull(self) -> Killed:
        self.plug_pulled = True
        return Killed()

    def fail(self, pattern: str, **how: object) -> Fault:
        """Let the commands that match fail from now on."""
        fault = Fault(pattern, **how)  # type: ignore[arg-type]
        self.faults.append(fault)
        return fault

    def fail_after(self, event: str, pattern: str, **how: object) -> None:
        """After the first command that matches ``event``, the next one that matches fails.

        With ``raises``, all of them do.
        """
        times = 1_000_000 if "raises" in how else 1
        self.fail(
            event,
            goes_on=True,
            times=1,
            first=lambda: self.fail(pattern, times=times, **how),
        )

    @property
    def rows(self) -> dict[str, int]:
        """The tables of the live database and their rows."""
        return self.databases["app"]

    @rows.setter
    def rows(self, rows: dict[str, int]) -> None:
        self.databases["app"] = rows

    # --- files

    @property
    def env(self) -> str:
        """The text of ``.env``; empty when there is none."""
        return self.files.get(f"{CHECKOUT}/.env", "")

    def content(self, path: str) -> dict[str, str]:
        """The files below a folder of the checkout or of a worktree, by their path in it."""
        trees = {**self.worktrees, **({CHECKOUT: self.head} if self.head else {})}
        for base, commit in trees.items():
            if path == base or path.startswith(f"{base}/"):
                inner = posixpath.relpath(path, base)
                files = dict(self.commits[commit].files)
                files |= self.edited if base == CHECKOUT else {}
                prefix = "" if inner == "." else f"{inner}/"
                return {p[len(prefix) :]: t for p, t in files.items() if p.startswith(prefix)}
        return {}

    def below(self, folder: str) -> dict[str, str]:
        """The files of a folder of the server's state."""
        prefix = f"{folder}/"
        return {p[len(prefix) :]: t for p, t in self.files.items() if p.startswith(prefix)}

    def model(self, command: Command) -> Model:
        """The stack that a ``docker compose`` command means."""
        (file,) = command.files
        if file.startswith(f"{ROOT}/build/"):
            return Model(json.loads(self.files[file]))
        folder, name = posixpath.split(file)
        text = self.content(folder).get(name)
        if text is None:
            raise Refused(f"open {file}: no such file or directory")
        return resolve(text, read_env(self.env), command.project_folder)

    # --- the proxy

    def configuration(self) -> str:
        """What nginx finds in its mount now."""
        return "".join(self.content(f"{CHECKOUT}/nginx/{self.name}").values())

    def start_proxy(self, container: Container) -> None:
        """Nginx starts, or loads its configuration again."""
        files = self.below(f"{ROOT}/proxy")
        self.served = self.certificate
        self.proxy = loaded(self.engine, container, self.configuration(), files)

    @property
    def certificate(self) -> str:
        return self.files.get(f"{ROOT}/certs/fullchain.pem", "")

    @property
    def trusted(self) -> str:
        return self.files.get(f"{ROOT}/certs/trust/peer.pem", "")

    def releases(self) -> Mapping[str, str]:
        """The records, by id."""
        found = self.below(f"{ROOT}/releases")
        return {
            path.partition("/")[0]: text
            for path, text in sorted(found.items())
            if path.endswith("/release.json")
        }
