"""The one road by which what runs is changed: prepare, cut over, prove, record; or go back.

A deploy, a rollback, a recovery and the way back of any of them are the same functions with another
decision.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from ...model.deploy.plan import Step
from ...model.errors import FAILED, STRANDED, Trouble, as_trouble
from ...model.facts import Facts
from ...model.release import Release
from ...remote import state
from ...remote.deploy import compose
from ...remote.look import look
from ..interruption import TWICE
from ..session import Session
from ..sight import state_lines
from .going_back import decide_return
from .run import Run
from .show import show_plan


def carry_out(run: Run) -> None:
    """Make a server what was decided, and prove it. Where nothing is to be done, only prove it.

    Exit code 1: it failed, and the server is where it was, proved. 3: it is not, and a person is
    needed. Where the decision has no further way back, the failure itself is raised.
    """
    if not run.plan.steps:
        run.prove()
        return
    prepare(run)
    go_on(run)


def prepare(run: Run, after: Callable[[Step], None] = lambda _step: None) -> None:
    """Everything that can fail without touching the running system; ``after`` follows each step."""
    try:
        run.prepare(after)
    except Exception as error:  # noqa: BLE001 # a bug of ours is recorded too
        trouble = as_trouble(error)
        run.fail(trouble)
        if run.decided.before is None:
            raise trouble from None
        message = f"{trouble.message}; the running system was not touched"
        raise Trouble(message, code=trouble.code, evidence=trouble.evidence) from None


def go_on(run: Run) -> None:
    """Cut over, prove, record; whatever fails, the way back is gone before this returns."""
    try:
        run.cut_over()
        run.prove()
        run.retire()
        run.conclude()
    except Exception as error:  # noqa: BLE001 # even a bug of ours must not stop half way
        trouble = as_trouble(error)
        _take_back(run)
        run.fail(trouble)
        raise back(run, trouble) from None


def _take_back(run: Run) -> None:
    """While the former replicas run, they serve again by one load; all else comes after that."""
    if run.decided.before is None or not run.steps.beside.switched:
        return
    try:
        with run.session.console.step(run.name, "the former replicas get the requests again"):
            run.steps.beside.take_back()
    except Trouble as second:
        run.session.console.warn(run.name, second.message)


def back(run: Run, trouble: Trouble) -> Trouble:
    """Bring the server back to where it was before a run that failed; what to raise then.

    That is the last release that passed, with its ``.env``; what was not there then is removed. The
    schema never changes, but where the run had taken it down: then it is moved up again. After a
    first deploy there is none: what it started is stopped.
    """
    before = run.decided.before
    if before is None:
        return trouble
    if before.verified is None:
        return _stop(run, before, trouble)
    run.session.console.line(run.name, f"{trouble.message}", "red")
    try:
        bring_back(
            run.session,
            run.name,
            before.verified,
            frozenset(container.id for container in before.containers),
            run.announce,
            run.decided.waive,
            lowered=run.steps.schema.lowered,
        )
    except Trouble as second:
        return Trouble(
            f"{trouble.message}; {second.message}",
            code=second.code,
            evidence=(*trouble.evidence, *second.evidence),
        )
    message = f"{trouble.message}; {run.name} is back at {before.verified.commit[:8]}, proved"
    return Trouble(message, code=FAILED, evidence=trouble.evidence)


def bring_back(
    session: Session,
    name: str,
    last: Release,
    spare: frozenset[str],
    announce: Callable[[str], None],
    waive: tuple[str, ...] = (),
    *,
    lowered: bool = False,
) -> None:
    """Bring a server to a release that passed, with its ``.env``; proved and recorded.

    Containers that are not in its stack go, but for those to ``spare``. ``lowered``: the schema was
    taken down, so it is moved up again. Exit code 3 when it fails.
    """
    told = f"going back to {last.id} ({last.commit[:8]} {last.subject})"
    session.console.line(name, told, "bold")
    try:
        state.restore_env(session.host(name), last)
        decided = decide_return(session, name, last, spare, waive, lowered=lowered)
        show_plan(session.console, decided.plan, ())
        # Also where nothing is to be done it is recorded: the last record is of a run that failed.
        run = Run(session, decided, announce)
        prepare(run)
        go_on(run)
    except Exception as error:  # noqa: BLE001 # whatever it is, a person must read the state
        second = as_trouble(error)
        raise Trouble(
            f"GOING BACK TO {last.id} FAILED: {second.message}; a person is needed: once the"
            f" cause is gone, fab {name}.recover goes on from there",
            code=STRANDED,
            evidence=(*second.evidence, *state_lines(session, name)),
        ) from None


def _stop(run: Run, before: Facts, trouble: Trouble) -> Trouble:
    """Not what ran here before: that was somebody's, and this deploy does not know it."""
    title = "stop what this first deploy started; data stays"
    project = run.decided.target.stack.project
    known = {container.id for container in before.containers}
    try:
        with run.session.console.step(run.name, title):
            for container in look(run.sight.host).containers:
                if container.project == project and container.id not in known:
                    compose.remove(run.sight.host, container.name)
    except Trouble as second:
        message = f"{trouble.message}; what {run.name} had started may still run: {second.message}"
        lines = (*trouble.evidence, *state_lines(run.session, run.name))
        return Trouble(message, code=STRANDED, evidence=lines)
    message = f"{trouble.message}; what {run.name} had started is stopped again"
    return Trouble(message, code=FAILED, evidence=trouble.evidence)


def stopped(session: Session, under_way: Mapping[str, str]) -> Trouble:
    """How a second Ctrl-C left the servers: name → the step that was going on there."""
    if not under_way:
        return Trouble(f"{TWICE} while preparing; the running system was not touched")
    states = {name: state_lines(session, name) for name in under_way}
    steps = ", ".join(f"{name} at step '{step}'" for name, step in under_way.items())
    recover = " and ".join(f"fab {name}.recover" for name in under_way)
    return Trouble(
        f"{TWICE}: {steps}; a person is needed: {recover} brings back what ran before",
        code=STRANDED,
        evidence=[f"[{name}] {line}" for name, lines in states.items() for line in lines],
    )
