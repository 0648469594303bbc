"""nginx.conf edits never reached the running nginx: a mounted file keeps its old inode."""

from __future__ import annotations

from tests.lab.full import full
from tests.lab.rig.output import wait_until
from tests.lab.scenes import PROXY, Scene, answers, reasons
from tests.lab.seen import STATE
from tests.names import SITE

pytest_plugins = ("tests.lab.deployed", "tests.lab.staged")


def test_a_proxys_configuration_is_loaded_and_proved_and_nothing_is_recreated(scene: Scene) -> None:
    """Folders are mounted, so git may replace a file; nginx itself answers what it has loaded."""
    commit = scene.change("Another answer of the proxy", {PROXY: answers("/seven", "seven")})
    assert reasons(scene.plan(commit), "build", "up", "roll", "reload") == {
        "nginx": "its configuration changed"
    }
    with scene.only_replaces():
        ran = scene.deployed(commit)
    assert scene.get(SITE, "/seven") == (200, "seven")

    address = scene.boxes()["nginx"].address
    loaded = scene.ubuntu.must(["curl", "-sf", f"http://{address}:8090/generation"]).strip()
    assert "reload nginx" in ran.steps("ubuntu")
    assert f"(configuration {loaded} is loaded)" in ran.out
    assert loaded in scene.ubuntu.must(["cat", f"{STATE}/proxy/generation.conf"])


@full
def test_a_proxy_that_was_reloaded_is_back_after_the_engine_restarted(scene: Scene) -> None:
    """``docker kill --signal HUP`` would have counted as a stop by hand, and it stayed down."""
    commit = scene.change("Loaded before a restart", {PROXY: answers("/back", "back")})
    assert "reload nginx" in scene.deployed(commit).steps("ubuntu")
    scene.ubuntu.restart_engine()
    wait_until(lambda: scene.boxes()["nginx"].health == "healthy", "the proxy is back", 60)
    assert scene.get(SITE, "/back") == (200, "back")
    starting = "docker ps -q --filter health=starting"
    wait_until(lambda: not scene.by_hand(starting), "everything is back", 60)


def test_a_configuration_that_nginx_refuses_changes_nothing(scene: Scene) -> None:
    """Tested in the target image with the real mounts before the checkout moves."""
    commit = scene.change("A variable nobody sets", {PROXY: answers("/odd", "$nobody_sets_this")})
    with scene.comes_back():
        ran = scene.deploy(commit)
    assert ran.code == 1
    assert ran.error == (
        "ubuntu: nginx refuses the new configuration; the running system was not touched"
    )
    assert any('unknown "nobody_sets_this" variable' in line for line in ran.evidence), ran
