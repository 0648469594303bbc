"""The deep probes: which containers are asked, each at its own address."""

from __future__ import annotations

from collections.abc import Sequence

from ..model.facts import Container, Facts
from ..model.probe import Question, Verdict
from ..model.stack import Service, Stack
from ..remote.host import Host
from .judging import judged_on


def asked(stack: Stack, facts: Facts) -> list[Container]:
    """The containers that the deep probes are for."""
    found = []
    for service in stack.services:
        containers = facts.containers_of(stack.project, service.name)
        if service.beside:
            found += facts.serving(stack.project, service.name) or containers
        else:
            found += [c for c in containers if _ailing(service, c)][:1] or containers[:1]
    return found


def probed(stack: Stack, facts: Facts) -> dict[str, Container]:
    """Gate → the container that it asks; of each container that is there."""
    return _named(stack, asked(stack, facts))


def _named(stack: Stack, containers: Sequence[Container]) -> dict[str, Container]:
    """Gate → container; one of several is called by its position among them."""
    found = {}
    for container in containers:
        of_service = [one for one in containers if one.service == container.service]
        several = stack.service(container.service).replicas > 1 or len(of_service) > 1
        number = f"-{of_service.index(container) + 1}" if several else ""
        found[f"probe:{container.service}{number}"] = container
    return found


def ask_containers(
    host: Host, stack: Stack, facts: Facts, containers: Sequence[Container]
) -> list[Verdict]:
    """What each of these containers answers to its service's deep probe, at its own address."""
    questions, verdicts = [], []
    for name, container in _named(stack, containers).items():
        service = stack.service(container.service)
        if why := _ailing(service, container):
            verdicts.append(Verdict(name, False, why))
        elif service.hints.probe:
            url = f"http://{container.address}:{service.hints.port}{service.hints.path}"
            questions.append(Question(name, url, service.hints.probe))
        elif container.health:
            verdicts.append(Verdict(name, True, container.health))
    return verdicts + judged_on(host, questions, facts, "")


def _ailing(service: Service, container: Container) -> str:
    """What is wrong with a container of a service, whichever it is; empty: nothing."""
    if service.done(container.state, container.exit_code):
        return ""
    if container.state != "running":
        return f"container {container.name} is {container.state}"
    return f"container is {container.health}" if container.health not in ("", "healthy") else ""
