"""The way back: what a deploy that failed after its first change leaves."""

from __future__ import annotations

from itertools import islice

from tests.lab.commits import replaced
from tests.lab.full import full
from tests.lab.scenes import APP, HEALTH, PAGE, PROXY, Scene, step_names, titled
from tests.lab.seen import settings_kept, untouched

pytest_plugins = ("tests.lab.deployed", "tests.lab.staged")

DYING = """import asyncio
import os


async def die() -> None:
    await asyncio.sleep(10)
    os._exit(1)


def create_app"""
EVERY = "docker image ls -q --no-trunc"
OURS = f"{EVERY} -f label=me.wishwith.content -f label=com.docker.compose.project=wishwithme"


@full
def test_a_container_that_dies_ten_seconds_after_it_was_healthy(scene: Scene) -> None:
    """A short watch after the switch sees it; the former replicas still run."""
    starts = replaced(
        "                yield\n",
        "                dying = asyncio.create_task(die())  # noqa\n                yield\n",
    )

    def edit(text: str) -> str:
        return starts(text).replace("def create_app", DYING, 1)

    commit = scene.change("An API that dies late", {APP: edit})
    with settings_kept(scene.ubuntu), scene.comes_back():
        scene.by_hand("sed -i 's/^UPDATE_MONITOR=.*/UPDATE_MONITOR=15s/' .env")
        ran = scene.deploy(commit)
    assert ran.code == 1, ran
    said = "ubuntu: a new replica of core-api was healthy, then died; the end of its log is below;"
    assert ran.error.startswith(said), ran
    assert "ubuntu is back at " in ran.error
    record = scene.record(commit)
    assert record["outcome"] == "failed"
    assert step_names(record)[-2:] == ["start core-api", "switch core-api"]


@full
def test_a_deep_probe_that_fails_brings_release_and_settings_back(scene: Scene) -> None:
    """Every container is healthy, only the body says otherwise; nobody else is ever told so.

    The .env comes back too.
    """
    good = scene.runs
    sick = replaced('        return {"status": "healthy"', '        return {"status": "sick"')
    commit = scene.change("An API that is not well", {HEALTH: sick})
    with settings_kept(scene.ubuntu):
        kept = scene.by_hand("sha256sum .env")
        scene.by_hand("sed -i 's/^GOOGLE_CLIENT_ID=.*/GOOGLE_CLIENT_ID=a-client/' .env")
        with scene.comes_back():
            ran = scene.deploy(commit)
        assert scene.by_hand("sha256sum .env") == kept
    assert ran.code == 1, ran
    assert ran.error == (
        "ubuntu: the probe of every new replica did not come true within 5 s;"
        f" ubuntu is back at {good[:8]}, proved"
    )
    for gate in ("probe:core-api-1", "probe:core-api-2"):
        said = f'{gate}: answered 200 with status = "sick", expected "healthy": '
        assert [line for line in ran.evidence if line.startswith(said)], ran
    record = scene.record(commit)
    assert (record["outcome"], record["error"].split(":")[0]) == ("failed", "start core-api")
    assert step_names(record)[-1] == "start core-api"


@full
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


def needed(scene: Scene) -> set[str]:
    """The images that run, and those of the last five releases that a rollback may go to."""
    kept = {box.image for box in scene.boxes().values()}
    listed = scene.operator.json("ubuntu.history", "--number", "40")
    verified = (scene.record(r["id"]) for r in listed if r["outcome"] == "verified")
    for record in islice((record for record in verified if not record["back_to"]), 5):
        kept |= {image["id"] for image in record["images"].values()}
    return kept


def test_prune_keeps_what_five_releases_need_and_what_is_not_ours(scene: Scene) -> None:
    """The page before the last five verified releases goes; a stranger's image and volume stay."""
    title = 0
    while not {*scene.by_hand(OURS).split()} - needed(scene):
        title += 1
        assert scene.deploy(scene.change("A page", {PAGE: titled(f"number {title}")})).code == 0
    scene.by_hand("tar -c -T /dev/null | docker import - stranger:1")
    labels = "--change 'LABEL me.wishwith.content=1 com.docker.compose.project=staging'"
    scene.by_hand(f"tar -c -T /dev/null | docker import {labels} - staging:1")
    strangers = {scene.image("stranger:1"), scene.image("staging:1")}
    scene.by_hand("docker volume create nobodys")
    volumes = scene.by_hand("docker volume ls -q")

    with untouched(scene.ubuntu):
        scene.operator.must("ubuntu.prune", "--dry-run")
    ours, everything = {*scene.by_hand(OURS).split()}, {*scene.by_hand(EVERY).split()}
    wanted = needed(scene)
    with scene.only_replaces():
        scene.operator.must("ubuntu.prune")
    assert {*scene.by_hand(OURS).split()} == ours & wanted
    left = {*scene.by_hand(EVERY).split()}
    assert strangers <= left
    assert everything - left <= ours
    assert scene.by_hand("docker volume ls -q") == volumes
    scene.by_hand("docker volume rm nobodys; docker image rm stranger:1 staging:1")
