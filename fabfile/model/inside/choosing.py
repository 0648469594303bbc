"""Which container of a service a command is run in."""

from __future__ import annotations

from collections.abc import Sequence

from ..errors import refused
from ..facts import Container, Facts
from ..stack import Service, Stack

REDIS = ("redis", "valkey")
"""The images that ``redis-cli`` comes with."""


def chosen(
    server: str, project: str, service: Service, facts: Facts, replica: int | None
) -> Container:
    """The replica of that number; None: the first that is healthy, or has no health check.

    Exit code 2 when there is none that runs. One that is named may be unhealthy.
    """
    found = facts.containers_of(project, service.name)
    if not found:
        raise refused(
            f"{server}: {service.name} has no container; fab {server}.status shows what runs"
        )
    if replica is not None:
        return _running(server, service.name, _numbered(server, service, found, replica))
    running = [one for one in found if one.state == "running"]
    well = [one for one in running if one.health in ("", "healthy")]
    if well:
        return min(well, key=lambda one: one.name)
    if not running:
        return _running(server, service.name, found[0])
    states = ", ".join(f"{one.name} is {one.health}" for one in running)
    raise refused(
        f"{server}: no replica of {service.name} is healthy ({states});"
        " --replica NUMBER takes one all the same"
    )


def _numbered(server: str, service: Service, found: Sequence[Container], replica: int) -> Container:
    """By the names that people see: those of a deploy's own numbers change with each."""
    names = service.containers
    name = names[replica - 1] if 0 < replica <= len(names) else ""
    for one in found:
        if one.name == name:
            return one
    there = ", ".join(sorted(one.name for one in found))
    raise refused(f"{server}: {service.name} has no replica {replica}; there is {there}")


def _running(server: str, service: str, container: Container) -> Container:
    if container.state == "running":
        return container
    raise refused(
        f"{server}: {container.name} does not run ({container.state});"
        f" fab {server}.run {service} -- COMMAND runs one in a container of its own"
    )


def meant(server: str, stack: Stack, what: str) -> Service:
    """The service that a console is opened in; ``db`` and ``redis`` stand for what they are.

    A service of that name comes first. Exit code 2 when there is none.
    """
    if any(one.name == what for one in stack.services):
        return stack.service(what)
    if what == "db" and stack.database:
        return stack.database
    if what == "redis":
        for one in stack.services:
            if one.repository.rpartition("/")[2] in REDIS:
                return one
    if what in ("db", "redis"):
        means = {"db": "database under x-deploy", "redis": "service with the image of Redis"}
        raise refused(f"{server}: the stack has no {means[what]}")
    return stack.service(what)
