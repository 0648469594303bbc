"""Rename of a service left the old container running and in use."""

from __future__ import annotations

import re

from tests.lab.scenes import SITE, STACK, Scene

pytest_plugins = ("tests.lab.deployed", "tests.lab.staged")

UPSTREAMS = "nginx/ubuntu/upstreams.conf"


def renamed(text: str) -> str:
    """The service frontend under the name page, with a container name of its own."""
    text = re.sub(r"^  frontend:", "  page:", text, flags=re.MULTILINE)
    text = text.replace("wishwithme-frontend", "wishwithme-page")
    return text.replace("      frontend: {condition", "      page: {condition")


def server_page(text: str) -> str:
    return text.replace("server frontend:80", "server page:80")


def test_an_orphan_is_named_and_removed_when_asked(scene: Scene) -> None:
    """Only one of the own project; and a rollback across the rename works the same way."""
    since = scene.runs
    commit = scene.change("frontend becomes page", {STACK: renamed, UPSTREAMS: server_page})
    before = scene.boxes()
    ran = scene.deploy(commit)
    assert ran.code == 0, ran
    note = "orphan: wishwithme-frontend is of this project, but not in its stack; --remove-orphans"
    assert f"[ubuntu] warning: {note}" in ran.out.splitlines()
    boxes = scene.boxes()
    assert boxes["frontend"] == before["frontend"]
    assert boxes["page"].health == "healthy"
    assert scene.get(SITE)[0] == 200

    stranger = ["docker", "run", "-d", "--name", "stranger", boxes["redis"].image, "redis-server"]
    scene.ubuntu.must(stranger)
    try:
        plan = scene.plan(commit, "--remove-orphans")
        assert [(step["kind"], step["subject"]) for step in plan["steps"]] == [
            ("fetch", commit[:8]),
            ("remove", "wishwithme-frontend"),
        ]
        scene.deployed(commit, "--remove-orphans")
        assert {*scene.boxes()} == {*boxes, "stranger"} - {"frontend"}
    finally:
        scene.ubuntu.must(["docker", "rm", "-f", "-v", "stranger"])

    ran = scene.operator.fab("ubuntu.rollback", "--to", since)
    assert ran.code == 0, ran
    assert note.replace("frontend", "page") in ran.out
    assert scene.boxes()["frontend"].health == "healthy"
    assert scene.get(SITE)[0] == 200
    scene.deployed(scene.runs, "--remove-orphans")
    assert {*scene.boxes()} == {*before}
