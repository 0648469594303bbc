"""Retention: which backups stay and which go, grandfather-father-son, each with its reason.

Only verified backups fill the places. What was made later counts as newer, whatever its clock said,
so that a clock that was wrong for a while cannot push good backups out.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from .backup import Backup


@dataclass(frozen=True)
class Keep:
    """How many days, weeks and months have a backup."""

    daily: int = 7
    weekly: int = 4
    monthly: int = 6


@dataclass(frozen=True)
class Retention:
    """The decision: name → why it stays, name → why it goes."""

    stays: Mapping[str, str]
    goes: Mapping[str, str]


def retain(backups: Sequence[Backup], keep: Keep, needed: Collection[str] = ()) -> Retention:
    """Decide about backups in the order in which they were made.

    The newest verified one always stays, and so do those in ``needed`` and every unverified one
    that is newer than it. Without a verified one nothing goes.
    """
    stays: dict[str, str] = {}
    verified = [backup for backup in reversed(backups) if backup.verified]
    if verified:
        stays[verified[0].name] = "the newest verified one"
    for places, word, period in (
        (keep.daily, "day", _day),
        (keep.weekly, "week", _week),
        (keep.monthly, "month", _month),
    ):
        for name, when in _newest_of_each(verified, places, period).items():
            stays.setdefault(name, f"the newest of {word} {when}")
    for backup in backups:
        if backup.name in needed:
            stays.setdefault(backup.name, "made before a release that can be gone back to")
        elif not backup.verified and not verified:
            stays[backup.name] = "no backup is verified"
        elif not backup.verified and backup.number > verified[0].number:
            stays[backup.name] = "newer than the newest verified one"
    goes = {
        backup.name: "its place has a newer one" if backup.verified else _unverified(backup)
        for backup in backups
        if backup.name not in stays
    }
    return Retention(stays, goes)


def _newest_of_each(
    newest_first: Sequence[Backup], places: int, period: Callable[[Backup], str]
) -> dict[str, str]:
    """Name → period, of the newest backup in each of the last ``places`` periods that have one."""
    found: dict[str, str] = {}
    for backup in newest_first:
        if len(found) == places:
            break
        if period(backup) not in found.values():
            found[backup.name] = period(backup)
    return found


def _unverified(backup: Backup) -> str:
    return (
        "its check failed, and a newer one is verified"
        if backup.failure
        else ("never verified, and a newer one is")
    )


def _when(backup: Backup) -> datetime:
    return datetime.fromtimestamp(backup.taken, UTC)


def _day(backup: Backup) -> str:
    return _when(backup).strftime("%Y-%m-%d")


def _week(backup: Backup) -> str:
    return _when(backup).strftime("%G-W%V")


def _month(backup: Backup) -> str:
    return _when(backup).strftime("%Y-%m")
