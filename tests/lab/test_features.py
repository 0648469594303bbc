"""What compose files of others say, played on a server: deploy, again, a change, a way back."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.features.catalogue import FEATURES, Feature, Write
from tests.features.pairs import CARRIED, REFUSED, covering, made
from tests.features.project import REDIS, Project
from tests.features.shapes import SHAPES, Shape
from tests.lab.another import STATE, Another, Asked, well
from tests.lab.full import full
from tests.lab.rig import Lab

ALONE: list[tuple[Feature, ...]] = [(one,) for one in CARRIED]
NGINX = "nginx:1.31.3-alpine"
ONE_SHOTS = {"app-once-1", "app-prestart-1", "app-init-1"}
"""What compose itself starts again at every ``up``."""

RESOLVED = ("`label_file`",)
"""What the lab's compose resolves by itself, and 5 no more: nothing is left of it to refuse."""


@pytest.fixture
def another(lab: Lab, tmp_path: Path) -> Iterator[Another]:
    server = lab.server("montreal")
    lab.serve("redis:latest", REDIS)
    lab.serve("caddy:2", NGINX)
    made = Another(lab, server, tmp_path / "features", "features")
    made.clean()
    yield made
    made.clean()


def project(another: Another, write: Write, level: int = 1) -> Project:
    """A project that this writes, which is watched for no longer than it must."""
    another.server.must(["docker", "pull", "-q", REDIS])
    words = ["docker", "image", "inspect", "--format", "{{index .RepoDigests 0}}", REDIS]
    found = Project(level=level, root=STATE, digest=another.server.must(words).strip())
    write(found)
    hints = found.top.setdefault("x-deploy", {})
    for name, service in found.services.items():
        if "profiles" not in service:
            hints.setdefault(name, {}).setdefault("update", {})["monitor"] = "2s"
    return found


def played(another: Another, write: Write) -> list[Asked]:
    """A first deploy, none, a change, none, a rollback; each is what ``compose up`` would make.

    Returns what somebody was answered who asked during the change and the rollback.
    """
    first = project(another, write)
    operator = another.operator(first.compose)
    another.publish(first.written("Hello"))
    another.settings(first.env, first.compose)
    another.prepare(first)
    if first.neighbour:
        well(operator.fab("other.deploy", "--yes"))
    before = neighbours(another)

    well(operator.fab("features.deploy", "--yes"))
    stands(another, "Hello", first)
    assert "nothing to do" in well(operator.fab("features.deploy", "--yes"))

    second = project(another, write, level=2)
    another.publish(second.written("Good day"))
    another.settings(second.env, second.compose)
    with another.asked() as changed:
        well(operator.fab("features.deploy", "--yes"))
    stands(another, "Good day", second)
    assert "nothing to do" in well(operator.fab("features.deploy", "--yes"))

    with another.asked() as back:
        well(operator.fab("features.rollback", "--yes"))
    # .env is the server's own: a rollback keeps it.
    kept = {"secret-env-1": "secret-env-2", "LEVEL_OF=1": "LEVEL_OF=2"}
    first.shown = [kept.get(one, one) for one in first.shown]
    stands(another, "Hello", first)
    assert neighbours(another) == before
    return [changed, back]


def stands(another: Another, greeting: str, of: Project) -> None:
    """Every replica answers so, and a plain ``docker compose up -d`` changes nothing."""
    shows(another, greeting, of)
    assert {*another.up_by_hand().split()} <= ONE_SHOTS
    shows(another, greeting, of)


def shows(another: Another, greeting: str, of: Project) -> None:
    answers = another.answers
    assert len(answers) == of.main.get("deploy", {}).get("replicas", 1)
    for answer in answers:
        said = answer.splitlines()
        assert said[0] == greeting
        assert set(of.shown) <= set(said), (of.shown, said)


def neighbours(another: Another) -> str:
    label = "label=com.docker.compose.project=shop"
    return another.server.must(["docker", "ps", "-q", "--no-trunc", "--filter", label])


def name(features: tuple[Feature, ...]) -> str:
    return features[0].name if len(features) == 1 else f"{len(features)} features"


@full
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("features", ALONE, ids=name)
def test_each_feature_is_carried_out(features: tuple[Feature, ...], another: Another) -> None:
    played(another, lambda found: made(features, found))


@full
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("features", covering(CARRIED), ids=name)
def test_so_is_every_pair(features: tuple[Feature, ...], another: Another) -> None:
    played(another, lambda found: made(features, found))


@full
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("shape", SHAPES, ids=lambda one: one.name)
def test_so_is_a_project_as_others_build_them(shape: Shape, another: Another) -> None:
    """Under load. Whose app publishes a port is replaced in place: its answers stop once."""
    published = "ports" in project(another, shape.write).main
    for asked in played(another, shape.write):
        print(asked.gaps, {code: asked.codes.count(code) for code in {*asked.codes}})
        assert asked.gaps == int(published)
        assert not published or asked.codes[0] == asked.codes[-1] == "200"


@full
@pytest.mark.timeout(1200)
def test_what_is_refused_is_refused_by_name_and_touches_nothing(another: Another) -> None:
    for one in REFUSED:
        if one.name in RESOLVED:
            continue
        wanted = made((one,), Project(root=STATE))
        operator = another.operator(wanted.compose)
        another.publish(wanted.written())
        another.settings(wanted.env, wanted.compose)
        ran = operator.fab("features.deploy", "--yes")
        assert (ran.code, ran.out) == (2, ""), (one.name, ran)
        assert one.refused in ran.err, (one.name, ran.err)
    assert len(REFUSED) + len(CARRIED) == len(FEATURES)
    assert another.answers == []
