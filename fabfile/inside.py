"""The tasks that run a command in a container of a server, with a terminal where there is one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from invoke import Task

from .command import command
from .kinds import REQUIRED
from .options import REPLICA, SERVICE

if TYPE_CHECKING:
    from .ops.session import Session

IN = SERVICE.with_default(REQUIRED)


def inside_tasks(server: str) -> list[Task[Any]]:
    """Those of the server ``server``."""
    return [make(server) for make in (_exec, _console, _run)]


def _exec(server: str) -> Task[Any]:
    @command(IN, REPLICA, journal="exec", behind="COMMAND")
    def exec_task(
        session: Session, service: str, replica: int | None, behind: tuple[str, ...]
    ) -> int:
        """Run a command in a running container: SERVICE -- COMMAND; exit as the command does.

        Its words reach the program as they are, no shell reads them. On a terminal it gets one;
        else its input and output are pipes, byte for byte. Exit codes besides the command's own,
        each with a line on standard error that begins with "error:": 2 refused, 255 the connection
        is lost.

        Example: fab SERVER.exec api -- env
        """
        from .ops.inside import running

        return running.execute(session, server, service, replica, behind)

    return exec_task


def _console(server: str) -> Task[Any]:
    @command(IN, REPLICA, journal="console")
    def console_task(session: Session, service: str, replica: int | None) -> int:
        """Open a console: db (psql), redis (redis-cli), or a service (python, else sh).

        The password comes from the container's own environment. Exit codes: as exec.

        Example: fab SERVER.console db
        """
        from .ops.inside import running

        return running.console(session, server, service, replica)

    return console_task


def _run(server: str) -> Task[Any]:
    @command(IN, journal="run", behind="COMMAND")
    def run_task(session: Session, service: str, behind: tuple[str, ...]) -> int:
        """Run a command in a new container of a service, which is then removed: SERVICE -- COMMAND.

        The container is one of the release that runs, with its image, environment and networks.
        Exit codes: as exec.

        Example: fab SERVER.run api -- alembic current
        """
        from .ops.inside import running

        return running.once(session, server, service, behind)

    return run_task
