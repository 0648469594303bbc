"""A server that operates itself: every task, as cron would start it, without SSH."""

from __future__ import annotations

import shlex

from tests.lab.deployments import STATUS
from tests.lab.full import full
from tests.lab.rig.server import CHECKOUT
from tests.lab.scenes import Scene
from tests.lab.seen import STATE
from tests.lab.test_cron import night

__all__ = ["night"]

pytest_plugins = ("tests.lab.deployed", "tests.lab.staged")

ENVIRONMENT = (
    "env", "-i", "HOME=/home/ubuntu", "LOGNAME=ubuntu", "PATH=/usr/bin:/bin:/usr/sbin:/sbin",
    f"HOSTS_INI={STATE}/operator/hosts.ini", "PYTHONUTF8=1", "PYTHONDONTWRITEBYTECODE=1",
)  # fmt: skip
COPIES = f"""
umask 077
mkdir -p /tmp/local
cp {STATE}/certs/fullchain.pem {STATE}/certs/privkey.pem /tmp/local
"""
WORK = (
    "status", "plan", "doctor", "ubuntu.status", "ubuntu.plan", "ubuntu.health", "ubuntu.history",
    "logs", "ubuntu.logs", "ubuntu.ps", "disk", "network", "stats", "top", "events", "env.check",
    "env.diff", "env.explain --setting DOMAIN", "env.init", "env.pull --file /tmp/local/env",
    "env.push --file /tmp/local/env --yes", "cron.install", "cron.list", "ssl.status",
    "ssl.install --certificate /tmp/local/fullchain.pem --key /tmp/local/privkey.pem",
    "ssl.renew", "db.backup", "db.verify", "db.list", "db.prune",
    "db.restore --from latest --yes --drop-old", "volume.backup --service redis",
    "volume.restore --service redis --from newest --yes", "ubuntu.freeze --why moving",
    "ubuntu.unfreeze", "ubuntu.restart --yes", "env.rotate --setting JWT_SECRET_KEY --yes",
    "ubuntu.deploy --yes", "deploy --yes", "ubuntu.promote --yes", "ubuntu.recover",
    "ubuntu.prune", "cron.remove",
)  # fmt: skip
REFUSED = {
    "bootstrap": "ubuntu: connection = local: a host is set up from another machine",
    "ubuntu.bootstrap": "ubuntu: connection = local: a host is set up from another machine",
    "hosts.pin ubuntu": "ubuntu: it is this machine (connection = local) and needs no host key",
}


def there(scene: Scene, line: str) -> tuple[int, str]:
    """What becomes of ``fab LINE`` on the server itself."""
    fab = [f"{STATE}/operator/venv/bin/fab", "--search-root", CHECKOUT, *shlex.split(line)]
    done = scene.ubuntu.exec([*ENVIRONMENT, *fab], timeout=300)
    return done.returncode, done.stdout + done.stderr


@full
def test_every_task_works_on_the_server_itself(night: Scene) -> None:
    night.operator.must("cron.install", "--on", "ubuntu")
    night.by_hand(COPIES)
    try:
        for line in WORK:
            code, said = there(night, line)
            assert code == 0 or (code == 1 and line in STATUS), (line, said)
        for line, error in REFUSED.items():
            code, said = there(night, line)
            assert (code, " ".join(said.split())) == (2, f"error: {error}")
        night.operator.must("deploy", "--yes")
    finally:
        night.by_hand("rm -rf /tmp/local")
