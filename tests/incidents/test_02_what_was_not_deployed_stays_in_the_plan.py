"""A failed or skipped deploy was never caught up: production fell behind with a green tick."""

from __future__ import annotations

from tests.lab.scenes import PAGE, PROXY, Scene, answers, reasons, titled
from tests.names import SITE

pytest_plugins = ("tests.lab.deployed", "tests.lab.staged")


def test_a_change_whose_deploy_failed_is_deployed_with_the_next_one(scene: Scene) -> None:
    """An undeployed change stays in the next plan until it is deployed."""
    since = scene.runs
    broken = {PAGE: titled("caught up"), PROXY: answers("/late", "$no_such_variable")}
    failed = scene.change("A page, and a proxy that does not start", broken)
    ran = scene.deploy(failed)
    assert ran.code == 1, ran
    assert scene.record(failed)["outcome"] == "failed"

    mended = {PROXY: lambda text: text.replace("$no_such_variable", "late")}
    commit = scene.change("Only the proxy is mended", mended, on=failed)
    plan = scene.plan(commit)
    assert plan["since"] == since
    assert reasons(plan, "start", "roll", "reload") == scene.by_content("frontend")
    with scene.only_replaces("frontend"):
        scene.deployed(commit)
    assert "<title>Wish With Me: caught up</title>" in scene.get(SITE)[1]
