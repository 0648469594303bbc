"""Replacing services beside: hold, start, switch, retire; and the one load that takes it back."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from ...model.deploy.copied import copies
from ...model.deploy.plan import Plan, Target
from ...model.deploy.replacing import Replacing
from ...model.errors import Trouble
from ...model.facts import SHORT, Facts, Split
from ...remote.deploy import beside, compose, images, sides
from ...remote.deploy.beside import Started
from ...remote.deploy.proxy import refused_load
from ...remote.gathering import Gathering
from ...remote.host import Host
from ...remote.look import look
from .. import probing
from .canary import compare
from .rolling import Rolling


class Beside:
    """The replicas of one decision that are replaced beside each other."""

    def __init__(
        self,
        host: Host,
        target: Target,
        facts: Facts,
        plan: Plan,
        rolling: Rolling,
        pause: Callable[[], None],
    ) -> None:
        """``pause`` raises when somebody asked to end early."""
        self.host = host
        self.trial = plan.canary
        self.pause = pause
        self.target = target
        self.facts = facts
        self.rolling = rolling
        self.plans: Mapping[str, Replacing] = {one.service: one for one in plan.replacing}
        self.new: dict[str, list[str]] = {}
        """Service → the ids of the replicas that were started."""
        self.held = False
        """Whether the proxy names those who serve since this run, and nothing is changed yet."""
        self.switched = False
        """Whether requests have moved, all or some, and the former replicas still run."""

    def hold(self, subject: str) -> str:
        """Have the proxy name those who serve, one by one."""
        # What is loaded may name one that has gone since: nginx would not load that again.
        running = {one.id[:SHORT] for one in self.facts.containers if one.state == "running"}
        gone = {one for ids in self.facts.pinned.values() for one in ids} - running
        self.rolling.pins |= {name: self.plans[name].serving for name in subject.split(", ")}
        told = replace(self.rolling.told(), generation=self.facts.generation)
        as_loaded = not gone and self.facts.split is None
        beside.hold(self.host, replace(told, as_loaded=as_loaded))
        self.held = True
        return ""

    def let_go(self) -> None:
        """Have the proxy name the services again, where preparing ended after the hold.

        Not where an earlier run had left a hold: as it was, it stays for the next command.
        """
        if self.held and not self.facts.pinned:
            told = replace(self.rolling.told(), generation=self.facts.generation, files={})
            beside.retire(self.host, told, self.target.stack.project, (), ())
        self.held = False

    def start(self, subject: str) -> str:
        """Start the new replicas, and ask each at its own address before anybody else does."""
        self.held = False
        starting = []
        for name in subject.split(", "):
            service, plan = self.target.stack.service(name), self.plans[name]
            served = self._served(plan)
            total = len(self.facts.containers_of(self.target.stack.project, name)) + plan.starting
            image = self.target.images[name].reference
            given = copies(service, self.target)
            starting.append(beside.Starting(service, total, image, served, given))
        told = self.rolling.told()
        started = beside.start(self.host, told, self.target.stack.project, starting)
        for one in started:
            self.new.setdefault(one.service, []).append(one.id)
        try:
            self._probe(started)
        except Trouble:
            self._remove_new()
            raise
        self.rolling.present |= set(subject.split(", "))
        self.rolling.scales |= {one.service.name: one.total for one in starting}
        return ", ".join(f"{len(ids)} of {name}" for name, ids in self.new.items())

    def _served(self, plan: Replacing) -> str:
        """The image that serves now; empty: nobody does."""
        ids = {container.id: container.image for container in self.facts.containers}
        return next((ids[one] for one in plan.serving), "")

    def _probe(self, started: Sequence[Started]) -> None:
        """Each new replica gives its deep probe's answer, at its own address."""
        ids = [one.id for one in started]
        stack = self.target.stack
        red: list[str] = []

        def green() -> bool:
            if not red:  # they were healthy a moment ago
                at = [(stack.service(one.service), one.address) for one in started]
                verdicts = probing.ask_addresses(self.host, self.facts, at)
            else:
                facts = look(self.host)
                fresh = [one for one in facts.containers if one.id in ids]
                verdicts = probing.ask_containers(self.host, stack, facts, fresh)
            red[:] = [f"{one.gate}: {one.why}" for one in verdicts if not one.ok]
            return not red

        try:
            self.host.wait("the probe of every new replica", green, self.host.server.settle)
        except Trouble as trouble:
            logs = [line for one in ids for line in compose.last_lines(self.host, one)]
            raise Trouble(trouble.message, evidence=(*red, *logs)) from None

    def canary(self, subject: str) -> str:
        """Give a share of the clients to the new replicas, and see whether they are as good."""
        assert self.trial is not None
        project = self.target.stack.project
        # Each upstream is there for each side: nobody may have to be found first.
        for one in self.target.stack.services:
            if one.beside and (asked := self.facts.serving(project, one.name)):
                self.rolling.pins.setdefault(one.name, tuple(c.id for c in asked))
        new = {
            name: tuple(one for one in self._stay(name) if one not in self.plans[name].serving)
            for name in subject.split(", ")
        }
        split = Split(self.trial.share, sides.now(self.host), new)
        told = replace(self.rolling.told(), split=split)
        sides.split(self.host, told)
        self.switched = True
        return compare(self.host, told, self.trial, self.pause)

    def switch(self, subject: str) -> str:
        """Move the requests to the replicas that stay, by one load."""
        stay = {name: self._stay(name) for name in subject.split(", ")}
        together = Gathering(self.host)
        if self.rolling.proxy_runs:
            self.rolling.pins |= stay
            beside.switch(together, self.rolling.told())
        for name in stay:
            images.move_stable(together, self.target.images[name])
        # Also where nobody hears how it went, requests may have moved.
        before, self.switched = self.switched, True
        done = together.done()
        if done and not done[0].ok:
            self.switched = before
            raise refused_load(self.host, done[0])
        return ""

    def _stay(self, name: str) -> tuple[str, ...]:
        return (*self.plans[name].kept, *self.new.get(name, ()))

    def retire(self, _subject: str) -> str:
        """Remove those whom nobody asks any more; the proxy names the services again."""
        stack = self.target.stack
        leaving = [
            (stack.service(name), one) for name, plan in self.plans.items() for one in plan.leaving
        ]
        names = [(stack.service(name), self._stay(name)) for name in self.plans]
        self.switched = False
        note = beside.retire(self.host, self.rolling.told(), stack.project, leaving, names)
        self.rolling.pins, self.rolling.scales = {}, {}
        return note

    def take_back(self) -> None:
        """The former replicas get the requests again, by one load; who is new keeps its own.

        Not where services come in the place of others: then the plan of the way back has a switch.
        """
        self.switched = False
        if any(plan.succeeds for plan in self.plans.values()):
            return
        former = {name: plan.serving for name, plan in self.plans.items() if plan.serving}
        if self.rolling.proxy_runs:
            self.rolling.pins |= former
            beside.take_back(self.host, self.rolling.told())
        for name, plan in self.plans.items():
            if served := self._served(plan):
                images.name(self.host, served, self.target.images[name].stable)

    def _remove_new(self) -> None:
        for ids in self.new.values():
            for one in ids:
                compose.remove(self.host, one)
        self.new = {}

    def asked(self) -> dict[str, str]:
        """Service → one of its new replicas, for who asks it directly."""
        return {name: ids[0][:SHORT] for name, ids in self.new.items() if ids}

    def dead(self, facts: Facts) -> tuple[str, str] | None:
        """The service and id of a replica that stays and was healthy, then died; None: none."""
        there = {container.id: container for container in facts.containers}
        restarts = {container.id: container.restarts for container in self.facts.containers}
        for name in self.new:
            for one in self._stay(name):
                found = there.get(one)
                if found is None or found.state != "running":
                    return name, one
                if found.restarts > restarts.get(one, 0):
                    return name, one
        return None
