"""One command on several servers at once, each line of it behind the server's name."""

from __future__ import annotations

from collections.abc import Sequence

from ...model.errors import DONE, FAILED, Trouble
from ...model.framing import lines_of
from ...remote.host import OVERDUE
from ...remote.output import Output
from ...remote.watch.running import LONGEST, run
from ..session import Session, side_by_side


def run_on(session: Session, names: Sequence[str], command: str) -> None:
    """Run it side by side; what each server said is shown when all have ended, in their order.

    Exit code 1 where it failed on one of them, or one could not be reached; the others are shown.
    """
    session.approach(names)
    done = side_by_side(lambda name: _done(session, name, command), names)
    failed = {}
    for name, output in done.items():
        if isinstance(output, Trouble):
            failed[name] = "not run"
            session.console.line(name, output.message.removeprefix(f"{name}: "), "red")
            continue
        for line in (*lines_of(output.stdout), *lines_of(output.stderr)):
            session.console.line(name, line)
        if not output.ok:
            over = f"not ended within {LONGEST} s"
            failed[name] = over if output.code == OVERDUE else f"exit code {output.code}"
    if failed:
        told = ", ".join(f"{name} ({why})" for name, why in failed.items())
        raise Trouble(f"{len(failed)} of {len(names)} failed: {told}", code=FAILED)


def _done(session: Session, name: str, command: str) -> Output | Trouble:
    try:
        output = run(session.host(name), command)
    except Trouble as trouble:
        return trouble
    part = session.journal.about(name)
    part.code, part.note = (DONE if output.ok else FAILED), f"exit code {output.code}"
    return output
