"""Bind-mounted data directories did not exist: "no such file or directory" at start."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from tests.lab.rig import Server
from tests.lab.scenes import Scene
from tests.lab.seen import STATE, untouched

if TYPE_CHECKING:
    from tests.incidents.stories import Fresh

pytest_plugins = ("tests.lab.deployed", "tests.lab.staged", "tests.incidents.stories")

FOLDERS = ("backups", "build", "certs", "data", "locks", "proxy", "releases")


def test_a_first_deploy_makes_them_before_anything_starts(fresh: Fresh, scene: Scene) -> None:
    assert fresh.state_before == "absent"
    assert fresh.deploy.steps("montreal")[0] == "bootstrap /opt/wishwithme"
    montreal = scene.lab.server("montreal")
    owners = montreal.must(["sh", "-c", f"stat -c '%n %U %F' {STATE}/*/"]).splitlines()
    assert owners == [f"{STATE}/{name}/ ubuntu directory" for name in FOLDERS]
    shown = '{{range .Mounts}}{{if eq .Destination "/data/storage_state"}}{{.Name}}{{end}}{{end}}'
    words = ["docker", "inspect", "-f", shown, "wishwithme-item-resolver-1"]
    volume = montreal.must(words).strip()
    device = montreal.must(["docker", "volume", "inspect", "-f", "{{.Options.device}}", volume])
    assert device.strip() == f"{STATE}/data/storage_state"
    montreal.must(["test", "-d", device.strip()])


@contextmanager
def spoilt(server: Server, folder: str, *words: str) -> Iterator[None]:
    """A folder of the state with another owner or mode."""
    owner, mode = server.must(["stat", "-c", "%U:%G %a", folder]).split()
    server.must([*words, folder])
    try:
        yield
    finally:
        server.must(["chown", owner, folder])
        server.must(["chmod", mode, folder])


def test_those_that_we_may_not_write_are_found_before_anything_is_touched(scene: Scene) -> None:
    """Made by hand with sudo, or locked up: both in one refusal."""
    releases, build = f"{STATE}/releases", f"{STATE}/build"
    montreal = scene.lab.server("montreal")
    owner = spoilt(montreal, releases, "chown", "root")
    with owner, spoilt(montreal, build, "chmod", "500"), untouched(montreal):
        ran = scene.operator.fab("montreal.deploy")
    assert (ran.code, ran.out) == (2, ""), ran
    assert sorted(line.partition(" ")[0] for line in ran.evidence) == [build, releases]


def test_one_that_was_removed_is_made_again(scene: Scene) -> None:
    montreal = scene.lab.server("montreal")
    montreal.must(["rmdir", f"{STATE}/backups"])
    ran = scene.operator.fab("montreal.deploy")
    assert ran.code == 0, ran
    assert ran.steps("montreal")[0] == "bootstrap /opt/wishwithme"
    assert montreal.must(["stat", "-c", "%U", f"{STATE}/backups"]) == "ubuntu\n"
