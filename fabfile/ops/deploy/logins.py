"""Logins: a password of ``.env`` is tried before anything that uses it is replaced."""

from __future__ import annotations

from collections.abc import Mapping

from ...model.access.envfile import parse
from ...model.deploy.plan import Kind, Plan, Target
from ...model.errors import refused
from ...model.facts import Container
from ...model.stack import Service
from ...remote.deploy import compose
from ...remote.host import Host
from ..session import side_by_side
from ..sight import Sight
from . import passwords

NOT_TRIED = 124
"""From this exit code on the command did not end in time, or was never run."""


def require_logins(sight: Sight, target: Target, plan: Plan) -> None:
    """Exit code 2 when a data service does not take the password that ``.env`` has for it.

    What does not run, or is ill, is not asked.
    """
    if not plan.steps:
        return
    facts, values = sight.facts, parse(sight.facts.env).values
    restarted = {step.subject for step in plan.steps if step.kind in (Kind.UP, Kind.ROLL)}

    def refusal(name: str) -> str:
        container = facts.container(target.stack.project, name)
        if container is None or container.state != "running" or container.health == "unhealthy":
            return ""
        service = target.stack.service(name)
        return _refusal(sight.host, service, container, values, restarted=name in restarted)

    whys = side_by_side(refusal, [service.name for service in target.stack.services])
    found = [
        f"{target.stack.service(name).container} does not take the password of .env: {why}"
        for name, why in whys.items()
        if why
    ]
    if found:
        raise refused(
            f"{plan.server}: {found[0]}; give it that one first, or put the former one back"
            " (docs/deploy.md, Passwords); nothing was touched",
            found[1:],
        )


def _refusal(
    host: Host,
    service: Service,
    container: Container,
    values: Mapping[str, str],
    *,
    restarted: bool,
) -> str:
    """Why it refuses; empty: it does not, or there is nothing to try."""
    hints = service.hints
    if hint := hints.database:
        # It stands in the volume: a restart does not change it.
        return passwords.refusal(host, service, container, values, hint.password, hint.former)
    if hints.login and not restarted:
        given = service.environment
        output = compose.ask_inside(host, container.name, hints.login, passwords.ASK, given)
        if output.ok or output.code >= NOT_TRIED:
            return ""
        said = (*output.stdout.split("\n"), *output.errors())
        return next((line for line in said if line), f"exit code {output.code}")
    return ""
