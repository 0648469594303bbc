"""Deploy: several servers as one decision; when one fails, all go back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import ExitStack

from ...model.deploy.plan import Plan
from ...model.deploy.replaced import replaced
from ...model.errors import FAILED, STRANDED, Trouble, as_trouble, refused
from ..interruption import interruptible
from ..locking import deadline
from ..neighbours import others
from ..session import Session, each, side_by_side
from .carry_out import back, go_on, stopped
from .deployment import Deployment, Options
from .hooks import hooked
from .outcomes import runs_told


def deploy(
    session: Session, names: Sequence[str], options: Options, *, as_json: bool = False
) -> None:
    """Deploy servers in the order given: the called one before its caller.

    Off a terminal, or with ``yes``, it goes ahead; on a terminal it shows the plan and asks once.
    """
    session.approach([*names, *(near for name in names for near in others(session, name))])
    deployments = [Deployment(session, name, options, names) for name in names]
    shown: list[Plan] = []
    if options.dry_run or (session.console.interactive and not options.yes):
        shown += _examine(deployments)
        for deployment in deployments:
            deployment.show()
        if options.dry_run:
            for deployment in deployments:
                deployment.rehearse()
            return
        if not session.console.confirm(_question(deployments)):
            raise refused("nothing was changed: the answer was no")
    _deploy(deployments, shown)
    if as_json:
        session.console.result([d.run.release.view() for d in deployments if d.plan.steps])


def _question(deployments: Sequence[Deployment]) -> str:
    taken = [one.name for one in deployments if replaced(one.sight.facts)]
    if taken:
        return f"Replace on {', '.join(taken)} a release that is not in this commit?"
    return "Go ahead?"


def _deploy(deployments: Sequence[Deployment], shown: Sequence[Plan]) -> None:
    """Look again under the lock, and carry out what was shown or what is shown now."""
    with ExitStack() as stack:
        until = deadline(deployments[0].options.wait)
        # Everybody takes them in one order, whatever their inventories say: none waits for ever.
        for deployment in sorted(deployments, key=lambda one: one.name):
            stack.callback(deployment.unlock)
            deployment.lock(until)
        plans = _examine(deployments)
        if shown and [plan.steps for plan in shown] != [plan.steps for plan in plans]:
            raise refused("a server changed after the plan was shown; run the command again")
        if not shown:
            for deployment in deployments:
                deployment.show()
        for deployment in deployments:
            deployment.lock_callers()
            deployment.begin()
        session = deployments[0].session
        with interruptible(session, lambda: stopped(session, _under_way(deployments))) as pause:
            for deployment in deployments:
                deployment.run.pause = pause
            _carry_out(deployments)
            side_by_side(lambda deployment: deployment.give_password(), deployments)


def _examine(deployments: Sequence[Deployment]) -> list[Plan]:
    """Look at all servers side by side, then decide."""
    side_by_side(lambda deployment: deployment.look(), deployments)
    sights = {deployment.name: deployment.sight for deployment in deployments}
    return each(lambda deployment: deployment.decide(sights), deployments)


def _carry_out(deployments: Sequence[Deployment]) -> None:
    changing = {d.name: d for d in deployments if d.plan.steps}
    if not changing:
        side_by_side(lambda deployment: deployment.run.prove(deployment.around), deployments)
        return
    some = next(iter(changing.values()))
    commit, subject = some.plan.commit, some.plan.subject
    runs = [one.run for one in changing.values()]
    task = "canary" if any(one.plan.canary for one in changing.values()) else "deploy"
    told = runs_told(some.session, task, runs)
    with told, hooked(some.session, "deploy", [*changing], commit, subject):
        _change(deployments, changing)


def _change(deployments: Sequence[Deployment], changing: Mapping[str, Deployment]) -> None:
    _prepare(changing)
    done: list[Deployment] = []
    for deployment in deployments:
        try:
            if deployment.name in changing:
                go_on(deployment.run)
                done.append(deployment)
            else:
                deployment.run.prove()
        except Exception as error:  # noqa: BLE001 # even a bug of ours must not leave one new
            trouble = as_trouble(error)
            _end_untouched(changing, trouble)
            raise _all_back(done, trouble) from None


def _prepare(changing: Mapping[str, Deployment]) -> None:
    """Side by side; when one cannot be prepared, none is cut over."""
    try:
        side_by_side(lambda name: changing[name].prepare(), list(changing))
    except Trouble as trouble:
        _end_untouched(changing, trouble)
        raise


def _end_untouched(changing: Mapping[str, Deployment], trouble: Trouble) -> None:
    """Close the records of those that were prepared and are not cut over because of another."""
    for deployment in changing.values():
        if not deployment.run.record.ended and not deployment.run.touched:
            deployment.run.fail(Trouble(f"not cut over: {trouble.message}"))


def _under_way(deployments: Sequence[Deployment]) -> dict[str, str]:
    """The servers that were touched, and the step that each is at."""
    return {one.name: one.at for one in deployments if one.run.touched}


def _all_back(done: Sequence[Deployment], trouble: Trouble) -> Trouble:
    """One decision: the servers that were deployed before the failure go back too."""
    for deployment in reversed(done):
        deployment.run.fail(trouble)
        gone = back(deployment.run, trouble)
        # Something was changed by then, so that it was refused is no longer true.
        code = STRANDED if STRANDED in (trouble.code, gone.code) else FAILED
        trouble = Trouble(gone.message, code=code, evidence=gone.evidence)
    return trouble
