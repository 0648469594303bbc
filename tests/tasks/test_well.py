"""fab status says at one look whether all is well, and its exit code too."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from fabfile.model.errors import refused

from .fakes.fleet import Fleet
from .issued import pass_days

MIB = 1 << 20


@pytest.fixture
def well(filled: Fleet) -> Fleet:
    """Both servers deployed, the first one's database with a backup."""
    ran = filled.fab("db.backup")
    assert ran.code == 0, ran.everything
    return filled


def test_where_all_is_well_it_ends_with_0(well: Fleet) -> None:
    with well.untouched():
        ran = well.fab("status")
    assert (ran.code, ran.err) == (0, "")
    assert {name: one["wrong"] for name, one in well.fab("status --json").json.items()} == {
        "ubuntu": [],
        "montreal": [],
    }


def test_it_says_at_one_look_what_an_operator_looks_for(well: Fleet) -> None:
    engine = well.ubuntu.engine
    for container in engine.containers.values():
        container.limit = 512 * MIB
    first, second = (engine.containers[name].id for name in ("app-api-1", "app-api-2"))
    well.ubuntu.memory = "".join(
        f"/sys/fs/cgroup/memory/docker/{one}/memory.stat {64 * MIB}\n" for one in (first, second)
    )
    engine.containers["app-api-1"].restarts = 2
    well.origin.commit("Third", {"services/web/index.html": "Welcome again\n"})
    well.origin.commit("Fourth", {"services/web/index.html": "Welcome once more\n"})
    well.ubuntu.edited["services/web/index.html"] = "by hand"
    ran = well.fab("ubuntu.status")
    assert ran.lines[0].startswith("[ubuntu] runs 00000002 A database (verified 2027-01-15 ")
    assert " ago, by somebody (CI run 7)); the branch is at 00000004" in ran.lines[0]
    (api,) = (line.split() for line in ran.lines if line.split()[:2] == ["api", "(2)"])
    assert " ".join(api[2:]) == "running healthy 2 134 MB (12%) as deployed"
    told = next(line for line in ran.lines if line.startswith("[ubuntu] backup 1m "))
    assert told.endswith("s ago, not verified; certificate ends in 3270 days; disk 40% free")
    assert "[ubuntu] commits that wait: 2 (fab ubuntu.plan)" in ran.lines
    by_hand = "changed on the server by hand: services/web/index.html"
    assert f"[ubuntu] warning: {by_hand}" in ran.lines


Break = Callable[[Fleet], object]


def stop(fleet: Fleet) -> None:
    fleet.ubuntu.engine.containers["app-web"].state = "exited"


def sicken(fleet: Fleet) -> None:
    fleet.ubuntu.engine.containers["app-api-2"].health = "unhealthy"


def replace(fleet: Fleet) -> None:
    engine = fleet.ubuntu.engine
    engine.containers["app-web"].image = engine.images["app/api:current"]


def grow_old(fleet: Fleet) -> None:
    fleet.ubuntu.clock += 27 * 3600


def die(fleet: Fleet) -> None:
    fleet.origin.commit("Third", {"services/web/index.html": "Welcome again\n"})
    fleet.ubuntu.kill_the_operator_at("compose up web")
    fleet.fab("ubuntu.deploy")


def expire(fleet: Fleet) -> None:
    pass_days(fleet, 3271)


def fill(fleet: Fleet) -> None:
    fleet.ubuntu.free = 0


@pytest.mark.parametrize(
    ("make", "told"),
    [
        (stop, "web is exited healthy"),
        (sicken, "api is running unhealthy"),
        (replace, "web is not as deployed"),
        (grow_old, "backup: the last backup, "),
        (die, "the last deploy 2027"),
        (expire, "certificate: it "),
        (fill, "disk / has 0 MiB free"),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_what_is_wrong_makes_it_end_with_1(well: Fleet, make: Break, told: str) -> None:
    make(well)
    ran = well.fab("status --json")
    assert ran.code == 1
    assert ran.error.startswith("not all is well: ubuntu (")
    assert [text for text in ran.json["ubuntu"]["wrong"] if told in text], ran.json["ubuntu"]
    assert bool(ran.json["montreal"]["wrong"]) == (make is expire)


def test_what_a_person_wanted_so_is_not_wrong(well: Fleet) -> None:
    well.fab("ubuntu.freeze --why because")
    well.ubuntu.locks["locks"] = "somebody since 10:00:00 UTC"
    well.ubuntu.engine.containers["app-web"].health = "unhealthy"  # a deploy is at it
    well.origin.commit("Third", {"services/web/index.html": "Welcome again\n"})
    assert well.fab("status").code == 0


def test_before_the_first_deploy_not_all_is_well(fleet: Fleet) -> None:
    ran = fleet.fab("ubuntu.status --json")
    assert ran.code == 1
    assert "nothing is deployed" in ran.json["ubuntu"]["wrong"]


def test_where_a_server_cannot_be_reached_it_ends_with_2(well: Fleet) -> None:
    stop(well)
    well.unreachable["montreal"] = refused("montreal: away")
    assert (ran := well.fab("status")).code == 2
    assert ran.error == "montreal: away"
