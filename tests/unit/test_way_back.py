"""The way back: which release a rollback goes to, and whether all it needs is still there."""

from __future__ import annotations

from dataclasses import replace

import pytest

from fabfile.model.access.envfile import digests
from fabfile.model.deploy.content import Wanted
from fabfile.model.deploy.way_back import (
    RETAINED,
    as_released,
    changed_keys,
    choose,
    env_needed,
    half_way,
    missing_images,
    retained,
    unknown_services,
    wants,
)
from fabfile.model.errors import REFUSED, Trouble
from fabfile.model.release import Done, Image, Release

from .builders import facts, image_ids, release, target


def history(*spec: str) -> list[Release]:
    """Releases ``ID:OUTCOME`` or ``ID:OUTCOME:BACK_TO``, oldest first; the commit is the id."""
    made = []
    for entry in spec:
        identity, outcome, *back = entry.split(":")
        steps = () if outcome == "running" else (Done("fetch 1", "done", 0.1),)
        made.append(
            release(identity, identity * 3, outcome=outcome, back_to="".join(back), steps=steps)
        )
    return made


def refusal(releases: list[Release], to: str = "") -> str:
    with pytest.raises(Trouble) as caught:
        choose("ubuntu", releases, to)
    assert caught.value.code == REFUSED
    return caught.value.message


@pytest.mark.parametrize(
    ("releases", "chosen"),
    [
        (("a:verified", "b:verified"), "a"),
        (("a:verified", "b:accepted"), "a"),
        (("a:accepted", "b:verified"), "a"),
        (("a:verified", "b:failed", "c:verified"), "a"),
        (("a:verified", "b:verified", "c:failed"), "a"),
        (("a:verified", "b:verified", "c:running"), "b"),
        (("a:verified", "b:verified", "c:verified"), "b"),
        (("a:verified", "b:verified", "c:verified", "d:verified:b"), "a"),
        (("a:verified", "b:verified", "c:verified:a", "d:verified"), "a"),
    ],
)
def test_a_rollback_goes_to_the_release_before_the_one_that_runs(
    releases: tuple[str, ...], chosen: str
) -> None:
    assert choose("ubuntu", history(*releases), "").id == chosen


def test_a_rollback_names_a_release_by_id_or_by_its_commit() -> None:
    releases = history("a:verified", "b:verified", "c:verified")
    assert choose("ubuntu", releases, "a").id == "a"
    assert choose("ubuntu", releases, "bb").id == "b"
    assert choose("ubuntu", releases, "ccc").id == "c"


def test_of_two_releases_of_one_commit_the_newer_is_meant() -> None:
    releases = [release("a", "f" * 40), release("b", "f" * 40), release("c")]
    assert choose("ubuntu", releases, "ffff").id == "b"


def test_a_failed_release_is_never_a_target_and_the_verified_ones_are_named() -> None:
    releases = history("a:verified", "b:failed", "c:accepted", "d:running")
    for unfit in ("b", "d", "x"):
        assert refusal(releases, unfit) == (
            f"ubuntu: no verified release '{unfit}'; verified: c, a"
        )


def test_without_a_release_to_go_to_that_is_said() -> None:
    assert refusal([]) == "ubuntu: no verified release to go back to"
    assert refusal(history("a:failed")) == "ubuntu: no verified release to go back to"
    assert refusal(history("a:verified")) == "ubuntu: no verified release before a"
    assert refusal([], "a") == "ubuntu: no verified release 'a'; verified: none"


def test_the_retained_releases_are_the_newest_that_passed_without_the_way_backs() -> None:
    releases = history("a:verified", "b:failed", "c:accepted", "d:verified:a", "e:running")
    assert [found.id for found in retained(releases)] == ["c", "a"]


def test_no_more_than_five_are_retained() -> None:
    releases = history(*(f"{letter}:verified" for letter in "abcdefgh"))
    assert [found.id for found in retained(releases)] == list("hgfed")
    assert RETAINED == 5


@pytest.mark.parametrize(
    ("steps", "outcome", "left"),
    [
        ((), "running", True),
        (("fetch 1:done", "build api:failed"), "failed", False),
        (("fetch 1:done", "checkout 1:failed"), "failed", True),
        ((), "failed", True),  # closed by a recovery: how far it came nobody knows
    ],
)
def test_what_may_have_left_a_server_half_way(
    steps: tuple[str, ...], outcome: str, left: bool
) -> None:
    titles = [step.split(":") for step in steps]
    done = tuple(Done(title, ended, 0.1) for title, ended in titles)
    last = release("b", "bbb", outcome=outcome, steps=done)
    assert half_way([*history("a:verified"), last]) == ([last] if left else [])


@pytest.mark.parametrize(
    ("schema", "back_to", "step", "proved"),
    [
        ("002", "", "migrate api-1", True),
        ("001", "", "migrate api-1", False),
        ("002", "", "roll web", False),  # it left the schema as it found it
        ("002", "a", "migrate api-1", False),
    ],
)
def test_a_record_proves_the_schema_only_where_its_deploy_asked_for_it(
    schema: str, back_to: str, step: str, proved: bool
) -> None:
    made = release("b", "bbb", schema=schema, back_to=back_to, steps=(Done(step, "done", 0.1),))
    assert wants(made, "002") is proved


def test_a_service_that_the_release_ran_without_is_named() -> None:
    ran = release("a", "aaa", images={"api-1": Image("app/api:1", "sha256:1")})
    assert unknown_services(ran, target()) == sorted(set(target().images) - {"api-1"})


def test_an_image_that_is_gone_is_named_once_by_its_tag() -> None:
    of = release()
    api = of.images["api-1"]
    left = {tag: identity for tag, identity in facts().images.items() if identity != api.id}
    assert missing_images(of, facts(images=left)) == [api.tag]
    assert missing_images(of, facts()) == []


def test_an_image_that_only_lost_its_name_is_not_missing() -> None:
    of = release()
    renamed = {f"kept-{tag}": identity for tag, identity in facts().images.items()}
    assert missing_images(of, facts(images=renamed)) == []


def test_a_way_back_uses_the_released_images_and_builds_nothing() -> None:
    back = as_released(target(), release(), facts())
    wanted = target().images["api-1"]
    assert back.images["api-1"] == Wanted("api-1", wanted.reference, wanted.stable, None)
    assert all(image.build is None for image in back.images.values())


def test_a_released_image_whose_name_was_moved_is_taken_by_its_id() -> None:
    moved = {**image_ids(target()), target().images["api-1"].reference: "sha256:another"}
    moved["kept:1"] = release().images["api-1"].id
    back = as_released(target(), release(), facts(images=moved))
    assert back.images["api-1"].reference == release().images["api-1"].id


def test_a_release_made_before_its_image_was_built_again_keeps_its_own() -> None:
    older = replace(
        release(), images={**release().images, "web": Image("app/web:1f", "sha256:older")}
    )
    seen = facts(images={**facts().images, "app/web:1f": "sha256:older"})
    assert as_released(target(), older, seen).images["web"].reference == "app/web:1f"


def test_keys_that_changed_came_or_went_are_named_and_nothing_else() -> None:
    then = {"SAME": "1", "CHANGED": "a", "GONE": "x"}
    of = replace(release(), env_salt="salt", env=digests(then, "salt"))
    today = {"SAME": "1", "CHANGED": "b", "NEW": ""}
    assert changed_keys(of, today) == ["CHANGED", "GONE", "NEW"]
    assert changed_keys(of, then) == []


@pytest.mark.parametrize(
    ("spec", "needed"),
    [
        ("", ""),
        ("a:failed", "a"),
        ("a:verified b:verified", "b"),
        ("a:verified b:failed c:running", "c b a"),
        # What was to be is in the failed run alone: its way back put the other back.
        ("a:verified b:failed c:verified:a", "b c"),
        ("a:failed b:verified c:failed d:verified:b e:failed", "e c d"),
        ("a:verified b:failed c:verified:a d:accepted", "d"),
        ("a:verified b:verified c:verified:a", "c"),
    ],
)
def test_settings_stay_where_a_way_back_or_a_failed_run_needs_them(spec: str, needed: str) -> None:
    assert env_needed(history(*spec.split())) == needed.split()
