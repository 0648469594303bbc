"""Compose models of any form: a plan, or a refusal in words; never another error."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from hypothesis import example, given
from hypothesis import strategies as st

from fabfile.model.deploy.decide import decide
from fabfile.model.deploy.plan import Plan, Wish, target_of
from fabfile.model.deploy.resolved import parse
from fabfile.model.errors import REFUSED, Trouble

from .builders import NEW, SERVER, TREE, commit, facts, stack_problems
from .examples import examples

MODEL = json.loads((Path(__file__).parent / "data" / "resolved.json").read_text())
HOSTILE = (
    "", " ", "$(touch /tmp/x)", "`id`", "; rm -rf /", "-rf", "--help", "../..", "a\nb", "a\0b",
    "é\u2028", "0", "1s", "80:80", "null", "{}", "%s", "'", '"', "\\", "x" * 300,
)  # fmt: skip
JUNK = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(allow_nan=False),
    st.sampled_from(HOSTILE),
    st.text(max_size=8),
    st.sampled_from([[], {}, [None], [[]], [{}], {"": None}, {"a": []}, ["a"], {"a": "b"}]),
)


def places(value: Any, at: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Every key and index of a model, and of what stands below."""
    keys = (
        value if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ()
    )
    for key in keys:
        yield (*at, key)
        yield from places(value[key], (*at, key))


PLACES = sorted(places(MODEL), key=str)
GONE = object()
Edit = tuple[tuple[Any, ...], Any]
EDITS = st.lists(
    st.tuples(st.sampled_from(PLACES), st.one_of(JUNK, st.just(GONE))), min_size=1, max_size=3
)


def edited(edits: list[Edit]) -> dict[str, Any]:
    """The model with other values at some places, or nothing; what has gone stays so."""
    model: dict[str, Any] = copy.deepcopy(MODEL)
    for path, junk in edits:
        at: Any = model
        for key in path[:-1]:
            at = at[key] if _holds(at, key) else None
        if _holds(at, path[-1]):
            if junk is GONE:
                del at[path[-1]]
            else:
                at[path[-1]] = junk
    return model


def _holds(at: Any, key: Any) -> bool:
    if isinstance(at, dict):
        return key in at
    return isinstance(at, list) and isinstance(key, int) and key < len(at)


def outcome(resolved: str) -> Plan | Trouble | None:
    """The plan, or why there is none; None: the preflight names what is wrong."""
    try:
        stack = parse(resolved, "")
        wanted = commit(NEW, tree=TREE, resolved=resolved)
        target = target_of(SERVER, stack, wanted)
        if stack_problems(facts(), stack):
            return None
        return decide(SERVER, target, facts(), wanted, Wish())
    except Trouble as trouble:
        return trouble


@examples(10_000)
@given(EDITS)
@example([(("x-deploy", "nginx"), "text")])
def test_a_stack_of_any_form_is_planned_or_refused(edits: list[Edit]) -> None:
    found = outcome(json.dumps(edited(edits)))
    assert not isinstance(found, Trouble) or found.code == REFUSED, edits


def test_an_entry_that_is_no_mapping_is_called_one() -> None:
    found = outcome(json.dumps(edited([(("x-deploy", "nginx"), "text")])))
    assert isinstance(found, Trouble)
    assert found.message == "x-deploy.nginx: not a mapping of keys to values"
