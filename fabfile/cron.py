"""The tasks of the schedule: what cron starts on the servers without anybody there."""

from __future__ import annotations

from typing import TYPE_CHECKING

from invoke import Collection

from .command import command
from .options import GROUP, JOB, JSON, MAILTO, ON

if TYPE_CHECKING:
    from .ops.session import Session


@command(ON, GROUP, MAILTO, journal="cron.install")
def install_task(session: Session, on: str, group: str, mailto: str) -> None:
    """Let cron back up, verify and prune on the servers; a second run changes nothing.

    Exit codes: 0 done; 1 failed, the crontab is as it was; 2 not tried (no cron, nothing deployed).

    Example: fab cron.install --mailto ops@example.org
    """
    from .ops.schedule import crontab as schedule

    schedule.install(session, on, group, mailto)


@command(ON, GROUP, JSON)
def list_task(session: Session, on: str, group: str, json: bool) -> None:
    """Show what cron starts on the servers, and when each job last succeeded and failed.

    Example: fab cron.list --on ubuntu
    """
    from .ops.schedule import crontab as schedule

    schedule.list_(session, on, group, as_json=json)


@command(ON, GROUP, journal="cron.remove")
def remove_task(session: Session, on: str, group: str) -> None:
    """Take our block out of the crontabs and leave everything else as it is.

    Example: fab cron.remove --on ubuntu
    """
    from .ops.schedule import crontab as schedule

    schedule.remove(session, on, group)


@command(JOB, ON, GROUP, journal="cron.run")
def run_task(session: Session, job: str, on: str, group: str) -> None:
    """Run a job of the application's own now, in a container of its own, as cron does.

    Exit codes: 0 done; 1 failed, or ended by its deadline; 2 not begun, because it runs already.

    Example: fab cron.run tidy --on ubuntu
    """
    from .ops.schedule import own

    own.run(session, on, group, job)


@command(ON, GROUP, journal="cron.heal")
def heal_task(session: Session, on: str, group: str) -> None:
    """Restart replicas that have been unhealthy for as long as x-deploy.heal says.

    Exit codes: 0 done, or nothing to do; 1 failed, or healed often enough within the last hour.

    Example: fab cron.heal --on ubuntu
    """
    from .ops.deploy import healing
    from .ops.schedule.crontab import meant_by

    healing.heal(session, meant_by(session, on, group))


ns = Collection("cron", heal_task, install_task, list_task, remove_task, run_task)
ns.__doc__ = "What cron does"
