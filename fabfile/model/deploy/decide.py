"""The decision: what a deploy or rollback must do, as a pure function of what was seen.

``status``, ``plan``, ``deploy`` and ``rollback`` share it, so they cannot disagree.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from ..access.folders import bootstrap
from ..access.reach import why_closed
from ..commit import Commit
from ..facts import Container, Facts
from ..inventory import Server
from ..stack import Service
from .budget import crowded, shortage
from .content import mounted_paths
from .elsewhere import objections
from .imaging import image_steps, retags, smoke_steps
from .in_place import in_place, is_born
from .migrations import backups, migrations, reviews
from .objections import notes, refusals
from .plan import Kind, Plan, Step, Target, Wish
from .reasons import Reason, Why, only_stopped, reason_for
from .removing import removals
from .replacements import replacements
from .replacing import Replacing
from .switching import (
    canary_refusals,
    generations,
    hold_step,
    keep_refusals,
    keeping,
    mend_step,
    switch_steps,
    tried,
    with_canary,
)
from .trusting import made_anew, trust_steps


def decide(
    server: Server,
    target: Target,
    facts: Facts,
    commit: Commit,
    wish: Wish,
    *,
    called_certificate: str = "",
) -> Plan:
    """Compare what is wanted with what runs.

    ``called_certificate`` is what must be trusted of the server that this one calls, if anything.
    """
    return _Decision(server, target, facts, commit, wish, called_certificate).plan()


@dataclass
class _Decision:
    server: Server
    target: Target
    facts: Facts
    commit: Commit
    wish: Wish
    called_certificate: str
    reasons: dict[str, Reason] = field(init=False)
    """Why each service is touched; of ``--only`` those alone."""
    left_out: dict[str, Reason] = field(init=False)
    """What ``--only`` leaves out, likewise."""
    replaced: tuple[Replacing, ...] = field(init=False)
    trying: list[Replacing] = field(init=False)
    """Those of them of which a canary gives new replicas a share of the clients."""

    def __post_init__(self) -> None:
        only = self.wish.only
        for name in only:
            self.target.stack.service(name)
        found = self.why()
        self.reasons = {n: why for n, why in found.items() if not only or n in only}
        self.left_out = {n: why for n, why in found.items() if n not in self.reasons}
        self.replaced = replacements(
            self.target, self.facts, self.commit, self.wish, self.reasons, self.left_out
        )
        self.trying = tried(self.replaced, self.reasons, self.wish.canary)

    def plan(self) -> Plan:
        stack = self.target.stack
        steps = [*self.prepare(), *self.cut_over()]
        against = canary_refusals(self.target, self.facts, self.reasons, self.trying, steps)
        unkept = keep_refusals(steps)
        if self.keeps(steps):
            steps = [step for step in steps if step.kind is not Kind.RETIRE]
        last = self.facts.verified
        if steps or last is None or last.commit != self.commit.id:
            self.insert_fetch(steps)
        return Plan(
            server=self.server.name,
            commit=self.commit.id,
            subject=self.commit.subject,
            since=last.commit if last else "",
            steps=tuple(steps),
            untouched=tuple(
                s.name
                for s in stack.services
                if s.name not in self.reasons and s.name not in self.left_out
            ),
            notes=(
                *notes(
                    self.target, self.facts, self.wish, self.reasons, self.left_out, self.replaced
                ),
                *generations(self.server.name, self.facts),
            ),
            replacing=self.replaced,
            refusals=(
                *refusals(self.target, self.facts, self.wish, self.reasons, self.left_out),
                *(against if self.wish.canary else ()),
                *(unkept if self.wish.keep_old else ()),
                *objections(self.server, self.target, steps),
                *shortage(self.server.name, self.target, self.facts, steps),
                *(() if self.wish.needed else crowded(self.target, self.facts, self.replaced)),
            ),
            canary=self.wish.canary,
            keep_old=self.wish.keep_old,
        )

    def why(self) -> dict[str, Reason]:
        """Why each service must be touched; those that stay are not in it."""
        found = {}
        for service in self.target.stack.services:
            reason = reason_for(service, self.target, self.facts, self.commit)
            if reason is None and self.wish.rebuild and service.build is not None:
                reason = Reason(Why.IMAGE, "rebuilt on fresh bases (--rebuild)")
            if reason is None and self.wish.restarts(service):
                reason = Reason(Why.ASKED, "to be restarted", force=True)
            if reason:
                found[service.name] = reason
        return found

    def keeps(self, steps: list[Step]) -> bool:
        """Whether the former replicas run on after this."""
        kinds = {step.kind for step in steps}
        kept = keeping(self.facts) and kinds == {Kind.RETIRE} and not self.wish.end_keeping
        return kept or bool(self.wish.keep_old and Kind.SWITCH in kinds)

    def insert_fetch(self, steps: list[Step]) -> None:
        step = Step(Kind.FETCH, self.commit.id[:8], "the wanted commit")
        steps.insert(1 if steps and steps[0].kind is Kind.BOOTSTRAP else 0, step)

    def prepare(self) -> list[Step]:
        steps = []
        if reason := bootstrap(self.server, self.facts, self.target.stack.volume_folders):
            steps.append(Step(Kind.BOOTSTRAP, str(self.server.root), reason))
        proxy = self.target.stack.proxy
        steps += trust_steps(self.server, self.target, self.facts, self.called_certificate)
        if proxy and self.facts.runs(self.target.stack.project, proxy.name):
            # While images are built the connections that clients keep open end.
            steps += hold_step(self.replaced, self.facts)
        steps += image_steps(self.target, self.facts, self.wish, self.left_out, self.server.builder)
        if proxy and (proxy.name in self.reasons or self.reload_reason() or self.trying):
            steps.append(Step(Kind.TEST_PROXY, proxy.name, "nginx -t in the target image"))
        found = self.migrations()
        migrating = [step.subject for step in found]
        return [
            *steps,
            *reviews(self.target, self.facts, found),
            *smoke_steps(self.target, self.facts, self.wish, self.left_out, migrating),
            *backups(self.target, self.facts, found),
        ]

    def migrations(self) -> list[Step]:
        return migrations(self.target, self.facts, self.wish, self.touched())

    def touched(self) -> list[Service]:
        return [s for s in self.target.stack.services if s.name in self.reasons]

    def cut_over(self) -> list[Step]:
        touched = self.touched()
        begun = [service for service in touched if service.hints.keep]
        data = [self.step(Kind.UP, service) for service in begun]
        moved = self.checkout()
        proxy = self.target.stack.proxy
        project = self.target.stack.project
        there = self.facts.container(project, proxy.name) if proxy else None
        mended = mend_step(self.replaced, there)
        if proxy and there and mended and self.only_starts(proxy, there):
            touched.remove(proxy)
        # What starts before the checkout would mount files that are not there yet.
        early = any(mounted_paths(service, self.server.path) or service.reads for service in begun)
        return [
            *self.guard(),
            *mended,
            *(moved if early else ()),
            *data,
            *self.migrations(),
            *(() if early else moved),
            *retags(self.target, self.facts, touched, self.left_out),
            *self.rolls(touched, before=True),
            *self.switch(self.rolls(touched, before=False)),
            *self.removed(),
            *self.guard(made_here=True),
        ]

    def only_starts(self, service: Service, there: Container) -> bool:
        stopped = self.reasons[service.name].why is Why.STOPPED
        return stopped and only_stopped(service, there, self.target, self.facts, self.commit)

    def guard(self, *, made_here: bool = False) -> list[Step]:
        """Close the networks to local users; those that this deploy makes, before and after."""
        project = self.target.stack.project
        reason = why_closed(self.facts.reach, project, made_here=made_here)
        return [Step(Kind.GUARD, project, reason)] if reason else []

    def step(self, kind: Kind, service: Service) -> Step:
        reason = self.reasons[service.name]
        return Step(kind, service.name, reason.text, reason.force)

    def rolls(self, touched: list[Service], *, before: bool) -> list[Step]:
        started = {one.service for one in self.replaced}
        rolled = in_place(self.target, self.facts, touched, started, before=before)
        return [self.step(Kind.ROLL, service) for service in rolled]

    def switch(self, late: list[Step]) -> list[Step]:
        """What is replaced beside, who is rolled after that, and what the proxy must load.

        A switch loads all. Else it is loaded before anybody is retired: that waits for the proof.
        """
        steps = switch_steps(self.replaced, self.reasons, self.facts)
        kinds = [step.kind for step in steps]
        born = [step for step in late if step.kind is Kind.ROLL and self.born(step)]
        if Kind.RETIRE in kinds:
            # What is proved before the retirement, and what the proxy loads, names them.
            late = [step for step in late if step not in born]
            began = [step for step in steps if step.kind is Kind.START]
            steps = [*began, *born, *steps[len(began) :]]
        if Kind.SWITCH in kinds:
            return [*with_canary(steps, self.trying, self.wish.canary), *late]
        if Kind.RETIRE in kinds:
            return [*steps[:-1], *self.reload(even_rolled=True), steps[-1], *late]
        return [*steps, *late, *self.reload()]

    def born(self, step: Step) -> bool:
        return is_born(self.target.stack.service(step.subject), self.target, self.facts)

    def checkout(self) -> list[Step]:
        if self.facts.head != self.commit.id:
            was = self.facts.head[:8] or "empty"
            return [Step(Kind.CHECKOUT, self.commit.id[:8], f"was {was}")]
        if self.facts.edited:
            return [Step(Kind.CHECKOUT, self.commit.id[:8], "files were edited on the server")]
        if self.facts.meanwhile and not self.replaced:
            reason = "a deploy that did not end left its number of replicas in the stack's file"
            return [Step(Kind.CHECKOUT, self.commit.id[:8], reason)]
        return []

    def reload(self, *, even_rolled: bool = False) -> list[Step]:
        """``even_rolled``: also where the proxy itself is replaced, after that."""
        proxy = self.target.stack.proxy
        reason = self.reload_reason()
        if proxy is None or not reason:
            return []
        runs = self.facts.runs(self.target.stack.project, proxy.name)
        if proxy.name in self.reasons and not (even_rolled and runs):
            return []
        return [Step(Kind.RELOAD, proxy.name, reason)]

    def reload_reason(self) -> str:
        """Why the proxy must load its configuration again; empty when it need not."""
        proxy = self.target.stack.proxy
        if proxy is None or self.wish.only:
            return ""
        if self.target.generation != self.facts.generation:
            return "its configuration changed"
        if made_anew(self.server, self.target, self.facts):
            return "its certificate is made anew"
        mounted = mounted_paths(proxy, self.server.path)
        edited = [line[3:].strip('"') for line in self.facts.edited]
        if any(name.startswith(f"{path}/") for name in edited for path in mounted):
            return "its configuration was edited on the server"
        return ""

    def removed(self) -> list[Step]:
        leaving = {one for plan in self.replaced for one in plan.leaving}
        return removals(self.target, self.facts, self.wish, self.left_out, leaving)
