"""Why a service must be replaced or started: a comparison of what is wanted with what runs."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum

from ..access.envfile import digest
from ..commit import Commit
from ..facts import Container, Facts
from ..release import Release
from ..stack import Service
from .content import passed_name
from .meaning import upgraded
from .plan import Kind, Target
from .way_back import half_way


class Why(StrEnum):
    """What differs."""

    ABSENT = "absent"
    STOPPED = "stopped"
    IMAGE = "image"
    DEFINITION = "definition"
    UNHEALTHY = "unhealthy"
    MOUNTED = "mounted"
    SCALED = "scaled"
    ASKED = "asked"


@dataclass(frozen=True)
class Reason:
    """What differs, and the words for it."""

    why: Why
    text: str
    force: bool = False
    """Compose itself would see no difference: the container must be replaced by force."""


def reason_for(service: Service, target: Target, facts: Facts, commit: Commit) -> Reason | None:
    """The first thing in which the service is not what is wanted; None: it stays."""
    if service.beside:
        return _replicas(service, target, facts, commit)
    there = facts.containers_of(target.stack.project, service.name)[: service.replicas]
    if not there:
        return Reason(Why.ABSENT, "not there yet")
    for container in there:
        if reason := _container(service, container, target, facts, commit):
            return reason
    first = there[0].name
    if service.fixed and not service.moves and first != service.container:
        return Reason(Why.DEFINITION, f"its container is called {first}")
    if len(there) < service.replicas:
        return _scaled(there, service)
    return _mounted(service, target, facts)


def _scaled(there: list[Container], service: Service) -> Reason:
    return Reason(Why.SCALED, f"{len(there)} of {service.replicas} replicas")


def as_wanted(service: Service, target: Target, facts: Facts, commit: Commit) -> list[Container]:
    """Those of a service's containers that may stay, be it asked by the proxy or not."""
    if _mounted(service, target, facts):
        return []
    return [
        container
        for container in facts.containers_of(target.stack.project, service.name)
        if _container(service, container, target, facts, commit) is None
    ]


def _replicas(service: Service, target: Target, facts: Facts, commit: Commit) -> Reason | None:
    """What is wrong with those that get requests, or with their number."""
    project = target.stack.project
    asked = facts.serving(project, service.name)
    if not asked:
        there = facts.containers_of(project, service.name)
        return (
            Reason(Why.STOPPED, "no replica runs") if there else Reason(Why.ABSENT, "not there yet")
        )
    for container in asked:
        if reason := _container(service, container, target, facts, commit):
            return reason
    if len(asked) != service.replicas:
        return _scaled(asked, service)
    return _mounted(service, target, facts)


def _container(
    service: Service, container: Container, target: Target, facts: Facts, commit: Commit
) -> Reason | None:
    done = service.done(container.state, container.exit_code)
    if container.state != "running" and not done:
        # What was copied into it when it was made comes back with it.
        force = container.state not in ("exited", "created") or _reads_other(service, target, facts)
        return Reason(Why.STOPPED, f"container is {container.state}", force)
    image = image_id(target.images[service.name].reference, facts)
    if not image or image != container.image:
        return Reason(Why.IMAGE, _image(service, target, facts, commit))
    if container.config_hash != service.config_hash:
        return Reason(Why.DEFINITION, _definition(service, facts))
    if container.health == "unhealthy":
        return Reason(Why.UNHEALTHY, "container is unhealthy", force=True)
    return None


def only_stopped(
    service: Service, container: Container, target: Target, facts: Facts, commit: Commit
) -> bool:
    """Whether a container that does not run is as it is wanted otherwise."""
    runs = replace(container, state="running", health="")
    return _container(service, runs, target, facts, commit) is None


def has_new_image(service: Service, target: Target, facts: Facts) -> bool:
    """Whether the wanted image is another one than the container's, or the service is not there."""
    container: Container | None = facts.container(target.stack.project, service.name)
    image = image_id(target.images[service.name].reference, facts)
    return container is None or not image or image != container.image


def has_passed(service: Service, target: Target, facts: Facts) -> bool:
    """Whether this very image started apart before, or is of a release that passed."""
    wanted = target.images[service.name]
    identity = image_id(wanted.reference, facts)
    named = facts.images.get(passed_name(wanted, service.hints.smoke))
    return bool(identity) and (
        named == identity
        or any(
            image.id == identity
            for release in facts.releases
            if release.passed
            for image in release.images.values()
        )
    )


def image_id(reference: str, facts: Facts) -> str:
    """The id of an image on the server, by name or by id; empty when it is not there."""
    if reference in facts.images.values():
        return reference
    return facts.images.get(reference, "")


def _image(service: Service, target: Target, facts: Facts, commit: Commit) -> str:
    wanted = target.images[service.name]
    if wanted.build is None:
        return f"image {wanted.reference}"
    base = _base(service, facts)
    changes = commit.since(base) if base else None
    touching = [
        [path for path in change.paths if path.startswith(f"{wanted.context}/")]
        for change in changes or ()
    ]
    touching = [paths for paths in touching if paths]
    if not touching:
        return f"{wanted.context} changed"
    files = len({path for paths in touching for path in paths})
    return (
        f"{wanted.context}: {_count(files, 'file')} in {_count(len(touching), 'commit')}"
        f" since {base[:8]}"
    )


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def _definition(service: Service, facts: Facts) -> str:
    last = facts.verified
    if last and last.definitions.get(service.name) == service.config_hash:
        return "container was made by hand from another definition"
    return (last and upgraded(service, last, facts)) or "definition or environment changed"


def _mounted(service: Service, target: Target, facts: Facts) -> Reason | None:
    if _reads_other(service, target, facts):
        return Reason(Why.MOUNTED, "a config or secret changed", force=True)
    wanted = target.configuration.get(service.name)
    if service.hints.proxy or not wanted or facts.verified is None:
        return None
    mounted = {release.configuration.get(service.name) for release in _made_by(service, facts)}
    if mounted == {wanted}:
        return None
    return Reason(Why.MOUNTED, "mounted configuration changed", force=True)


def _reads_other(service: Service, target: Target, facts: Facts) -> bool:
    """Whether its container may have been made with other configs or secrets than the wanted."""
    wanted = target.beside.get(service.name, "")
    return bool(wanted) and any(
        release.beside.get(service.name) != digest(wanted, release.env_salt)
        for release in _made_by(service, facts)
    )


def _made_by(service: Service, facts: Facts) -> list[Release]:
    """The releases that may have made the container: what it mounts is what they had.

    That is the last one that passed, unless one that was left half way has replaced the container;
    one that began to, or has no steps in its record, may have.
    """
    made: list[Release] = [facts.verified] if facts.verified else []
    for release in half_way(facts.releases):
        steps = [step for step in release.steps if _makes(step.title, service.name)]
        if any(step.outcome == "done" for step in steps):
            made = [release]
        elif steps or not release.steps:
            made.append(release)
    return made


def _makes(title: str, service: str) -> bool:
    """Whether a step of this title makes a container of the service."""
    kind, _, subject = title.partition(" ")
    return kind in (Kind.ROLL, Kind.UP, Kind.START) and service in subject.split(", ")


def _base(service: Service, facts: Facts) -> str:
    """The commit that the service was last deployed from."""
    last = facts.verified
    return last.commits.get(service.name, last.commit) if last else ""
