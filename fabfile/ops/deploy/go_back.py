"""Going back: to a release that passed, from retained images, with the same proof as a deploy."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from ...model.commit import LOCAL
from ...model.deploy.plan import Wish
from ...model.deploy.way_back import as_released, missing_images, schema_of, unknown_services
from ...model.errors import FAILED, STRANDED, Trouble, as_trouble, refused
from ...model.facts import Facts
from ...model.release import Release
from ...remote import state
from ..interruption import TWICE
from ..session import Session
from ..sight import look_at, plan_for, state_lines
from .descending import Way, descend
from .run import Run, open_run
from .show import show_plan


def go_back(failed: Run, before: Facts, trouble: Trouble) -> Trouble:
    """Bring the server back after a failed run; what to raise, with its exit code.

    ``before`` is the look from before the change: its last verified release is where to go, and
    what was not there then is removed.

    The release's own ``.env`` comes back too. The schema never changes, but where the failed run
    had taken it down: then it is moved up again. Exit code 1: it is back, proved. 3: it is not, and
    a person is needed.
    """
    session, name, console = failed.session, failed.name, failed.session.console
    last = before.verified
    assert last is not None
    console.line(name, f"{trouble.message}", "red")
    spare = frozenset(container.name for container in before.containers)
    try:
        bring_back(
            session,
            name,
            last,
            spare,
            failed.announce,
            failed.waive,
            lowered=failed.steps.schema.lowered,
        )
    except Trouble as second:
        return Trouble(
            f"{trouble.message}; {second.message}",
            code=second.code,
            evidence=(*trouble.evidence, *second.evidence),
        )
    message = f"{trouble.message}; {name} is back at {last.commit[:8]}, proved"
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
    session.console.line(
        name, f"going back to {last.id} ({last.commit[:8]} {last.subject})", "bold"
    )
    run = None
    try:
        state.restore_env(session.host(name), last)
        wish = Wish(
            restart_data=True,
            remove_orphans=True,
            spare=spare,
            keep_schema=not lowered,
            lowered=lowered,
            allow_destructive=lowered,
        )
        run = rollback_run(session, name, last, wish, waive=(*last.waived, *waive))
        if not lowered:
            tell_schema(run, last)
        run.announce = announce
        show_plan(session.console, run.plan, ())
        run.prepare()
        run.cut_over()
        run.prove()
        run.conclude()
    except Exception as error:  # noqa: BLE001 # whatever it is, a person must read the state
        second = as_trouble(error)
        if run:
            run.fail(second)
        raise Trouble(
            f"GOING BACK TO {last.id} FAILED: {second.message}; a person is needed",
            code=STRANDED,
            evidence=(*second.evidence, *state_lines(session, name)),
        ) from None


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


def tell_schema(run: Run, release: Release) -> None:
    """Say, before anything is done, that the database stays as it is."""
    revision = schema_of(run.sight.facts.releases)
    if revision != release.schema:
        run.session.console.warn(
            run.name,
            f"the database stays at revision {revision or 'unknown'};"
            f" release {release.id} was made with {release.schema or 'none'}",
        )


def rollback_run(
    session: Session,
    name: str,
    release: Release,
    wish: Wish,
    *,
    waive: tuple[str, ...] = (),
    way: Way | None = None,
) -> Run:
    """The run that brings a server to a release it once had. Exit code 2 when an image is gone.

    ``way``: what is to become of the schema; None: nothing is asked or done about it.
    """
    sight = look_at(session, name, f"{LOCAL}{release.commit}")
    gone = missing_images(release, sight.facts)
    if gone:
        raise refused(
            f"{name}: release {release.id} needs {', '.join(gone)}, which is gone from the server;"
            f" deploy its commit instead: --ref {release.commit[:8]}"
        )
    if sight.target is None:
        reasons = "; ".join(sight.problems)
        raise refused(f"{name}: the stack of release {release.id} cannot be read: {reasons}")
    if unknown := unknown_services(release, sight.target):
        raise refused(
            f"{name}: release {release.id} ran without {', '.join(unknown)}: take it out of"
            " COMPOSE_PROFILES in .env first"
        )
    target = as_released(sight.target, release, sight.facts)
    plan, descent = plan_for(sight, None, wish, target), None
    if way:
        plan, descent = descend(session, sight, target, plan, release, way)
    return open_run(
        session,
        sight,
        target,
        plan,
        ref=release.id,
        waive=waive,
        called_certificate=sight.facts.trust,
        back_to=release.back_to or release.id,
        allow_destructive=wish.allow_destructive,
        descent=descent,
    )
