"""The way back: what a deploy that failed after its first change leaves."""

from __future__ import annotations

from pathlib import Path

from tests.lab.commits import replaced
from tests.lab.scenes import APP, HEALTH, PAGE, PROXY, TWINS, Scene, ending, step_names, titled
from tests.lab.seen import settings_kept, untouched

pytest_plugins = ("tests.lab.deployed", "tests.lab.staged")

DYING = """import asyncio
import os


async def die() -> None:
    await asyncio.sleep(10)
    os._exit(1)


def create_app"""
OURS = "docker image ls -aq --no-trunc --filter label=me.wishwith.content | sort -u"


def test_a_container_that_dies_ten_seconds_after_it_was_healthy(
    scene: Scene, tmp_path: Path
) -> None:
    """A short watch after the roll sees it."""
    starts = replaced(
        "        yield\n", "        dying = asyncio.create_task(die())  # noqa\n        yield\n"
    )

    def edit(text: str) -> str:
        return starts(text).replace("def create_app", DYING, 1)

    commit = scene.change("An API that dies late", {APP: edit})
    patient = scene.operator.inventory(tmp_path, "defaults", watch="15")
    with scene.comes_back(TWINS):
        ran = scene.operator.fab("ubuntu.deploy", "--ref", commit, hosts_ini=patient)
    assert ran.code == 1, ran
    assert ran.error.startswith("ubuntu: core-api-"), ran
    assert "was healthy, then died; the end of its log is below; ubuntu is back" in ran.error
    record = scene.record(commit)
    assert record["outcome"] == "failed"
    assert step_names(record)[-2:] == ["roll core-api-1", "roll core-api-2"]


def test_a_deep_probe_that_fails_brings_release_and_settings_back(scene: Scene) -> None:
    """Every container is healthy, only the body says otherwise; the .env comes back too."""
    good = scene.runs
    sick = replaced('        return {"status": "healthy"', '        return {"status": "sick"')
    commit = scene.change("An API that is not well", {HEALTH: sick})
    with settings_kept(scene.ubuntu):
        kept = scene.by_hand("sha256sum .env")
        scene.by_hand("sed -i 's/^GOOGLE_CLIENT_ID=.*/GOOGLE_CLIENT_ID=a-client/' .env")
        with scene.comes_back(TWINS):
            ran = scene.deploy(commit)
        assert scene.by_hand("sha256sum .env") == kept
    assert ran.code == 1, ran
    assert ran.error == (
        "ubuntu: red gates: probe:core-api-2, probe:core-api-1, proxy:api, outside:api;"
        f" ubuntu is back at {good[:8]}, proved"
    )
    assert any("sick" in line for line in ran.evidence), ran
    record = scene.record(commit)
    assert (record["outcome"], record["error"].split(":")[0]) == ("failed", "prove")
    red = [gate["title"] for gate in record["gates"] if gate["outcome"] == "red"]
    assert red == ["probe:core-api-2", "probe:core-api-1", "proxy:api", "outside:api"]


def test_a_gate_that_fails_from_outside(scene: Scene) -> None:
    """Every container is well, the proxy's configuration is valid, and serves no page."""
    good = scene.runs
    closed = replaced("        proxy_pass http://frontend;\n", "        return 403;\n")
    commit = scene.change("A closed door", {PROXY: closed})
    with scene.comes_back():
        ran = scene.deploy(commit)
    assert (ran.code, ran.error) == (
        1,
        f"ubuntu: red gates: proxy:site, outside:site; ubuntu is back at {good[:8]}, proved",
    ), ran
    assert any(line.startswith("outside:site: ") and "403" in line for line in ran.evidence), ran


def test_prune_keeps_what_five_releases_need_and_what_is_not_ours(scene: Scene) -> None:
    """The page before the last five verified releases goes; a stranger's image does not."""
    scene.deployed(scene.change("A page long ago", {PAGE: titled("long ago")}))
    gone = scene.boxes()["frontend"].image
    kept = [scene.change("The page of five releases", {PAGE: titled("five")})]
    scene.deployed(kept[0])
    for number in range(4):
        kept.append(scene.change("Nothing that runs", {"README.md": ending(str(number))}))
        assert scene.deploy(kept[-1]).code == 0
    needed = {box.image for box in scene.boxes().values()}
    for commit in kept:
        needed |= {image["id"] for image in scene.record(commit)["images"].values()}
    scene.by_hand("tar -c -T /dev/null | docker import - stranger:1")
    stranger = scene.image("stranger:1")

    with untouched(scene.ubuntu):
        scene.operator.must("ubuntu.prune", "--dry-run")
    ours = {*scene.by_hand(OURS).split()}
    everything = {*scene.by_hand("docker image ls -aq --no-trunc").split()}
    assert gone in ours - needed
    with scene.only_replaces():
        scene.operator.must("ubuntu.prune")
    assert {*scene.by_hand(OURS).split()} == ours & needed
    left = {*scene.by_hand("docker image ls -aq --no-trunc").split()}
    assert stranger in left
    assert {image for image in everything - left if image not in ours} == set()
    scene.by_hand("docker image rm stranger:1")
