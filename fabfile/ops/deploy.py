"""Deploy: bring a server to a commit. Look, decide, show, act, prove, record."""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass

from ..model.content import digest
from ..model.envfile import digests, parse
from ..model.errors import FAILED, Trouble, refused
from ..model.plan import PREPARING, Kind, Plan, Step, Target
from ..model.probe import Verdict
from ..model.release import ACCEPTED, VERIFIED, Done, Image, Release, identity
from ..model.release import FAILED as RELEASE_FAILED
from ..remote import compose, git, state
from ..remote.host import DryHost
from ..remote.lock import Lock
from ..remote.look import look
from . import gates
from .neighbours import Neighbours, look_around
from .session import Session, operator, side_by_side
from .sight import Sight, look_at, plan_for
from .status import release_view
from .steps import Steps


@dataclass(frozen=True)
class Options:
    """What the operator asked for."""

    ref: str = ""
    """Commit, branch or tag; empty: the server's branch at its repository."""
    waive: tuple[str, ...] = ()
    """Names of gates that may be red."""
    restart_data: bool = False
    yes: bool = False
    """Do not ask on a terminal."""
    dry_run: bool = False
    """Show what would be done, through a host that cannot write."""


class Deployment:
    """The deploy of one server, in the parts that a deploy of several interleaves."""

    def __init__(self, session: Session, name: str, options: Options) -> None:
        self.session = session
        self.console = session.console
        self.name = name
        self.options = options
        self.host = session.host(name)
        self._locks = ExitStack()
        self._done: list[Done] = []
        self._verdicts: list[Verdict] = []
        self._began_cut_over = False

    def examine(self) -> Plan:
        """Look at the server and those around it, and decide. Exit code 2 when a precondition fails."""
        self.neighbours: Neighbours = look_around(self.session, self.name, self.options.waive)
        self.sight: Sight = look_at(self.session, self.name, self.options.ref)
        self.target: Target = self.sight.require()
        self.plan = plan_for(self.sight, self.neighbours.called, self.options.restart_data)
        return self.plan

    def show(self) -> None:
        """The plan, with its reasons."""
        if not self.plan.steps:
            self.console.line(
                self.name,
                f"nothing to do: {', '.join(self.plan.untouched)} run what"
                f" {self.plan.commit[:8]} {self.plan.subject} says",
                "bold",
            )
            return
        since = f" (from {self.plan.since[:8]})" if self.plan.since else " (first deploy)"
        self.console.line(
            self.name, f"deploy {self.plan.commit[:8]} {self.plan.subject}{since}", "bold"
        )
        for number, step in enumerate(self.plan.steps, start=1):
            self.console.line(self.name, f"  {number:2}. {step.title}: {step.reason}")
        if self.plan.untouched:
            self.console.line(self.name, f"  stays: {', '.join(self.plan.untouched)}")
        for note in (*self.plan.notes, *self.sight.warnings):
            self.console.warn(self.name, note)

    def lock(self) -> None:
        """Take the server for this change; exit code 2 with the holder's name when it is taken."""
        self._locks.enter_context(Lock(self.host, _holder()))

    def unlock(self) -> None:
        """Free the server."""
        self._locks.close()

    def begin(self) -> None:
        """Open the record of this release."""
        commit, facts = self.sight.facts.commit, self.sight.facts
        assert commit is not None
        stamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(facts.now))
        salt = digest([stamp, commit.id])[:16]
        self.release = Release(
            id=identity(stamp, commit.id),
            server=self.name,
            commit=commit.id,
            subject=commit.subject,
            ref=self.options.ref or self.host.server.branch,
            who=operator(),
            started=facts.now,
            definitions={s.name: s.config_hash for s in self.target.stack.services},
            configuration=self.target.configuration,
            env_salt=salt,
            env=digests(parse(facts.env).values, salt),
            plan=tuple(f"{step.title}: {step.reason}" for step in self.plan.steps),
            waived=self.options.waive,
        )
        self.steps = Steps(
            self.host,
            self.target,
            facts,
            self.plan,
            self.release,
            self.neighbours.called_certificate,
        )

    def rehearse(self) -> None:
        """Go through the steps with a host that shows every change and makes none."""
        self.begin()
        self.steps.host = DryHost(
            self.host, lambda name, words: self.console.line(name, f"would run: {words}")
        )
        for step in self.plan.steps:
            self._perform(step)

    def prepare(self) -> None:
        """Everything that can fail without touching the running system."""
        for step in self.plan.steps:
            if step.kind in PREPARING:
                self._perform(step)
                if step.kind is Kind.BOOTSTRAP and not self._had_lock_folder():
                    self.lock()
                if step.kind is Kind.FETCH:
                    state.write_release(self.host, self.release)
                    state.keep_env(self.host, self.release)

    def prepare_or_fail(self) -> None:
        """Prepare; a failure is recorded before it is raised."""
        try:
            self.prepare()
        except Trouble as trouble:
            raise self.fail(trouble) from None

    def _had_lock_folder(self) -> bool:
        """Whether the lock that is held is the one that everybody takes from now on."""
        return self.sight.facts.has_folder(self.host.server.root / "locks")

    def cut_over(self) -> None:
        """Move the running system, one service at a time."""
        self._began_cut_over = True
        for step in self.plan.steps:
            if step.kind not in PREPARING:
                self._perform(step)

    def prove(self) -> None:
        """Ask every gate until all are green; a red one that is not waived fails the deploy."""
        around = look_around(self.session, self.name, self.options.waive)
        around.share_certificates(self.host)
        gated = gates.Gated(self.host, self.target, around.caller, around.called)
        with self.console.step(self.name, "prove") as notes:
            verdicts = gates.settle(self.session, gated, self.options.waive)
            self._verdicts = verdicts
            red = [verdict for verdict in verdicts if not verdict.ok]
            fatal = [verdict for verdict in red if verdict.gate not in self.options.waive]
            if fatal:
                raise self._red(fatal)
            notes.append(f"{len(verdicts) - len(red)} gates green")
        for verdict in red:
            self.console.warn(self.name, f"gate {verdict.gate} is red and waived: {verdict.why}")

    def _red(self, fatal: Sequence[Verdict]) -> Trouble:
        names = ", ".join(verdict.gate for verdict in fatal)
        evidence = [f"{verdict.gate}: {verdict.why}" for verdict in fatal]
        for verdict in fatal:
            kind, _, service = verdict.gate.partition(":")
            if kind == "probe":
                container = self.target.stack.service(service).container
                evidence += compose.last_lines(self.host, container)
        return Trouble(f"{self.name}: red gates: {names}", evidence=evidence)

    def conclude(self) -> Release:
        """Record the release as verified (or accepted, where a red gate was waived)."""
        red = [verdict for verdict in self._verdicts if not verdict.ok]
        release = self._record(ACCEPTED if red else VERIFIED)
        by_image: dict[str, list[str]] = {}
        for service, image in release.images.items():
            by_image.setdefault(image.tag, []).append(service)
        for tag, services in by_image.items():
            self.console.line(self.name, f"  {', '.join(services)}: {tag}")
        self.console.line(
            self.name,
            f"{release.outcome}: runs {release.commit[:8]} {release.subject}",
            "bold green",
        )
        return release

    def fail(self, trouble: Trouble) -> Trouble:
        """Record the failure; a failed first deploy stops what it started. Returns what to raise."""
        where = self._done[-1].title if self._done else "the start"
        first = not self.sight.facts.verified
        if first and self._began_cut_over:
            with self.console.step(self.name, "stop what this first deploy started; data stays"):
                compose.stop_and_remove(self.host, self.host.server.path)
        if any(done.title.startswith(Kind.FETCH.value) for done in self._done):
            self._record(RELEASE_FAILED, error=f"{where}: {trouble.message}")
        what = (
            "its running system was not touched"
            if not self._began_cut_over
            else (
                "what it had started is stopped again"
                if first
                else "see the steps above for what runs"
            )
        )
        return Trouble(f"{trouble.message}; {what}", code=FAILED, evidence=trouble.evidence)

    def _perform(self, step: Step) -> None:
        start = time.monotonic()
        outcome = "failed"
        try:
            with self.console.step(self.name, step.title) as notes:
                note = self.steps.perform(step)
                if note:
                    notes.append(note)
            outcome = "done"
        finally:
            self._done.append(Done(step.title, outcome, round(time.monotonic() - start, 1)))

    def _record(self, outcome: str, error: str = "") -> Release:
        facts = look(self.host)
        ids = {
            service.name: Image(wanted.reference, facts.images.get(wanted.reference, ""))
            for service in self.target.stack.services
            for wanted in [self.target.images[service.name]]
        }
        self.release = self.release.ended(
            outcome,
            facts.now,
            images=ids,
            steps=tuple(self._done),
            gates=tuple(
                Done(
                    v.gate, "ok" if v.ok else "red", round(v.seconds, 2), self.console.redact(v.why)
                )
                for v in self._verdicts
            ),
            error=self.console.redact(error),
        )
        state.write_release(self.host, self.release)
        git.remove_worktree(self.host, self.steps.tree)
        return self.release


def _holder() -> str:
    return f"{operator()} since {time.strftime('%H:%M:%S UTC', time.gmtime())}"


def deploy(
    session: Session, names: Sequence[str], options: Options, *, as_json: bool = False
) -> None:
    """Deploy servers in the order given: the called one before its caller.

    Off a terminal, or with ``yes``, it goes ahead; on a terminal it shows the plan and asks once.
    """
    deployments = [Deployment(session, name, options) for name in names]
    shown: list[Plan] = []
    if options.dry_run or (session.console.interactive and not options.yes):
        shown = _examine(deployments)
        if options.dry_run:
            return _rehearse(deployments)
        if not session.console.confirm("Go ahead?"):
            raise refused("nothing was changed: the answer was no")
    with ExitStack() as stack:
        for deployment in deployments:
            stack.callback(deployment.unlock)
            deployment.lock()
        plans = [deployment.examine() for deployment in deployments]
        if shown and [plan.steps for plan in shown] != [plan.steps for plan in plans]:
            raise refused("the server changed after the plan was shown; run the command again")
        if not shown:
            for deployment in deployments:
                deployment.show()
        releases = _carry_out(deployments)
    if as_json:
        session.console.result([release_view(release) for release in releases])


def _examine(deployments: Sequence[Deployment]) -> list[Plan]:
    plans = []
    for deployment in deployments:
        plans.append(deployment.examine())
        deployment.show()
    return plans


def _rehearse(deployments: Sequence[Deployment]) -> None:
    """Every step through a host that cannot write, which shows what it was told."""
    for deployment in deployments:
        deployment.rehearse()


def _carry_out(deployments: Sequence[Deployment]) -> list[Release]:
    changing = [deployment for deployment in deployments if deployment.plan.steps]
    for deployment in changing:
        deployment.begin()
    by_name = {deployment.name: deployment for deployment in changing}
    side_by_side(lambda name: by_name[name].prepare_or_fail(), list(by_name))
    releases = []
    for deployment in deployments:
        if deployment not in changing:
            deployment.prove()
            continue
        try:
            deployment.cut_over()
            deployment.prove()
        except Trouble as trouble:
            raise deployment.fail(trouble) from None
        releases.append(deployment.conclude())
    return releases
