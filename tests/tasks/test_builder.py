"""``builder``: another machine builds, and only what the server lacks of the image is sent."""

from __future__ import annotations

import re

import pytest

from fabfile.model.errors import REFUSED, Trouble

from .fakes.engine import Ended
from .fakes.fleet import Fleet, Ran
from .fakes.machine import Machine

SENT = ["keep-env", "fetch 00000002"]


@pytest.fixture
def elsewhere(running: Fleet) -> Fleet:
    """Both servers are deployed; ubuntu's images are built on montreal from now on."""
    return building(running, "montreal")


@pytest.fixture
def here(running: Fleet) -> Fleet:
    """Ubuntu's images are built where fab runs."""
    machine = Machine("local", "127.0.0.1", running.origin, running.journal)
    machine.lets_in = {""}
    running.machines["local"] = machine
    return building(running, "local")


def building(fleet: Fleet, builder: str) -> Fleet:
    text = fleet.hosts.read_text()
    fleet.hosts.write_text(text.replace("[ubuntu]\n", f"[ubuntu]\nbuilder = {builder}\n"))
    fleet.origin.commit("Second", {"services/web/index.html": "Welcome again\n"})
    return fleet


def deploy(fleet: Fleet) -> Ran:
    ran = fleet.fab("ubuntu.deploy")
    assert ran.code == 0, ran.everything
    return ran


def served(fleet: Fleet) -> str:
    """The text of the image that serves the page."""
    (web,) = fleet.ubuntu.engine.all_of("app", "web")
    return fleet.ubuntu.engine.content(web)


BUILT = ["build-apart web", "trim-cache", "save-image app/web", "pack-image", "remove-scratch"]


def test_another_server_builds_and_what_is_lacking_is_sent(elsewhere: Fleet) -> None:
    ran = deploy(elsewhere)
    assert "Welcome again" in served(elsewhere)
    assert elsewhere.montreal.did == BUILT
    assert elsewhere.ubuntu.did[5:8] == ["await-image", "receive-image", "load-image"]
    assert "compose build web" not in elsewhere.ubuntu.did
    assert re.search(r"web: app/web:\w{16} not on the server; built on montreal", ran.unbroken)
    assert re.search(r"✓ build web \(1 of 2 layers, 0\.0 MB\)", "\n".join(ran.lines))
    assert re.search(r"app/web:\w{16} from montreal: 1 of 2 layers, 0\.0 MB\n", ran.out)
    assert elsewhere.ubuntu.builds.arrived == {}
    assert elsewhere.montreal.builds.laid == {}


def test_the_machine_that_runs_fab_builds_and_keeps_the_newest(here: Fleet) -> None:
    ran = deploy(here)
    assert "Welcome again" in served(here)
    assert here.machines["local"].did == [*BUILT, "keep-newest app/web"]
    assert "built on this machine" in ran.unbroken
    assert "from this machine: 1 of 2 layers" in ran.unbroken


def test_the_builder_gets_no_setting_of_the_server(elsewhere: Fleet) -> None:
    deploy(elsewhere)
    stack = elsewhere.montreal.builds.stack
    assert list(stack) == ["name", "services"]
    assert list(stack["services"]) == ["web"]
    assert list(stack["services"]["web"]) == ["image", "build"]
    (given,) = [text for text in elsewhere.montreal.inputs if "Welcome again" in text]
    assert "app.py" not in given


def test_an_image_that_the_builder_has_is_not_built_again(elsewhere: Fleet) -> None:
    elsewhere.ubuntu.fail("load-image", times=2)
    assert elsewhere.fab("ubuntu.deploy").code == 1
    elsewhere.forget()
    deploy(elsewhere)
    assert elsewhere.montreal.did == BUILT[2:]


def test_a_rebuild_is_built_again_on_fresh_bases(elsewhere: Fleet) -> None:
    deploy(elsewhere)
    elsewhere.forget()
    ran = elsewhere.fab("ubuntu.deploy --rebuild")
    assert ran.code == 0, ran.everything
    assert [line for line in elsewhere.montreal.did if "build" in line] == [
        "build-apart api --pull --no-cache",
        "build-apart web --pull --no-cache",
    ]


def test_a_rollback_asks_the_builder_nothing(elsewhere: Fleet) -> None:
    deploy(elsewhere)
    elsewhere.forget()
    elsewhere.unreachable["montreal"] = Trouble("montreal: down", code=REFUSED)
    ran = elsewhere.fab("ubuntu.rollback --waive link --waive peer")
    assert elsewhere.montreal.did == []
    assert "Welcome again" not in served(elsewhere), ran.everything


def test_a_copy_that_is_cut_goes_on_where_it_was(elsewhere: Fleet) -> None:
    elsewhere.ubuntu.deaf = 20
    ran = elsewhere.fab("ubuntu.deploy")
    assert ran.code == 1
    assert ran.error == (
        "ubuntu: the copy of the image was cut; the next deploy goes on there;"
        " the running system was not touched"
    )
    (part,) = elsewhere.ubuntu.builds.arrived.values()
    elsewhere.ubuntu.deaf = 0
    ran = deploy(elsewhere)
    assert f", resumed at {len(part) / 1e6:.1f} MB" in ran.unbroken
    assert "Welcome again" in served(elsewhere)


def test_prune_takes_away_what_a_copy_that_was_cut_left(elsewhere: Fleet) -> None:
    elsewhere.ubuntu.deaf = 20
    assert elsewhere.fab("ubuntu.deploy").code == 1
    elsewhere.ubuntu.deaf = 0
    assert elsewhere.ubuntu.builds.arrived != {}
    ran = elsewhere.fab("ubuntu.prune")
    assert ran.code == 0, ran.everything
    assert elsewhere.ubuntu.builds.arrived == {}


@pytest.mark.parametrize("builder", ["montreal", "local"])
def test_a_builder_without_an_engine_is_refused_in_the_plan(running: Fleet, builder: str) -> None:
    local = Machine("local", "127.0.0.1", running.origin, running.journal)
    local.lets_in = {""}
    running.machines["local"] = local
    building(running, builder).machines[builder].builds.platform = ""
    shown = {"local": "this machine"}.get(builder, builder)
    with running.untouched():
        for line in ("ubuntu.plan", "ubuntu.deploy"):
            ran = running.fab(line)
            assert (ran.code, ran.error) == (
                2,
                (
                    f"ubuntu: {shown} cannot build for it: no Docker engine answers there"
                    " (Cannot connect)"
                ),
            )


def test_another_platform_is_refused_with_what_helps(elsewhere: Fleet) -> None:
    elsewhere.montreal.builds.platform = "linux/arm64"
    elsewhere.montreal.builds.platforms = "linux/arm64*, linux/arm/v7"
    with elsewhere.untouched():
        ran = elsewhere.fab("ubuntu.plan")
    assert (ran.code, ran.error) == (
        2,
        (
            "ubuntu: montreal cannot build for it: it is linux/arm64 and the server is linux/amd64:"
            " register an emulator (on montreal: docker run --privileged --rm tonistiigi/binfmt"
            " --install amd64), or let the server build: builder = server"
        ),
    )


def test_another_platform_is_built_for_where_buildx_can(elsewhere: Fleet) -> None:
    elsewhere.montreal.builds.platform = "linux/arm64"
    elsewhere.montreal.builds.platforms = "linux/arm64*, linux/amd64"
    deploy(elsewhere)
    assert elsewhere.montreal.builds.stack["services"]["web"]["platform"] == "linux/amd64"


def test_a_builder_that_is_down_is_refused_in_one_line(elsewhere: Fleet) -> None:
    elsewhere.unreachable["montreal"] = Trouble("montreal: no answer; is the host up?", code=2)
    with elsewhere.untouched():
        ran = elsewhere.fab("ubuntu.deploy --waive link --waive peer")
    assert (ran.code, ran.error) == (
        2,
        "ubuntu: its builder cannot be used: montreal: no answer; is the host up?",
    )


def test_a_build_that_fails_shows_its_end_and_leaves_what_runs(elsewhere: Fleet) -> None:
    elsewhere.origin.commit("Third", {"services/web/index.html": "BUILD FAILS\n"})
    ran = elsewhere.fab("ubuntu.deploy")
    assert (ran.code, ran.error) == (
        1,
        "montreal: the build of web failed; the running system was not touched",
    )
    assert ran.evidence[-1] == "ERROR: process did not complete successfully: exit code: 1"
    assert "Welcome\n" in served(elsewhere)


def test_a_disk_that_is_full_on_the_way_keeps_nothing_of_the_image(elsewhere: Fleet) -> None:
    elsewhere.ubuntu.builds.room = 10
    ran = elsewhere.fab("ubuntu.deploy")
    assert (ran.code, ran.error) == (
        1,
        (
            "ubuntu: the disk is full; what had come of the image was removed: make room with"
            " fab ubuntu.prune; the running system was not touched"
        ),
    )
    assert ran.evidence == ["cat: write error: No space left on device"]
    assert elsewhere.ubuntu.builds.arrived == {}


def test_what_arrives_as_another_image_is_removed(elsewhere: Fleet) -> None:
    elsewhere.ubuntu.builds.arrives_as = "sha256:other"
    ran = elsewhere.fab("ubuntu.deploy")
    assert ran.code == 1
    assert re.fullmatch(
        r"ubuntu: app/web:\w{16} arrived as sha256:other and is sha256:\w{64} on montreal;"
        r" it was removed; the running system was not touched",
        ran.error,
    )
    assert "docker image rm app/web" in elsewhere.ubuntu.did
    assert "Welcome\n" in served(elsewhere)


def test_an_engine_that_takes_no_parts_gets_all_layers(elsewhere: Fleet) -> None:
    elsewhere.ubuntu.builds.refuses_parts = True
    ran = elsewhere.fab("ubuntu.deploy")
    assert ran.code == 1
    assert "the engine does not take" in ran.error
    elsewhere.ubuntu.builds.refuses_parts = False
    elsewhere.ubuntu.fail("load-image", times=1)
    elsewhere.forget()
    ran = deploy(elsewhere)
    assert "is sent with all of its layers: the engine takes no part of it" in ran.unbroken
    assert "2 of 2 layers" in ran.unbroken


def test_an_engine_whose_disk_is_full_gets_nothing_more(elsewhere: Fleet) -> None:
    said = "write /usr/share/page: no space left on device"
    elsewhere.ubuntu.fail("load-image", ended=Ended(1, err=said))
    ran = elsewhere.fab("ubuntu.deploy")
    assert ran.code == 1
    assert re.fullmatch(
        r"ubuntu: the engine does not take app/web:\w{16}: its disk is full: make room with"
        r" fab ubuntu\.prune; the running system was not touched",
        ran.error,
    )
    assert ran.evidence == [said]
    assert elsewhere.ubuntu.did.count("receive-image") == 1


def test_containerd_gets_the_image_whole(elsewhere: Fleet) -> None:
    elsewhere.ubuntu.builds.containerd = True
    elsewhere.ubuntu.builds.arrives_as = "sha256:manifest"
    assert "2 of 2 layers" in deploy(elsewhere).unbroken


def test_both_compress_with_what_both_have(elsewhere: Fleet) -> None:
    elsewhere.ubuntu.builds.zstd = False
    deploy(elsewhere)
    (packing,) = [words for words in elsewhere.montreal.transcript if "pack-image" in words]
    assert packing[5] == "gzip"


def test_a_dry_run_builds_and_sends_nothing(elsewhere: Fleet) -> None:
    with elsewhere.untouched():
        ran = elsewhere.fab("ubuntu.deploy --dry-run")
    assert ran.code == 0, ran.everything
    told = [line for line in ran.lines if line.startswith("[montreal]")]
    assert [line.split()[1:4] for line in told] == [
        ["would", "run:", "build-apart"],
        ["would", "run:", "save-image"],
    ]


REGISTRY = "registry.example.com/team"


@pytest.fixture
def registry(elsewhere: Fleet) -> Fleet:
    """What montreal builds comes by a registry that both are logged in to."""
    text = elsewhere.hosts.read_text()
    elsewhere.hosts.write_text(text.replace("[ubuntu]\n", f"[ubuntu]\nregistry = {REGISTRY}\n"))
    for name in ("ubuntu", "montreal"):
        elsewhere.machines[name].builds.logged_in = (REGISTRY,)
    return elsewhere


def test_a_registry_brings_the_image_where_there_is_one(registry: Fleet) -> None:
    ran = deploy(registry)
    assert "Welcome again" in served(registry)
    assert registry.montreal.did == ["build-apart web", "trim-cache", "push-image"]
    assert registry.ubuntu.did[5:6] == ["pull-image"]
    assert f"✓ build web (by {REGISTRY})" in "\n".join(ran.lines)


@pytest.mark.parametrize(("name", "what"), [("montreal", "pushed to"), ("ubuntu", "pulled from")])
def test_a_registry_that_refuses_is_told_with_what_helps(
    registry: Fleet, name: str, what: str
) -> None:
    registry.machines[name].builds.logged_in = ()
    ran = registry.fab("ubuntu.deploy")
    assert ran.code == 1
    assert re.fullmatch(
        rf"{name}: app/web:\w{{16}} cannot be {what} {REGISTRY}; is that machine logged in"
        r" \(docker login registry\.example\.com\)\?; the running system was not touched",
        ran.error,
    )
    assert "Welcome\n" in served(registry)


def test_what_comes_by_a_registry_is_checked_too(registry: Fleet) -> None:
    registry.ubuntu.builds.arrives_as = "sha256:other"
    ran = registry.fab("ubuntu.deploy")
    assert "arrived as sha256:other and is sha256:" in ran.error
    assert "docker image rm app/web" in registry.ubuntu.did
