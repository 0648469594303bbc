"""Gates: the probes that must pass: inside, through the proxy, from outside, across servers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from urllib.parse import urlsplit

from ..model.access.envfile import parse
from ..model.certificates.certificate import is_self_made
from ..model.deploy.plan import Target
from ..model.errors import Trouble, refused
from ..model.facts import Container, Facts
from ..model.framing import lines_of
from ..model.probe import Probe, Question, Verdict
from ..model.stack import Service, Stack
from ..remote import ports
from ..remote.asking import Asked, ask
from ..remote.deploy import compose
from ..remote.host import Host
from ..remote.look import look
from ..remote.output import Output
from .judging import judged, judged_on
from .pointing import astray, names_of
from .probing import ask_containers, asked
from .session import Session, side_by_side
from .sight import Sight

LINK = "link"
LINK_TIMEOUT = 60
CHECK_TIMEOUT = 30


@dataclass(frozen=True)
class Gated:
    """A server whose gates are asked: its stack, and the servers around it."""

    host: Host
    target: Target
    callers: tuple[Sight, ...]
    """The servers that call this one, those that can be reached."""
    called: Sight | None
    """The server that this one calls, when it can be reached."""


def ask_all(session: Session, gated: Gated, facts: Facts) -> list[Verdict]:
    """Ask every gate once and judge the answers. ``facts``: of a look just now."""
    groups: list[Callable[[], list[Verdict]]] = [
        lambda: _inside(gated, facts),
        lambda: _checks(gated, facts),
        lambda: _on_the_server(session, gated, facts),
        lambda: _from_outside(session, gated, facts),
        lambda: _link(gated, facts),
    ]
    asked = side_by_side(lambda group: group(), groups)
    return [verdict for group in groups for verdict in asked[group]]


def _inside(gated: Gated, facts: Facts) -> list[Verdict]:
    """The deep probe of every service, directly on its containers' addresses."""
    stack = gated.target.stack
    verdicts = [
        Verdict(f"probe:{one.name}", False, f"container {one.container} is not there")
        for one in stack.services
        if not facts.containers_of(stack.project, one.name)
    ]
    containers = asked(stack, facts)
    verdicts += ask_containers(gated.host, stack, facts, containers)
    return verdicts + _ports(gated.host, stack, containers)


def _ports(host: Host, stack: Stack, containers: Sequence[Container]) -> list[Verdict]:
    """Whether somebody listens at what a service publishes which nothing else asks."""
    places = [
        ports.Place(f"port:{service.name}:{port.published}", one.address, port.target)
        for one in containers
        if (service := stack.service(one.service)).unasked and one.state == "running"
        for port in service.ports
        if port.protocol == "tcp" and port.target and one.address
    ]
    open_ones = ports.listening(host, places)
    return [
        Verdict(one.name, True, "listens")
        if one.name in open_ones
        else Verdict(one.name, False, f"nobody listens at port {one.port} of the container")
        for one in places
    ]


def _checks(gated: Gated, facts: Facts) -> list[Verdict]:
    """The commands that services have for what a probe cannot ask, in their own containers."""
    stack = gated.target.stack
    verdicts = []
    for service in stack.services:
        container = _one_of(stack, service, facts)
        for name, words in service.hints.checks.items():
            if container and container.state == "running":
                output = compose.ask_inside(gated.host, container.name, words, CHECK_TIMEOUT)
                verdicts.append(_said(f"check:{name}", output, CHECK_TIMEOUT))
            else:
                why = f"container {service.container} does not run"
                verdicts.append(Verdict(f"check:{name}", False, why))
    return verdicts


def _one_of(stack: Stack, service: Service, facts: Facts) -> Container | None:
    """A container of a service: one that gets requests, where there are several generations."""
    found = facts.serving(stack.project, service.name) if service.beside else []
    return next(iter(found), None) or facts.container(stack.project, service.name)


def _said(gate: str, output: Output, seconds: int) -> Verdict:
    """What a command that proves something said last."""
    lines = lines_of(output.stdout) if output.ok else output.tail(1)
    why = lines[-1] if lines else "no output"
    if output.code == 124:
        why = f"no end within {seconds} s"
    return Verdict(gate, output.ok, why)


def _on_the_server(session: Session, gated: Gated, facts: Facts) -> list[Verdict]:
    """Every gate from the server itself, against the certificate on its disk.

    A server that others call lets only them in; its gates are asked from there alone.
    """
    if session.inventory.callers_of(gated.host.name):
        return []
    return judged_on(gated.host, _questions(gated, facts, here=True), facts, facts.certificate)


def before_the_first_change(session: Session, sight: Sight, called: Sight | None) -> None:
    """Exit code 2 when the server that this one calls is red already: no deploy here mends it."""
    if called is None or not called.deployed or called.target is None:
        return
    gated = Gated(called.host, called.target, callers=(sight,), called=None)
    red = [one for one in _from_outside(session, gated, called.facts) if not one.ok]
    if red:
        raise refused(
            f"{sight.server.name}: {called.server.name}, which it calls, is red before anything was"
            f" changed: --waive {LINK} deploys all the same",
            [f"{verdict.gate}: {verdict.why}" for verdict in red],
        )


def link_before_the_first_change(session: Session, sight: Sight, caller: Sight) -> None:
    """Exit code 2 when a caller's link is red and its cause is not here: no deploy here mends it.

    Its cause is not here when the caller's server gets every answer that it should.
    """
    if not caller.deployed or not sight.deployed or sight.target is None:
        return
    red = [verdict for verdict in link_from(caller) if not verdict.ok]
    gated = Gated(sight.host, sight.target, callers=(caller,), called=None)
    if red and all(verdict.ok for verdict in _from_outside(session, gated, sight.facts)):
        raise refused(
            f"{sight.server.name}: the link from {caller.server.name} is red before anything was"
            f" changed, and this server answers: --waive {LINK} deploys all the same",
            [f"{verdict.gate}: {verdict.why}" for verdict in red],
        )


def _from_outside(session: Session, gated: Gated, facts: Facts) -> list[Verdict]:
    """Every gate from where its users are: the calling servers, or else this machine."""
    questions = _questions(gated, facts, here=False)
    env = parse(facts.env).values
    if session.inventory.callers_of(gated.host.name):
        return _by_caller(
            gated, lambda one: judged_on(one.host, questions, facts, facts.certificate)
        )
    trust = facts.certificate if is_self_made(facts.certificate) else ""
    server = gated.host.server
    elsewhere = astray(session.inventory, server, names_of(gated.target))
    questions = [
        replace(one, connect=f"{server.outside}:{_port(one.url)}")
        if urlsplit(one.url).hostname in elsewhere
        else one
        for one in questions
    ]
    from ..remote.outside import ask_from_here

    return judged(questions, lambda some: ask_from_here(some, env, server.edge, trust))


def closed(sight: Sight, status: int) -> bool:
    """Whether somebody at the server whom nobody lets in is answered so, by one gate at least."""
    assert sight.target is not None
    gated = Gated(sight.host, sight.target, callers=(), called=None)
    facts = replace(sight.facts, maintenance=None)
    shut = [replace(one, probe=Probe(status=status)) for one in _questions(gated, facts, here=True)]
    return any(one.ok for one in judged_on(gated.host, shut, facts, facts.certificate))


def _by_caller(gated: Gated, ask: Callable[[Sight], list[Verdict]]) -> list[Verdict]:
    """What each caller finds; with several of them, each verdict says whose it is."""
    found = [(caller, verdict) for caller in gated.callers for verdict in ask(caller)]
    if len(gated.callers) < 2:
        return [verdict for _, verdict in found]
    return [replace(one, why=f"from {caller.server.name}: {one.why}") for caller, one in found]


def _questions(gated: Gated, facts: Facts, *, here: bool) -> list[Question]:
    """``here``: asked of the service's own port on the server, and not of what the URL names.

    A server in maintenance lets them through.
    """
    questions = []
    token = facts.maintenance.token if facts.maintenance else ""
    for service in gated.target.stack.services:
        for gate in service.hints.gates:
            url = gate.url.replace("{address}", gated.host.server.place)
            port = _port(url)
            kind = ("proxy" if service.hints.proxy else "server") if here else "outside"
            place = f"{service.listens_at(port)}:{port}" if here else ""
            questions.append(Question(f"{kind}:{gate.name}", url, gate.probe, place, token))
    return questions


def _port(url: str) -> int:
    parts = urlsplit(url)
    return parts.port or (443 if parts.scheme == "https" else 80)


def _link(gated: Gated, facts: Facts) -> list[Verdict]:
    """The calls between the servers, made by the callers' own services."""
    own = gated.called and gated.called.deployed
    verdicts = _link_from(gated.host, gated.target, facts) if own else []
    return verdicts + _by_caller(gated, lambda one: link_from(one) if one.deployed else [])


def link_from(caller: Sight) -> list[Verdict]:
    """The call that a deployed server makes to the one that it calls; none: it makes none."""
    return _link_from(caller.host, caller.target, caller.facts) if caller.target else []


def _link_from(host: Host, target: Target, facts: Facts) -> list[Verdict]:
    """Asked in a container that runs with the service's definition, else in one of its own."""
    if asked := link_asked(target, facts):
        return [ask(host, asked)]
    for service in target.stack.services:
        if words := service.hints.link:
            output = compose.run_once(host, None, service.name, words, LINK_TIMEOUT)
            return [_said(LINK, output, LINK_TIMEOUT)]
    return []


def link_asked(target: Target, facts: Facts) -> Asked[Verdict] | None:
    """The call, asked in a container that runs with the service's definition; None: none does."""
    service = next((one for one in target.stack.services if one.hints.link), None)
    runs = _one_of(target.stack, service, facts) if service else None
    if service is None or runs is None or runs.state != "running":
        return None
    if runs.config_hash != service.config_hash:
        return None
    words = compose.inside(runs.id, service.hints.link)
    return Asked(words, LINK_TIMEOUT, lambda output: _said(LINK, output, LINK_TIMEOUT))


def settle(
    session: Session, gated: Gated, facts: Facts, waive: Sequence[str]
) -> tuple[list[Verdict], Facts]:
    """Ask until all gates are green or waived, ``settle`` seconds at most; the last verdicts.

    With the facts that they are of. :class:`Trouble` when they could not be asked the last time:
    what is not known proves nothing. ``facts``: of a look just now.
    """
    verdicts: list[Verdict] = []
    unasked: list[Trouble] = []
    looks = iter((facts,))
    seen = facts

    def green() -> bool:
        nonlocal seen
        unasked.clear()
        try:
            seen = next(looks, None) or look(gated.host)
            verdicts[:] = ask_all(session, gated, seen)
        except Trouble as trouble:
            unasked.append(trouble)
            return False
        return all(verdict.ok or verdict.gate in waive for verdict in verdicts)

    with suppress(Trouble):
        gated.host.wait("every gate", green, gated.host.server.settle)
    if unasked:
        raise unasked[0]
    return verdicts, seen
