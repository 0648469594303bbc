"""Rotating a secret: made anew, and brought to all that read it by a deploy of what runs."""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from ...model.access.comparing import linked, shared
from ...model.access.envedit import require_key, with_values
from ...model.access.envfile import Rule
from ...model.access.initial import size
from ...model.deploy.plan import Wish
from ...model.deploy.resolved import parse as parse_stack
from ...model.deploy.way_back import changed_keys, env_needed
from ...model.errors import STRANDED, Trouble, refused
from ...model.hints import Database
from ...model.release import Release
from ...model.stack import Service, Stack
from ...remote import settings, state
from ...remote.lock import Lock
from ...remote.look import look
from .. import gates
from ..deploy import fleet, passwords
from ..deploy.deployment import Options
from ..locking import holder
from ..session import Session, side_by_side
from ..sight import DEPLOYED, look_at
from .editing import Draft, draft
from .explaining import read_by
from .inspecting import Settings, deployed
from .keeping import copy_of


@dataclass(frozen=True)
class Asked:
    """What the operator asked for."""

    key: str
    server: str = ""
    """Empty: the only one that it can be."""
    restart_data: bool = False
    waive: tuple[str, ...] = ()
    yes: bool = False


def rotate(session: Session, asked: Asked) -> None:
    """Give a secret a new value on every server that needs it alike, and replace what reads it.

    Proved as a deploy is. Exit code 1: it failed, and all servers are back where they were, with
    the former value. 2: nothing was touched. 3: a person is needed.
    """
    require_key(asked.key)
    seen = _group(session, asked)
    releases = {name: _ready(one) for name, one in seen.items()}
    commits = {release.commit for release in releases.values()}
    if len(commits) > 1:
        raise refused(f"{' and '.join(seen)} run different commits: fab deploy brings them to one")
    for one in seen.values():
        _require_rotatable(session, one, asked.key)
    order = [name for name in session.inventory.called_first() if name in seen]
    try:
        _require_link(session, order)
    except Trouble as trouble:
        raise refused(f"{trouble.message} before anything was changed", trouble.evidence) from None
    drafts = [draft(one, text, whole=True) for one, text in _texts(seen, asked.key)]
    if len(order) > 1:
        told = f"a server takes one {asked.key} at a time: calls between them are refused from"
        session.console.warn(order[0], f"{told} the switch of {order[0]} to that of {order[-1]}")
    question = f"Rotate {asked.key} on {' and '.join(seen)}?"
    if session.console.interactive and not asked.yes and not session.console.confirm(question):
        raise refused("nothing was changed: the answer was no")
    copies = [copy for one in drafts if (copy := copy_of(one.seen.server, one.text))]
    change = _Change(session, order, asked, commits.pop())
    try:
        for made in drafts:
            change.write(made)
        change.bring(order)
    except (Trouble, KeyboardInterrupt) as error:
        raise change.taken_back(error) from None
    for name in order:
        _forget(session, name)
        session.console.line(name, f"{asked.key} is rotated, proved", "bold green")
    for copy in copies:
        copy.write(session)


def _texts(seen: Mapping[str, Settings], key: str) -> Iterator[tuple[Settings, str]]:
    """Each server's ``.env`` with the same new value; a database's former one stays in it."""
    (rule, *_) = [rule for one in seen.values() if (rule := one.rule(key))]
    value = secrets.token_hex(size(rule))
    for one in seen.values():
        values = {key: value}
        if hint := _password_of(one, key):
            former = one.values[key]
            values |= {hint.former: former, hint.initial: one.values.get(hint.initial) or former}
        yield one, with_values(one.facts.env, values)


def _require_link(session: Session, names: Sequence[str]) -> None:
    """:class:`Trouble` unless every call among these servers is answered right in a while."""
    for name in names:
        server = session.inventory.server(name)
        if server.calls in names:
            red: list[str] = []

            def green(name: str = name, red: list[str] = red) -> bool:
                verdicts = gates.link_from(look_at(session, name, DEPLOYED))
                red[:] = [f"{one.gate}: {one.why}" for one in verdicts if not one.ok]
                return not red

            try:
                session.host(name).wait("link", green, server.settle)
            except Trouble:
                raise Trouble(f"{name}: the link to {server.calls} is red", evidence=red) from None


def _forget(session: Session, name: str) -> None:
    """Have no release keep an ``.env`` with the former value: a rollback takes today's."""
    host = session.host(name)
    try:
        with Lock(host, holder()):
            facts = look(host)
            assert facts.verified is not None
            state.keep_env(host, facts.verified, env_needed(facts.releases))
    except Trouble as trouble:
        told = f"{trouble.message}; a release keeps the former value until the next deploy"
        session.console.warn(name, told)


class _Change:
    """A new value on its way to servers, and back."""

    def __init__(self, session: Session, order: Sequence[str], asked: Asked, commit: str) -> None:
        self.session = session
        self.order = order
        self.key = asked.key
        # What each of several servers finds meanwhile is the other one with another value: the
        # link is proved at the end, by all of them.
        waive = (*asked.waive, gates.LINK) if len(order) > 1 else asked.waive
        wish = Wish(restart_data=asked.restart_data)
        self.options = Options(ref=commit, waive=waive, wish=wish, yes=True)
        self.written: list[Draft] = []

    def write(self, one: Draft) -> None:
        """Put the new value into ``.env``."""
        self._replace(one, one.before, one.text)
        self.written.append(one)

    def bring(self, names: Sequence[str]) -> None:
        """Have these servers run with what their ``.env`` says; proved by all of them."""
        fleet.deploy(self.session, names, self.options)
        _require_link(self.session, self.order)

    def taken_back(self, error: Trouble | KeyboardInterrupt) -> Trouble:
        """What to raise, once the former value stands and runs everywhere again.

        A deploy that failed has gone back by itself, ``.env`` included; but not on a server that it
        had not begun to change, or had brought before another one failed.
        """
        trouble = error if isinstance(error, Trouble) else Trouble("interrupted by Ctrl-C")
        if trouble.code == STRANDED or not self.written:
            return trouble
        try:
            stale = [one.seen.server.name for one in self.written if self._put_back(one)]
            if stale:
                self.bring([name for name in self.order if name in stale])
            elif len(self.written) > 1:
                _require_link(self.session, self.order)
        except Trouble as second:
            return Trouble(
                f"{trouble.message}; the former {self.key} does not run everywhere again:"
                f" {second.message}; a person is needed: it stands in the newest .env.former-*",
                code=STRANDED,
                evidence=(*trouble.evidence, *second.evidence),
            )
        message = f"{trouble.message}; the former {self.key} is back"
        return Trouble(message, code=trouble.code, evidence=trouble.evidence)

    def _put_back(self, one: Draft) -> bool:
        """Put the former ``.env`` back where the new one stands; whether something runs with it."""
        facts = look(one.seen.host)
        if facts.env == one.text:
            former = one.seen.facts.env
            if _password_of(one.seen, self.key):
                passwords.give_back(one.seen.host, _stack(one.seen), one.seen.values)
            self._replace(one, one.text, former)
            part = self.session.journal.about(one.seen.server.name)
            part.keys, part.note = (), f"{self.key} was taken back"
        last = facts.verified
        return last is not None and bool(changed_keys(last, one.seen.values))

    def _replace(self, one: Draft, before: str | None, after: str) -> None:
        with Lock(one.seen.host, holder()):
            settings.replace(one.seen.host, before, after)
            self.session.journal.about(one.seen.server.name).keys = (self.key,)


def _group(session: Session, asked: Asked) -> dict[str, Settings]:
    """The servers that need the key alike: the one that is meant, and those that share it."""
    known = session.inventory.servers
    start = [session.inventory.server(asked.server)] if asked.server else list(known)
    around = list(dict.fromkeys((*start, *(o for one in start for o in linked(one, known)))))
    seen = side_by_side(lambda name: deployed(session, name), [one.name for one in around])
    have = [one for one in start if _applies(seen[one.name].rule(asked.key), seen[one.name])]
    if not have:
        raise refused(f"{asked.key} is in no .env.example of a server that it could be rotated on")
    group = [have[0]]
    for other in linked(have[0], known):
        if asked.key in shared(seen[other.name].rules, have[0], other):
            group.append(other)
    if strangers := [one.name for one in have if one not in group]:
        names = f"{have[0].name}, {', '.join(strangers)}"
        raise refused(f"{asked.key} is another one on each of {names}: name one with --server")
    return {one.name: seen[one.name] for one in group}


def _applies(rule: Rule | None, seen: Settings) -> bool:
    return rule is not None and rule.applies_to(*seen.server.names)


def _ready(seen: Settings) -> Release:
    """The release that runs; exit code 2 where a deploy of it would bring anything else too."""
    name, last = seen.server.name, seen.facts.verified
    if last is None:
        raise refused(f"{name}: no release has passed yet; fab {name}.deploy makes the first")
    if keys := changed_keys(last, seen.values):
        raise refused(
            f"{name}: its .env was changed since the last release: {', '.join(keys)};"
            f" fab {name}.deploy brings that first"
        )
    if left_out := sorted(one for one, commit in last.commits.items() if commit != last.commit):
        raise refused(
            f"{name}: the last deploy left out {', '.join(left_out)}; fab {name}.deploy brings"
            " that first"
        )
    return last


def _require_rotatable(session: Session, seen: Settings, key: str) -> None:
    """Exit code 2 where a new value of ours would not be taken, or nothing would read it."""
    name, rule = seen.server.name, seen.rule(key)
    if rule is None or not rule.secret or not rule.minimum:
        raise refused(
            f"{key}: .env.example has no @secret and @min for it, so its value is not made here;"
            f" fab env.set {key} --server {name} takes one"
        )
    stack = _stack(seen)
    found = read_by(seen, key)
    if not any(service.name in found for service in stack.services):
        raise refused(
            f"{name}: no service reads {key}, so nothing would prove it;"
            f" fab env.set {key} --server {name} changes it"
        )
    if stack.database and (hint := _password_of(seen, key)):
        _require_fallback(seen, stack.database, hint, found)
    session.console.line(name, f"{key} is read by {', '.join(found)}", hang=2)


def _require_fallback(
    seen: Settings, service: Service, hint: Database, readers: Sequence[str]
) -> None:
    """Exit code 2 where a reader of a database's password would not try the former one too."""
    name, key = seen.server.name, hint.password
    if not hint.former:
        raise refused(
            f"{key}: {service.name} has it in its volume, and takes one password at a time;"
            " docs/deploy.md (Passwords) says what a stack needs for that"
        )
    knowing = {service.name, *read_by(seen, hint.former)}
    if lacking := [one for one in readers if one not in knowing]:
        raise refused(
            f"{name}: {', '.join(lacking)} would not try {hint.former} meanwhile;"
            " docs/deploy.md (Passwords) says what a stack needs for that"
        )
    there = seen.facts.container(_stack(seen).project, service.name)
    if there is None or there.state != "running":
        raise refused(f"{name}: {service.name} does not run, so it takes no other password")
    if why := passwords.refusal(seen.host, service, there, seen.values, key):
        raise refused(
            f"{name}: {service.name} does not take {key} of .env: {why}; fab {name}.deploy gives it"
            f" that one where it takes {hint.former}"
        )


def _stack(seen: Settings) -> Stack:
    commit = seen.facts.commit
    assert commit is not None
    return parse_stack(commit.resolved, commit.hashes, strict=False)


def _password_of(seen: Settings, key: str) -> Database | None:
    """The hint of the database whose password a key is."""
    service = _stack(seen).database
    hint = service.hints.database if service else None
    return hint if hint and hint.password == key else None
