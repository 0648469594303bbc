"""A blind `sleep 20` was shorter than the first health probe, which came after 30 s."""

from __future__ import annotations

import ast
import json
import time
from datetime import datetime

from tests.lab.rig.place import ROOT
from tests.lab.scenes import FRONTEND, Scene

pytest_plugins = ("tests.lab.deployed", "tests.lab.staged")

SECOND = 1_000_000_000


def test_nothing_of_ours_sleeps() -> None:
    called = [
        f"{file.relative_to(ROOT)}:{node.lineno}"
        for file in sorted((ROOT / "fabfile").rglob("*.py"))
        for node in ast.walk(ast.parse(file.read_text()))
        if isinstance(node, ast.Attribute | ast.Name)
        and (node.attr if isinstance(node, ast.Attribute) else node.id) == "sleep"
    ]
    assert called == []


def test_every_container_is_first_asked_within_two_seconds(scene: Scene) -> None:
    shown = ["docker", "inspect", "-f", "{{.Name}} {{json .Config.Healthcheck}}"]
    ids = [box.id for box in scene.boxes().values()]
    for line in scene.ubuntu.must([*shown, *ids]).splitlines():
        name, _, check = line.partition(" ")
        assert json.loads(check)["StartInterval"] <= 2 * SECOND, name


def test_a_restarted_container_is_known_healthy_within_seconds(scene: Scene) -> None:
    """Not after 20 or 30: the first probe comes at once, and its answer is what is waited for."""
    start = time.monotonic()
    scene.ubuntu.must(["docker", "restart", f"wishwithme-{FRONTEND}"])
    while scene.boxes()[FRONTEND].health != "healthy":
        assert time.monotonic() < start + 15, scene.boxes()[FRONTEND]
    shown = ["docker", "inspect", "-f", "{{json .State}}", f"wishwithme-{FRONTEND}"]
    state = json.loads(scene.ubuntu.must(shown))
    started = datetime.fromisoformat(state["StartedAt"][:23])
    asked = [datetime.fromisoformat(entry["Start"][:23]) for entry in state["Health"]["Log"]]
    first = min(moment for moment in asked if moment >= started)
    assert (first - started).total_seconds() < 3
