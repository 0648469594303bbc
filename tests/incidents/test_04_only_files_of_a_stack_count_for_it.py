"""A change of the Montreal nginx file "deployed" the Ubuntu nginx: the prefix was nginx/."""

from __future__ import annotations

from tests.lab.full import full
from tests.lab.scenes import ALL, Scene, after, step_names

pytest_plugins = ("tests.lab.deployed", "tests.lab.staged")

MONTREAL = "nginx/montreal/resolver.conf"


@full
def test_the_other_servers_proxy_changes_nothing_here(scene: Scene) -> None:
    """Only files that a stack mounts or builds count for it; the commit is recorded."""
    comment = after("server {", "    # Nothing that ubuntu mounts.")
    commit = scene.change("A line of Montreal", {MONTREAL: comment})
    here, there = scene.plan(commit), scene.plan(commit, server="montreal")
    assert [step["kind"] for step in here["steps"]] == ["fetch", "checkout"]
    assert here["untouched"] == [*ALL]
    assert [step["kind"] for step in there["steps"]] == [
        "fetch",
        "test-proxy",
        "checkout",
        "reload",
    ]
    with scene.only_replaces():
        scene.deployed(commit)
    assert step_names(scene.record(commit)) == [f"fetch {commit[:8]}", f"checkout {commit[:8]}"]
