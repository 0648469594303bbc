"""The look that status, plan and deploy share: facts, findings, the wanted stack and the plan."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ..model.access import folders, reach
from ..model.access.envfile import Findings, schema
from ..model.commit import LOCAL
from ..model.data import offsite, packing
from ..model.deploy import clone
from ..model.deploy.clashes import clashes
from ..model.deploy.decide import decide
from ..model.deploy.handed import context_problems, not_handed_over
from ..model.deploy.naming import name_problems
from ..model.deploy.others import same_name
from ..model.deploy.plan import Plan, Target, Wish, target_of
from ..model.deploy.preflight import (
    PROGRAMS,
    commit_problems,
    engine_problems,
    env_findings,
    host_problems,
    is_another_stack,
    warnings,
)
from ..model.deploy.resolved import parse as parse_stack
from ..model.errors import Trouble, refused
from ..model.facts import Facts
from ..model.findings import Gathered, by_check
from ..model.inventory import Server
from ..model.schedule.jobs import changed
from ..remote.host import Host
from ..remote.look import look, require_programs
from .session import Session, at_once

DEPLOYED = f"{LOCAL}HEAD"
"""The ref that means: what the server's checkout stands on."""


@dataclass(frozen=True)
class Sight:
    """What one look at a server showed, and what follows from it."""

    host: Host
    facts: Facts
    found: Mapping[str, Findings]
    """Check of doctor → what was found there, each one line."""
    target: Target | None
    """None when the wanted commit or its stack cannot be read; then ``problems`` says why."""

    @property
    def problems(self) -> tuple[str, ...]:
        """Why a deploy must not begin; each is one line."""
        return tuple(text for found in self.found.values() for text in found.problems)

    @property
    def warnings(self) -> tuple[str, ...]:
        """What a deploy survives, but a person should know."""
        return tuple(text for found in self.found.values() for text in found.warnings)

    @property
    def server(self) -> Server:
        """The server that was looked at."""
        return self.host.server

    @property
    def deployed(self) -> bool:
        """Whether the server has a release that passed."""
        return self.facts.verified is not None

    def require(self) -> Target:
        """The target, when every precondition holds; otherwise exit code 2 with all problems."""
        if self.problems or self.target is None:
            raise _preflight(self.server.name, self.problems)
        return self.target


def look_at(session: Session, name: str, ref: str = "", *, closely: bool = False) -> Sight:
    """Look at a server and at ``ref`` (default: its branch at the remote), in one round trip.

    ``closely``: at what only doctor asks as well.
    """
    host = session.host(name)
    server = host.server
    wished = (server.compression, *((offsite.AGE,) if server.offsite.recipient else ()))
    lacking, facts = at_once(
        lambda: require_programs(host, PROGRAMS, wished),
        lambda: _look(host, ref or server.branch, closely=closely),
    )
    if isinstance(facts, Trouble):  # not where a program is missing: that is why
        raise facts
    env = env_findings(server, facts)
    engine = engine_problems(facts)
    wrong = Gathered({**engine, **host_problems(server, facts)})
    wrong.add("remote", commit_problems(server, facts))
    wrong.add("clone", clone.problems(server, facts) if ref != DEPLOYED else [])
    wrong.add(".env", env.problems)
    target = None
    if facts.commit and facts.commit.id and (facts.env_stat or facts.commit.bare):
        target, found = _target(session, server, facts, strict=not ref.startswith(LOCAL))
        # Without an engine, or of a wrong .env, compose would only say it again.
        if not (engine or is_another_stack(facts) or (target is None and env.problems)):
            wrong.add_all(found)
        if target and not env.problems:
            key = _domain_key(facts, server)
            wrong.add("certificate", name_problems(server, facts, target.stack, key))
    if target is None and not any(wrong.values()):
        told = "the look tells neither what is wanted nor why it cannot be had"
        wrong.add("remote", [told])
    notes = Gathered({".env": list(env.warnings), **warnings(facts)})
    notes.add("folders", folders.warnings(server, facts))
    notes.add("clone", clone.warnings(facts))
    if target:
        notes.add("backup", _unpacked(target, server, facts, lacking))
        notes.add("cron", changed(facts.jobs, server, target.stack))
        notes.add("local users", reach.warnings(facts.reach, target.stack.project))
    return Sight(host, facts, by_check(wrong, notes), target)


def _unpacked(target: Target, server: Server, facts: Facts, lacking: Sequence[str]) -> list[str]:
    """Why backups would not be packed, or not go off-site."""
    stack = target.stack
    away = offsite.warnings(server.offsite, facts.env, lacking) if stack.database else []
    return [*away, *packing.warnings(stack, server.compression, lacking)]


def _look(host: Host, ref: str, *, closely: bool) -> Facts | Trouble:
    try:
        return look(host, ref, closely=closely)
    except Trouble as trouble:
        return trouble


def state_lines(session: Session, name: str) -> list[str]:
    """Where things stand on a server, for the person who must put them right."""
    try:
        facts = look(session.host(name))
    except Trouble as trouble:
        return [f"state unknown: {trouble.message}"]
    return [
        f"{container.name}: {container.state} {container.health}".rstrip()
        for container in sorted(facts.containers, key=lambda container: container.name)
    ]


def _domain_key(facts: Facts, server: Server) -> str:
    """The key of ``.env`` that holds this server's domain; empty: there is none."""
    rules = schema(facts.commit.example if facts.commit else "")
    return next((one.key for one in rules if one.domain and one.applies_to(*server.names)), "")


def _target(
    session: Session, server: Server, facts: Facts, *, strict: bool
) -> tuple[Target | None, Gathered]:
    """The wanted stack, and what is wrong with it: check of doctor → a line each."""
    commit = facts.commit
    assert commit is not None
    if commit.resolved.startswith("error: "):
        reason = commit.resolved.removeprefix("error: ").strip() or "it does not say why"
        return None, Gathered(stack=[f"compose refuses {server.compose_file}: {reason}"])
    if commit.resolved.startswith("unread: "):
        reason = commit.resolved.removeprefix("unread: ").strip()
        told = f"git cannot lay out commit {commit.id[:8]} to be read: {reason}"
        return None, Gathered(stack=[told])
    try:
        stack = parse_stack(commit.resolved, commit.hashes, strict=strict)
        target = target_of(server, stack, commit, session.inventory.callers_of(server.name))
    except Trouble as trouble:
        return None, Gathered(stack=[trouble.message])
    found = Gathered(clashes(facts, stack))
    found.add("stack", context_problems(target.images, commit.tree))
    found.add("names", same_name(server, stack, facts))
    found.add("stack", not_handed_over(stack, commit, server.path))
    return target, found


def plan_for(sight: Sight, called: Sight | None, wish: Wish, target: Target | None = None) -> Plan:
    """The plan for what was seen; exit code 2 when it must not be carried out.

    ``called`` is the look at the server that this one calls. ``target``: another one than the
    wanted commit's own, which then need not pass the preflight of a deploy.
    """
    wanted = target or sight.require()
    commit = sight.facts.commit
    assert commit is not None
    certificate = called.facts.anchor if called else sight.facts.trust
    plan = decide(sight.server, wanted, sight.facts, commit, wish, called_certificate=certificate)
    if plan.refusals:
        raise _preflight(sight.server.name, plan.refusals)
    return plan


def _preflight(name: str, problems: tuple[str, ...]) -> Trouble:
    if len(problems) == 1:
        return refused(f"{name}: {problems[0]}")
    return refused(
        f"{name}: {len(problems)} preconditions do not hold; nothing was touched", problems
    )
