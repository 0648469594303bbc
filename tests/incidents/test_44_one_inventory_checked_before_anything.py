"""Wrong user, path and data directory, no compose on the new host: typed in four places."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

from tests.lab.deployments import refused
from tests.lab.rig.place import ROOT
from tests.lab.scenes import Scene
from tests.lab.seen import hidden, untouched

pytest_plugins = ("tests.lab.deployed", "tests.lab.staged")

PLUGIN = "/usr/libexec/docker/cli-plugins/docker-compose"


def test_every_address_user_and_path_of_a_server_stands_in_the_inventory_alone() -> None:
    """Read by git from all that acts: code, stacks, proxies, scripts, workflows."""
    addresses = re.findall(r"^host = (\S+)", (ROOT / "hosts.ini").read_text(), re.MULTILINE)
    assert len(addresses) == 2
    acting = ["fabfile", "compose", "nginx", "scripts", "services", "tasks.py", ".github", ".ci"]
    words = ["git", "grep", "-lF", *(f"-e{a}" for a in addresses), "-e/home/ubuntu", "--", *acting]
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (1, ""), done


def test_a_wrong_user_is_named_before_anything_else(scene: Scene, tmp_path: Path) -> None:
    hosts_ini = scene.operator.inventory(tmp_path, "ubuntu", user="admin")
    with untouched(scene.ubuntu):
        said = refused(scene.operator.fab("ubuntu.deploy", hosts_ini=hosts_ini))
    assert re.fullmatch(r"ubuntu: \S+ refuses key \S+ for user admin; wrong user or key: .*", said)


def test_a_wrong_path_a_wrong_root_and_no_compose_are_told_together(
    scene: Scene, tmp_path: Path
) -> None:
    wrong = {"path": "/home/ubuntu/wishwithme", "root": "/srv/wishwithme"}
    hosts_ini = scene.operator.inventory(tmp_path, "ubuntu", **wrong)
    away = hidden(scene.ubuntu, PLUGIN), hidden(scene.ubuntu, "/etc/sudoers.d/ubuntu")
    with away[0], away[1], untouched(scene.ubuntu):
        ran = scene.operator.fab("ubuntu.deploy", hosts_ini=hosts_ini)
    assert (ran.code, ran.out) == (2, "")
    assert ran.error == "ubuntu: 3 preconditions do not hold; nothing was touched"
    once = "run once: sudo install -d -m 700 -o ubuntu /srv/wishwithme"
    assert sorted(ran.evidence) == [
        f"/srv/wishwithme does not exist and ubuntu may not use sudo to make it; {once}",
        "docker compose is missing or older than 2.20; install the docker compose plugin",
        "no /home/ubuntu/wishwithme/.env: fab env.init makes it",
    ]


def test_another_root_than_the_stacks_is_told(scene: Scene, tmp_path: Path) -> None:
    hosts_ini = scene.operator.inventory(tmp_path, "ubuntu", root="/opt/wishwithme2")
    with untouched(scene.ubuntu):
        said = refused(scene.operator.fab("ubuntu.deploy", hosts_ini=hosts_ini))
    assert said == "ubuntu: .env: STATE_ROOT is not '/opt/wishwithme2', which hosts.ini says"
