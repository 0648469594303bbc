"""Restore: a backup takes the place of the database, in one transaction; the old one is kept."""

from __future__ import annotations

import secrets
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace

from ...model import names
from ...model.data.backup import RESERVE, Backup, left_behind
from ...model.deploy.plan import Target
from ...model.errors import FAILED, STRANDED, Trouble, refused
from ...model.hints import revision
from ...model.typed import parse_instant
from ...remote.data import postgres as remote
from ...remote.data.postgres import Postgres
from ...remote.data.swap import Swap, swap
from ...remote.deploy import compose
from ...remote.deploy.proxy import proof_text
from ...remote.lock import Lock
from ..locking import holder
from ..proving import prove
from ..session import Session
from ..sight import Sight, state_lines
from . import backups, instants
from .databases import ASIDE, INCOMING, LONGEST, find, require_packer
from .instants import Instant
from .origin import Origin, choose


@dataclass(frozen=True)
class Options:
    """What the operator asked for."""

    backup: str = ""
    """Empty: the newest verified one."""
    identity: str = ""
    """File with the private key of an encrypted off-site copy."""
    to_time: str = ""
    """An instant instead of a backup."""
    into: str = ""
    """Another database, which must not be there yet; empty: take the place of the live one."""
    drop_old: bool = False
    """Remove the databases that earlier restores kept, and do nothing else."""
    waive: tuple[str, ...] = ()
    yes: bool = False


def restore(session: Session, on: str, options: Options) -> None:
    """Bring a backup back. A failure before or in the swap changes nothing (exit code 1)."""
    if options.into:
        names.database("--into", options.into)
    sight, postgres = find(session, on)
    if not options.into:
        names.database("its database", postgres.name, LONGEST)
    if options.drop_old:
        _drop_old(session, sight, postgres, options)
        return
    require_packer(sight.host)
    name, console = sight.server.name, session.console
    source = _source(session, sight, options)
    there = remote.databases(sight.host, postgres)
    if options.into in there:
        raise refused(f"{name}: database {options.into} is there already; choose another name")
    end = "replaces" if (options.into or postgres.name) in there else "becomes"
    console.line(name, f"{source.told}; {end} database {options.into or postgres.name}", "bold")
    if isinstance(source, Origin):
        lost = left_behind(source.backup.rights, over_live=end == "replaces")
        for what in lost:
            console.warn(name, f"{source.backup.name} does not bring back {what}")
    _ask(session, options, "Restore?")
    if isinstance(source, Origin):
        source.fetch(session, sight)
    with Lock(sight.host, holder()) as lock:
        # Whatever held the server until now may have replaced containers.
        sight, postgres = find(session, name)
        there = remote.databases(sight.host, postgres)
        if isinstance(source, Origin):
            chosen = source.backup
        else:
            lock.step(f"bring the database to {source.at}")
            with console.step(name, source.told) as notes:
                chosen = instants.bring(sight, postgres, source)
                notes.append(backups.told(chosen))
        work = Restore(session, sight, postgres, chosen, lock)
        if options.into:
            work.bring(options.into, "")
            console.line(name, f"{chosen.name} is restored into {options.into}", "bold green")
            return
        work.replace_live(postgres.name in there, options.waive)


def _source(session: Session, sight: Sight, options: Options) -> Origin | Instant:
    """What is to come back; exit code 2 when it is not there, or there is no room for it."""
    name = sight.server.name
    if options.to_time:
        if options.backup:
            raise refused("--from names a backup, --to-time an instant: one of them")
        return instants.choose(sight, parse_instant(options.to_time))
    source = choose(session, sight, options.backup or "latest", options.identity)
    free, chosen = remote.shelf(sight.host).free, source.backup
    assert chosen.content is not None
    needed = chosen.content.bytes + source.bytes
    if free < needed + RESERVE:
        raise refused(
            f"{name}: {backups.size(free)} are free,"
            f" restoring {chosen.name} takes {backups.size(needed)}"
        )
    return source


def _ask(session: Session, options: Options, question: str) -> None:
    """A person at a terminal is asked once; elsewhere only the flag will do."""
    if options.yes:
        return
    if not session.console.interactive:
        raise refused("nothing was changed: off a terminal this needs --yes")
    if not session.console.confirm(question):
        raise refused("nothing was changed: the answer was no")


def _drop_old(session: Session, sight: Sight, postgres: Postgres, options: Options) -> None:
    name = sight.server.name
    old = _kept(remote.databases(sight.host, postgres), postgres.name, ASIDE)
    for database in old:
        session.console.line(name, f"remove database {database}")
    if not old:
        session.console.line(name, "no restore has kept an old database")
        return
    _ask(session, options, "Remove?")
    with Lock(sight.host, holder()):
        # One that stays keeps no other one.
        stays = [why for one in old if (why := remote.drop(sight.host, postgres, one))]
    if stays:
        raise Trouble(stays[0], evidence=stays[1:])


def _kept(databases: Sequence[str], live: str, mark: str) -> list[str]:
    return [database for database in databases if database.startswith(f"{live}{mark}")]


@dataclass
class Restore:
    """One restore, under the lock of its server."""

    session: Session
    sight: Sight
    postgres: Postgres
    chosen: Backup
    lock: Lock

    @property
    def name(self) -> str:
        """The server's name."""
        return self.sight.server.name

    def bring(self, database: str, like: str) -> None:
        """Restore into a new database and compare; it is gone again when it differs.

        ``like``: the database whose own properties it gets; empty: those of the dumped one.
        """
        host = self.sight.host
        self.lock.step(f"restore {self.chosen.name}")
        with self.session.console.step(self.name, f"restore {self.chosen.name} into {database}"):
            found = remote.load(host, self.postgres, self.chosen, database, like)
            if found:
                message = f"{self.name}: {self.chosen.name} came back differently"
                message += f"{self._dropped(database)}; nothing was changed"
                raise Trouble(message, evidence=found)

    def _dropped(self, database: str) -> str:
        """Remove a database after a failure, whose cause stays the first; what to add to it."""
        try:
            why = remote.drop(self.sight.host, self.postgres, database)
        except Trouble as trouble:
            why = trouble.message
        return f"; {why.removeprefix(f'{self.name}: ')}" if why else ""

    def replace_live(self, replaced: bool, waive: tuple[str, ...]) -> None:
        """Restore beside the live database, swap both names, prove; swap back when that is red."""
        host, console = self.sight.host, self.session.console
        migration = self._migration()
        for left in _kept(remote.databases(host, self.postgres), self.postgres.name, INCOMING):
            if why := remote.drop(host, self.postgres, left):  # by a run that died
                console.warn(self.name, why.removeprefix(f"{self.name}: "))
        safety = self._safety() if replaced else ""
        stamp = time.strftime("%Y%m%d%H%M%S", time.gmtime(remote.shelf(host).now))
        incoming = f"{self.postgres.name}{INCOMING}{stamp}"
        self.bring(incoming, self.postgres.name if replaced else "")
        aside = f"{self.postgres.name}{ASIDE}{stamp}" if replaced else ""
        there = self._swap(aside, incoming, migration)
        self.lock.step("swap")
        try:
            with console.step(self.name, f"swap {self.postgres.name}"):
                swap(host, self.postgres, there)
        except Trouble as trouble:
            if trouble.code == FAILED and (why := self._dropped(incoming)):
                raise Trouble(f"{trouble.message}{why}", evidence=trouble.evidence) from None
            raise
        try:
            self._prove(waive)
        except Trouble as trouble:
            raise self._swap_back(there, trouble) from None
        console.line(self.name, f"{self.postgres.name} is {self.chosen.name} again", "bold green")
        if safety:
            console.line(
                self.name,
                f"point of return: fab db.restore --from {safety}; the database from before is kept"
                f" as {aside} until fab db.restore --drop-old",
            )

    def _safety(self) -> str:
        host = self.sight.host
        self.lock.step("backup")
        with self.session.console.step(self.name, "backup of what is there now") as notes:
            reason = f"before {self.chosen.name} was restored"
            made, _ = backups.take(
                host, self.postgres, self.sight.facts, reason, wait=remote.MIGRATION_TIMEOUT
            )
            notes.append(backups.told(made))
        return made.name

    @property
    def _target(self) -> Target:
        assert self.sight.target is not None
        return self.sight.target

    def _migration(self) -> list[str]:
        """What brings the backup's schema to the one that the running image wants."""
        host, content = self.sight.host, self.chosen.content
        for service in self._target.stack.services:
            migrate = service.hints.migrate
            if migrate is None:
                continue
            output = compose.run_once(
                host, None, service.name, migrate.target, remote.MIGRATION_TIMEOUT
            )
            wanted = revision(output.stdout)
            if not output.ok or not wanted:
                raise Trouble(
                    f"{self.name}: the revision that {service.name} wants is unknown",
                    evidence=output.tail(),
                )
            if content and content.revision and content.revision != wanted:
                self.session.console.warn(
                    self.name,
                    f"the backup has schema {content.revision}, {service.name} wants {wanted}:"
                    " it is migrated before callers are let in",
                )
                return compose.one_off_words(host, None, service.name, migrate.run)
            return []
        return []

    def _swap(self, aside: str, incoming: str, command: Sequence[str]) -> Swap:
        stack = self._target.stack
        proxy = stack.proxy if stack.proxy and stack.proxy.hints.hold else None
        live = self.sight.facts.container(stack.project, proxy.name) if proxy else None
        running = live is not None and live.state == "running"
        epoch = secrets.token_hex(8)
        return Swap(
            live=self.postgres.name,
            aside=aside,
            incoming=incoming,
            proxy=live.name if live and running else "",
            address=live.address if live and running else "",
            held=proxy.hints.hold if proxy else "",
            proof=proof_text(self._target.generation, epoch),
            epoch=epoch,
            command=command,
        )

    def _prove(self, waive: tuple[str, ...]) -> None:
        self.lock.step("prove")
        prove(self.session, self.sight.host, self._target, waive)

    def _swap_back(self, there: Swap, trouble: Trouble) -> Trouble:
        if not there.aside:
            return trouble
        back = replace(there, aside=there.incoming, incoming=there.aside, command=())
        self.session.console.line(self.name, trouble.message, "red")
        try:
            with self.session.console.step(self.name, f"swap {self.postgres.name} back"):
                swap(self.sight.host, self.postgres, back)
        except Trouble as second:
            both = f"{trouble.message}; SWAPPING BACK FAILED TOO: {second.message}"
            return Trouble(
                f"{both}; a person is needed",
                code=STRANDED,
                evidence=(*trouble.evidence, *state_lines(self.session, self.name)),
            )
        message = f"{trouble.message}; {self.postgres.name} is the database from before again"
        return Trouble(
            f"{message}, what came back is kept as {there.incoming}", evidence=trouble.evidence
        )
