"""What the proxy is told, and the services that are replaced in place: compose's own recreation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import PurePosixPath

from ...model.deploy.plan import Step, Target
from ...model.deploy.proxy_files import files_for
from ...model.errors import Trouble
from ...model.facts import SHORT, Facts
from ...model.stack import Service
from ...remote.deploy import compose, images, proxy
from ...remote.host import Host


@dataclass
class Rolling:
    """The steps of one deploy that concern the proxy and what stands behind it."""

    host: Host
    target: Target
    facts: Facts
    present: set[str] = field(default_factory=set)
    """Services that have a running container."""
    pins: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """Service → the replicas that alone get its requests, as the proxy was told last."""
    scales: dict[str, int] = field(default_factory=dict)
    """Service that is replaced beside → how many containers it has meanwhile."""

    def __post_init__(self) -> None:
        moving = {one.name for one in self.target.stack.services if one.beside or one.moves}
        # Who has gone since has no name any more: nginx would load nothing that names it.
        running = {one.id[:SHORT] for one in self.facts.containers if one.state == "running"}
        for name, pinned in self.facts.pinned.items():
            if name in moving and (ids := tuple(one for one in pinned if one in running)):
                self.pins[name] = ids
        project = self.target.stack.project
        self.present = {
            container.service
            for container in self.facts.containers
            if container.project == project and container.service and container.state == "running"
        }

    def test(self, step: Step, tree: PurePosixPath, split: Sequence[str]) -> None:
        """Have nginx test the commit's configuration, in the target image.

        ``split``: the services of which a canary gives new replicas a share of the clients.
        """
        service = self.target.stack.service(step.subject)
        reference = self.target.images[service.name].reference
        told = self._told(service)
        output = proxy.test(self.host, tree, self._names(), told, reference, split=split)
        if not output.ok:
            message = f"{self.host.name}: nginx refuses the new configuration"
            raise Trouble(message, evidence=output.tail())

    def _names(self) -> set[str]:
        """Every name that the proxy may know: of the wanted stack, and of what runs now."""
        stack = self.target.stack
        names = {name for one in stack.services for name in (one.name, one.container)}
        for container in self.facts.containers:
            if container.project == stack.project and container.service:
                names |= {container.service, container.name}
        return names

    def roll(self, step: Step) -> str:
        """Make or replace one container in place; the proxy then looks for it again."""
        images.move_stable(self.host, self.target.images[step.subject])
        service = self.target.stack.service(step.subject)
        front = self.target.stack.proxy
        if service.fixed:
            compose.give_name(self.host, self.target.stack.project, service)
        if service.completes:
            compose.complete(self.host, service, force=step.force)
        elif service == front:
            proxy.start(self.host, self._told(front), force=step.force)
        else:
            compose.up(self.host, service, force=step.force, scales=self._scales(service))
        self.present.add(service.name)
        if front and service != front and (told := self._told(front)).running:
            proxy.load(self.host, told, service.name)
        return ""

    def _scales(self, service: Service) -> dict[str, int]:
        """What a new service depends on must stay as it is while it is being replaced."""
        stack = self.target.stack
        if self.facts.container(stack.project, service.name):
            return {}
        needed = {service.name}
        for one in reversed(stack.services):  # whoever depends on another comes after it
            if one.name in needed:
                needed |= {*one.depends_on}
        return {name: total for name, total in self.scales.items() if name in needed}

    def reload(self, step: Step) -> str:
        """Have the proxy load its configuration, with everybody who is there in it."""
        front = self.target.stack.service(step.subject)
        if not self.proxy_runs:
            project = self.target.stack.project
            self.pins |= {
                name: tuple(one.id for one in serving)
                for name in self.scales
                if (serving := self.facts.serving(project, name))
            }
            # Which configuration it has loaded is known again once it is asked to load one.
            proxy.mend(self.host, replace(self._told(front), generation="", running=True))
            self.present.add(front.name)
            return "it asks those that run"
        proxy.load(self.host, self._told(front))
        return f"configuration {self.target.generation} is loaded"

    def remove(self, step: Step) -> str:
        """Remove a container, once the proxy asks it over no connection that a client kept."""
        if front := self.target.stack.proxy:
            proxy.leave(self.host, self._told(front))
        # By its id: a step before may have given its name to another one.
        ids = {container.name: container.id for container in self.facts.containers}
        compose.remove(self.host, ids.get(step.subject, step.subject))
        return ""

    @property
    def proxy_runs(self) -> bool:
        """Whether there is a proxy that runs."""
        front = self.target.stack.proxy
        return front is not None and front.name in self.present

    def told(self) -> proxy.Told:
        """What the proxy is told while it names some replicas one by one."""
        front = self.target.stack.proxy
        assert front is not None
        return replace(self._told(front), running=self.proxy_runs)

    def _told(self, front: Service) -> proxy.Told:
        stack = self.target.stack
        return proxy.Told(
            service=front,
            generation=self.target.generation,
            files=files_for(self.target),
            # Replicas are found whenever they come: their name stands with "resolve".
            missing={one.name for one in stack.services if not one.beside} - self.present,
            pins=dict(self.pins),
            running=front.name in self.present and self._somebody_everywhere(),
        )

    def _somebody_everywhere(self) -> bool:
        """Whether nginx finds somebody for every upstream: else a load waits for the next roll.

        Services of one image stand for each other: a former layout's replicas.
        """
        images = self.target.images
        there = {images[name].stable for name in self.present if name in images}
        return all(
            images[one.name].stable in there
            for one in self.target.stack.services
            if not one.hints.keep
        )
