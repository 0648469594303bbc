"""What of a stack clashes with what is not ours on a server, or is beyond that."""

from __future__ import annotations

import shlex

from ..facts import Facts
from ..stack import Stack


def clashes(facts: Facts, stack: Stack) -> dict[str, list[str]]:
    """What of a stack clashes with what is not ours, or is not understood, or beyond the host.

    Check of doctor → a line each.
    """
    beyond = [
        f"{service.name} is limited to {service.cpus:g} CPUs, this server has {facts.cpus};"
        " lower the limit in .env"
        for service in stack.services
        if service.cpus > facts.cpus
    ]
    return {
        "stack": list(stack.not_understood),
        "names": [*_names(facts, stack), *_parts(facts, stack)],
        "ports": _ports(facts, stack),
        "cpus": beyond,
    }


def _names(facts: Facts, stack: Stack) -> list[str]:
    names = {name for service in stack.services for name in service.containers}
    ours = {c.name for c in facts.containers if c.project == stack.project}
    problems = []
    for container in facts.containers:
        if container.name in names - ours:
            data = f", with data in {', '.join(container.data)}" if container.data else ""
            problems.append(
                f"container name {container.name} is in use by {container.owner}{data};"
                " rename or remove that one"
            )
    return problems


def _parts(facts: Facts, stack: Stack) -> list[str]:
    owners = {network: facts.networks.get(network, stack.project) for network in stack.networks}
    problems = [
        _network(network, owner, stack, facts)
        for network, owner in owners.items()
        if owner != stack.project
    ]
    return problems + [
        f"{part}, which the stack calls external, is not there:"
        f" docker {kind} create {shlex.quote(name)}"
        for part in stack.external
        for kind, _, name in [part.partition(" ")]
        if name not in (facts.networks if kind == "network" else facts.volumes)
    ]


def _ports(facts: Facts, stack: Stack) -> list[str]:
    mine = {port for c in facts.containers if c.project == stack.project for port in c.published}
    problems = []
    for service in stack.services:
        for port in service.ports:
            taken = [one for one in port.choices if one in facts.listening - mine]
            if len(taken) == len(port.choices):
                holder = next(
                    (c.name for c in facts.containers if taken[0] in c.published), "a process"
                )
                problems.append(
                    f"port {taken[0].removesuffix('/tcp')} of {service.name} is in use by {holder}"
                )
    return problems


def _network(network: str, owner: str, stack: Stack, facts: Facts) -> str:
    """Compose refuses a network that is not labelled as its own; a used one cannot be replaced."""
    user = f"project {owner}" if owner else "no compose project"
    users = [c for c in facts.containers if network in c.addresses]
    attached = sorted(c.name for c in users)
    if not users or {c.project for c in users} != {stack.project}:
        return f"network {network} is in use by {user}; remove it once its containers are gone"
    return (
        f"network {network} is of {user}, and compose refuses it; nothing was stopped. It is made"
        f" anew after: docker rm -f {' '.join(attached)} && docker network rm {network}"
    )
