"""Failures on the way back, of the record, of the connection, of the operator, of ourselves."""

from __future__ import annotations

import pytest

from .fakes.fleet import Fleet


def test_a_failure_to_record_the_release_goes_back_too(running: Fleet) -> None:
    running.origin.commit("Second", {"services/web/index.html": "Welcome again\n"})
    running.ubuntu.fail_after("watch", "put release.json")
    ran = running.fab("ubuntu.deploy")
    assert ran.code == 1, ran.everything
    assert ran.error.endswith("; ubuntu is back at 00000001, proved")


def test_a_record_that_cannot_be_written_does_not_stop_the_way_back(running: Fleet) -> None:
    running.origin.commit("Broken", {"services/web/index.html": "Welcome NEVER HEALTHY"})
    running.ubuntu.fail_after("compose up web", "put release.json")
    ran = running.fab("ubuntu.deploy")
    assert ran.code == 1, ran.everything
    assert "web did not become healthy" in ran.error
    assert ran.error.endswith("; ubuntu is back at 00000001, proved")


def test_a_bug_of_our_own_goes_back_too(running: Fleet) -> None:
    running.origin.commit("Second", {"services/web/index.html": "Welcome again\n"})
    running.ubuntu.fail("compose up web", raises=lambda: ZeroDivisionError("a bug"), times=1)
    ran = running.fab("ubuntu.deploy")
    assert ran.code == 1
    assert running.ubuntu.head == running.origin.commits[0].id


@pytest.mark.parametrize("pattern", ["restore-env", "checkout 00000001", "compose up web"])
def test_a_way_back_that_fails_needs_a_person_and_says_where_things_stand(
    running: Fleet, pattern: str
) -> None:
    running.origin.commit("Broken", {"services/web/index.html": "Farewell"})
    first = running.releases("ubuntu")[0]
    running.ubuntu.fail_after("watch", pattern)
    ran = running.fab("ubuntu.deploy")
    assert ran.code == 3, ran.everything
    assert "red gates: probe:web" in ran.error
    assert f"GOING BACK TO {first.id} FAILED" in ran.error
    assert ran.error.endswith(
        "a person is needed: once the cause is gone, fab ubuntu.recover goes on from there"
    )
    assert "app-db: running healthy" in ran.evidence
    assert running.ubuntu.locks == {}
    outcomes = [release.outcome for release in running.releases("ubuntu")]
    assert set(outcomes[1:]) == {"failed"}


def test_a_way_back_whose_gates_stay_red_needs_a_person(running: Fleet) -> None:
    """What was red for another reason is not mended by going back."""
    running.origin.commit("Broken", {"services/web/index.html": "Farewell"})
    running.ubuntu.fail("watch", goes_on=True, first=lambda: running.montreal.engine.down("app"))
    ran = running.fab("ubuntu.deploy")
    assert ran.code == 3
    assert "FAILED: " in ran.error
    assert "red gates: link" in ran.error


def test_a_lost_connection_is_one_line_and_no_lock_is_held_for_ever(running: Fleet) -> None:
    running.origin.commit("Second", {"services/web/index.html": "Welcome again\n"})
    running.ubuntu.fail_after("compose up web", "", raises=lambda: OSError("Socket is closed"))
    ran = running.fab("ubuntu.deploy")
    assert ran.code == 3
    assert "the connection is lost (Socket is closed)" in ran.error
    assert ran.evidence[-1].startswith("state unknown: ubuntu: the connection is lost")


def test_an_image_that_the_way_back_needs_is_missed_before_the_first_change(
    running: Fleet,
) -> None:
    first = running.releases("ubuntu")[0]
    image = first.images["web"]
    running.ubuntu.engine.remove_image(image.id)
    running.origin.commit("Second", {"services/api/app.py": "api, second version\n"})
    with running.untouched():
        ran = running.fab("ubuntu.deploy")
    assert ran.code == 2
    assert ran.error == (
        f"ubuntu: no way back to {first.id}: {image.tag} is gone;"
        " --waive way-back deploys all the same"
    )
    assert running.fab("ubuntu.deploy --waive way-back").code == 0
