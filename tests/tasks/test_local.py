"""``connection = local``: a server that operates itself has each task, without key and address."""

from __future__ import annotations

import pytest

from fabfile import ns

from .fakes.fleet import HOSTS, Fleet
from .shelves import backed_up
from .test_schedule import COLLECTION

INVENTORY = """\
[ubuntu]
path = /home/ubuntu/app
root = /opt/app
repository = git://origin/app.git
branch = main
compose = compose/ubuntu.yml
domains = app.example, api.app.example
address = 10.0.0.1
connection = local
"""
WORK = (
    "cron.install", "cron.list", "cron.remove", "db.backup", "db.list", "db.prune",
    "db.restore --from latest --yes", "db.verify", "deploy", "disk", "doctor", "env.check",
    "env.diff", "env.explain --setting DOMAIN", "env.init", "env.pull",
    "env.rotate --setting TOKEN", "events", "history", "logs",
    "maintenance.off", "network", "plan", "run uptime", "ssl.issue", "ssl.renew",
    "ssl.status", "stats", "status", "top", "ubuntu.deploy", "ubuntu.disk", "ubuntu.events",
    "ubuntu.freeze --why moving", "ubuntu.health", "ubuntu.history", "ubuntu.logs",
    "ubuntu.network", "ubuntu.plan", "ubuntu.promote", "ubuntu.prune", "ubuntu.ps",
    "ubuntu.recover", "ubuntu.restart", "ubuntu.rollback", "ubuntu.stats", "ubuntu.status",
    "ubuntu.top", "ubuntu.unfreeze",
)  # fmt: skip
REFUSED = {
    "hosts.pin ubuntu": "ubuntu: it is this machine (connection = local) and needs no host key",
    "ubuntu.bootstrap": "ubuntu: connection = local: a host is set up from another machine",
    "bootstrap": "ubuntu: connection = local: a host is set up from another machine",
}
MORE = {
    "cron.heal", "cron.run", "db.base", "env.push", "env.restore", "env.save", "env.set",
    "maintenance.on", "new", "ssl.install", "ssl.internal", "ubuntu.console", "ubuntu.exec",
    "ubuntu.run", "volume.backup", "volume.restore",
}  # fmt: skip
"""They need more than this server has; tests/lab/test_local.py has some of them."""


@pytest.fixture
def local(filled: Fleet) -> Fleet:
    """A server with two releases and a backup that is verified, and nobody who logs in."""
    filled.origin.commit("The collection", COLLECTION)
    assert filled.fab("deploy").code == 0
    backed_up(filled)
    assert filled.fab("db.verify").code == 0
    filled.hosts.write_text(INVENTORY)
    filled.ubuntu.lets_in = {""}
    return filled


@pytest.mark.parametrize("line", WORK)
def test_a_task_works_as_by_ssh(local: Fleet, line: str) -> None:
    ran = local.fab(line)
    assert ran.code == 0, ran.everything


@pytest.mark.parametrize("line", REFUSED)
def test_what_is_for_another_machine_is_refused(local: Fleet, line: str) -> None:
    ran = local.fab(line)
    assert (ran.code, ran.error) == (2, REFUSED[line])


def test_each_task_is_among_them() -> None:
    assert "[montreal]" in HOSTS
    tried = {line.partition(" ")[0] for line in (*WORK, *REFUSED)} | MORE
    assert {name.replace("montreal.", "ubuntu.") for name in ns.task_names} == tried
