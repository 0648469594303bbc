"""The deep probes: which containers are asked, each at its own address."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

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
    names = _names([stack.service(container.service) for container in containers])
    return dict(zip(names, containers, strict=True))


def _names(services: Sequence[Service]) -> Iterator[str]:
    """What the gate of each of so many containers is called, by their services."""
    total, seen = Counter(one.name for one in services), Counter[str]()
    for one in services:
        seen[one.name] += 1
        several = one.replicas > 1 or total[one.name] > 1
        yield f"probe:{one.name}-{seen[one.name]}" if several else f"probe:{one.name}"


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
            questions.append(Question(name, _url(service, container.address), service.hints.probe))
        else:
            verdicts.append(Verdict(name, True, container.health or container.state))
    return verdicts + judged_on(host, questions, facts, "")


def ask_addresses(host: Host, facts: Facts, asked: Sequence[tuple[Service, str]]) -> list[Verdict]:
    """What somebody who was just seen to be well answers to a service's deep probe, each."""
    names = _names([service for service, _ in asked])
    questions = [
        Question(name, _url(service, address), service.hints.probe)
        for name, (service, address) in zip(names, asked, strict=True)
        if service.hints.probe
    ]
    return judged_on(host, questions, facts, "")


def _url(service: Service, address: str) -> str:
    return f"http://{address}:{service.hints.port}{service.hints.path}"


def _ailing(service: Service, container: Container) -> str:
    """What is wrong with a container of a service, whichever it is; empty: nothing."""
    if service.done(container.state, container.exit_code):
        return ""
    if container.state != "running":
        return f"container {container.name} is {container.state}"
    return f"container is {container.health}" if container.health not in ("", "healthy") else ""
