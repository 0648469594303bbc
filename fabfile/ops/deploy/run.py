"""A run: one decision carried out on one server and proved, step by step."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from ...model.access.envfile import parse
from ...model.deploy.causes import causes
from ...model.deploy.plan import PREPARING, Kind, Step
from ...model.errors import REFUSED, Trouble
from ...model.facts import Facts
from ...model.probe import Verdict
from ...model.release import KILLED, STARTED, Done, Release
from ...remote import http
from ...remote.deploy import compose
from ...remote.look import look
from .. import gates, probing
from ..interruption import Interrupted
from ..neighbours import Neighbours, look_around
from ..pointing import astray, names_of
from ..session import Session, at_once, side_by_side
from .building import Building
from .decided import Decided
from .record import Record, summary
from .steps import Steps

PURGE_KEY = "CDN_PURGE_TOKEN"
"""Key of ``.env`` whose value is the bearer of ``cdn_purge``."""


NOT_PROVED = (
    "its containers run, and nothing asked whether they work: fab doctor proposes what to add under"
    " x-deploy"
)


class Run:
    """One decision on one server, from its record's opening to its end."""

    def __init__(
        self,
        session: Session,
        decided: Decided,
        announce: Callable[[str], None] = lambda _title: None,
    ) -> None:
        """Nothing is written yet. ``announce`` tells others which steps go on."""
        self.session = session
        self.decided = decided
        self.sight, self.plan = decided.sight, decided.plan
        self.announce = announce
        self._going_on: list[str] = []
        """The titles of the steps that go on: more than one while the hold is made."""
        self.pause: Callable[[], None] = lambda: None
        """Called where the run may end early: it raises when somebody asked for that."""
        self.record = Record(session, decided)
        building = Building(session, decided.name, decided.target, self._pause)
        self.steps = Steps(decided, self.record, building, self._pause)
        self.touched = False
        """Whether the running system may have been changed."""
        self._seen: Facts | None = None
        """How the server looks, where nothing was done since."""
        self.proved: Facts | None = None
        """What the green gates were asked of."""
        self.at = ""
        """What is being done; empty: nothing here, the trouble is another server's."""
        self._begun = time.monotonic()

    def _pause(self) -> None:
        self.pause()

    @property
    def name(self) -> str:
        """The server's name."""
        return self.decided.name

    def perform(self, step: Step) -> None:
        """Do one step, show it and remember how it went."""
        self.pause()
        self._seen = None
        self._going_on.append(step.title)
        self.announce(", ".join(self._going_on))
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
            self._going_on.remove(step.title)
            seconds = round(time.monotonic() - start, 1)
            self.record.done.append(Done(step.title, outcome, seconds, note))

    def prepare(self, after: Callable[[Step], None] = lambda _step: None) -> None:
        """Everything that can fail without touching the running system; ``after`` follows each."""

        def perform(steps: Sequence[Step]) -> None:
            for step in steps:
                self.perform(step)
                after(step)

        for beside in self.plan.preparing:
            try:
                side_by_side(perform, beside)
            finally:
                self._in_order()
        self.at = ""
        self.pause()

    def _in_order(self) -> None:
        """Steps that went on beside each other stand in the record as the plan has them."""
        titles = [step.title for step in self.plan.steps]
        self.record.done.sort(key=lambda done: titles.index(done.title))
        self.at = next((done.title for done in self.record.done if done.outcome != "done"), self.at)

    def cut_over(self) -> None:
        """Move the running system, up to where former replicas are retired; see if it stays up.

        Until then one load takes it back.
        """
        self.touched = True
        self._change(self._changes[0])

    @property
    def _changes(self) -> tuple[list[Step], list[Step]]:
        """The steps that change what runs: before former replicas are retired, and from then on."""
        steps = [step for step in self.plan.steps if step.kind not in PREPARING]
        kinds = [step.kind for step in steps]
        cut = kinds.index(Kind.RETIRE) if Kind.RETIRE in kinds else len(steps)
        return steps[:cut], steps[cut:]

    def _change(self, steps: Sequence[Step]) -> None:
        for step in steps:
            self.perform(step)
        self.pause()
        made = (Kind.ROLL, Kind.UP, Kind.START)
        changed = [name for one in steps if one.kind in made for name in one.subject.split(", ")]
        if seconds := self.decided.target.stack.monitor(changed):
            self.at = title = f"watch {seconds} s"
            with self.session.console.step(self.name, title):
                early, self._seen = self.steps.watch(changed, seconds)
            for line in early:
                self.session.console.warn(self.name, line)

    def retire(self) -> None:
        """Once all is proved: the former replicas go. What had to wait for that is proved again.

        Where nothing has to wait for it, a failure to end them is no reason to go back: those that
        were proved serve, and the next command retires the others.
        """
        late = self._changes[1]
        waits = {step.kind for step in late} - {Kind.RETIRE, Kind.REMOVE, Kind.GUARD}
        if late and not waits:
            self.pause()
            with self._tolerant(late[0]):
                self.perform(late[0])
            late = late[1:]
        self._change(late)
        if waits:
            self.prove()

    @contextmanager
    def _tolerant(self, step: Step) -> Iterator[None]:
        try:
            yield
        except Interrupted:
            raise
        except Trouble as trouble:
            for line in trouble.evidence:
                self.session.console.line(self.name, f"  {line}")
            self.session.console.warn(
                self.name,
                f"{step.title}: {trouble.message}; the new replicas were proved,"
                " and the next command retires the former ones",
            )

    def prove(self, around: Neighbours | None = None) -> None:
        """Ask every gate until all are green; a red one that is not waived is :class:`Trouble`.

        ``around``: what was seen around it just now, when nothing was changed since this server was
        looked at either; None: both are looked at again.
        """
        self.pause()
        self.at = "prove"
        console, waive = self.session.console, self.decided.waive
        host, facts = self.sight.host, self.sight.facts
        with console.step(self.name, "prove") as notes:
            if around:
                near = around
            else:
                near, facts = at_once(
                    lambda: look_around(self.session, self.name, waive),
                    lambda: self._seen or look(host),
                )
            for why in near.share_certificates(host, facts):
                console.warn(self.name, why)
            gated = gates.Gated(host, self.decided.target, near.callers, near.called)
            verdicts, self.proved = gates.settle(self.session, gated, facts, waive)
            self.record.verdicts = verdicts
            red = [verdict for verdict in verdicts if not verdict.ok]
            fatal = [verdict for verdict in red if verdict.gate not in waive]
            if fatal:
                raise self._red(fatal)
            notes.append(f"{len(verdicts) - len(red)} gates green")
        names = names_of(self.decided.target)
        for told in astray(self.session.inventory, host.server, names).values():
            console.warn(self.name, told)
        for verdict in verdicts:
            if verdict.gate == gates.LINK and verdict.ok:
                console.line(self.name, f"{verdict.gate}: {verdict.why}")
        for verdict in red:
            console.warn(self.name, f"gate {verdict.gate} is red and waived: {verdict.why}")

    def _red(self, fatal: Sequence[Verdict]) -> Trouble:
        names = ", ".join(verdict.gate for verdict in fatal)
        evidence = [f"{verdict.gate}: {verdict.why}" for verdict in fatal]
        evidence += [f"likely: {cause}" for cause in causes(self.record.verdicts)]
        asked = probing.probed(self.decided.target.stack, self.proved) if self.proved else {}
        for verdict in fatal:
            if container := asked.get(verdict.gate):
                evidence += compose.last_lines(self.sight.host, container.id)
        return Trouble(f"{self.name}: red gates: {names}", evidence=evidence)

    def conclude(self) -> None:
        """Record that the release passed, and say so; also where nothing asked whether it works."""
        self.pause()
        self.at = "record"
        facts = self.proved or look(self.sight.host)
        schema = self.steps.schema
        release = self.record.passed(facts, schema.backup, schema.revision, self.steps.clear)
        console = self.session.console
        for line in summary(release):
            console.line(self.name, line)
        runs = f"{release.outcome}: runs {release.commit[:8]} {release.subject}"
        console.line(self.name, runs, "bold green")
        if release.outcome == STARTED:
            console.warn(self.name, NOT_PROVED)
        self._purge()
        self.at = ""

    def _purge(self) -> None:
        """A CDN that keeps what was is no reason to go back: its headers say how long it may."""
        url = self.sight.server.cdn_purge
        if not url:
            return
        token = parse(self.sight.facts.env).values.get(PURGE_KEY, "")
        if why := http.purge(self.sight.host, url, token):
            self.session.console.warn(self.name, f"the CDN was not purged: {why}")

    def fail(self, trouble: Trouble) -> None:
        """Record the failure, when the record was opened; also of a release that passed here.

        A record that cannot be written must not stand between a failure and the way back.
        """
        if not self.touched:
            self._let_go()
        if not self.record.opened:
            return
        if trouble.code != REFUSED:
            self._suggest()
        schema = self.steps.schema
        try:
            facts = look(self.sight.host)
            clear = self.steps.clear
            self.record.failed(facts, schema.backup, schema.revision, clear, trouble, self.at)
        except Trouble as second:
            self.session.console.warn(self.name, f"not recorded: {second.message}")

    def _suggest(self) -> None:
        """What shows more of a failure than its own words."""
        if not self.at:
            return  # it is another server's
        fab = f"fab {self.name}"
        self.session.console.suggest(f"{fab}.history --show {self.release.id}")
        if any(not verdict.ok for verdict in self.record.verdicts):
            self.session.console.suggest(f"{fab}.health")
        minutes = (time.monotonic() - self._begun) // 60 + 1
        self.session.console.suggest(f"{fab}.logs --level warning --since {minutes:g}m")

    def _let_go(self) -> None:
        try:
            self.steps.beside.let_go()
        except Trouble as trouble:
            told = f"{trouble.message}; the proxy names the replicas that run until the next deploy"
            self.session.console.warn(self.name, told)

    @property
    def release(self) -> Release:
        """The record as it stands."""
        return self.record.release
