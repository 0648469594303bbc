"""Looking at ``.env``: whether it is as it must be, and in what it differs."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ...model.access import comparing
from ...model.access.comparing import compared, linked, unlike
from ...model.access.envfile import Findings, Rule, parse, schema
from ...model.deploy.preflight import env_findings
from ...model.deploy.resolved import parse as parse_stack
from ...model.deploy.way_back import changed_keys
from ...model.errors import FAILED, Trouble, refused
from ...model.facts import Facts
from ...model.inventory import Server
from ...remote.host import Host
from ...remote.look import look
from ..session import Session, side_by_side
from ..sight import DEPLOYED


@dataclass(frozen=True)
class Settings:
    """A server's ``.env`` and the rules for it, as one look saw them."""

    host: Host
    facts: Facts

    @property
    def server(self) -> Server:
        """Whose it is."""
        return self.host.server

    @property
    def values(self) -> dict[str, str]:
        """Key → value."""
        return dict(parse(self.facts.env).values)

    @property
    def rules(self) -> tuple[Rule, ...]:
        """What ``.env.example`` says of each key; empty: there is none."""
        return schema(self.facts.commit.example if self.facts.commit else "")

    @property
    def findings(self) -> Findings:
        """What a deploy's preflight would find."""
        found = env_findings(self.server, self.facts)
        commit = self.facts.commit
        if commit is None or not commit.fault:
            return found
        told = f".env.example cannot be read, so its rules were not checked: {commit.error}"
        return Findings((*found.problems, told), found.warnings)

    def rule(self, key: str) -> Rule | None:
        """What ``.env.example`` says of a key."""
        return next((rule for rule in self.rules if rule.key == key), None)


def wanted(session: Session, name: str) -> Settings:
    """What stands there, with the rules of the commit that a deploy would bring."""
    host = session.host(name)
    return Settings(host, look(host, host.server.branch))


def deployed(session: Session, name: str) -> Settings:
    """What stands there, with the rules of the commit that is deployed; exit code 2 without one."""
    host = session.host(name)
    facts = look(host, DEPLOYED)
    if facts.commit is None or facts.commit.fault:
        raise refused(f"{name}: nothing is deployed; fab env.check checks its .env")
    return Settings(host, facts)


def meant(session: Session, name: str) -> list[str]:
    """The server of that name; empty: all."""
    known = [server.name for server in session.inventory.servers]
    return [session.inventory.server(name).name] if name else known


def check(session: Session, name: str, group: str, *, as_json: bool) -> None:
    """Check the ``.env`` of one server, of a group or of all, as a deploy's preflight does.

    Exit code 1 when one is wrong. A server that cannot be reached hides nothing of the others.
    """
    names = _named(session, name, group)
    seen = side_by_side(lambda one: _reached(session, one), with_linked(session, names))
    others = {one.server: one.values for one in seen.values() if isinstance(one, Settings)}
    found = {one: _found(seen[one], others) for one in names}
    if as_json:
        session.console.result(found)
    else:
        for one, said in found.items():
            for text in said["warnings"]:
                session.console.warn(one, text)
            if not said["problems"]:
                session.console.line(one, f".env: {said['keys']} keys, nothing is wrong")
    problems = [f"{one}: {text}" for one, said in found.items() for text in said["problems"]]
    if problems:
        raise Trouble("a deploy would be refused", code=FAILED, evidence=problems)


def _named(session: Session, name: str, group: str) -> list[str]:
    """One server, those of a group, or all."""
    if name and group:
        raise refused("--server and --group: one of them says which servers are meant")
    return meant(session, name) if name else session.inventory.names_of(group)


def with_linked(session: Session, names: Sequence[str]) -> list[str]:
    """These servers and those at the other ends of their links."""
    known = session.inventory.servers
    around = [one.name for name in names for one in linked(session.inventory.server(name), known)]
    return list(dict.fromkeys((*names, *around)))


def _reached(session: Session, name: str) -> Settings | Trouble:
    try:
        return wanted(session, name)
    except Trouble as trouble:
        return trouble


def _found(seen: Settings | Trouble, others: Mapping[Server, Mapping[str, str]]) -> dict[str, Any]:
    """One server's findings, as the stable JSON of ``docs/json.md``."""
    if isinstance(seen, Trouble):
        said = seen.message.partition(": ")[2] or seen.message
        return {"keys": 0, "problems": [said, *seen.evidence], "warnings": []}
    findings = seen.findings
    differ = unlike(seen.rules, seen.server, others)
    problems = [
        f".env: {key} is another one than on {' and '.join(names)}; both need it alike"
        for key, names in differ.items()
    ]
    return {
        "keys": len(seen.values),
        "problems": [*findings.problems, *problems],
        "warnings": [*findings.warnings],
    }


def diff(session: Session, name: str, group: str, *, as_json: bool) -> None:
    """In what the ``.env`` of one server, a group or all differs, by key and salted digest.

    That is from ``.env.example``, from what runs, and from the other end of a link.
    """
    names = _named(session, name, group)
    seen = side_by_side(lambda one: deployed(session, one), with_linked(session, names))
    others = {one.server: one.values for one in seen.values()}
    salt = secrets.token_hex()
    views = []
    for one in names:
        rows = [row for row in _rows(seen[one], others, salt) if row.differs]
        stale = _stale(seen[one])
        views.append({"server": one, "keys": [row.view() for row in rows], "services": stale})
        if not as_json:
            _show(session, one, rows, stale)
    if as_json:
        session.console.result(views)


def _rows(
    seen: Settings, others: Mapping[Server, Mapping[str, str]], salt: str
) -> list[comparing.Row]:
    values, last = seen.values, seen.facts.verified
    keys = changed_keys(last, values) if last else []
    runs = comparing.since(values, last.env if last else {}, keys)
    differ = unlike(seen.rules, seen.server, others)
    return compared(values, seen.rules, seen.server, runs, differ, salt)


def _stale(seen: Settings) -> list[str]:
    """The services with a container of another definition than compose makes of ``.env`` now."""
    commit = seen.facts.commit
    assert commit is not None
    try:
        stack = parse_stack(commit.resolved, commit.hashes, strict=False)
    except Trouble:
        return []
    return [
        service.name
        for service in stack.services
        for containers in [seen.facts.containers_of(stack.project, service.name)]
        if any(one.config_hash != service.config_hash for one in containers)
    ]


def _show(session: Session, name: str, rows: Sequence[comparing.Row], stale: Sequence[str]) -> None:
    console = session.console
    if not rows:
        console.line(name, ".env differs in nothing")
    else:
        columns = ("key", "value", ".env.example", "what runs", "other servers")
        told = [
            (
                row.key,
                row.value,
                row.example,
                row.runs,
                ", ".join(f"not as {o}" for o in row.others),
            )
            for row in rows
        ]
        console.table(name, columns, told)
    if stale:
        console.warn(
            name,
            f"made with another definition or environment: {', '.join(stale)};"
            f" fab {name}.plan says what a deploy would replace",
        )
