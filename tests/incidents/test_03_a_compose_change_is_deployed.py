"""A pushed compose change never deployed for four days, silently: a typo in a list of paths."""

from __future__ import annotations

from tests.lab.commits import replaced
from tests.lab.deployments import refused
from tests.lab.scenes import FRONTEND, STACK, Scene, reasons
from tests.lab.seen import untouched

pytest_plugins = ("tests.lab.deployed", "tests.lab.staged")


def test_a_definition_that_changed_recreates_its_service_alone(scene: Scene) -> None:
    """What belongs to a service is derived from the compose model."""
    small = "resources: {limits: {memory: 128M}}"
    limit = {STACK: replaced(small, "resources: {limits: {memory: 128M, pids: 64}}")}
    commit = scene.change("Bound the page's processes", limit)
    assert reasons(scene.plan(commit), "build", "start", "roll", "reload", "up") == {
        "frontend": "definition or environment changed: 1 new beside 1"
    }
    image = scene.boxes()[FRONTEND].image
    with scene.only_replaces("frontend"):
        scene.deployed(commit)
    assert scene.boxes()[FRONTEND].image == image


def test_a_stack_that_cannot_be_compared_is_an_error(scene: Scene) -> None:
    """A diff that cannot be computed is never "nothing to do"."""
    unread = scene.change("Not YAML", {STACK: lambda text: f"{text}\n  - [\n"})
    with untouched(scene.ubuntu):
        found = refused(scene.operator.fab("ubuntu.plan", "--ref", unread))
        assert found.startswith("ubuntu: compose refuses compose/docker-compose.ubuntu.yml: "), (
            found
        )
    with scene.only_replaces():
        assert refused(scene.deploy(unread)) == found
