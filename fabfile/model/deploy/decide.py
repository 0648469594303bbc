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
from .budget import shortage
from .content import mounted_paths, passed_name
from .objections import notes, orphans, refusals, surplus
from .plan import Kind, Plan, Step, Target, Wish
from .reasons import Reason, Why, as_wanted, has_new_image, has_passed, image_id, reason_for
from .replacing import Replacing, replacing, taken_over
from .switching import hold_step, switch_steps


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
    left_out: dict[str, Reason] = field(default_factory=dict)

    def plan(self) -> Plan:
        stack = self.target.stack
        self.reasons = self.why()
        if self.wish.only:
            for name in self.wish.only:
                stack.service(name)
            self.left_out = {n: r for n, r in self.reasons.items() if n not in self.wish.only}
            self.reasons = {n: r for n, r in self.reasons.items() if n in self.wish.only}
        steps = [*self.prepare(), *self.cut_over()]
        if steps or not self.recorded():
            self.insert_fetch(steps)
        last = self.facts.verified
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
            notes=tuple(notes(self.target, self.facts, self.wish, self.reasons, self.left_out)),
            replacing=tuple(self.replaced),
            refusals=(
                *refusals(self.target, self.facts, self.wish, self.reasons, self.left_out),
                *shortage(self.server.name, self.target, self.facts, steps),
            ),
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
            if reason is None and service.name == self.facts.away and self.stand_ins(service.name):
                reason = Reason(Why.AWAY, "its stand-in has its requests since a run that died")
            if reason:
                found[service.name] = reason
        return found

    def recorded(self) -> bool:
        """Whether the last release that passed is of this very commit."""
        last = self.facts.verified
        return last is not None and last.commit == self.commit.id

    def insert_fetch(self, steps: list[Step]) -> None:
        step = Step(Kind.FETCH, self.commit.id[:8], self.commit.subject)
        steps.insert(1 if steps and steps[0].kind is Kind.BOOTSTRAP else 0, step)

    def live(self, service: Service) -> Container | None:
        return self.facts.container(self.target.stack.project, service.name)

    def prepare(self) -> list[Step]:
        steps = []
        if reason := bootstrap(self.server, self.facts, self.target.stack.volume_folders):
            steps.append(Step(Kind.BOOTSTRAP, str(self.server.root), reason))
        proxy = self.target.stack.proxy
        if proxy and not self.has_certificate():
            real = "ssl.issue" if self.server.domains else "ssl.internal"
            reason = f"none yet; {real} replaces it by a real one"
            steps.append(Step(Kind.CERTIFICATE, "self-made", reason))
        if self.needs_trust():
            steps.append(Step(Kind.TRUST, self.server.calls, self.trust_reason()))
        steps += self.images()
        if proxy and (proxy.name in self.reasons or self.reload_reason()):
            steps.append(Step(Kind.TEST_PROXY, proxy.name, "nginx -t in the target image"))
        return [*steps, *self.reviews(), *self.backup()]

    def reviews(self) -> list[Step]:
        """Before a migration can begin; where the database cannot be asked yet, it is done then."""
        database = self.target.stack.database
        if (
            database is None
            or not self.facts.runs(self.target.stack.project, database.name)
            or not database.hints.revision
        ):
            return []
        reason = "whether it knows the database's revision, and what its migration destroys"
        found = self.migrations(self.touched())
        return [Step(Kind.REVIEW, step.subject, reason) for step in found]

    def backup(self) -> list[Step]:
        """Before a migration can begin; a database that does not run yet is looked at then."""
        database = self.target.stack.database
        if database is None or not self.facts.runs(self.target.stack.project, database.name):
            return []
        if not self.migrations(self.touched()):
            return []
        reason = "before its migration, if there is one and the database is not empty"
        return [Step(Kind.BACKUP, database.name, reason)]

    def touched(self) -> list[Service]:
        return [s for s in self.target.stack.services if s.name in self.reasons]

    def has_certificate(self) -> bool:
        certs = self.server.root / "certs"
        return all(self.facts.has_content(certs / f) for f in ("fullchain.pem", "privkey.pem"))

    def needs_trust(self) -> bool:
        bundle = self.server.root / "certs/trust/ca-bundle.pem"
        return bool(self.server.calls) and (
            not self.facts.has_folder(bundle)
            or self.facts.trust.strip() != self.called_certificate.strip()
        )

    def trust_reason(self) -> str:
        if self.called_certificate:
            return f"the certificate of {self.server.calls} is new here"
        return f"system authorities only: {self.server.calls} has no certificate yet"

    def images(self) -> list[Step]:
        """Pull and build what is missing, once per image; try what has not passed apart.

        That an image is there tells that it was built, not that it started.
        """
        pulls, builds, smokes = [], [], []
        seen: set[str] = set()
        for service in self.target.stack.services:
            wanted = self.target.images[service.name]
            if service.name in self.left_out:
                continue
            there = bool(image_id(wanted.reference, self.facts))
            again = self.wish.rebuild and wanted.build is not None
            new = (not there or again) and wanted.reference not in seen
            seen.add(wanted.reference)
            if wanted.build is None:
                pulls += [Step(Kind.PULL, wanted.reference, "not on the server")] if new else []
                continue
            reason = "again, on fresh bases" if there else "not on the server"
            if new:
                builds.append(Step(Kind.BUILD, service.name, f"{wanted.reference} {reason}", again))
            trial = passed_name(wanted, service.hints.smoke)
            tried = not again and has_passed(service, self.target, self.facts)
            if service.hints.smoke and trial not in seen and not tried:
                seen.add(trial)
                which = "a new image" if again or not there else "an image that has not passed"
                smokes.append(Step(Kind.SMOKE, service.name, f"{which} starts once, apart"))
        return pulls + builds + smokes

    def cut_over(self) -> list[Step]:
        touched = self.touched()
        begun = [service for service in touched if service.hints.keep]
        data = [self.step(Kind.START, service) for service in begun]
        moved = self.checkout()
        proxy = self.target.stack.proxy
        runs = proxy is not None and self.facts.runs(self.target.stack.project, proxy.name)
        # What starts before the checkout would mount files that are not there yet.
        early = any(mounted_paths(service, self.server.path) or service.reads for service in begun)
        return [
            *self.guard(),
            *(hold_step(self.replaced, self.facts) if runs else ()),
            *(moved if early else ()),
            *data,
            *self.migrations(touched),
            *(() if early else moved),
            *self.retags(touched),
            *self.rolls(touched, before=True),
            *self.switch(self.rolls(touched, before=False)),
            *self.removals(),
            *self.guard(made_here=True),
        ]

    def guard(self, *, made_here: bool = False) -> list[Step]:
        """Close the networks to local users; those that this deploy makes, before and after."""
        project = self.target.stack.project
        reason = why_closed(self.facts.reach, project, made_here=made_here)
        return [Step(Kind.GUARD, project, reason)] if reason else []

    def step(self, kind: Kind, service: Service) -> Step:
        reason = self.reasons[service.name]
        return Step(kind, service.name, reason.text, reason.force)

    @property
    def replaced(self) -> list[Replacing]:
        """What becomes of the replicas of each service that is replaced beside or was half way."""
        found = []
        for service in self.target.stack.services:
            if not service.beside or service.name in self.left_out:
                continue
            again = self.wish.rebuild and service.build is not None
            again = again or self.wish.restarts(service)
            may_stay = as_wanted(service, self.target, self.facts, self.commit) if not again else []
            one = replacing(service, self.target.stack, self.facts, may_stay)
            if service.name in self.reasons or one.leaving or service.name in self.facts.pinned:
                found.append(one)
        return found

    def switch(self, late: list[Step]) -> list[Step]:
        """What is replaced beside, who is rolled after that, and what the proxy must load.

        A switch loads all. Else it is loaded before anybody is retired: that waits for the proof.
        """
        steps = switch_steps(self.replaced, self.reasons, self.facts)
        kinds = [step.kind for step in steps]
        born = [step for step in late if step.kind is Kind.ROLL and self.born(step.subject)]
        if Kind.RETIRE in kinds:
            # What is proved before the retirement, and what the proxy loads, names them.
            late = [step for step in late if step not in born]
            began = [step for step in steps if step.kind is Kind.BESIDE]
            steps = [*began, *born, *steps[len(began) :]]
        if Kind.SWITCH in kinds:
            return [*steps, *late]
        if Kind.RETIRE in kinds:
            return [*steps[:-1], *self.reload(even_rolled=True), steps[-1], *late]
        return [*steps, *late, *self.reload()]

    def born(self, name: str) -> bool:
        """Whether a service that others may ask has no container yet."""
        service = self.target.stack.service(name)
        return not (self.live(service) or service.completes or service.hints.proxy)

    def rolls(self, touched: list[Service], *, before: bool) -> list[Step]:
        """New services first, so that the proxy's new configuration finds every name.

        Then those that serve nobody, so that those that do are there meanwhile. What depends on a
        service that is replaced beside comes after that: compose converges what it depends on.
        """
        late = self.depending({one.service for one in self.replaced})
        rolled = [
            service
            for service in touched
            if not service.hints.keep and not service.beside and (service.name in late) != before
        ]
        changing = {service.name for service in rolled if self.live(service)}
        new = [s for s in rolled if not self.live(s) and not changing & set(s.depends_on)]
        down = [s for s in rolled if s not in new and self.down(s)]
        rest = [s for s in rolled if s not in new and s not in down]
        return [self.step(Kind.ROLL, s) for s in [*new, *down, *rest]]

    def depending(self, on: set[str]) -> set[str]:
        """The services that depend on one of these, or on one that does."""
        found: set[str] = set()
        for service in self.target.stack.services:  # in dependency order
            if (on | found) & set(service.depends_on):
                found.add(service.name)
        return found

    def down(self, service: Service) -> bool:
        """Whether its container serves nobody now: replacing it takes nothing from anybody."""
        container = self.live(service)
        return container is not None and (
            container.state != "running"
            or container.health not in ("", "healthy")
            or service.name == self.facts.away
        )

    def migrations(self, touched: list[Service]) -> list[Step]:
        steps, seen = [], set()
        if self.wish.lowered:
            touched = list(self.target.stack.services)
        for service in touched if not self.wish.keep_schema else ():
            reference = self.target.images[service.name].reference
            new = has_new_image(service, self.target, self.facts) or self.wish.rebuild
            new = new or self.wish.lowered
            if service.hints.migrate and new and reference not in seen:
                seen.add(reference)
                reason = "if the database's revision is not the new image's"
                steps.append(Step(Kind.MIGRATE, service.name, reason))
        return steps

    def checkout(self) -> list[Step]:
        if self.facts.head != self.commit.id:
            was = self.facts.head[:8] or "empty"
            return [Step(Kind.CHECKOUT, self.commit.id[:8], f"was {was}")]
        if self.facts.edited:
            return [Step(Kind.CHECKOUT, self.commit.id[:8], "files were edited on the server")]
        return []

    def retags(self, touched: list[Service]) -> list[Step]:
        """Stable names that point elsewhere, of services that stay."""
        steps, seen = [], {self.target.images[service.name].stable for service in touched}
        for service in self.target.stack.services:
            wanted = self.target.images[service.name]
            if service.name in self.left_out or wanted.stable in seen:
                continue
            seen.add(wanted.stable)
            if self.facts.images.get(wanted.stable, "") != image_id(wanted.reference, self.facts):
                reason = "the name in the compose file was moved by hand"
                steps.append(Step(Kind.RETAG, service.name, reason))
        return steps

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
        if self.facts.away and self.facts.away not in self.reasons:
            return f"{self.facts.away} is out of it since a run that died"
        mounted = mounted_paths(proxy, self.server.path)
        edited = [line[3:].strip('"') for line in self.facts.edited]
        if any(name.startswith(f"{path}/") for name in edited for path in mounted):
            return "its configuration was edited on the server"
        return ""

    def removals(self) -> list[Step]:
        reason = "of this project, but no longer in its stack"
        stack = self.target.stack
        former = [c for one in stack.services for c in taken_over(one, stack, self.facts)]
        leaving = {one for plan in self.replaced for one in plan.leaving}
        steps = [
            Step(Kind.REMOVE, c.name, reason)
            for c in orphans(self.target, self.facts)
            if c.id not in leaving
            and c.id not in self.wish.spare
            and (self.wish.remove_orphans or c in former)
        ]
        steps += [
            Step(Kind.REMOVE, one.name, f"a second container of {one.service}; one is wanted")
            for one in surplus(self.target, self.facts)
            if one.service not in self.left_out and not self.wish.only
        ]
        return [*steps, *self.dismissals()]

    def dismissals(self) -> list[Step]:
        """Containers that stood in for a service when a run died; a roll of it takes its own."""
        return [
            Step(Kind.REMOVE, one.name, f"stood in for {one.stands_in_for} when a run died")
            for one in self.stand_ins()
            if one.stands_in_for not in {**self.reasons, **self.left_out}
        ]

    def stand_ins(self, service: str = "") -> list[Container]:
        """The containers that stand in for a service; for whichever, unless it is named."""
        return [
            one
            for one in self.facts.containers
            if one.project == self.target.stack.project
            and one.stands_in_for
            and service in ("", one.stands_in_for)
        ]
