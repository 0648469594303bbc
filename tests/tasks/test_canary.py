"""A canary: a share of the clients gets the new replicas first, and what they answer decides."""

from __future__ import annotations

import json

import pytest

from .fakes.application import UBUNTU
from .fakes.fleet import Fleet, Ran
from .fakes.machine import ROOT

SECOND = {"services/api/app.py": "api, second version\n"}
CANARY = "ubuntu.deploy --canary 10% --for 10s"
FAILING = ["api new 1 20 8", "api new 0 20 22", "api former 0 20 270"]
SLOW = ["api new 0 900 30", "api former 0 20 270"]
FEW = ["api new 0 20 3", "api former 0 20 270"]
WORD = f"{ROOT}/locks/canary"
LOADS = ("hold-proxy", "start-beside", "split-proxy", "switch-proxy", "retire", "load-proxy")
STEPS = ["start-beside", "split-proxy", "watch-sides", "switch-proxy", "retire"]
"""Where a canary may die: at, or right behind, the command that follows."""


@pytest.fixture
def second(running: Fleet) -> Fleet:
    """A second version of the API waits to be deployed."""
    running.origin.commit("Second", SECOND)
    return running


def ids(fleet: Fleet) -> dict[str, str]:
    """Name → id of every container of ubuntu."""
    return {name: one.id for name, one in fleet.ubuntu.engine.containers.items()}


def loads(fleet: Fleet) -> list[str]:
    """What was done with replicas and the proxy."""
    return [line for line in fleet.ubuntu.did if line.startswith(LOADS)]


def uniform(fleet: Fleet, commit: str) -> None:
    """Two replicas of one release, none beside them, and nobody is named one by one."""
    engine, proxy = fleet.ubuntu.engine, fleet.ubuntu.proxy
    replicas = engine.all_of("app", "api")
    assert [one.name for one in replicas] == ["app-api-1", "app-api-2"]
    assert {one.image for one in replicas} == {engine.images["app/api:current"]}
    assert proxy is not None
    assert (proxy.pinned, proxy.tried) == ({}, [])
    assert fleet.ubuntu.head.startswith(commit)
    with fleet.untouched():
        assert fleet.fab("ubuntu.health").code == 0
        assert fleet.fab(f"ubuntu.deploy --ref {commit}").code == 0


def test_replicas_that_are_as_good_get_all_requests_after_their_share(second: Fleet) -> None:
    ran = second.fab(CANARY)
    assert ran.code == 0, ran.everything
    assert loads(second) == [
        "hold-proxy 2 api",
        "start-beside api",
        "split-proxy 10% 2 api",
        "switch-proxy 2 api",
        "retire app-api",
    ]
    figures = (
        "api: new 60 requests, 0 5xx (0.0%), p95 0.020 s;"
        " former 540 requests, 0 5xx (0.0%), p95 0.020 s"
    )
    assert f"[ubuntu] ✓ canary api ({figures})" in ran.lines
    (step,) = [one for one in second.releases("ubuntu")[-1].steps if one.title == "canary api"]
    assert step.note == figures
    uniform(second, "00000002")


def test_the_plan_says_who_gets_them_and_for_how_long(second: Fleet) -> None:
    told = second.fab(CANARY).unbroken
    reason = "10 % for 10 s get the new replicas; then what both sides answered is compared"
    assert f"9. canary api: {reason}" in told


@pytest.mark.parametrize(
    ("answers", "why", "figures"),
    [
        (
            FAILING,
            "api: the new replicas answer 5xx more often (26.7%, not 0.0%)",
            "new 30 requests, 8 5xx (26.7%), p95 0.020 s;",
        ),
        (
            SLOW,
            "api: the new replicas are slower (p95 0.900 s, not 0.020 s)",
            "new 60 requests, 0 5xx (0.0%), p95 0.900 s;",
        ),
        (
            FEW,
            "too few requests to judge: the new replicas answered 6, 50 are needed",
            "new 6 requests, 0 5xx (0.0%), p95 0.020 s;",
        ),
        (
            [],
            "too few requests to judge: the new replicas answered 0, 50 are needed",
            "",
        ),
    ],
    ids=["failing", "slow", "few", "none"],
)
def test_replicas_that_are_not_go_and_the_figures_say_why(
    second: Fleet, answers: list[str], why: str, figures: str
) -> None:
    before = ids(second)
    second.ubuntu.answers = answers
    ran = second.fab(CANARY)
    assert (ran.code, ran.error) == (
        1,
        f"ubuntu: canary: {why}; ubuntu is back at 00000001, proved",
    )
    assert [line.startswith(f"api: {figures}") for line in ran.evidence] == [True] * bool(figures)
    assert ids(second) == before
    failed = second.releases("ubuntu")[-2]
    assert failed.error == f"canary api: ubuntu: canary: {why}"
    assert list(failed.evidence) == ran.evidence
    uniform(second, "00000001")


def test_one_that_fails_is_ended_before_its_time(second: Fleet) -> None:
    second.ubuntu.answers = FAILING
    second.fab("ubuntu.deploy --canary 10% --for 1h")
    looks = [line for line in second.ubuntu.transcript if line[3:4] == ("watch-sides",)]
    assert len(looks) <= 1


def test_the_way_back_is_one_load(second: Fleet) -> None:
    second.ubuntu.answers = FAILING
    second.fab(CANARY)
    assert loads(second)[2:] == ["split-proxy 10% 2 api", "switch-proxy 2 api", "retire app-api"]


def test_a_replica_that_goes_meanwhile_ends_it(second: Fleet) -> None:
    engine = second.ubuntu.engine

    def lose() -> None:
        del engine.containers["app-api-4"]

    second.ubuntu.fail("watch-sides", goes_on=True, times=1, first=lose)
    ran = second.fab(CANARY)
    assert ran.code == 1, ran.everything
    assert ran.error.startswith("ubuntu: canary: a replica does not run any more")
    uniform(second, "00000001")


@pytest.mark.parametrize("pattern", ["date", "split-proxy", "watch-sides"])
def test_a_command_of_it_that_fails_takes_everything_back(second: Fleet, pattern: str) -> None:
    before = ids(second)
    second.ubuntu.fail(f"^{pattern}", times=1)
    ran = second.fab(CANARY)
    assert ran.code == 1, ran.everything
    assert ran.error.endswith("ubuntu is back at 00000001, proved")
    assert ids(second) == before
    uniform(second, "00000001")


@pytest.mark.parametrize("ends", ["recover", "deploy", "rollback", "promote"])
@pytest.mark.parametrize("pattern", STEPS)
def test_wherever_it_died_the_next_command_makes_the_server_uniform(
    second: Fleet, pattern: str, ends: str
) -> None:
    second.ubuntu.kill_the_operator_at(f"^{pattern}")
    assert second.fab(CANARY).code == -9
    ran = second.fab(f"ubuntu.{ends}")
    assert ran.code == 0, ran.everything
    uniform(second, "00000001" if ends in ("recover", "rollback") else "00000002")


@pytest.mark.parametrize("ends", ["recover", "deploy", "rollback", "promote"])
@pytest.mark.parametrize("pattern", ["split-proxy", "switch-proxy", "retire"])
def test_wherever_it_died_behind_a_step_too(second: Fleet, pattern: str, ends: str) -> None:
    machine = second.ubuntu
    machine.fail(
        f"^{pattern}", goes_on=True, times=1, first=lambda: machine.kill_the_operator_at("")
    )
    assert second.fab(CANARY).code == -9
    machine.faults.clear()
    ran = second.fab(f"ubuntu.{ends}")
    assert ran.code == 0, ran.everything
    uniform(second, "00000001" if ends in ("recover", "rollback") else "00000002")


def test_status_tells_of_one_whose_operator_died(second: Fleet) -> None:
    second.ubuntu.kill_the_operator_at("^watch-sides")
    second.fab(CANARY)
    lines = second.fab("ubuntu.status").lines
    told = "canary: 10 % of the clients get the new replicas of api since "
    assert [line for line in lines if told in line and "fab ubuntu.promote" in line], lines
    view = second.fab("ubuntu.status --json").json["ubuntu"]["canary"]
    assert (view["share"], view["services"]) == (10, ["api"])


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("--canary 10", "--canary '10' is no share of the clients: 1% to 99%"),
        ("--canary 0%", "--canary '0%' is no share of the clients: 1% to 99%"),
        ("--canary 100%", "--canary '100%' is no share of the clients: 1% to 99%"),
        ("--canary 10% --for 5", "--for '5' is no duration: 90s, 10m or 1h"),
        ("--for 5m", "--for is how long a canary takes: it needs --canary, such as 10%"),
        ("--canary 10% --for 5h", "--for: a canary takes at most 4h"),
        ("--keep-old ever", "--keep-old 'ever' is no duration: 90s, 10m or 1h"),
    ],
)
def test_what_is_no_canary_is_refused(second: Fleet, line: str, said: str) -> None:
    with second.untouched():
        ran = second.fab(f"ubuntu.deploy {line}")
    assert (ran.code, ran.error) == (2, said)


def test_a_service_that_cannot_stand_beside_itself_is_refused(second: Fleet) -> None:
    second.origin.commit("Third", {"services/web/index.html": "Welcome again\n"})
    with second.untouched():
        ran = second.fab(CANARY)
    assert (ran.code, ran.error) == (
        2,
        (
            "ubuntu: --canary: web cannot stand beside itself, so no share of the clients can try"
            " it; deploy it first, or leave it out with --only"
        ),
    )


def test_where_nobody_serves_yet_there_is_nothing_to_compare(fleet: Fleet) -> None:
    ran = fleet.fab(CANARY)
    assert (ran.code, ran.error) == (
        2, "ubuntu: --canary: no proxy runs that could give clients to new replicas",
    )  # fmt: skip


def test_where_no_replica_changes_there_is_nothing_to_compare(running: Fleet) -> None:
    running.origin.commit("Proxy", {"nginx/ubuntu/nginx.conf": "upstreams web api\n"})
    with running.untouched():
        ran = running.fab(CANARY)
    assert (ran.code, ran.error) == (
        2, "ubuntu: --canary: no replica that serves is replaced, so there is nothing to compare",
    )  # fmt: skip


def test_where_nothing_changes_at_all_it_only_asks_the_gates(running: Fleet) -> None:
    with running.untouched():
        assert running.fab(CANARY).code == 0


def test_a_dry_run_waits_for_nobody(second: Fleet) -> None:
    with second.untouched():
        ran = second.fab(f"{CANARY} --dry-run")
    assert ran.code == 0, ran.everything
    assert [line for line in ran.lines if "would run: split-proxy" in line]


@pytest.mark.parametrize("word", ["promote", "rollback"])
def test_somebody_else_ends_it_while_it_runs(second: Fleet, word: str) -> None:
    """The word is heard by the run that holds the lock: the second command changes nothing else."""
    machine = second.ubuntu
    second_ran: list[Ran] = []

    def say() -> None:
        machine.locks["locks"] += ", at step 'canary api' since 08:00:00 UTC"
        second_ran.append(second.fab(f"ubuntu.{word}"))

    machine.fail("^watch-sides", goes_on=True, times=1, first=say)
    ran = second.fab("ubuntu.deploy --canary 10% --for 1h")
    (said,) = second_ran
    assert said.code == 0, said.everything
    assert said.lines == [
        f"[ubuntu] the canary that runs is told: {word}; fab ubuntu.history shows how it ends"
    ]
    if word == "promote":
        assert ran.code == 0, ran.everything
        assert [line for line in ran.lines if "promoted by " in line]
    else:
        assert ran.code == 1, ran.everything
        assert ran.error.startswith("ubuntu: canary: ended by ")
    uniform(second, "00000002" if word == "promote" else "00000001")
    assert WORD not in machine.files


KEEP = "ubuntu.deploy --keep-old 30m"


@pytest.fixture
def kept(second: Fleet) -> Fleet:
    """The second version serves, and the first one's replicas still run."""
    ran = second.fab(KEEP)
    assert ran.code == 0, ran.everything
    assert loads(second) == ["hold-proxy 2 api", "start-beside api", "switch-proxy 2 api"]
    second.forget()
    return second


def test_former_replicas_run_on_and_get_no_request(kept: Fleet) -> None:
    assert len(kept.ubuntu.engine.all_of("app", "api")) == 4
    assert kept.ubuntu.proxy is not None
    new = [one.id[:12] for one in kept.ubuntu.engine.all_of("app", "api") if one.number > 2]
    assert kept.ubuntu.proxy.pinned == {"api": new}
    last = kept.releases("ubuntu")[-1]
    assert (last.outcome, last.kept) == ("verified", last.finished + 1800)
    lines = kept.fab("ubuntu.status").lines
    told = "the former replicas of api are kept until "
    ends = "fab ubuntu.rollback goes back by one load, fab ubuntu.promote removes them"
    assert [line for line in lines if told in line and line.endswith(ends)], lines
    seen = kept.fab("ubuntu.status --json").json["ubuntu"]
    assert seen["kept"] == {"until": last.kept, "services": ["api"]}
    rows = {row["service"]: row for row in seen["services"]}
    assert (rows["api"]["as_deployed"], rows["api"]["running"]) == (True, 2)
    assert kept.fab("ubuntu.health").code == 0


def test_a_rollback_to_them_is_one_load(kept: Fleet) -> None:
    before = {one.id for one in kept.ubuntu.engine.all_of("app", "api") if one.number < 3}
    ran = kept.fab("ubuntu.rollback")
    assert ran.code == 0, ran.everything
    assert loads(kept) == ["switch-proxy 2 api", "retire app-api"]
    assert {one.id for one in kept.ubuntu.engine.all_of("app", "api")} == before
    uniform(kept, "00000001")


def test_where_those_that_served_are_gone_the_kept_ones_get_the_requests(kept: Fleet) -> None:
    engine = kept.ubuntu.engine
    for one in [one for one in engine.all_of("app", "api") if one.number > 2]:
        del engine.containers[one.name]
    ran = kept.fab("ubuntu.rollback")
    assert ran.code == 0, ran.everything
    assert loads(kept) == ["switch-proxy 2 api", "retire app-api"]
    uniform(kept, "00000001")


@pytest.mark.parametrize("late", [False, True])
def test_promote_retires_them_before_their_time_and_after_it(kept: Fleet, late: bool) -> None:
    kept.ubuntu.clock += 3600 * late
    ran = kept.fab("ubuntu.promote")
    assert ran.code == 0, ran.everything
    assert loads(kept) == ["retire app-api"]
    uniform(kept, "00000002")


def test_a_deploy_without_a_change_leaves_them_until_their_time_has_passed(kept: Fleet) -> None:
    with kept.untouched():
        assert kept.fab("ubuntu.deploy").code == 0
    kept.ubuntu.clock += 3600
    assert kept.fab("ubuntu.deploy").code == 0
    assert loads(kept) == ["retire app-api"]
    uniform(kept, "00000002")


def test_the_next_release_takes_them_with_its_own_former_ones(kept: Fleet) -> None:
    kept.origin.commit("Third", {"services/api/app.py": "api, third version\n"})
    ran = kept.fab("ubuntu.deploy")
    assert ran.code == 0, ran.everything
    assert loads(kept) == ["start-beside api", "switch-proxy 2 api", "retire app-api"]
    uniform(kept, "00000003")


def test_a_canary_may_keep_them_too(second: Fleet) -> None:
    assert second.fab(f"{CANARY} --keep-old 30m").code == 0
    assert second.fab("ubuntu.rollback").code == 0
    uniform(second, "00000001")


@pytest.mark.parametrize(
    ("ends", "pattern"),
    [("rollback", "switch-proxy"), ("rollback", "retire"), ("promote", "retire")],
)
def test_what_died_on_the_way_out_of_it_is_ended_by_the_next(
    kept: Fleet, ends: str, pattern: str
) -> None:
    kept.ubuntu.kill_the_operator_at(f"^{pattern}")
    assert kept.fab(f"ubuntu.{ends}").code == -9
    assert kept.fab("ubuntu.recover").code == 0
    uniform(kept, "00000002")


def test_what_follows_the_end_of_the_former_ones_does_not_go_with_keeping_them(
    second: Fleet,
) -> None:
    model = json.loads(json.dumps(UBUNTU))
    model["services"]["proxy"]["environment"] = {"A": "b"}
    second.origin.commit("Third", {"compose/ubuntu.yml": json.dumps(model)})
    with second.untouched():
        ran = second.fab(KEEP)
    assert (ran.code, ran.error) == (
        2,
        "ubuntu: --keep-old: proxy is replaced once the former replicas have gone; deploy without",
    )


def test_where_nothing_is_tried_or_kept_there_is_nothing_to_promote(running: Fleet) -> None:
    with running.untouched():
        ran = running.fab("ubuntu.promote")
    assert (ran.code, ran.lines) == (
        0, ["[ubuntu] nothing to promote: no canary runs, and no former replica is kept"],
    )  # fmt: skip
