"""The look that status, plan and deploy share: facts, findings, the wanted stack and the plan."""

from __future__ import annotations

from dataclasses import dataclass

from ..model.access import folders, reach
from ..model.access.envfile import Findings, schema
from ..model.commit import LOCAL
from ..model.data import offsite, packing
from ..model.deploy import clone
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
    stack_problems,
    warnings,
)
from ..model.deploy.resolved import parse as parse_stack
from ..model.errors import Trouble, refused
from ..model.facts import Facts
from ..model.inventory import Server
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
    problems: tuple[str, ...]
    """Why a deploy must not begin; each is one line."""
    warnings: tuple[str, ...]
    target: Target | None
    """None when the wanted commit or its stack cannot be read; then ``problems`` says why."""

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


def look_at(session: Session, name: str, ref: str = "") -> Sight:
    """Look at a server and at ``ref`` (default: its branch at the remote), in one round trip."""
    host = session.host(name)
    server = host.server
    wished = (server.compression, *((offsite.AGE,) if server.offsite.recipient else ()))
    lacking, facts = at_once(
        lambda: require_programs(host, PROGRAMS, wished), lambda: _look(host, ref or server.branch)
    )
    if isinstance(facts, Trouble):  # not where a program is missing: that is why
        raise facts
    env = env_findings(server, facts)
    engine = engine_problems(facts)
    problems = [*engine, *host_problems(server, facts), *commit_problems(server, facts)]
    problems += clone.problems(server, facts) if ref != DEPLOYED else []
    problems += env.problems
    target = None
    if facts.commit and facts.commit.id and (facts.env_stat or facts.commit.bare):
        target, found = _target(session, server, facts, strict=not ref.startswith(LOCAL))
        # Without an engine, or of a wrong .env, compose would only say it again.
        if not (engine or is_another_stack(facts) or (target is None and env.problems)):
            problems += found.problems
        if target and not env.problems:
            problems += name_problems(server, facts, target.stack, _domain_key(facts, server))
    notes = [*env.warnings, *warnings(facts), *folders.warnings(server, facts)]
    notes += clone.warnings(facts)
    if target and target.stack.database:
        notes += offsite.warnings(server.offsite, facts.env, lacking)
    if target:
        notes += packing.warnings(target.stack, server.compression, lacking)
        notes += reach.warnings(facts.reach, target.stack.project)
    if target is None and not problems:
        problems = ["the look tells neither what is wanted nor why it cannot be had"]
    return Sight(host, facts, tuple(problems), tuple(notes), target)


def _look(host: Host, ref: str) -> Facts | Trouble:
    try:
        return look(host, ref)
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
) -> tuple[Target | None, Findings]:
    commit = facts.commit
    assert commit is not None
    if commit.resolved.startswith("error: "):
        reason = commit.resolved.removeprefix("error: ").strip() or "it does not say why"
        return None, Findings((f"compose refuses {server.compose_file}: {reason}",))
    if commit.resolved.startswith("unread: "):
        reason = commit.resolved.removeprefix("unread: ").strip()
        return None, Findings((f"git cannot lay out commit {commit.id[:8]} to be read: {reason}",))
    try:
        stack = parse_stack(commit.resolved, commit.hashes, strict=strict)
        target = target_of(server, stack, commit, session.inventory.callers_of(server.name))
    except Trouble as trouble:
        return None, Findings((trouble.message,))
    problems = [*stack_problems(facts, stack), *context_problems(target.images, commit.tree)]
    problems += same_name(server, stack, facts)
    problems += not_handed_over(stack, commit, server.path)
    return target, Findings(tuple(problems))


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
