"""`docker compose up --dry-run` really replaced containers (docker/compose#14029)."""

from __future__ import annotations

import subprocess

from tests.lab.commits import replaced
from tests.lab.rig.place import ROOT
from tests.lab.scenes import APP, STACK, Scene, ending
from tests.lab.seen import untouched

pytest_plugins = ("tests.lab.deployed", "tests.lab.staged")


def test_a_dry_run_of_what_would_replace_containers_replaces_none(scene: Scene) -> None:
    """Images, a definition, a data service: each command is shown, no byte moves."""
    limit = replaced("    shm_size: 128mb", "    shm_size: 96mb")
    commit = scene.change("Much would change", {STACK: limit, APP: ending("DRY = 57")})
    with untouched(scene.ubuntu, scene.lab.server("montreal")):
        words = ["ubuntu.deploy", "--ref", commit, "--restart-data", "--dry-run"]
        ran = scene.operator.fab(*words)
    assert ran.code == 0, ran
    shown = [line for line in ran.out.splitlines() if "would run: " in line]
    assert any(" build " in line for line in shown), ran
    assert any("up -d" in line for line in shown), ran
    assert scene.last()["commit"] != commit
    assert "verified: " not in ran.out


def test_no_dry_run_is_left_to_somebody_elses_program() -> None:
    """Ours is a host that cannot write; compose's word for it stands nowhere in the code."""
    words = ["git", "grep", "-n", "--", '"--dry-run"', "fabfile"]
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.stdout == ""
