"""Volumes: back up what services keep in them, and bring it back."""

from __future__ import annotations

import time
from contextlib import nullcontext
from dataclasses import asdict, dataclass

from ...model.data.volume import VolumeBackup, file_name
from ...model.errors import FAILED, STRANDED, Trouble, as_trouble, refused
from ...model.nearest import meant
from ...model.stack import Service
from ...remote.data import volumes as remote
from ...remote.data.volumes import Shared
from ...remote.lock import Lock
from ..locking import holder
from ..proving import prove
from ..session import Session, occasion, operator
from ..sight import DEPLOYED, Sight, look_at
from .backups import size
from .databases import require_packer


@dataclass(frozen=True)
class Options:
    """What the operator asked for."""

    backup: str = "newest"
    waive: tuple[str, ...] = ()
    yes: bool = False


@dataclass(frozen=True)
class Kept:
    """A volume of a server, and the service that says how it is backed up."""

    sight: Sight
    service: str
    shared: Shared


def backup(session: Session, on: str, service: str, *, quiet: bool, as_json: bool) -> None:
    """Back up a volume, or all that can be backed up while their services run."""
    found = [k for k in _find(session, on, service) if service or not k.shared.hint.stopped]
    made = []
    for kept in found:
        require_packer(kept.sight.host)
        alive = session.console.waiting(kept.sight.server.name, f"back up {kept.service}")
        with nullcontext() if quiet else alive:
            made.append(_take(kept))
        if not quiet and not as_json:
            session.console.line(kept.sight.server.name, f"backup {_told(made[-1])}")
    if as_json:
        session.console.result([asdict(one) for one in made])


def _find(session: Session, on: str, service: str) -> list[Kept]:
    """The volumes of one server or of all; exit code 2 when there is none."""
    names = [on] if on else [server.name for server in session.inventory.servers]
    found = [kept for name in names for kept in _volumes(look_at(session, name, DEPLOYED))]
    chosen = [kept for kept in found if service in ("", kept.service)]
    if chosen:
        return chosen
    known = [kept.service for kept in found]
    what = f"no service '{service}' with a volume" if service else "no volume"
    there = f"there are: {', '.join(known) or 'none'} (docs/backup.md)"
    raise refused(f"{', '.join(names)}: {what} in x-deploy; {there}{meant(service, known)}")


def _volumes(sight: Sight) -> list[Kept]:
    if sight.target is None:
        why = "; ".join(sight.problems) or "no release"
        raise refused(f"{sight.server.name}: its stack cannot be read: {why}")
    stack = sight.target.stack
    return [
        Kept(sight, service.name, _shared(sight, service, stack.services))
        for service in stack.services
        if service.hints.volume
    ]


def _shared(sight: Sight, service: Service, services: tuple[Service, ...]) -> Shared:
    """The volume and every container that has it, the service's own first."""
    hint = service.hints.volume
    assert hint is not None
    assert sight.target is not None
    source = next((mount.source for mount in service.mounts if mount.target == hint.path), None)
    if source is None:
        raise refused(f"x-deploy.{service.name}.volume: nothing is mounted at {hint.path}")
    having = [
        other
        for other in services
        if other is not service and source in [mount.source for mount in other.mounts]
    ]
    project = sight.target.stack.project
    found = [c for one in (service, *having) for c in sight.facts.containers_of(project, one.name)]
    if not found or found[0].service != service.name:
        raise refused(f"{sight.server.name}: container {service.container} is not there")
    return Shared(hint, found[0].image, tuple(container.name for container in found))


def _take(kept: Kept) -> VolumeBackup:
    host, last = kept.sight.host, kept.sight.facts.verified
    shelf = remote.shelf(host)
    stamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(shelf.now))
    wanted = VolumeBackup(
        name=file_name(kept.service, stamp, host.server.compression, shelf.backups),
        taken=shelf.now,
        server=host.name,
        service=kept.service,
        path=kept.shared.hint.path,
        reason=occasion(),
        commit=last.commit if last else "",
        release=last.id if last else "",
        who=operator(),
    )
    return remote.take(host, kept.shared, wanted)


def _told(made: VolumeBackup) -> str:
    return f"{made.name} ({size(made.bytes)}, {made.files} files, {size(made.unpacked)} unpacked)"


def restore(session: Session, on: str, service: str, options: Options) -> None:
    """Bring a backup of a volume back; a red gate or a service that does not start undoes it."""
    found = _find(session, on, service)
    if len(found) > 1:
        names = ", ".join(kept.sight.server.name for kept in found)
        raise refused(f"{names} all have a volume of {service}: name one with --on")
    kept = found[0]
    name, console = kept.sight.server.name, session.console
    require_packer(kept.sight.host)
    chosen = _choose(kept, options.backup)
    console.line(name, f"{_told(chosen)} replaces what is in {chosen.path} of {service}", "bold")
    console.line(name, f"stopped meanwhile: {', '.join(kept.shared.containers)}")
    if not options.yes:
        if not console.interactive:
            raise refused("nothing was changed: off a terminal this needs --yes")
        if not console.confirm("Restore?"):
            raise refused("nothing was changed: the answer was no")
    with Lock(kept.sight.host, holder()) as lock:
        lock.step(f"restore {chosen.name}")
        with console.step(name, f"restore {chosen.name}"):
            remote.put(kept.sight.host, kept.shared, chosen)
        lock.step("prove")
        try:
            assert kept.sight.target is not None
            prove(session, kept.sight.host, kept.sight.target, options.waive)
        except (Exception, KeyboardInterrupt) as error:  # noqa: BLE001 # even a bug of ours must not stop half way
            raise _back(session, kept, chosen, error) from None
        remote.forget(kept.sight.host, kept.shared, chosen)
    console.line(name, f"{service} has the files of {chosen.name} again", "bold green")


def _choose(kept: Kept, wanted: str) -> VolumeBackup:
    """The backup of that name; exit code 2 when there is none."""
    shelf = remote.shelf(kept.sight.host).of(kept.service)
    found = [backup for backup in shelf if wanted in ("newest", backup.name)]
    if found:
        return found[-1]
    known = ", ".join(backup.name for backup in shelf) or "none"
    what = "no backup" if wanted == "newest" else f"no backup '{wanted}'"
    raise refused(f"{kept.sight.server.name}: {what} of {kept.service}; there are: {known}")


def _back(session: Session, kept: Kept, chosen: VolumeBackup, error: BaseException) -> Trouble:
    """The former files in place again; what to raise then."""
    cause, name = as_trouble(error), kept.sight.server.name
    try:
        with session.console.step(name, "put the former files back"):
            remote.put_back(kept.sight.host, kept.shared, chosen)
    except Trouble as second:
        evidence = (second.message, *cause.evidence)
        return Trouble(f"{cause.message}; {second.message}", code=STRANDED, evidence=evidence)
    message = f"{cause.message}; the former files are back"
    return Trouble(message, code=FAILED, evidence=cause.evidence)
