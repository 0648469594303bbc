"""A server whose database has rows, and the backups on it."""

from __future__ import annotations

import json

from fabfile.model.data.backup import Backup, parse_manifest

from .fakes.application import DATABASE, UBUNTU
from .fakes.fleet import Fleet
from .fakes.machine import ROOT


def with_database() -> str:
    """The compose file whose ``db`` is called a database."""
    model = json.loads(json.dumps(UBUNTU))
    model["x-deploy"]["db"]["database"] = DATABASE
    return json.dumps(model)


def shelf(fleet: Fleet) -> list[Backup]:
    """The backups on the server, oldest first."""
    files = fleet.ubuntu.below(f"{ROOT}/backups")
    return [b for _, text in sorted(files.items()) if (b := parse_manifest(text))]


def backed_up(fleet: Fleet, number: int = 1) -> list[str]:
    """The names of so many backups, a day apart."""
    for _ in range(number):
        ran = fleet.fab("db.backup")
        assert ran.code == 0, ran.everything
        fleet.ubuntu.clock += 86400
    return [backup.name for backup in shelf(fleet)]
