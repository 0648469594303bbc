"""The tasks of one server, the same for every server: a third one is a section and a line."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from invoke import Collection, Task

from .command import command

if TYPE_CHECKING:
    from .ops.session import Session


def server_tasks(server: str) -> Collection:
    """The namespace of the server ``server`` of ``hosts.ini``."""
    makers: Sequence[Callable[[str], Task[Any]]] = (
        _deploy,
        _plan,
        _rollback,
        _recover,
        _freeze,
        _unfreeze,
        _status,
        _history,
        _health,
        _logs,
        _ps,
        _prune,
    )
    return Collection(server, *(make(server) for make in makers))


def _deploy(server: str) -> Task[Any]:
    @command(
        "ref",
        "only",
        "rebuild",
        "waive",
        "restart-data",
        "allow-destructive",
        "remove-orphans",
        "yes",
        "wait",
        "dry-run",
        "json",
        iterable=("waive", "only"),
    )
    def deploy_task(
        session: Session,
        ref: str = "",
        only: Sequence[str] | None = None,
        rebuild: bool = False,
        waive: Sequence[str] | None = None,
        restart_data: bool = False,
        allow_destructive: bool = False,
        remove_orphans: bool = False,
        yes: bool = False,
        wait: str = "",
        dry_run: bool = False,
        json: bool = False,
    ) -> None:
        """Bring the server to a commit: prepare, cut over, prove; go back by itself if it fails.

        Exit codes: 0 done; 1 failed, and nothing changed or it is back where it was, proved;
        2 usage or preflight, nothing touched; 3 going back failed too: a person is needed.
        """
        from .model.deploy.plan import Wish
        from .model.duration import seconds
        from .ops.deploy import fleet as deploy
        from .ops.deploy.deployment import Options

        wish = Wish(
            restart_data=restart_data,
            remove_orphans=remove_orphans,
            allow_destructive=allow_destructive,
            only=tuple(only or ()),
            rebuild=rebuild,
        )
        patience = seconds("--wait", wait)
        options = Options(ref, tuple(waive or ()), wish, yes, dry_run, patience)
        deploy.deploy(session, [server], options, as_json=json)

    return deploy_task


def _plan(server: str) -> Task[Any]:
    @command(
        "ref",
        "only",
        "rebuild",
        "restart-data",
        "allow-destructive",
        "remove-orphans",
        "json",
        iterable=("only",),
    )
    def plan_task(
        session: Session,
        ref: str = "",
        only: Sequence[str] | None = None,
        rebuild: bool = False,
        restart_data: bool = False,
        allow_destructive: bool = False,
        remove_orphans: bool = False,
        json: bool = False,
    ) -> None:
        """Show what a deploy would do and why; change nothing."""
        from .model.deploy.plan import Wish
        from .ops.deploy import planning

        wish = Wish(
            restart_data=restart_data,
            remove_orphans=remove_orphans,
            allow_destructive=allow_destructive,
            only=tuple(only or ()),
            rebuild=rebuild,
        )
        planning.plan(session, [server], ref, wish, as_json=json)

    return plan_task


def _rollback(server: str) -> Task[Any]:
    @command(
        "to",
        "waive",
        "restart-data",
        "migrations",
        "allow-destructive",
        "yes",
        "wait",
        "json",
        iterable=("waive",),
    )
    def rollback_task(
        session: Session,
        to: str = "",
        waive: Sequence[str] | None = None,
        restart_data: bool = False,
        migrations: str = "",
        allow_destructive: bool = False,
        yes: bool = False,
        wait: str = "",
        json: bool = False,
    ) -> None:
        """Go back to a verified release, from the images that the server kept; exit as deploy.

        One whose image does not know the database's revision is refused (exit code 2) without
        --migrations.
        """
        from .model.duration import seconds
        from .ops.deploy import rollback
        from .ops.deploy.descending import Way

        patience = seconds("--wait", wait)
        way = Way(migrations, allow_destructive)
        options = rollback.Options(to, tuple(waive or ()), restart_data, way, yes, patience)
        rollback.rollback(session, server, options, as_json=json)

    return rollback_task


def _recover(server: str) -> Task[Any]:
    @command("waive", "wait", iterable=("waive",))
    def recover_task(session: Session, waive: Sequence[str] | None = None, wait: str = "") -> None:
        """Bring what a died run left half done back to the last release that passed; prove it."""
        from .model.duration import seconds
        from .ops.deploy import recover

        recover.recover(session, server, tuple(waive or ()), seconds("--wait", wait))

    return recover_task


def _freeze(server: str) -> Task[Any]:
    @command("why")
    def freeze_task(session: Session, why: str = "") -> None:
        """Refuse deploys, rollbacks, recoveries and restores from now on, and say why."""
        from .ops.deploy import freezing

        freezing.freeze(session, server, why)

    return freeze_task


def _unfreeze(server: str) -> Task[Any]:
    @command()
    def unfreeze_task(session: Session) -> None:
        """Let a frozen server be changed again."""
        from .ops.deploy import freezing

        freezing.unfreeze(session, server)

    return unfreeze_task


def _status(server: str) -> Task[Any]:
    @command("json")
    def status_task(session: Session, json: bool = False) -> None:
        """Show what runs, whether it is what was deployed, and what a deploy would change."""
        from .ops.watch import status

        status.status(session, [server], as_json=json)

    return status_task


def _history(server: str) -> Task[Any]:
    @command("number", "show", "json")
    def history_task(
        session: Session, number: int = 10, show: str = "", json: bool = False
    ) -> None:
        """List the last releases, the failed and the died ones included."""
        from .ops.watch import history

        history.history(session, server, number, show, as_json=json)

    return history_task


def _health(server: str) -> Task[Any]:
    @command("json")
    def health_task(session: Session, json: bool = False) -> None:
        """Ask every gate now: inside, through the proxy, from outside; exit 1 when one is red."""
        from .ops.watch import inspection

        inspection.health(session, server, as_json=json)

    return health_task


def _logs(server: str) -> Task[Any]:
    @command("service", "tail", "follow")
    def logs_task(
        session: Session, service: str = "", tail: int = 100, follow: bool = False
    ) -> None:
        """Show the end of the services' logs."""
        from .ops.watch import inspection

        inspection.logs(session, server, service, tail, follow=follow)

    return logs_task


def _ps(server: str) -> Task[Any]:
    @command()
    def ps_task(session: Session) -> None:
        """List the containers on the server, of whatever project."""
        from .ops.watch import inspection

        inspection.containers(session, server)

    return ps_task


def _prune(server: str) -> Task[Any]:
    @command("dry-run")
    def prune_task(session: Session, dry_run: bool = False) -> None:
        """Remove our images that neither a container nor the last five verified releases need."""
        from .ops.deploy import pruning

        pruning.prune(session, server, dry_run=dry_run)

    return prune_task
