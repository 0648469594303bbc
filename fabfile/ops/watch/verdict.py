"""What is to be said of a server, of its :func:`.status.view`: what is wrong, and what is not."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ...model.release import DIED, RUNNING
from ...model.watch.meters import age


def wrong(found: Mapping[str, Any]) -> list[str]:
    """Why not all is well, each in one line; empty: it is.

    What a person has wanted so is not wrong: a frozen server, maintenance, a canary, a deploy that
    is under way or waits.
    """
    return [*stopped(found), *_died(found), *overdue(found), *_ending(found), *found["problems"]]


def stopped(found: Mapping[str, Any]) -> Iterator[str]:
    """What does not run as it was deployed, while nobody is at it."""
    release = found["release"]
    if not release:
        yield "nothing is deployed"
    for row in found["services"] if release and not found["busy"] else ():
        name, state = row["service"], f"{row['state']} {row['health']}".strip()
        if row["deployed"] and not row["well"]:
            yield f"{name} is {state}"
        elif row["deployed"] and not row["as_deployed"] and not found["canary"]:
            yield f"{name} is not as deployed"


def _died(found: Mapping[str, Any]) -> Iterator[str]:
    if found["last"] and found["last"]["outcome"] == DIED:
        yield f"the last deploy {found['last']['id']} died"


def _ending(found: Mapping[str, Any]) -> Iterator[str]:
    if found["certificate"]:
        yield from (f"certificate: {text}" for text in found["certificate"]["ending"])


def summary(found: Mapping[str, Any], now: int) -> str:
    """What else an operator looks for, in one line. ``now``: the server's clock."""
    told = [f"disk {_least(found['disk'])}% free"] if found["disk"] else []
    if found["certificate"]:
        told.insert(0, f"certificate ends in {(found['certificate']['ends'] - now) // 86400} days")
    if (backup := found["backup"]) and backup["taken"]:
        proof = (
            f"verified {_ago(backup['verified'], now)}" if backup["verified"] else "not verified"
        )
        told.insert(0, f"backup {_ago(backup['taken'], now)}, {proof}")
    return "; ".join(told)


def _least(disks: list[dict[str, int]]) -> int:
    return min(disk["free_bytes"] * 100 // max(disk["total_bytes"], 1) for disk in disks)


def _ago(then: float, now: int) -> str:
    return f"{age(max(now - int(then), 0))} ago"


def changes(name: str, found: Mapping[str, Any]) -> list[str]:
    """Who is at the server, and how the last change ended if not well; of its :func:`view`."""
    told = [f"a change is running: {found['busy']}"] if found["busy"] else []
    if found["lingering"]:
        told.append(f"a step of a run that died is still under way: {found['lingering']}")
    last = found["last"]
    if last and last["outcome"] == DIED:
        told.append(
            f"the last deploy {last['id']} died; fab {name}.recover brings back what ran before"
        )
    elif last and last["outcome"] != RUNNING and last != found["release"]:
        told.append(f"the last deploy {last['id']} {last['outcome']}: {last['error']}")
    return told


def overdue(found: Mapping[str, Any]) -> list[str]:
    """What should have been done by itself and was not; of a server's :func:`view`."""
    stale = found["backup"]["stale"] if found["backup"] else ""
    told = [f"backup: {stale}"] if stale else []
    told += [found["cron"]] if found["cron"] else []
    return told + [f"job {job['task']}: {job['late']}" for job in found["jobs"] if job["late"]]
