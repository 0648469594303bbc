"""`.env.example` held a resolver URL that is wrong where the resolver is another server's."""

from __future__ import annotations

import pytest

from fabfile.model.access.envfile import parse, schema
from tests.lab.deployments import refused
from tests.lab.rig import environment
from tests.lab.rig.place import ROOT
from tests.lab.rig.server import CHECKOUT
from tests.lab.scenes import Scene
from tests.lab.seen import settings_kept, untouched

pytest_plugins = ("tests.lab.deployed", "tests.lab.staged")

EXAMPLE = (ROOT / ".env.example").read_text()
SIZED = {*environment.SMALL}
"""What the lab makes smaller than the example has it, for two servers on one machine."""


@pytest.mark.parametrize("server", ["ubuntu", "montreal"])
def test_a_server_runs_the_example_with_its_blanks_filled(scene: Scene, server: str) -> None:
    """Every value that the example has stands on a server that is proved."""
    rules = [rule for rule in schema(EXAMPLE) if rule.applies_to(server)]
    example = parse(EXAMPLE).values
    there = parse(scene.lab.server(server).must(["cat", f"{CHECKOUT}/.env"])).values
    kept = {rule.key: example[rule.key] for rule in rules if example[rule.key]}
    assert {key: there[key] for key in kept if key not in SIZED} == {
        key: value for key, value in kept.items() if key not in SIZED
    }
    assert {rule.key for rule in rules if rule.required and not there[rule.key]} == set()
    gates = scene.operator.json(f"{server}.health")
    assert [gate for gate in gates if not gate["ok"]] == []


def test_where_the_other_server_is_nobody_guesses(scene: Scene) -> None:
    """An address in the example would be somebody else's: it is blank, and blank is refused."""
    (rule,) = [rule for rule in schema(EXAMPLE) if rule.key == "ITEM_RESOLVER_URL"]
    assert (rule.required, parse(EXAMPLE).values[rule.key]) == (True, "")
    with settings_kept(scene.ubuntu):
        scene.ubuntu.write_env(ITEM_RESOLVER_URL="")
        with untouched(scene.ubuntu):
            said = refused(scene.operator.fab("ubuntu.deploy", "--ref", scene.runs))
    assert said == "ubuntu: .env: ITEM_RESOLVER_URL is empty"
