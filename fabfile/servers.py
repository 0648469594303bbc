"""The tasks of one server, the same for every server: a third one is a section of hosts.ini."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from invoke import Collection, Task

from .command import about, command
from .inside import inside_tasks
from .measuring import looking_tasks
from .options import (
    ALLOW_DESTRUCTIVE,
    CANARY,
    DRY_RUN,
    FOR,
    JSON,
    KEEP_OLD,
    MIGRATIONS,
    REF,
    RESTART_DATA,
    SERVICE,
    TO,
    USER,
    VERBOSE,
    WAIT,
    WAIVE,
    WATCH,
    WHY,
    WISH,
    YES,
)

if TYPE_CHECKING:
    from .ops.session import Session


def server_tasks(server: str) -> Collection:
    """The namespace of the server ``server`` of ``hosts.ini``."""
    makers: Sequence[Callable[[str], Task[Any]]] = (
        _deploy,
        _plan,
        _rollback,
        _promote,
        _recover,
        _restart,
        _freeze,
        _unfreeze,
        _status,
        _health,
        _ps,
        _prune,
        _bootstrap,
    )
    own = [*(make(server) for make in makers), *inside_tasks(server)]
    tasks = [about(one, server) for one in own] + looking_tasks(server)
    found = Collection(server, *tasks)
    found.__doc__ = f"The server {server}"
    return found


def _deploy(server: str) -> Task[Any]:
    @command(REF, *WISH, WAIVE, YES, WAIT, DRY_RUN, VERBOSE, JSON, CANARY, FOR, KEEP_OLD)
    def deploy_task(
        session: Session,
        ref: str,
        canary: int,
        for_: int,
        keep_old: int,
        waive: tuple[str, ...],
        yes: bool,
        wait: int,
        dry_run: bool,
        verbose: bool,
        json: bool,
        **wish: Any,
    ) -> None:
        """Bring the server to a commit: prepare, cut over, prove; go back by itself if it fails.

        Exit codes: 0 done; 1 failed, and nothing changed or it is back where it was, proved;
        2 usage or preflight, nothing touched; 3 going back failed too: a person is needed.

        Example: fab SERVER.deploy --ref v1.4.0
        Example: fab SERVER.deploy --canary 10% --for 10m
        """
        from .model.deploy import comparing
        from .model.deploy.plan import Wish
        from .ops.deploy import fleet as deploy
        from .ops.deploy.deployment import Options

        wanted = Wish(**wish, canary=comparing.canary(canary, for_), keep_old=keep_old)
        options = Options(ref, waive, wanted, yes, dry_run, verbose, wait)
        deploy.deploy(session, [server], options, as_json=json)

    return deploy_task


def _plan(server: str) -> Task[Any]:
    @command(REF, *WISH, JSON)
    def plan_task(session: Session, ref: str, json: bool, **wish: Any) -> None:
        """Show what a deploy would do and why; change nothing.

        Example: fab SERVER.plan --ref v1.4.0 --only web
        """
        from .model.deploy.plan import Wish
        from .ops.deploy import planning

        planning.plan(session, [server], ref, Wish(**wish), as_json=json)

    return plan_task


def _rollback(server: str) -> Task[Any]:
    @command(TO, WAIVE, RESTART_DATA, MIGRATIONS, ALLOW_DESTRUCTIVE, YES, WAIT, JSON)
    def rollback_task(
        session: Session,
        to: str,
        waive: tuple[str, ...],
        restart_data: bool,
        migrations: str,
        allow_destructive: bool,
        yes: bool,
        wait: int,
        json: bool,
    ) -> None:
        """Go back to a verified release, from the images that the server kept; exit as deploy.

        One whose image does not know the database's revision is refused (exit code 2) without
        --migrations.

        Example: fab SERVER.rollback --to 1a2b3c4d
        """
        from .ops.deploy import rollback
        from .ops.deploy.descending import Way

        way = Way(migrations, allow_destructive)
        options = rollback.Options(to, waive, restart_data, way, yes, wait)
        rollback.rollback(session, server, options, as_json=json)

    return rollback_task


def _promote(server: str) -> Task[Any]:
    @command(WAIVE, YES, WAIT)
    def promote_task(session: Session, waive: tuple[str, ...], yes: bool, wait: int) -> None:
        """Give all requests to the new replicas of a canary now, or remove former ones kept.

        Example: fab SERVER.promote --wait 5m
        """
        from .ops.deploy import promote

        promote.promote(session, server, waive, yes=yes, wait=wait)

    return promote_task


def _recover(server: str) -> Task[Any]:
    @command(WAIVE, WAIT)
    def recover_task(session: Session, waive: tuple[str, ...], wait: int) -> None:
        """Bring what a died run left half done back to the last release that passed; prove it.

        Example: fab SERVER.recover --wait 5m
        """
        from .ops.deploy import recover

        recover.recover(session, server, waive, wait)

    return recover_task


def _restart(server: str) -> Task[Any]:
    @command(SERVICE, WAIVE, YES, WAIT, JSON)
    def restart_task(
        session: Session,
        service: str,
        waive: tuple[str, ...],
        yes: bool,
        wait: int,
        json: bool,
    ) -> None:
        """Replace containers by new ones of the same images, without a failed request; prove it.

        Data services and the proxy only when named: the plan says what that costs.

        Example: fab SERVER.restart --service web
        """
        from .ops.deploy import restart

        restart.restart(session, server, service, waive, yes=yes, wait=wait, as_json=json)

    return restart_task


def _freeze(server: str) -> Task[Any]:
    @command(WHY, journal="freeze")
    def freeze_task(session: Session, why: str) -> None:
        """Refuse deploys, rollbacks, recoveries and restores from now on, and say why.

        Example: fab SERVER.freeze --why "the sale runs until Monday"
        """
        from .ops.deploy import freezing

        freezing.freeze(session, server, why)

    return freeze_task


def _unfreeze(server: str) -> Task[Any]:
    @command(journal="unfreeze")
    def unfreeze_task(session: Session) -> None:
        """Let a frozen server be changed again."""
        from .ops.deploy import freezing

        freezing.unfreeze(session, server)

    return unfreeze_task


def _status(server: str) -> Task[Any]:
    @command(WATCH, JSON)
    def status_task(session: Session, watch: bool, json: bool) -> None:
        """Show what runs, and what a deploy would change; exit 1 when something is not well.

        Example: fab SERVER.status --watch
        """
        from .ops.watch import overview

        overview.overview(session, [server], watch=watch, as_json=json)

    return status_task


def _health(server: str) -> Task[Any]:
    @command(JSON)
    def health_task(session: Session, json: bool) -> None:
        """Ask every gate now: inside, through the proxy, from outside; exit 1 when one is red."""
        from .ops.watch import inspection

        inspection.health(session, server, as_json=json)

    return health_task


def _ps(server: str) -> Task[Any]:
    @command()
    def ps_task(session: Session) -> None:
        """List the containers on the server, of whatever project."""
        from .ops.watch import inspection

        inspection.containers(session, server)

    return ps_task


def _prune(server: str) -> Task[Any]:
    @command(DRY_RUN, journal="prune")
    def prune_task(session: Session, dry_run: bool) -> None:
        """Remove our images that neither a container nor the last five verified releases need."""
        from .ops.deploy import pruning

        pruning.prune(session, server, dry_run=dry_run)

    return prune_task


def _bootstrap(server: str) -> Task[Any]:
    @command(USER, YES, DRY_RUN, journal="bootstrap")
    def bootstrap_task(session: Session, user: str, yes: bool, dry_run: bool) -> None:
        """Make a bare host a server: engine, user, rights, folders; a second run changes nothing.

        Exit codes: 0 done, or nothing to do; 1 failed: what was done stays, run it again;
        2 refused before anything was done.

        Example: fab SERVER.bootstrap --user root --dry-run
        """
        from .ops.access import bootstrap

        bootstrap.bootstrap(session, [server], user, yes=yes, dry_run=dry_run)

    return bootstrap_task
