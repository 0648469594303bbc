"""One server's deploy: look, decide, show, prepare, cut over, prove, record; and go back."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from functools import partial

from ...model.deploy.others import EMPTY, data_beside
from ...model.deploy.plan import Kind, Plan, Step, Wish
from ...model.deploy.way_back import missing_images
from ...model.errors import Trouble, refused
from ...model.facts import Facts
from ...remote.dry import DryHost
from ...remote.lock import Lock
from ...remote.look import look
from .. import gates
from ..data.databases import require_packer
from ..locking import held, waiting_lock
from ..neighbours import Neighbours, around, look_at_others
from ..session import Session, at_once, side_by_side
from ..sight import Sight, look_at, plan_for
from . import passwords
from .building import require_builder
from .carry_out import prepare
from .decided import Decided
from .logins import require_logins
from .reviewing import preview
from .run import Run
from .show import show_command, show_plan, show_step

WAY_BACK = "way-back"
"""Name under which a missing way back can be waived."""


@dataclass(frozen=True)
class Options:
    """What the operator asked for."""

    ref: str = ""
    """Commit, branch or tag; empty: the server's branch at its repository."""
    waive: tuple[str, ...] = ()
    """Names of gates that may be red."""
    wish: Wish = Wish()
    yes: bool = False
    """Do not ask on a terminal."""
    dry_run: bool = False
    """Show what would be done, through a host that cannot write."""
    verbose: bool = False
    """Show whole scripts of a dry run."""
    wait: int = 0
    """Seconds to wait for others who hold a server."""

    def __post_init__(self) -> None:
        if self.verbose and not self.dry_run:
            raise refused("--verbose shows the scripts of a dry run: it needs --dry-run")


class Deployment:
    """The deploy of one server, in the parts that a deploy of several interleaves."""

    sight: Sight
    around: Neighbours
    run: Run

    def __init__(
        self, session: Session, name: str, options: Options, together: Sequence[str] = ()
    ) -> None:
        """``together``: the servers that the same command deploys."""
        self.session = session
        self.together = together
        self.name = name
        self.options = options
        self.host = session.host(name)
        self._locks = ExitStack()
        self._held: list[Lock] = []

    def look(self) -> None:
        """See the server, and those around it that this command does not deploy."""
        waive = self.options.waive
        with self.session.console.waiting(self.name, "look"):
            self.sight, self._others = at_once(
                lambda: look_at(self.session, self.name, self.options.ref),
                lambda: look_at_others(self.session, self.name, waive, self.together),
            )
        if (sick := self._sick(self.sight.facts)) and not self.options.wish.restart_data:
            self._let_recover(sick)

    def _sick(self, facts: Facts) -> list[str]:
        """Data services that are unhealthy: nobody restarts them unasked."""
        if self.sight.target is None:
            return []
        stack = self.sight.target.stack
        kept = [service.name for service in stack.services if service.hints.keep]
        seen = [(name, facts.container(stack.project, name)) for name in kept]
        return [name for name, container in seen if container and container.health == "unhealthy"]

    def _let_recover(self, sick: Sequence[str]) -> None:
        """One is asked for its health every few seconds: what made it sick may be over by now."""
        self.session.console.line(self.name, f"waiting: {', '.join(sick)} is unhealthy")
        with suppress(Trouble):
            self.host.wait(
                "health", lambda: not self._sick(look(self.host)), self.host.server.settle
            )
        self.sight = look_at(self.session, self.name, self.options.ref)

    def decide(self, together: Mapping[str, Sight]) -> Plan:
        """The plan, with what was seen of the servers that this command deploys.

        Exit code 2 when something is missing.
        """
        waive = self.options.waive
        self.around = around(self.session, self.name, {**self._others, **together})
        plan = plan_for(self.sight, self.around.called, self.options.wish)
        (self.plan, self._reviews), _ = at_once(
            lambda: preview(self.sight, plan, self.options.wish), lambda: self._require(plan)
        )
        last = self.sight.facts.verified
        gone = missing_images(last, self.sight.facts) if last and self.plan.steps else []
        if gone and WAY_BACK not in waive:
            raise refused(
                f"{self.name}: no way back to {last.id if last else ''}: {', '.join(gone)} is gone;"
                f" --waive {WAY_BACK} deploys all the same"
            )
        beside = data_beside(self.sight.require().stack, self.sight.facts)
        if beside and EMPTY not in waive:
            raise refused(
                f"{self.name}: the database would start empty beside data of others; take that over"
                f" (docs/deploy.md), or --waive {EMPTY} deploys all the same",
                beside,
            )
        return self.plan

    def _require(self, plan: Plan) -> None:
        asked: list[Callable[[], None]] = []
        if plan.steps and gates.LINK not in self.options.waive:
            asked.append(self._require_link)
        if any(step.kind is Kind.BACKUP for step in plan.steps):
            asked.append(lambda: require_packer(self.host))
        asked.append(lambda: require_logins(self.sight, self.sight.require(), plan))
        asked.append(lambda: require_builder(self.session, self.name, plan))
        side_by_side(lambda ask: ask(), asked)

    def _require_link(self) -> None:
        """What is red at a neighbour that this command does not deploy too stays red."""
        around, together = self.around, self.together
        if self.host.server.calls not in together:
            gates.before_the_first_change(self.session, self.sight, around.called)
        for caller in around.callers:
            if (
                caller.server.name not in together
                and not self.options.dry_run  # a call from a container of its own
            ):
                gates.link_before_the_first_change(self.session, self.sight, caller)

    def show(self) -> None:
        """The plan, with its reasons."""
        show_plan(self.session.console, self.plan, self.sight.warnings)

    def lock(self, until: float = 0) -> None:
        """Take the server for this change; exit code 2 with the holder's name when it is taken.

        ``until``: an instant of the monotonic clock before which that is waited for.
        """
        lock = waiting_lock(self.session, self.name, until)
        self._held.append(self._locks.enter_context(lock))

    def lock_callers(self) -> None:
        """Take the callers that are to trust another certificate of this server than they do.

        Exit code 2 when somebody holds or froze one, unless the link is waived: then it stays as it
        is.
        """
        certified = any(step.kind is Kind.CERTIFICATE for step in self.plan.steps)
        near = self.around
        for caller in near.deployed_callers if certified else near.untold(self.sight.facts.anchor):
            try:
                self._locks.enter_context(held(caller.host))
            except Trouble as trouble:
                if gates.LINK in self.options.waive:
                    continue
                raise refused(
                    f"{trouble.message}; it must trust the certificate of {self.name}:"
                    f" --waive {gates.LINK} deploys all the same",
                    trouble.evidence,
                ) from None

    def unlock(self) -> None:
        """Free the server."""
        self._locks.close()

    def begin(self) -> None:
        """Make the run that carries the plan out; nothing is written yet."""
        decided = Decided(
            self.sight,
            self.sight.require(),
            self.plan,
            ref=self.options.ref or self.host.server.branch,
            before=self.sight.facts,
            waive=self.options.waive,
            only=self.options.wish.only,
            called_certificate=self.around.called_certificate,
            allow_destructive=self.options.wish.allow_destructive,
            reviews=self._reviews,
        )
        self.run = Run(self.session, decided, self.announce)

    @property
    def at(self) -> str:
        """The step that is going on."""
        return self._held[-1].at if self._held else ""

    def announce(self, title: str) -> None:
        """Tell others who want the server which step is going on."""
        for lock in self._held:
            lock.step(title)

    def rehearse(self) -> None:
        """Go through the steps with a host that shows every change and makes none."""
        self.begin()
        console, whole = self.session.console, self.options.verbose
        told = partial(show_command, console, whole=whole)
        self.run.steps.rehearse(lambda host: DryHost(host, told))
        if self.plan.steps:
            more = "" if whole else " (--verbose: all of it, with our scripts)"
            console.line(self.name, f"dry run: what each step would run{more}", "bold")
        for number, step in enumerate(self.plan.steps, start=1):
            show_step(console, self.name, number, step)
            self.run.steps.perform(step)

    def give_password(self) -> None:
        """Once all run with what ``.env`` says: the database gets its password too."""
        passwords.give(self.session.console, self.host, self.sight.require().stack)

    def prepare(self) -> None:
        """Everything that can fail without touching the running system; a failure is recorded."""
        prepare(self.run, self._lock_for_all)

    def _lock_for_all(self, step: Step) -> None:
        """Once there is a folder for locks, hold the lock that everybody takes from now on."""
        had = self.sight.facts.has_folder(self.host.server.root / "locks")
        if step.kind is Kind.BOOTSTRAP and not had:
            self.lock()
