"""From replicas to the former layout, a service each, and back: no request fails on either way."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import yaml

from tests.lab.alone import alone
from tests.lab.commits import Edit
from tests.lab.full import full
from tests.lab.load import loaded
from tests.lab.onlooking import followed
from tests.lab.scenes import APP, STACK, Scene, ending
from tests.lab.test_load import FOLLOWERS

pytest_plugins = ("tests.lab.deployed", "tests.lab.staged")

NAMES = ("core-api-1", "core-api-2")
ASKED = "    server core-api:8000 resolve max_fails=0;\n"


def services(text: str) -> str:
    """The compose file with two services of one image in place of two replicas."""
    model = yaml.safe_load(text)
    api, hints = model["services"].pop("core-api"), model["x-deploy"].pop("core-api")
    del api["deploy"]["replicas"], hints["checks"]  # the check asks core-api by that name
    for name in NAMES:
        model["services"][name] = {**api, "container_name": f"wishwithme-{name}"}
        model["x-deploy"][name] = {**hints}
    del model["x-deploy"]["core-api-2"]["link"]
    return yaml.safe_dump(model, width=1 << 20)


def asked(text: str) -> str:
    """Where requests go, by the services' names."""
    assert ASKED in text
    lines = [ASKED.replace("core-api:", f"{name}:") for name in NAMES]
    return text.replace(ASKED, "".join(lines))


FORMER: dict[str, Edit] = {
    STACK: services,
    "nginx/ubuntu/upstreams.conf": asked,
    "nginx/waf/off/upstream.conf": asked,
}


def api(scene: Scene) -> dict[str, str]:
    """The service of each container of the API, by its name."""
    boxes = scene.boxes().items()
    return {name: box.service for name, box in boxes if box.service.startswith("core-api")}


@pytest.fixture
def replicas(patient: Scene) -> Iterator[Scene]:
    """Two replicas serve, and do so again at the end."""
    since = patient.runs
    yield patient
    patient.deployed(since)
    assert api(patient) == dict.fromkeys(NAMES, "core-api")


@full
@alone
def test_no_request_fails_on_the_way_to_the_former_layout_and_back(replicas: Scene) -> None:
    scene = replicas
    commit = scene.change("The former layout", FORMER)
    plan = scene.plan(commit)
    kinds = [step["kind"] for step in plan["steps"]]
    assert [kind for kind in kinds if kind in ("hold", "start", "switch", "roll", "retire")] == [
        "start", "switch", "retire",
    ]  # fmt: skip
    with followed(scene, FOLLOWERS) as onlooking, loaded(scene) as load:
        ran = scene.deploy(commit)
        assert ran.code == 0, ran
    assert api(scene) == {name: name for name in NAMES}
    scene.plain_up_changes_nothing()
    with followed(scene, FOLLOWERS) as onlooking_back, loaded(scene) as load_back:
        ran = scene.operator.fab("ubuntu.rollback")
        assert ran.code == 0, ran
    assert api(scene) == dict.fromkeys(NAMES, "core-api")
    scene.plain_up_changes_nothing()
    print(f"load: {load.requests} requests to it, {load_back.requests} back")
    assert (load.lost, load_back.lost) == ([], [])
    assert onlooking.complete, onlooking
    assert onlooking_back.complete, onlooking_back


@full
def test_a_release_of_the_former_layout_after_another_is_replaced_in_place(
    replicas: Scene,
) -> None:
    scene = replicas
    scene.deployed(scene.change("The former layout", FORMER))
    commit = scene.change("The former layout still", {APP: ending("FORMER = 2")})
    plan = scene.plan(commit)
    assert [note.partition(" is ")[0] for note in plan["notes"] if "in place" in note] == [*NAMES]
    with scene.only_replaces(*NAMES):
        scene.deployed(commit)
