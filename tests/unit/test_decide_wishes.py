"""What the operator asks for besides the commit: only, rebuild."""

from __future__ import annotations

from dataclasses import replace

import pytest

from fabfile.model.deploy.content import Tree
from fabfile.model.deploy.plan import Kind, Wish
from fabfile.model.errors import Trouble
from fabfile.model.stack import Stack

from .builders import (
    OLD,
    STACK,
    TREE,
    container,
    facts,
    service,
)
from .planning import (
    changed,
    plan,
    titles,
    with_service,
)


def test_only_leaves_the_rest_out_and_says_so() -> None:
    tree = changed("services/web/index.html")
    left = service("worker", image="worker:2")
    stack = replace(STACK, services=(*STACK.services, left))
    running = container(replace(left, image="worker:1"), "sha256:worker:1")
    made = plan(tree, stack, Wish(only=("web",)), containers=(*facts().containers, running))
    assert titles(made) == ["fetch 00000000", "build web", "checkout 00000000", "roll web"]
    assert made.notes[0] == "left out: worker: image worker:2"
    assert made.refusals == ()
    assert "worker" not in made.untouched


@pytest.mark.parametrize(
    ("only", "tree", "stack", "refusal"),
    [
        (
            "api-1",
            changed("services/api/app.py"),
            STACK,
            "api-2 has the image of api-1; name both or neither",
        ),
        (
            "web",
            changed("services/api/app.py"),
            STACK,
            "would leave out api-1, which may migrate",
        ),
        (
            "web",
            TREE,
            with_service("proxy", config_hash="other"),
            "would leave out proxy: definition or environment changed",
        ),
        (
            "web",
            changed("nginx/nginx.conf"),
            STACK,
            "would leave out the configuration of proxy",
        ),
    ],
)
def test_only_is_refused_when_the_rest_would_be_missed(
    only: str, tree: Tree, stack: Stack, refusal: str
) -> None:
    refusals = plan(tree, stack, Wish(only=(only,))).refusals
    assert any(refusal in line and line.startswith(f"--only {only}") for line in refusals)


def test_only_of_an_unknown_service_is_refused_with_the_known_ones() -> None:
    with pytest.raises(Trouble, match="no service 'x' in the stack; services: db, api-1"):
        plan(wish=Wish(only=("x",)))


def test_rebuild_builds_tries_and_rolls_what_is_there_already() -> None:
    made = plan(to=OLD, wish=Wish(rebuild=True))
    assert titles(made) == [
        "fetch 00000000",
        "build api-1",
        "build web",
        "smoke api-1",
        "migrate api-1",
        "roll api-1",
        "roll api-2",
        "roll web",
    ]
    assert [step.force for step in made.steps if step.kind is Kind.BUILD] == [True, True]
    assert made.untouched == ("db", "proxy")
