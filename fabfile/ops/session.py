"""A session: what one command shares, its inventory, its console and one connection per server."""

from __future__ import annotations

import getpass
import os
import platform
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Self, TypeVar

from ..model.errors import Trouble, refused
from ..model.hosts.hosts_ini import parse
from ..model.hosts.sections import hosts_file
from ..model.inventory import Inventory, Server
from ..remote.access.connect import Ask, connect
from ..remote.access.hops import hops
from ..remote.access.ssh_config import of_host
from ..remote.host import Host
from ..ui.console import Console
from .journal import Journal

A = TypeVar("A")
B = TypeVar("B")
K = TypeVar("K")
T = TypeVar("T")
NOTICED = 1.0
"""Seconds after which a Ctrl-C is noticed at the latest."""
JOB = "WISHWITHME_JOB"
"""Set where cron started the command (``remote/schedule/job.sh``)."""


def read_inventory(environ: Mapping[str, str], project: Path) -> Inventory:
    """The inventory: ``$HOSTS_INI``, else ``hosts.ini`` of the project. Exit code 2 without one."""
    file = hosts_file(environ, project)
    try:
        text = file.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise refused(f"{file} does not exist; HOSTS_INI names another inventory") from None
    except UnicodeDecodeError:
        raise refused(f"{file} is not in UTF-8; save it so") from None
    except OSError as error:
        raise refused(f"{file} cannot be read: {error}") from None
    return parse(text, file, of_host)


CI = (("GITHUB_ACTOR", "GITHUB_RUN_ID"), ("GITLAB_USER_LOGIN", "CI_JOB_ID"))
"""Variables in which a CI says who started what runs, and its number."""


def operator() -> str:
    """Who runs the command, for locks and records: the CI's actor, else USER@HOST."""
    for actor, run in CI:
        if os.environ.get(actor) and os.environ.get(run):
            return f"{os.environ[actor]} (CI run {os.environ[run]})"
    try:
        user = getpass.getuser()
    except (KeyError, OSError):
        user = str(os.getuid())
    return f"{user}@{platform.node()}"


def occasion() -> str:
    """Why the command runs, for records: somebody typed it, or it was time."""
    return "by schedule" if job() else "by hand"


def job() -> str:
    """The job as which cron has started the command; empty: somebody typed it."""
    return os.environ.get(JOB, "")


class Session:
    """The inventory, the console and the open connections of one command."""

    def __init__(
        self,
        inventory: Inventory,
        console: Console,
        opener: Callable[[Server, Ask], Host] = connect,
    ) -> None:
        self.inventory = inventory
        self.console = console
        self.journal = Journal()
        self._opener = opener
        self._hosts: dict[tuple[str, str], Future[Host]] = {}
        self._guard = threading.Lock()
        self._passphrases: dict[Path, str] = {}

    def host(self, name: str, user: str = "") -> Host:
        """The connection to a server, opened once; one that failed is tried anew.

        ``user``: who logs in in place of the one that hosts.ini names.
        """
        return self._opened(self.inventory.server(name).with_user(user)).result()

    def builder(self, name: str) -> Host | None:
        """The machine that builds the images of a server; None: the server itself does."""
        found = self.inventory.builder_of(self.inventory.server(name))
        return self._opened(found).result() if found else None

    def log_in(self, name: str) -> None:
        """Log in once more, by a connection of its own; the error where that is not possible."""
        self._opener(self.inventory.server(name), self._passphrases.__getitem__).close()

    def drop(self, name: str) -> None:
        """Close a connection that is lost; :meth:`host` opens a new one."""
        server = self.inventory.server(name)
        with self._guard:
            found = self._hosts.pop((name, server.user), None)
        if found:
            found.add_done_callback(_close)

    def approach(self, names: Iterable[str]) -> None:
        """Begin to connect to servers that are needed soon; :meth:`host` says what came of it."""
        for name in names:
            self._opened(self.inventory.server(name))

    def _opened(self, server: Server) -> Future[Host]:
        with self._guard:
            at = (server.name, server.user)
            found = self._hosts.get(at)
            if found is None or (found.done() and found.exception()):
                self.passphrases(server)
                found = self._hosts[at] = Future()
                opening = (found, server)
                threading.Thread(target=self._open, args=opening, daemon=True).start()
            return found

    def passphrases(self, server: Server) -> Ask:
        """Have the passphrases of its keys, each asked for once in a command."""
        for hop in hops(server) if server.passphrase and not server.agent else ():
            if hop.key not in self._passphrases:
                said = self.console.secret(f"passphrase of {hop.key}")
                self.console.hide([said])
                self._passphrases[hop.key] = said
        return self._passphrases.__getitem__

    def _open(self, found: Future[Host], server: Server) -> None:
        try:
            host = self._opener(server, self._passphrases.__getitem__)
            host.hide = self.console.hide
            host.changing = lambda: self.journal.about(server.name)
            host.told = partial(self.console.told, server.name)
            found.set_result(host)
        except BaseException as error:  # noqa: BLE001 # whoever asks for it gets it
            found.set_exception(error)

    def opened(self) -> dict[str, Host]:
        """The connections that were made, by the server's name."""
        return {
            name: found.result()
            for (name, _), found in [*self._hosts.items()]
            if found.done() and not found.exception()
        }

    def disconnect(self) -> None:
        """Cut the connections without waiting for anything; :meth:`host` opens new ones."""
        hosts, self._hosts = self._hosts, {}
        for found in hosts.values():
            found.add_done_callback(
                lambda found: threading.Thread(target=_close, args=(found,)).start()
            )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        for found in self._hosts.values():
            found.add_done_callback(_close)


def _close(found: Future[Host]) -> None:
    if not found.exception():
        found.result().close()


def side_by_side(work: Callable[[K], T], whats: Sequence[K]) -> dict[K, T]:
    """Do the same for several at once; the first trouble in their order is raised."""
    pool = ThreadPoolExecutor(max_workers=max(len(whats), 1))
    try:
        futures = {what: pool.submit(work, what) for what in whats}
        # A Ctrl-C in the moment before a wait begins is handled when that wait ends.
        while wait(futures.values(), NOTICED).not_done:
            pass
    finally:
        pool.shutdown(wait=False)  # after a second Ctrl-C nobody waits for what was begun
    troubles = []
    for future in futures.values():
        if error := future.exception():
            if not isinstance(error, Trouble):
                raise error
            troubles.append(error)
    if troubles:
        raise all_of(troubles)
    return {what: future.result() for what, future in futures.items()}


def all_of(troubles: Sequence[Trouble]) -> Trouble:
    """Several troubles as one: the first, and the others with what they show below it."""
    first, *others = troubles
    lines = [line for one in others for line in (f"error: {one.message}", *one.evidence)]
    evidence = (*first.evidence, *lines)
    return Trouble(first.message, code=first.code, evidence=evidence, about=first.about)


def each(work: Callable[[K], T], whats: Sequence[K]) -> list[T]:
    """Do the same for several, one after the other; all troubles are raised at the end."""
    done, troubles = [], []
    for what in whats:
        try:
            done.append(work(what))
        except Trouble as trouble:
            troubles.append(trouble)
    if troubles:
        raise all_of(troubles)
    return done


def at_once(first: Callable[[], A], second: Callable[[], B]) -> tuple[A, B]:
    """Do two things at once; the first trouble in their order is raised."""
    done = side_by_side(lambda work: work(), (first, second))
    return done[first], done[second]  # type: ignore[return-value]
