"""A run: one plan carried out on one server, proved and recorded, be it a deploy or rollback."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType

from ...model.access.envfile import digests, parse
from ...model.deploy.plan import PREPARING, Kind, Plan, Step, Target
from ...model.deploy.way_back import env_needed, schema_of
from ...model.errors import Trouble
from ...model.facts import Facts
from ...model.probe import Verdict
from ...model.release import (
    ACCEPTED,
    KILLED,
    VERIFIED,
    Done,
    Image,
    Release,
    identity,
    kept_evidence,
)
from ...model.release import FAILED as RELEASE_FAILED
from ...remote import http, state
from ...remote.deploy import compose, git
from ...remote.look import look
from .. import gates
from ..interruption import Interrupted
from ..neighbours import Neighbours, look_around
from ..session import Session, at_once, operator
from ..sight import Sight
from .migrating import Descent
from .reviewing import Review
from .steps import Steps

PURGE_KEY = "CDN_PURGE_TOKEN"
"""Key of ``.env`` whose value is the bearer of ``cdn_purge``."""


@dataclass
class Run:
    """One plan on one server, from its record's opening to its end."""

    session: Session
    sight: Sight
    target: Target
    plan: Plan
    release: Release
    steps: Steps
    waive: tuple[str, ...] = ()
    only: tuple[str, ...] = ()
    """The services that the plan was made for; empty: all."""
    announce: Callable[[str], None] = lambda _title: None
    """Tells others who want the server which step is going on."""
    pause: Callable[[], None] = lambda: None
    """Called where the run may end early: it raises when somebody asked for that."""
    done: list[Done] = field(default_factory=list)
    verdicts: list[Verdict] = field(default_factory=list)
    touched: bool = False
    """Whether the running system may have been changed."""
    opened: bool = False
    """Whether the record stands on the server."""
    proved: Facts | None = None
    """What the green gates were asked of."""
    at: str = ""
    """What is being done; empty: nothing here, the trouble is another server's."""

    @property
    def name(self) -> str:
        """The server's name."""
        return self.sight.server.name

    def perform(self, step: Step) -> None:
        """Do one step, show it and remember how it went."""
        self.pause()
        self.announce(step.title)
        self.at = step.title
        start = time.monotonic()
        outcome, note = "failed", ""
        try:
            with self.session.console.step(self.name, step.title) as notes:
                note = self.steps.perform(step)
                if note:
                    notes.append(note)
            outcome = "done"
            if KILLED in note:
                self.session.console.warn(self.name, f"{step.title}: {KILLED}")
        finally:
            self.done.append(Done(step.title, outcome, round(time.monotonic() - start, 1), note))

    def prepare(self, after: Callable[[Step], None] = lambda _step: None) -> None:
        """Everything that can fail without touching the running system; ``after`` follows each."""
        for step in self.plan.steps:
            if step.kind in PREPARING:
                self.perform(step)
                after(step)
                if step.kind is Kind.FETCH:
                    self.opened = True
                    state.write_release(self.sight.host, self.release)
                    self._keep_env()
        self.at = ""
        self.pause()

    def cut_over(self) -> None:
        """Move the running system, one service at a time; then watch whether it stays up."""
        self.touched = True
        for step in self.plan.steps:
            if step.kind not in PREPARING:
                self.perform(step)
        self.pause()
        rolled = [step.subject for step in self.plan.steps if step.kind in (Kind.ROLL, Kind.START)]
        if rolled and self.sight.server.watch:
            self.at = title = f"watch {self.sight.server.watch} s"
            with self.session.console.step(self.name, title):
                early = self.steps.watch(rolled, self.sight.server.watch)
            for line in early:
                self.session.console.warn(self.name, line)

    def prove(self, around: Neighbours | None = None) -> None:
        """Ask every gate until all are green; a red one that is not waived is :class:`Trouble`.

        ``around``: what was seen around it just now, when nothing was changed since this server was
        looked at either; None: both are looked at again.
        """
        self.pause()
        self.at = "prove"
        console = self.session.console
        host, facts = self.sight.host, self.sight.facts
        with console.step(self.name, "prove") as notes:
            if around:
                near = around
            else:
                near, facts = at_once(
                    lambda: look_around(self.session, self.name, self.waive), lambda: look(host)
                )
            for why in near.share_certificates(host, facts):
                console.warn(self.name, why)
            gated = gates.Gated(host, self.target, near.callers, near.called)
            self.verdicts, self.proved = gates.settle(self.session, gated, facts, self.waive)
            red = [verdict for verdict in self.verdicts if not verdict.ok]
            fatal = [verdict for verdict in red if verdict.gate not in self.waive]
            if fatal:
                raise self._red(fatal)
            notes.append(f"{len(self.verdicts) - len(red)} gates green")
        for verdict in self.verdicts:
            if verdict.gate == gates.LINK and verdict.ok:
                console.line(self.name, f"{verdict.gate}: {verdict.why}")
        for verdict in red:
            console.warn(self.name, f"gate {verdict.gate} is red and waived: {verdict.why}")

    def _red(self, fatal: Sequence[Verdict]) -> Trouble:
        names = ", ".join(verdict.gate for verdict in fatal)
        evidence = [f"{verdict.gate}: {verdict.why}" for verdict in fatal]
        for verdict in fatal:
            kind, _, service = verdict.gate.partition(":")
            if kind == "probe":
                container = self.target.stack.service(service).container
                evidence += compose.last_lines(self.sight.host, container)
        return Trouble(f"{self.name}: red gates: {names}", evidence=evidence)

    @property
    def ended(self) -> bool:
        """Whether the record has its end."""
        return self.release.finished > 0

    def conclude(self) -> Release:
        """Record the release as verified (or accepted, where a red gate was waived) and say so."""
        self.pause()
        self.at = "record"
        red = [verdict for verdict in self.verdicts if not verdict.ok]
        release = self.record(ACCEPTED if red else VERIFIED, facts=self.proved)
        console = self.session.console
        for line in summary(release):
            console.line(self.name, line)
        runs = f"{release.outcome}: runs {release.commit[:8]} {release.subject}"
        console.line(self.name, runs, "bold green")
        self._purge()
        self.at = ""
        return release

    def _purge(self) -> None:
        """A CDN that keeps what was is no reason to go back: its headers say how long it may."""
        url = self.sight.server.cdn_purge
        if not url:
            return
        token = parse(self.sight.facts.env).values.get(PURGE_KEY, "")
        if why := http.purge(self.sight.host, url, token):
            self.session.console.warn(self.name, f"the CDN was not purged: {why}")

    def fail(self, trouble: Trouble) -> None:
        """Record the failure, when the record was opened.

        A record that cannot be written must not stand between a failure and the way back.
        """
        if not self.opened:
            return
        prefix = "" if isinstance(trouble, Interrupted) or not self.at else f"{self.at}: "
        try:
            self.record(
                RELEASE_FAILED, error=f"{prefix}{trouble.message}", evidence=trouble.evidence
            )
        except Trouble as second:
            self.session.console.warn(self.name, f"not recorded: {second.message}")

    def undo(self, trouble: Trouble) -> None:
        """Mark a release that passed here as failed: the decision was one with another server's."""
        self.opened = True
        self.fail(trouble)

    def record(
        self,
        outcome: str,
        error: str = "",
        facts: Facts | None = None,
        evidence: Sequence[str] = (),
    ) -> Release:
        """Close the record: what runs now, the steps, the gates and the log.

        ``facts``: what runs now; None: that is looked at.
        """
        redact = self.session.console.redact
        facts = facts or look(self.sight.host)
        images = {}
        for service in self.target.stack.services:
            container = facts.container(self.target.stack.project, service.name)
            reference = self.target.images[service.name].reference
            images[service.name] = Image(reference, container.image if container else "")
        self.release = self.release.ended(
            outcome,
            facts.now,
            images=images,
            commits=self._commits(images),
            backup=self.steps.schema.backup,
            schema=self.steps.schema.revision or schema_of(self.sight.facts.releases),
            steps=tuple(self.done),
            gates=tuple(
                Done(v.gate, "ok" if v.ok else "red", round(v.seconds, 3), redact(v.why))
                for v in self.verdicts
            ),
            error=redact(error),
            evidence=kept_evidence([redact(line) for line in evidence]),
        )
        host = self.sight.host
        state.write_release(host, self.release)
        if not self.opened:
            self._keep_env()
        state.write_log(host, self.release, self.session.console.log(self.name))
        if self.steps.fetched:
            git.remove_worktree(host, self.steps.tree)
        return self.release

    def _keep_env(self) -> None:
        state.keep_env(self.sight.host, self.release, env_needed(self.sight.facts.releases))

    def _commits(self, images: dict[str, Image]) -> dict[str, str]:
        """The commit that each service is as of: where ``--only`` left it out, its last one.

        A service without a step is as of the plan's commit: the comparison found it the same. A way
        back takes the images of a release, and so its commits.
        """
        releases = {release.id: release for release in self.sight.facts.releases}
        if back := releases.get(self.release.back_to):
            return dict(back.commits)
        last = self.sight.facts.verified
        kept = last.commits if last and self.only else {}
        return {
            name: kept.get(name, self.plan.commit) if name not in self.only else self.plan.commit
            for name in images
        }


def summary(release: Release) -> Iterable[str]:
    """What runs now, a line per image."""
    by_image: dict[str, list[str]] = {}
    for service, image in release.images.items():
        by_image.setdefault(image.tag, []).append(service)
    return [f"  {', '.join(services)}: {tag}" for tag, services in by_image.items()]


def open_run(
    session: Session,
    sight: Sight,
    target: Target,
    plan: Plan,
    *,
    ref: str,
    waive: tuple[str, ...] = (),
    only: tuple[str, ...] = (),
    called_certificate: str = "",
    back_to: str = "",
    allow_destructive: bool = False,
    descent: Descent | None = None,
    reviews: Mapping[str, Review] = MappingProxyType({}),
) -> Run:
    """Make the run of a plan and the record of its release; nothing is written yet.

    ``reviews``: what images that are there already said of the database a moment ago.
    """
    facts = sight.facts
    stamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(facts.now))
    taken = {release.id for release in facts.releases}
    release_id = identity(stamp, plan.commit)
    while release_id in taken:
        release_id += "b"
    release = Release(
        id=release_id,
        server=sight.server.name,
        commit=plan.commit,
        subject=plan.subject,
        ref=ref,
        who=operator(),
        started=facts.now,
        back_to=back_to,
        definitions={service.name: service.config_hash for service in target.stack.services},
        configuration=dict(target.configuration),
        beside=digests(target.beside, release_id),
        parts=dict(target.stack.parts),
        env_salt=release_id,
        env=digests(parse(facts.env).values, release_id),
        plan=tuple(f"{step.title}: {step.reason}" for step in plan.steps),
        waived=waive,
    )
    steps = Steps(
        sight.host,
        target,
        facts,
        plan,
        release,
        called_certificate,
        allow_destructive=allow_destructive,
        descent=descent,
        reviews=reviews,
    )
    return Run(session, sight, target, plan, release, steps, waive, only)
