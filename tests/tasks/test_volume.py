"""volume.backup and volume.restore: from the command line to what is in a volume."""

from __future__ import annotations

import json
from typing import Any

import pytest

from .fakes.application import MONTREAL, UBUNTU
from .fakes.engine import Ended
from .fakes.fleet import Fleet
from .fakes.machine import ROOT, Machine

STORE = "/store"


@pytest.fixture
def kept(running: Fleet) -> Fleet:
    """The workers share a volume, and the database's files can be read while it does not run."""
    ubuntu: dict[str, Any] = json.loads(json.dumps(UBUNTU))
    montreal: dict[str, Any] = json.loads(json.dumps(MONTREAL))
    ubuntu["x-deploy"]["db"]["volume"] = {"path": "/data", "stopped": True}
    for worker in ("worker-1", "worker-2"):
        mount = {"type": "volume", "source": "store", "target": STORE}
        montreal["services"][worker]["volumes"] = [mount]
    montreal["x-deploy"]["worker-1"]["volume"] = {"path": STORE, "dump": ["dump", "all"]}
    files = {"compose/ubuntu.yml": json.dumps(ubuntu), "compose/montreal.yml": json.dumps(montreal)}
    running.origin.commit("Volumes", files)
    ran = running.fab("deploy")
    assert ran.code == 0, ran.everything
    running.montreal.volumes[STORE] = "one two"
    running.forget()
    return running


def archives(machine: Machine) -> list[str]:
    return sorted(machine.archives)


def backed_up(fleet: Fleet) -> str:
    """The name of a new backup of what the workers share; then something else is there."""
    name: str = fleet.fab("volume.backup --json").json[0]["name"]
    fleet.montreal.volumes[STORE] = "later"
    fleet.forget()
    return name


def test_every_volume_that_can_be_read_now_is_backed_up(kept: Fleet) -> None:
    ran = kept.fab("volume.backup")
    assert ran.code == 0, ran.everything
    (name,) = archives(kept.montreal)
    assert name.startswith("volume_worker-1_2027")
    assert name.endswith("Z.tar.zst")
    assert ran.lines == [f"[montreal] backup {name} (7 bytes, 2 files, 10.0 KiB unpacked)"]
    assert kept.montreal.did == [f"volume {name}"]
    assert kept.ubuntu.did == []
    words = next(words for words in kept.montreal.transcript if "volume" in words[3:4])
    assert words[-2:] == ("dump", "all")


def test_json_tells_what_was_made_and_quiet_nothing(kept: Fleet) -> None:
    (made,) = kept.fab("volume.backup --json").json
    release = kept.releases("montreal")[-1]
    assert (made["server"], made["service"], made["path"]) == ("montreal", "worker-1", STORE)
    assert (made["reason"], made["commit"]) == ("by hand", release.commit)
    ran = kept.fab("volume.backup --quiet")
    assert (ran.code, ran.everything) == (0, "")
    assert len(archives(kept.montreal)) == 2


def test_files_that_are_whole_only_while_nothing_runs_are_asked_for_by_name(kept: Fleet) -> None:
    ran = kept.fab("volume.backup --service db")
    assert (ran.code, ran.error) == (
        2,
        "ubuntu: no backup was made: container app-db is running",
    )
    kept.ubuntu.engine.containers["app-db"].state = "exited"
    assert kept.fab("volume.backup --service db").code == 0
    assert archives(kept.ubuntu)[0].startswith("volume_db_")


def test_a_service_without_a_volume_is_refused_with_those_that_have_one(kept: Fleet) -> None:
    with kept.untouched():
        ran = kept.fab("volume.backup --service web")
    assert (ran.code, ran.error) == (
        2,
        (
            "ubuntu, montreal: no service 'web' with a volume in x-deploy; there are: db, worker-1"
            " (docs/backup.md)"
        ),
    )


@pytest.mark.parametrize(("code", "exit_code"), [(70, 1), (124, 1), (74, 2), (75, 2), (76, 2)])
def test_what_was_not_tried_is_exit_2_and_what_failed_exit_1(
    kept: Fleet, code: int, exit_code: int
) -> None:
    kept.montreal.fail("^volume volume_", ended=Ended(code, err="the cause\n"))
    ran = kept.fab("volume.backup")
    assert ran.code == exit_code
    assert ran.error.startswith("montreal: no backup was made: ")


# --- restore


def test_a_backup_comes_back_is_proved_and_nothing_stays_aside(kept: Fleet) -> None:
    name = backed_up(kept)
    ran = kept.fab("volume.restore --service worker-1 --yes")
    assert ran.code == 0, ran.everything
    assert kept.montreal.volumes == {STORE: "one two"}
    assert kept.montreal.did == [f"refill put {name}", f"refill keep {name}"]
    assert kept.montreal.announced == [f"restore {name}", "prove"]
    words = next(words for words in kept.montreal.transcript if "refill" in words[3:4])
    assert words[-2:] == ("app-worker-1", "app-worker-2")
    assert ran.lines[0] == (
        f"[montreal] {name} (7 bytes, 2 files, 10.0 KiB unpacked) replaces what is in {STORE} of"
        " worker-1"
    )
    assert ran.lines[1] == "[montreal] stopped meanwhile: app-worker-1, app-worker-2"
    assert ran.lines[-1] == f"[montreal] worker-1 has the files of {name} again"


def test_the_newest_comes_back_or_the_one_that_is_named(kept: Fleet) -> None:
    first, second = backed_up(kept), backed_up(kept)
    kept.montreal.volumes[STORE] = "latest"
    assert kept.fab("volume.restore --service worker-1 --yes").code == 0
    assert kept.montreal.volumes[STORE] == "later"
    assert kept.fab(f"volume.restore --service worker-1 --yes --from {first}").code == 0
    assert kept.montreal.volumes[STORE] == "one two"
    with kept.untouched():
        ran = kept.fab("volume.restore --service worker-1 --yes --from it")
    assert (ran.code, ran.error) == (
        2,
        f"montreal: no backup 'it' of worker-1; there are: {first}, {second}",
    )


def test_off_a_terminal_it_needs_to_be_told_and_a_no_is_a_no(kept: Fleet) -> None:
    backed_up(kept)
    with kept.untouched():
        ran = kept.fab("volume.restore --service worker-1")
        assert (ran.code, ran.error[:38]) == (2, "nothing was changed: off a terminal th")
        assert kept.fab_on_a_terminal("volume.restore --service worker-1", "n\n").code == 2
    assert kept.montreal.volumes == {STORE: "later"}


def test_a_server_that_somebody_changes_is_left_alone(kept: Fleet) -> None:
    backed_up(kept)
    kept.montreal.locks["locks"] = "anna"
    with kept.untouched():
        ran = kept.fab("volume.restore --service worker-1 --yes")
    assert (ran.code, ran.error[:43]) == (2, "montreal: another change is running: anna; ")


@pytest.mark.parametrize(("code", "exit_code"), [(65, 1), (70, 1), (71, 3), (74, 2), (75, 2)])
def test_what_cannot_be_put_leaves_all_as_it_was_or_asks_for_a_person(
    kept: Fleet, code: int, exit_code: int
) -> None:
    name = backed_up(kept)
    kept.montreal.fail("^refill put", ended=Ended(code, err="the cause\n"))
    ran = kept.fab("volume.restore --service worker-1 --yes")
    assert (ran.code, ran.error) == (
        exit_code,
        "montreal: the backup was not restored: the cause",
    )
    assert kept.montreal.did == [f"refill put {name}"]


def red_afterwards(fleet: Fleet) -> None:
    """The services do not get well with what was restored."""
    container = fleet.montreal.engine.containers["app-worker-2"]

    def ail() -> None:
        container.health = "unhealthy"

    fleet.montreal.fail("^refill put", goes_on=True, times=1, first=ail)


def test_a_red_gate_brings_the_former_files_back(kept: Fleet) -> None:
    name = backed_up(kept)
    red_afterwards(kept)
    ran = kept.fab("volume.restore --service worker-1 --yes")
    assert (ran.code, ran.error) == (
        1,
        "montreal: red gates: probe:worker-2; the former files are back",
    )
    assert kept.montreal.volumes == {STORE: "later"}
    assert kept.montreal.did == [f"refill put {name}", f"refill back {name}"]


def test_a_red_gate_that_is_waived_is_no_reason(kept: Fleet) -> None:
    backed_up(kept)
    red_afterwards(kept)
    ran = kept.fab("volume.restore --service worker-1 --yes --waive probe:worker-2")
    assert ran.code == 0, ran.everything
    assert kept.montreal.volumes == {STORE: "one two"}


def test_when_the_former_files_do_not_come_back_a_person_is_needed(kept: Fleet) -> None:
    backed_up(kept)
    red_afterwards(kept)
    kept.montreal.fail("^refill back", ended=Ended(71, err="they stand in .restore-before\n"))
    ran = kept.fab("volume.restore --service worker-1 --yes")
    assert (ran.code, ran.error) == (
        3,
        (
            "montreal: red gates: probe:worker-2; montreal: the former files are not back:"
            " they stand in .restore-before"
        ),
    )


def test_files_that_cannot_be_forgotten_are_told_of(kept: Fleet) -> None:
    backed_up(kept)
    kept.montreal.fail("^refill keep", ended=Ended(1, err="busy\n"))
    ran = kept.fab("volume.restore --service worker-1 --yes")
    assert (ran.code, ran.error) == (1, "montreal: the former files are still there: busy")
    assert kept.montreal.volumes[STORE] == "one two"


def test_what_is_mounted_nowhere_is_refused(kept: Fleet) -> None:
    montreal = json.loads(kept.origin.tip.files["compose/montreal.yml"])
    montreal["x-deploy"]["worker-1"]["volume"]["path"] = "/elsewhere"
    kept.origin.commit("Elsewhere", {"compose/montreal.yml": json.dumps(montreal)})
    assert kept.fab("deploy").code == 0
    ran = kept.fab("volume.backup --on montreal")
    assert (ran.code, ran.error) == (
        2,
        "x-deploy.worker-1.volume: nothing is mounted at /elsewhere",
    )


def test_the_backups_of_the_database_are_not_told_of_those(kept: Fleet) -> None:
    backed_up(kept)
    assert f"{ROOT}/backups" in "".join(kept.montreal.files)
    found = kept.fab("status --json").json["montreal"]["backup"]
    assert found is None
