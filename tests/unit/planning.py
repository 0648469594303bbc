"""Plans for the tests of the decision: of a small stack on a server that runs it, or nearly."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from fabfile.model.commit import Change
from fabfile.model.deploy.content import Tree
from fabfile.model.deploy.decide import decide
from fabfile.model.deploy.plan import Plan, Wish
from fabfile.model.stack import Stack

from .builders import NEW, SERVER, STACK, TREE, commit, facts, target

FETCH = ("fetch 00000000", "the wanted commit")
CHECKOUT = ("checkout 00000000", "was 00000000")
TEST_PROXY = ("test-proxy proxy", "nginx -t in the target image")


def plan(
    tree: Tree = TREE,
    stack: Stack = STACK,
    wish: Wish | None = None,
    to: str = NEW,
    log: tuple[Change, ...] = (),
    **seen: Any,
) -> Plan:
    """The plan for a tree and a stack, on a server that runs the stack as it was deployed."""
    wanted = commit(to, tree=tree, log=log)
    return decide(SERVER, target(stack, tree), facts(**seen), wanted, wish or Wish())


def steps(made: Plan) -> list[tuple[str, str]]:
    return [(step.title, step.reason) for step in made.steps]


def titles(made: Plan) -> list[str]:
    return [step.title for step in made.steps]


def changed(*paths: str) -> Tree:
    return {**TREE, **dict.fromkeys(paths, ("100644", "changed"))}


def with_service(name: str, **changes: Any) -> Stack:
    """The stack with one service another one."""
    return replace(
        STACK,
        services=tuple(
            replace(one, **changes) if one.name == name else one for one in STACK.services
        ),
    )


def containers(**states: dict[str, Any] | None) -> dict[str, Any]:
    """The containers that run, some changed (by service, _ for -), some not there (None)."""
    found = []
    for one in facts().containers:
        state = states.get(one.service.replace("-", "_"), {})
        if state is not None:
            found.append(replace(one, **state))
    return {"containers": tuple(found)}
