"""Health checks of a stack that prove too little, or fail where the service is well."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from ..facts import Facts
from ..reading import load
from ..stack import Service, Stack

LOCALHOST = re.compile(r"(?<![\w.-])localhost(?![\w.-])")
HEAD = re.compile(
    r"\bwget\b[^;&|]*\s(?P<wget>--spider)\b"
    r"|\bcurl\b[^;&|]*\s(?P<curl>--head|-[A-Za-z]*I[A-Za-z]*|-X[= ]?HEAD|--request[= ]HEAD)(?=\s|$)"
)
GET = {"wget": "wget -qO /dev/null", "curl": "curl -fsS -o /dev/null"}


def health_checks(stack: Stack, resolved: str, facts: Facts) -> list[str]:
    """A line for each health check that asks ``localhost`` or with HEAD, and for each missing one.

    Missing is one of a service that runs, and whose image has none either.
    """
    services = load(resolved)["services"]
    return [
        line
        for one in stack.services
        for line in _of_service(one, services[one.name], stack.project, facts)
    ]


def _of_service(
    service: Service, raw: Mapping[str, Any], project: str, facts: Facts
) -> Iterator[str]:
    name = service.name
    check = raw.get("healthcheck") or {}
    test = check.get("test") or ()
    words = test if isinstance(test, str) else " ".join(map(str, test))
    none = not words or check.get("disable") or words == "NONE"
    running = [c for c in facts.containers_of(project, name) if c.state == "running"]
    if none and running and not service.completes and not any(c.health for c in running):
        yield (
            f"{name} has no health check, so it counts as well while its process lives: give it a"
            " healthcheck in its compose file"
        )
    if LOCALHOST.search(words):
        yield (
            f"the health check of {name} asks localhost, which may mean ::1, where nothing"
            " listens: ask 127.0.0.1"
        )
    if found := HEAD.search(words):
        tool = "wget" if found["wget"] else "curl"
        yield (
            f"the health check of {name} asks with HEAD ({tool} {found[tool]}), which many"
            f" applications refuse: ask with GET, {GET[tool]}"
        )
