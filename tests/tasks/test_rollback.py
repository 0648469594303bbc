"""Rollback by hand: to a release that passed, from what the server kept."""

from __future__ import annotations

import json

import pytest

from .fakes.application import PASSWORD, TOKEN
from .fakes.fleet import Fleet
from .fakes.machine import CHECKOUT, ROOT


@pytest.fixture
def second(running: Fleet) -> Fleet:
    """Two verified releases; the second changed the web page."""
    running.origin.commit("Second", {"services/web/index.html": "Welcome again\n"})
    ran = running.fab("deploy")
    assert ran.code == 0, ran.everything
    running.forget()
    return running


def test_it_goes_to_the_release_before_the_one_that_runs(second: Fleet) -> None:
    first = second.releases("ubuntu")[0]
    ran = second.fab("ubuntu.rollback")
    assert ran.code == 0, ran.everything
    last = second.releases("ubuntu")[-1]
    assert (last.outcome, last.back_to, last.commit) == ("verified", first.id, first.commit)
    assert last.images == first.images
    assert second.ubuntu.head == first.commit


def test_nothing_is_built_pulled_migrated_or_asked_of_the_repository(second: Fleet) -> None:
    second.origin.reachable = False
    ran = second.fab("ubuntu.rollback")
    assert ran.code == 0, ran.everything
    for word in ("build", "pull", "migrate"):
        assert not [line for line in second.ubuntu.did if word in line]


def test_todays_settings_stay_and_the_keys_that_differ_are_named(second: Fleet) -> None:
    path = f"{CHECKOUT}/.env"
    second.ubuntu.files[path] = second.ubuntu.env.replace("plain", "fancy") + "EXTRA=1\n"
    ran = second.fab("ubuntu.rollback")
    assert ran.code == 0, ran.everything
    assert (
        "[ubuntu] warning: today's .env stays; it differs from the release's in: EXTRA, MODE"
        in ran.lines
    )
    assert "MODE=fancy" in second.ubuntu.env
    assert "fancy" not in ran.everything


def test_a_release_that_ran_without_a_service_of_today_is_refused_by_its_name(
    second: Fleet,
) -> None:
    """A profile that was switched on since then: today's .env stays."""
    first = second.releases("ubuntu")[0]
    path = f"{ROOT}/releases/{first.id}/release.json"
    record = json.loads(second.ubuntu.files[path])
    del record["images"]["web"]
    second.ubuntu.files[path] = json.dumps(record) + "\n"
    with second.untouched():
        ran = second.fab("ubuntu.rollback")
    assert (ran.code, ran.error) == (
        2,
        (
            f"ubuntu: release {first.id} ran without web: take it out of COMPOSE_PROFILES in .env"
            " first"
        ),
    )


def test_a_rollback_knows_of_which_commit_each_service_is(second: Fleet) -> None:
    files = {"services/web/index.html": "Welcome thrice\n", "services/api/app.py": "api, third\n"}
    second.origin.commit("Third", files)
    assert second.fab("ubuntu.deploy --only api").code == 0
    third = second.releases("ubuntu")[-1]
    assert (third.commits["web"][:8], third.commits["api"][:8]) == ("00000002", "00000003")
    second.origin.commit("Fourth", {"services/api/app.py": "api, fourth\n"})
    assert second.fab("ubuntu.deploy").code == 0
    ran = second.fab("ubuntu.rollback")
    assert ran.code == 0, ran.everything
    assert second.releases("ubuntu")[-1].commits == third.commits


def test_a_second_rollback_goes_one_further(second: Fleet) -> None:
    second.origin.commit("Third", {"services/web/index.html": "Welcome thrice\n"})
    assert second.fab("ubuntu.deploy").code == 0
    releases = second.releases("ubuntu")
    assert second.fab("ubuntu.rollback").code == 0
    assert second.ubuntu.head == releases[1].commit
    assert second.fab("ubuntu.rollback").code == 0
    assert second.ubuntu.head == releases[0].commit
    ran = second.fab("ubuntu.rollback")
    assert (ran.code, ran.error) == (2, f"ubuntu: no verified release before {releases[0].id}")


def test_it_never_goes_to_a_release_that_was_itself_rolled_back_from(second: Fleet) -> None:
    first = second.releases("ubuntu")[0]
    assert second.fab("ubuntu.rollback").code == 0
    second.origin.commit("Third", {"services/web/index.html": "Welcome thrice\n"})
    assert second.fab("ubuntu.deploy").code == 0
    assert second.fab("ubuntu.rollback").code == 0
    assert second.ubuntu.head == first.commit


@pytest.mark.parametrize("name", ["commit", "id"])
def test_it_goes_to_the_release_that_is_named(second: Fleet, name: str) -> None:
    first = second.releases("ubuntu")[0]
    to = first.commit[:8] if name == "commit" else first.id
    ran = second.fab(f"ubuntu.rollback --to {to}")
    assert ran.code == 0, ran.everything
    assert second.ubuntu.head == first.commit


def test_a_failed_release_is_no_target(second: Fleet) -> None:
    second.origin.commit("Third", {"services/web/index.html": "Farewell"})
    assert second.fab("ubuntu.deploy").code == 1
    broken = second.releases("ubuntu")[2]
    with second.untouched():
        ran = second.fab(f"ubuntu.rollback --to {broken.id}")
    assert ran.code == 2
    assert ran.error.startswith(f"ubuntu: no verified release '{broken.id}'; verified: ")


def test_an_image_that_is_gone_is_missed_before_the_first_change(second: Fleet) -> None:
    first = second.releases("ubuntu")[0]
    second.ubuntu.engine.remove_image(first.images["web"].id)
    with second.untouched():
        ran = second.fab("ubuntu.rollback")
    assert ran.code == 2
    assert ran.error == (
        f"ubuntu: release {first.id} needs {first.images['web'].tag}, which is gone from the"
        " server; deploy its commit instead: --ref 00000001"
    )


def test_without_an_earlier_release_there_is_nothing_to_go_back_to(running: Fleet) -> None:
    (first,) = running.releases("ubuntu")
    with running.untouched():
        ran = running.fab("ubuntu.rollback")
    assert (ran.code, ran.error) == (2, f"ubuntu: no verified release before {first.id}")


def test_a_rollback_whose_gates_fail_returns_to_where_it_was(second: Fleet) -> None:
    now = second.releases("ubuntu")[-1]
    second.ubuntu.fail("compose up web", times=1)
    ran = second.fab("ubuntu.rollback")
    assert ran.code == 1, ran.everything
    assert ran.error.endswith("; ubuntu is back at 00000002, proved")
    assert second.ubuntu.head == now.commit
    web = second.ubuntu.engine.containers["app-web"]
    assert web.image == now.images["web"].id


def test_a_rollback_that_cannot_be_prepared_touches_nothing(second: Fleet) -> None:
    second.ubuntu.fail("worktree", times=1)
    before = {name: c.id for name, c in second.ubuntu.engine.containers.items()}
    ran = second.fab("ubuntu.rollback")
    assert ran.code == 1
    assert ran.error.endswith("; the running system was not touched")
    assert {name: c.id for name, c in second.ubuntu.engine.containers.items()} == before


def test_when_both_ways_fail_a_person_is_needed(second: Fleet) -> None:
    second.ubuntu.fail("compose up web")
    second.ubuntu.fail("restore-env")
    ran = second.fab("ubuntu.rollback")
    assert ran.code == 3
    assert ran.error.endswith(
        "a person is needed: once the cause is gone, fab ubuntu.recover goes on from there"
    )


def test_json_tells_what_runs_now(second: Fleet) -> None:
    found = second.fab("ubuntu.rollback --json").json
    assert (found["outcome"], found["commit"]) == ("verified", second.origin.commits[0].id)


def test_after_a_rollback_the_next_deploy_brings_the_branch_again(second: Fleet) -> None:
    second.fab("ubuntu.rollback")
    second.forget()
    ran = second.fab("ubuntu.deploy")
    assert ran.code == 0, ran.everything
    assert second.ubuntu.head == second.origin.tip.id
    assert not [line for line in second.ubuntu.did if "build" in line]


def test_no_secret_is_shown(second: Fleet) -> None:
    ran = second.fab("ubuntu.rollback")
    assert PASSWORD not in ran.everything
    assert TOKEN not in ran.everything
