"""Changing ``.env``: checked first, shown by name, whole or not at all; the former is kept."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from ...model.access.envedit import Changed, changed, require_key, with_value, written
from ...model.access.envfile import foreign_encoding, parse
from ...model.access.keeping import storable
from ...model.access.secrecy import secret_values
from ...model.errors import refused
from ...remote import settings
from ...remote.lock import Lock
from ...remote.look import look
from ..locking import holder
from ..session import Session
from .inspecting import Settings, wanted
from .keeping import copy_of, kept


@dataclass(frozen=True)
class Draft:
    """Another text for one server's ``.env``, which a deploy would accept."""

    seen: Settings
    text: str
    left: tuple[str, ...]
    """What was wrong before, and still is."""

    @property
    def before(self) -> str | None:
        """What stands there; None: no file."""
        return self.seen.facts.env if self.seen.facts.env_stat else None

    @property
    def changed(self) -> Changed:
        """In which keys it differs."""
        return changed(self.before or "", self.text)


def one_server(session: Session, name: str) -> str:
    """The server that is meant: by default the only one of hosts.ini."""
    known = session.inventory.servers
    if not name and len(known) != 1:
        raise refused(f"{len(known)} servers are in hosts.ini: name one with --server")
    return session.inventory.server(name or known[0].name).name


def draft(seen: Settings, text: str, *, whole: bool) -> Draft:
    """Check a text as a deploy would; exit code 2, with all that is wrong with it.

    ``whole``: all of it is new, so all of it must be right. Otherwise what was wrong before may
    stay.
    """
    server, facts = seen.server, seen.facts
    where = settings.env(seen.host)
    if facts.env_stat and facts.env_stat[0] != facts.user:
        owner = facts.env_stat[0]
        raise refused(
            f"{server.name}: {where} belongs to {owner}; run: sudo chown {facts.user} {where}"
        )
    for what, said in (("it", text), (str(where), facts.env)):
        if encoding := foreign_encoding(said):
            raise refused(f"{server.name}: {what} is {encoding}; save it as UTF-8 without a mark")
    example = facts.commit.example if facts.commit else ""
    seen.host.hide(secret_values(text, example))
    effective, why = settings.check(seen.host, text, parse(text).values)
    commit = facts.commit and replace(facts.commit, effective=effective or {})
    after = replace(facts, env=text, env_stat=(facts.user, "600"), commit=commit)
    problems = list(Settings(seen.host, after).findings.problems)
    if why and not problems and (whole or not refused_before(seen)):
        problems.append(f"compose refuses {server.compose_file}: {why}")
    before = () if whole else seen.findings.problems
    if new := [text for text in problems if text not in before]:
        raise refused(f"{server.name}: a deploy would refuse this .env; nothing was changed", new)
    return Draft(seen, text, tuple(problems))


def refused_before(seen: Settings) -> bool:
    """Whether compose refuses the stack with the ``.env`` that is there."""
    commit = seen.facts.commit
    return commit is None or commit.resolved.startswith("error: ")


def write(session: Session, drafts: Sequence[Draft], *, yes: bool, keep: bool = True) -> None:
    """Show by name what would change, ask, and write; each server under its lock.

    ``keep``: bring the encrypted copies up to date too, where hosts.ini has a folder for them.
    """
    console = session.console
    due = [one for one in drafts if one.text != one.before]
    for one in drafts:
        lines = one.changed.lines() or ["its keys and values stay" if one in due else "no change"]
        for line in lines:
            console.line(one.seen.server.name, f".env: {line}", hang=2)
        for problem in one.left:
            console.warn(one.seen.server.name, problem)
    if not due:
        return
    if console.interactive and not yes and not console.confirm("Write it?"):
        raise refused("nothing was changed: the answer was no")
    copies = [copy for one in due if keep and (copy := copy_of(one.seen.server, one.text))]
    for one in due:
        host, name = one.seen.host, one.seen.server.name
        with Lock(host, holder()):
            settings.replace(host, one.before, one.text)
            session.journal.about(name).keys = one.changed.keys
        console.line(name, f".env is written; fab {name}.deploy replaces what reads it", "bold")
    for copy in copies:
        copy.write(session)


def set_(session: Session, key: str, name: str, *, yes: bool) -> None:
    """Give one key another value: typed without being shown, or led into standard input."""
    require_key(key)
    name = one_server(session, name)
    value = _value(session, f"{key} on {name}")
    written(key, value)
    seen = wanted(session, name)
    if not seen.facts.env_stat:
        raise refused(f"{name}: there is no .env yet; fab env.init makes it")
    made = draft(seen, with_value(seen.facts.env, key, value), whole=False)
    write(session, [made], yes=yes)


def _value(session: Session, question: str) -> str:
    if session.console.interactive:
        value = session.console.secret(question)
    else:
        value = _standard_input().removesuffix("\n")
    if not value:
        raise refused("no value was given; nothing was changed")
    return value


def _standard_input() -> str:
    try:
        return sys.stdin.read() if sys.stdin else ""
    except UnicodeDecodeError:
        raise refused("standard input is not in UTF-8; nothing was changed") from None


def pull(session: Session, name: str, file: str) -> None:
    """Write a server's ``.env`` into a new file that only its owner reads, or to the output."""
    name = one_server(session, name)
    if not file and sys.stdout.isatty():
        raise refused("its secrets would stand on the screen: name a file with --file")
    facts = look(session.host(name))
    if not facts.env_stat or not facts.env:
        raise refused(f"{name}: there is no .env that can be read")
    if encoding := foreign_encoding(facts.env):
        raise refused(f"{name}: its .env is {encoding}")
    if not file:
        sys.stdout.write(facts.env)
        return
    made = Path(file).expanduser()
    try:
        made.touch(mode=0o600, exist_ok=False)
        made.write_bytes(facts.env.encode())
    except FileExistsError:
        raise refused(f"{file} is there already; remove it first, or name another file") from None
    except OSError as error:
        raise refused(f"{file} cannot be written: {error.strerror}") from None
    session.console.line(name, f"its .env is in {file}, mode 600")


def push(session: Session, name: str, file: str, *, yes: bool) -> None:
    """Put a file, or standard input, in the place of a server's ``.env``."""
    name = one_server(session, name)
    if not file and session.console.interactive:
        raise refused("name a file with --file, or lead one into standard input")
    text = read(file) if file else _standard_input()
    if not text.strip():
        raise refused(f"{file or 'standard input'} is empty; nothing was changed")
    write(session, [draft(wanted(session, name), text, whole=True)], yes=yes)


def restore(session: Session, name: str, *, yes: bool) -> None:
    """Put the encrypted copy in the place of a server's ``.env``; decrypted on this machine."""
    name = one_server(session, name)
    text = kept(session.inventory.server(name))
    seen = wanted(session, name)
    if seen.facts.env_stat and storable(seen.facts.env) == text:
        session.console.line(name, ".env: no change")
        return
    made = draft(seen, text, whole=True)
    write(session, [made], yes=yes, keep=False)


def read(file: str) -> str:
    """The text of a file of this machine, to the byte; exit code 2 when it cannot be had."""
    try:
        return Path(file).expanduser().read_bytes().decode("utf-8")
    except UnicodeDecodeError:
        raise refused(f"{file} is not in UTF-8; save it so") from None
    except OSError as error:
        raise refused(f"{file} cannot be read: {error.strerror}") from None
