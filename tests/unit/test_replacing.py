"""Replacing replicas beside: who serves, who stays, how many start, who leaves, by which steps."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from fabfile.model.deploy.plan import EVERY, Plan, Wish
from fabfile.model.deploy.replacing import Replacing
from fabfile.model.facts import Container
from fabfile.model.hints import Hints
from fabfile.model.probe import Probe
from fabfile.model.release import Done
from fabfile.model.stack import Port, Stack

from .builders import OLD, STACK, built, container, facts, release, target
from .planning import changed, plan, titles

PAGE = "services/web/index.html"
NEW_PAGE = changed(PAGE)


def scaled(replicas: int) -> Stack:
    """The stack, whose page is served by so many replicas."""
    hints = Hints(probe=Probe(), port=80)
    web = built("web", "web", hints=hints, beside=True, replicas=replicas, container="app-web-1")
    others = tuple(one for one in STACK.services if one.name != "web")
    return replace(STACK, services=(*others[:-1], web, others[-1]))


def image(tree: Any) -> str:
    """The id of the page's image of a tree."""
    return f"sha256:{target(scaled(2), tree).images['web'].reference}"


def replica(letter: str, tree: Any = None, **changes: Any) -> Container:
    """A replica of the page; its id is twelve times the letter, and more."""
    web = scaled(2).service("web")
    made = container(web, image(tree or target().tree), **changes)
    return replace(made, id=letter * 64, name=f"app-web-{ord(letter)}")


def planned(
    *replicas: Container, tree: Any = None, wanted: int = 2, wish: Wish | None = None, **seen: Any
) -> Plan:
    """The plan where these are the page's replicas, and the images of both commits are there."""
    others = [one for one in facts().containers if one.service != "web"]
    images = {
        **facts().images,
        **{i.removeprefix("sha256:"): i for i in (image(target().tree), image(NEW_PAGE))},
    }
    seen = {"containers": (*others, *replicas), "images": images, **seen}
    return plan(tree or target().tree, scaled(wanted), to=OLD, wish=wish, **seen)


def of(letters: str) -> tuple[str, ...]:
    return tuple(letter * 64 for letter in letters)


def pinned(letters: str) -> dict[str, Any]:
    return {"pinned": {"web": tuple(letter * 12 for letter in letters)}}


A, B = replica("a"), replica("b")
NEW_C, NEW_D = replica("c", NEW_PAGE), replica("d", NEW_PAGE)


def beside(made: Plan) -> list[str]:
    words = ("hold", "start", "switch", "retire")
    return [title for title in titles(made) if title.partition(" ")[0] in words]


def test_replicas_that_are_as_wanted_stay() -> None:
    made = planned(A, B)
    assert (made.steps, made.replacing) == ((), ())


def test_a_new_image_starts_beside_is_switched_to_and_the_former_are_retired() -> None:
    made = planned(A, B, tree=NEW_PAGE)
    assert beside(made) == ["hold web", "start web", "switch web", "retire web"]
    assert made.replacing == (Replacing("web", serving=of("ab"), starting=2, leaving=of("ab")),)


def test_the_first_replicas_start_and_nobody_is_switched() -> None:
    made = planned()
    assert beside(made) == ["start web"]
    assert made.replacing == (Replacing("web", starting=2),)


@pytest.mark.parametrize(
    ("there", "wanted", "steps", "expected"),
    [
        ("ab", 4, ["hold web", "start web", "switch web", "retire web"], ("ab", "ab", 2, "")),
        ("ab", 1, ["switch web", "retire web"], ("ab", "a", 0, "b")),
        ("abcd", 1, ["switch web", "retire web"], ("abcd", "a", 0, "bcd")),
        ("a", 2, ["hold web", "start web", "switch web", "retire web"], ("a", "a", 1, "")),
    ],
)
def test_more_or_fewer_replicas_keep_those_that_are_there(
    there: str, wanted: int, steps: Sequence[str], expected: tuple[str, str, int, str]
) -> None:
    made = planned(*(replica(letter) for letter in there), wanted=wanted)
    serving, kept, starting, leaving = expected
    assert beside(made) == steps
    assert made.replacing == (Replacing("web", of(serving), of(kept), starting, of(leaving)),)


@pytest.mark.parametrize("ill", [{"health": "unhealthy"}, {"state": "exited"}])
def test_one_that_is_ill_is_replaced_alone(ill: dict[str, Any]) -> None:
    made = planned(A, replica("b", **ill))
    assert beside(made) == ["hold web", "start web", "switch web", "retire web"]
    assert [(one.kept, one.starting, one.leaving) for one in made.replacing] == [
        (of("a"), 1, of("b"))
    ]


def test_a_run_that_died_after_its_start_is_gone_on_with() -> None:
    made = planned(A, B, NEW_C, NEW_D, tree=NEW_PAGE, **pinned("ab"))
    assert beside(made) == ["switch web", "retire web"]
    assert made.replacing == (Replacing("web", of("ab"), of("cd"), 0, of("ab")),)


def test_a_run_that_died_before_its_switch_is_taken_back_without_a_start() -> None:
    made = planned(A, B, NEW_C, NEW_D, **pinned("ab"))
    assert beside(made) == ["retire web"]
    assert made.replacing == (Replacing("web", of("ab"), of("ab"), 0, of("cd")),)


def test_a_run_that_died_after_its_switch_is_taken_back_by_one_load() -> None:
    made = planned(A, B, NEW_C, NEW_D, **pinned("cd"))
    assert beside(made) == ["switch web", "retire web"]
    assert made.replacing == (Replacing("web", of("cd"), of("ab"), 0, of("cd")),)


def test_a_run_that_died_after_its_switch_is_ended_by_the_same_command() -> None:
    made = planned(A, B, NEW_C, NEW_D, tree=NEW_PAGE, **pinned("cd"))
    assert beside(made) == ["retire web"]
    assert made.replacing == (Replacing("web", of("cd"), of("cd"), 0, of("ab")),)


def test_one_that_died_after_its_hold_leaves_nothing_but_names_in_the_proxy() -> None:
    made = planned(A, B, **pinned("ab"))
    assert beside(made) == ["retire web"]
    assert made.steps[-1].reason == "the proxy names the service again"


def test_who_depends_on_it_is_replaced_after_it_and_the_rest_before() -> None:
    both = {**NEW_PAGE, "services/api/app.py": ("100644", "changed")}
    web, *_ = (one for one in scaled(2).services if one.name == "web")
    made = planned(A, B, tree=both)
    assert web.beside
    order = [t for t in titles(made) if t.partition(" ")[0] in ("roll", "hold", "retire")]
    assert order == ["hold web", "roll api-1", "roll api-2", "retire web"]


def test_what_a_release_left_half_way_began_is_believed_of_its_steps() -> None:
    died = release("r2", steps=(Done("start web", "done", 1.0),), outcome="failed")
    made = planned(A, B, releases=(release(), died))
    assert beside(made) == []


def test_a_rebuild_keeps_nobody() -> None:
    made = planned(A, B, wish=Wish(rebuild=True, only=("web",)))
    assert [(one.kept, one.starting) for one in made.replacing] == [((), 2)]


def test_a_restart_keeps_nobody_and_touches_neither_data_nor_proxy() -> None:
    made = planned(A, B, wish=Wish(restart=EVERY, keep_schema=True))
    assert [t for t in titles(made) if t.startswith(("roll", "up", "start"))] == [
        "roll api-1", "roll api-2", "start web",
    ]  # fmt: skip
    assert made.replacing == (Replacing("web", serving=of("ab"), starting=2, leaving=of("ab")),)
    assert made.steps[-2].reason == "one load moves the requests to those that stay"


def test_a_data_service_is_restarted_only_by_name_and_that_is_said() -> None:
    named = Wish(restart=("db",), only=("db",), restart_data=True, keep_schema=True)
    made = planned(A, B, wish=named)
    assert [(s.title, s.reason, s.force) for s in made.steps if s.subject == "db"] == [
        ("up db", "to be restarted", True)
    ]
    assert made.notes == (
        "db is restarted: what is under way there is cut, and nobody is answered meanwhile",
    )


@pytest.mark.parametrize(
    ("tree", "seen", "steps"),
    [
        (None, pinned("ab"), ["reload proxy", "retire web"]),
        (NEW_PAGE, {}, ["hold web", "start web", "switch web", "retire web"]),
    ],
)
def test_what_the_proxy_is_to_load_is_loaded_before_the_proof_and_once(
    tree: Any, seen: dict[str, Any], steps: list[str]
) -> None:
    made = planned(A, B, tree=tree, generation="of a run that died", **seen)
    words = ("hold", "start", "switch", "reload", "retire")
    assert [title for title in titles(made) if title.partition(" ")[0] in words] == steps


def test_a_proxy_that_is_replaced_after_the_retirement_loads_before_it_too() -> None:
    """Else the proof is of what a run that failed has loaded."""
    ill = [replace(one, health="unhealthy") for one in facts().containers if one.service == "proxy"]
    others = [one for one in facts().containers if one.service not in ("web", "proxy")]
    made = planned(A, B, containers=(*others, A, B, *ill), generation="other", **pinned("ab"))
    assert titles(made)[-3:] == ["reload proxy", "retire web", "roll proxy"]


@pytest.mark.parametrize(
    ("former", "known", "leaves"),
    [("web-1", False, True), ("web-1", True, False), ("worker", False, False)],
)
def test_a_new_service_takes_over_what_was_called_like_it_with_a_number(
    former: str, known: bool, leaves: bool
) -> None:
    """What else is no longer in the stack is an orphan, whatever image it runs."""
    web = scaled(2).service("web")
    other = replace(container(replace(web, name=former), image(target().tree)), id="e" * 64)
    definitions = {**release().definitions, former: "f"}
    if not known:
        del definitions["web"]
    made = planned(*([A, B] if known else []), other, releases=(release(definitions=definitions),))
    assert [one for plan in made.replacing for one in plan.leaving] == ["e" * 64] * leaves
    assert any("orphan" in note for note in made.notes) is not leaves


def test_one_that_is_on_its_way_up_stays_where_it_is_asked() -> None:
    """As after a reboot; one that nobody asks yet gets no requests before it is well."""
    made = planned(A, replica("b", health="starting"))
    assert (made.steps, made.replacing) == ((), ())
    made = planned(A, B, replica("c", NEW_PAGE, health="starting"), NEW_D, **pinned("ab"))
    assert [(one.kept, one.starting, one.leaving) for one in made.replacing] == [
        (of("ab"), 0, of("cd"))
    ]
    made = planned(
        A, B, replica("c", NEW_PAGE, health="starting"), NEW_D, tree=NEW_PAGE, **pinned("ab")
    )
    assert [(one.kept, one.starting) for one in made.replacing] == [(of("d"), 1)]


def of_former_layout(name: str, **changes: Any) -> Container:
    """A container of a service that a run made beside the page's replicas, from their image."""
    web = scaled(2).service("web")
    one = replace(web, name=name, container=f"app-{name}", beside=False)
    return replace(container(one, image(target().tree)), **{"id": "e" * 64, **changes})


def test_what_a_run_that_died_made_in_the_place_of_replicas_leaves_by_a_switch() -> None:
    """Requests may go to it already: they come back before it goes."""
    definitions = {**release().definitions, "web-1": "f"}
    died = release("r2", outcome="running", definitions=definitions)
    made = planned(A, B, of_former_layout("web-1"), releases=(release(), died))
    assert beside(made) == ["switch web", "retire web"]
    assert [(one.kept, one.leaving, one.succeeds) for one in made.replacing] == [
        (of("ab"), of("e"), True)
    ]


def test_what_an_earlier_release_left_is_an_orphan() -> None:
    """A run that died since has nothing to do with it."""
    earlier = release("r0", definitions={**release().definitions, "web-1": "f"})
    seen = (earlier, release(), release("r2", outcome="running"))
    made = planned(A, B, of_former_layout("web-1"), releases=seen)
    assert beside(made) == []
    assert [note.partition(":")[0] for note in made.notes] == ["orphan"]


def test_a_container_gets_the_name_back_that_made_room_for_another_one() -> None:
    made = planned(A, replace(B, name="app-web-2-former"))
    assert [step.title for step in made.steps] == ["fetch 00000000", "retire web"]
    assert made.steps[-1].reason == "a container has the name that a run gave it"


@pytest.mark.parametrize(
    ("changes", "moves"),
    [
        ({}, True),
        ({"ports": (Port("", 80, "tcp"),)}, False),
        ({"in_host_network": True}, False),
        ({"completes": True}, False),
        ({"hints": Hints(keep=True)}, False),
        ({"hints": Hints(proxy=True)}, False),
    ],
)
def test_what_cannot_run_beside_others_does_not_come_in_their_place_by_a_switch(
    changes: dict[str, Any], moves: bool
) -> None:
    web = replace(STACK.service("web"), **changes)
    assert web.moves is moves
