"""Changing one server: decide, show and ask; decide again under the lock, and carry it out."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext

from ...model.errors import refused
from ..interruption import interruptible
from ..locking import deadline, waiting_lock
from ..neighbours import others
from ..session import Session
from .carry_out import carry_out, stopped
from .decided import Decided
from .hooks import hooked
from .outcomes import runs_told
from .run import Run
from .show import show_plan


def change(
    session: Session,
    name: str,
    decide: Callable[[], Decided],
    question: str,
    *,
    yes: bool,
    wait: int,
    task: str = "",
) -> Run:
    """Carry out what ``decide`` makes of a look; the run, with its record closed.

    ``wait``: seconds to wait for others who hold the server. ``task``: what people and hooks are
    told that is done; empty: none is. Errors are those of ``carry_out``.
    """
    session.approach([name, *others(session, name)])
    console = session.console
    asking = console.interactive and not yes
    if asking:
        show_plan(console, decide().plan, ())
        if not console.confirm(question):
            raise refused("nothing was changed: the answer was no")
    with waiting_lock(session, name, deadline(wait)) as lock:
        decided = decide()
        if not asking:
            show_plan(console, decided.plan, ())
        run = Run(session, decided, lock.step)

        def under_way() -> dict[str, str]:
            return {name: lock.at} if run.touched else {}

        with (
            interruptible(session, lambda: stopped(session, under_way())) as run.pause,
            _told(session, run, task),
            _hooks(session, run, task),
        ):
            carry_out(run)
    return run


def _told(session: Session, run: Run, task: str) -> AbstractContextManager[None]:
    return runs_told(session, task, [run]) if task and run.plan.steps else nullcontext()


def _hooks(session: Session, run: Run, task: str) -> AbstractContextManager[None]:
    if not (task and run.plan.steps):
        return nullcontext()
    return hooked(session, task, [run.name], run.plan.commit, run.plan.subject)
