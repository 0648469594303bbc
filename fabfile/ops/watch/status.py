"""Status: what runs on a server, whether it was deployed so, and what a deploy would change."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from ...model.certificates.certificate import ending, ends
from ...model.data.backup import stale
from ...model.deploy.plan import Wish
from ...model.deploy.switching import generations
from ...model.errors import FAILED, Trouble
from ...model.facts import SHORT, Container, Facts
from ...model.stack import Service
from ...model.watch.meters import age, shown
from ..schedule import jobs
from ..session import Session, all_of, side_by_side
from ..sight import Sight, look_at, plan_for
from .verdict import changes, overdue, stopped, summary, wrong

HANG = 2
"""Columns that the rest of a broken line begins in."""


def status(session: Session, names: Sequence[str], *, as_json: bool) -> None:
    """Show servers side by side, reading only.

    Exit codes: 0 all is well; 1 something is not (:func:`.verdict.wrong`); 2 a server cannot be
    reached or looked at, and the others are shown all the same.
    """
    looked = side_by_side(lambda name: _look(session, name), names)
    sights = {name: found for name, found in looked.items() if isinstance(found, Sight)}
    away = [found for found in looked.values() if isinstance(found, Trouble)]
    views = {name: view(sight, _called(session, name, sights)) for name, sight in sights.items()}
    if as_json and views:
        session.console.result(views)
    elif not as_json:
        for name, found in views.items():
            _show(session, name, found, sights[name].facts.now)
    if away:
        raise all_of(away)
    if bad := [
        f"{name} ({len(found['wrong'])})" for name, found in views.items() if found["wrong"]
    ]:
        raise Trouble(f"not all is well: {', '.join(bad)}", code=FAILED)


def _look(session: Session, name: str) -> Sight | Trouble:
    try:
        return look_at(session, name)
    except Trouble as trouble:
        return trouble


def _called(session: Session, name: str, sights: Mapping[str, Sight]) -> Sight | None:
    """The look at the server that ``name`` calls, when it was looked at too."""
    return sights.get(session.inventory.server(name).calls)


def view(sight: Sight, called: Sight | None) -> dict[str, Any]:
    """Everything that status knows, as the stable JSON of ``docs/json.md``."""
    seen = _seen(sight, called)
    return {**seen, "wrong": wrong(seen)}


def _seen(sight: Sight, called: Sight | None) -> dict[str, Any]:
    facts = sight.facts
    release, last = facts.verified, next(reversed(facts.releases), None)
    commit = facts.commit
    pending, refusals = _pending(sight, called)
    return {
        "server": sight.server.name,
        "release": release.view() if release else None,
        "last": last.view(facts.outcome(last)) if last else None,
        "head": facts.head,
        "wanted": {"commit": commit.id, "subject": commit.subject} if commit else None,
        "waits": _waits(facts),
        "edited": [entry[3:] for entry in facts.edited],
        "canary": _canary(facts),
        "kept": _kept(facts),
        "busy": facts.holder,
        "lingering": facts.lingering,
        "frozen": asdict(facts.freeze) if facts.freeze else None,
        "maintenance": _maintenance(facts),
        "backup": _backup(sight),
        "certificate": _certificate(facts),
        "jobs": jobs.view(sight.server, facts),
        "cron": jobs.unstarted(facts),
        "generations": generations(sight.server.name, facts),
        "services": _services(sight),
        "pending": pending,
        "problems": [*sight.problems, *refusals],
        "warnings": list(sight.warnings),
        "disk": [
            {"mount": disk.mount, "free_bytes": disk.free, "total_bytes": disk.total}
            for disk in facts.disks
        ],
    }


def _backup(sight: Sight) -> dict[str, Any] | None:
    """The last backup of a server that has a database."""
    if sight.target is None or sight.target.stack.database is None:
        return None
    backups = sight.facts.backups
    last = backups[-1] if backups else None
    return {
        "name": last.name if last else "",
        "taken": last.taken if last else 0,
        "verified": last.verified if last else 0,
        "stale": stale(backups, sight.facts.now),
    }


def _waits(facts: Facts) -> int | None:
    """Commits after the one that runs; None: it is not among the last 200, or nobody was asked."""
    last, commit = facts.verified, facts.commit
    later = commit.since(last.commit) if last and commit else None
    return None if later is None else len(later)


def _certificate(facts: Facts) -> dict[str, Any] | None:
    """When the one that visitors get ends, and what is wrong with that."""
    end = int(ends(facts.certificate))
    return {"ends": end, "ending": ending(facts.certificate, facts.now)} if end else None


def _maintenance(facts: Facts) -> dict[str, Any] | None:
    if facts.maintenance is None:
        return None
    return {key: value for key, value in asdict(facts.maintenance).items() if key != "token"}


def _canary(facts: Facts) -> dict[str, Any] | None:
    split = facts.split
    if split is None:
        return None
    return {"share": split.share, "since": split.since, "services": list(split.new)}


def _kept(facts: Facts) -> dict[str, Any] | None:
    """The former replicas that run on after a deploy."""
    last = facts.verified
    if last is None or not facts.keeps_former:
        return None
    return {"until": last.kept, "services": facts.two_generations}


def _services(sight: Sight) -> list[dict[str, Any]]:
    facts = sight.facts
    containers = _ours(sight)
    known = {one.name: one for one in sight.target.stack.services} if sight.target else {}
    names = [*known, *sorted(containers.keys() - known.keys())]
    if facts.keeps_former:  # they are as the release before deployed them
        containers |= {name: _asked(containers[name], facts) for name in facts.two_generations}
    return [_service(name, known.get(name), containers.get(name, []), facts) for name in names]


def _asked(containers: Sequence[Container], facts: Facts) -> list[Container]:
    """Those of a service that get requests."""
    return [one for one in containers if one.id[:SHORT] in facts.pinned[one.service]]


def _ours(sight: Sight) -> dict[str, list[Container]]:
    project = sight.target.stack.project if sight.target else None
    found: dict[str, list[Container]] = {}
    for container in sight.facts.containers:
        if container.service and (project is None or container.project == project):
            found.setdefault(container.service, []).append(container)
    return found


def _service(
    name: str, service: Service | None, containers: Sequence[Container], facts: Facts
) -> dict[str, Any]:
    """What is to be said of a service; of several replicas, of the one that is worst off."""
    release = facts.verified
    known = release is not None and name in release.definitions
    image = release.images.get(name) if release else None
    if not containers:
        absent = {"service": name, "state": "absent", "health": "", "image": ""}
        return {**absent, "as_deployed": False, "deployed": known, "well": False}

    def deployed(one: Container) -> bool:
        return bool(image and image.id == one.image)

    def well(one: Container) -> bool:
        done = service is not None and service.done(one.state, one.exit_code)
        return done or (one.state == "running" and one.health in ("", "healthy", "starting"))

    def rank(one: Container) -> tuple[bool, bool]:
        return well(one), deployed(one)

    container = min(containers, key=rank)
    tags = sorted(
        tag
        for tag, identity in facts.images.items()
        if tag != identity == container.image and not tag.endswith(":current")
    )
    return {
        "service": name,
        "state": container.state,
        "health": container.health,
        "image": tags[0] if tags else container.image[:19],
        "as_deployed": all(map(deployed, containers)),
        "deployed": known,
        "well": all(map(well, containers)),
        "memory": sum(facts.anonymous.get(one.id, 0) for one in containers),
        "limit": sum(one.limit for one in containers) if all(c.limit for c in containers) else 0,
        "restarts": sum(one.restarts for one in containers),
        "running": sum(one.state == "running" for one in containers),
    }


def _pending(sight: Sight, called: Sight | None) -> tuple[list[str], list[str]]:
    """The steps that a deploy of the branch would take now, or why it would be refused."""
    if sight.problems or sight.target is None:
        return [], []
    try:
        plan = plan_for(sight, called, Wish())
    except Trouble as trouble:
        return [], [trouble.message, *trouble.evidence]
    return [f"{step.title}: {step.reason}" for step in plan.steps], []


def _show(session: Session, name: str, found: Mapping[str, Any], now: int) -> None:
    console = session.console
    hang = HANG if console.rich.is_terminal else None
    console.line(name, _headline(found, now), "bold", hang=hang)
    console.table("", *_table(found["services"]))
    if told := summary(found, now):
        console.line(name, told, hang=hang)
    if found["jobs"]:
        told = ", ".join(map(jobs.told, found["jobs"]))
        console.line(name, f"jobs, last success: {told}", hang=hang)
    for text in (*changes(name, found), *found["generations"]):
        console.warn(name, text, hang=hang)
    for text in (*stopped(found), *overdue(found)):
        console.line(name, text, "red", hang=hang)
    for text in (*found["problems"], *found["warnings"]):
        console.warn(name, text, hang=hang)
    if found["edited"]:
        text = f"changed on the server by hand: {', '.join(found['edited'])}"
        console.warn(name, text, hang=hang)
    if found["waits"]:
        console.line(name, f"commits that wait: {found['waits']} (fab {name}.plan)")
    for step in found["pending"]:
        console.line(name, f"pending: {step}", hang=hang)


def _table(services: Sequence[Mapping[str, Any]]) -> tuple[list[str], list[list[str]]]:
    """Columns and rows; what no service has a word about is no column."""
    cells = [
        {
            "service": _counted(row),
            "state": f"{row['state']} {row['health']}".strip(),
            "restarts": str(row.get("restarts") or ""),
            "memory (of its limit)": _memory(row),
            "image": "as deployed"
            if row["as_deployed"]
            else f"{row['image']} not as deployed".strip(),
        }
        for row in services
    ]
    columns = [name for name in (cells[0] if cells else ()) if any(row[name] for row in cells)]
    return columns, [[row[name] for name in columns] for row in cells]


def _counted(row: Mapping[str, Any]) -> str:
    running = row.get("running", 0)
    return f"{row['service']} ({running})" if running > 1 else str(row["service"])


def _memory(row: Mapping[str, Any]) -> str:
    used, limit = row.get("memory"), row.get("limit")
    if not used:
        return ""
    return f"{shown(used)} ({used * 100 // limit}%)" if limit else shown(used)


def _headline(found: Mapping[str, Any], now: int) -> str:
    release = found["release"]
    if not release:
        return "no release yet"
    started = int(release["started"])
    when = time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime(started))
    wanted = found["wanted"] or {}
    ahead = wanted.get("commit") not in (None, "", release["commit"])
    behind = f"; the branch is at {wanted['commit'][:8]}" if ahead else ""
    return (
        f"runs {release['commit'][:8]} {release['subject']}"
        f" ({release['outcome']} {when}, {age(max(now - started, 0))} ago,"
        f" by {release['who']}){behind}"
    )
