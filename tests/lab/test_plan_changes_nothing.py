"""The plan, the dry run and a second deploy look; they change nothing."""

from __future__ import annotations

from tests.lab.deployments import refused
from tests.lab.full import full
from tests.lab.scenes import (
    ALL,
    APP,
    PAGE,
    PROXY,
    STACK,
    Scene,
    answers,
    ending,
    reasons,
    step_names,
    titled,
)
from tests.lab.seen import untouched

pytest_plugins = ("tests.lab.deployed", "tests.lab.staged")


def test_a_second_deploy_has_nothing_to_do_and_says_why(scene: Scene) -> None:
    commit, releases = scene.runs, scene.operator.json("ubuntu.history")
    with scene.only_replaces():
        ran = scene.deploy(commit)
    assert (ran.code, ran.steps("ubuntu")) == (0, ["prove"])
    subject = scene.last()["subject"]
    assert f"nothing to do: {', '.join(ALL)} run what {commit[:8]} {subject} says" in ran.unbroken
    assert scene.operator.json("ubuntu.history") == releases


def test_status_plan_and_dry_run_leave_both_servers_byte_for_byte_as_they_were(
    scene: Scene,
) -> None:
    """Files, images, containers and volumes, whatever the commit would change."""
    edits = {
        PAGE: titled("never seen"),
        APP: ending("NEVER = 0"),
        PROXY: answers("/never", "never"),
        "nginx/montreal/resolver.conf": ending("# Never."),
        "services/item-resolver/app/main.py": ending("NEVER = 0"),
    }
    commit = scene.change("Everything at once", edits)
    servers = scene.lab.server("ubuntu"), scene.lab.server("montreal")
    with untouched(*servers):
        assert scene.operator.fab("status").code in (0, 1)  # 1: no backup yet
        scene.operator.must("plan", "--ref", commit)
        planned = scene.plan(commit)
        ran = scene.operator.fab("deploy", "--ref", commit, "--dry-run")
    assert ran.code == 0, ran
    steps = [
        f"[ubuntu]   {number:2}. {step['kind']} {step['subject']}"
        for number, step in enumerate(planned["steps"], start=1)
    ]
    lines = ran.out.splitlines()
    assert [line for line in lines if line in steps] == steps
    assert any(line.startswith("[ubuntu]       would run: ") for line in lines)
    both = "core-api, frontend"
    begun = ("build core-api", "build frontend", "test-proxy nginx", f"hold {both}")
    for step in (*begun, f"start {both}", f"switch {both}", f"retire {both}"):
        assert f". {step}: " in ran.out
    assert "is loaded" not in ran.out
    assert ran.steps("ubuntu") == ran.steps("montreal") == []


def test_only_is_refused_where_it_would_leave_something_behind(scene: Scene) -> None:
    """A proxy's configuration or a migration left out, a replica alone: each is one line."""
    commit = scene.change("A page and an API", {PAGE: titled("only"), APP: ending("ONLY = 1")})
    proxy = scene.change("A proxy too", {PROXY: answers("/only", "only")}, on=commit)
    migrates = "--only frontend would leave out core-api, which may migrate"
    with untouched(scene.ubuntu):
        for wanted, only, problems in (
            (commit, "core-api-1", ["no service 'core-api-1' in the stack"]),
            (commit, "frontend", [migrates]),
            (proxy, "frontend", ["--only frontend would leave out the configuration of nginx"]),
            (commit, "nobody", ["no service 'nobody' in the stack"]),
        ):
            ran = scene.operator.fab("ubuntu.plan", "--ref", wanted, "--only", only)
            assert ran.code == 2, ran
            assert [problem for problem in problems if problem not in ran.err] == []
    with scene.only_replaces():
        assert refused(scene.deploy(commit, "--only", "frontend")) == f"ubuntu: {migrates}"


@full
def test_only_deploys_the_named_and_keeps_the_rest_in_the_plan(scene: Scene) -> None:
    """Commits are recorded per service: what was left out stays in the next plan."""
    old = scene.runs
    before = scene.record(old)["commits"]
    commit = scene.change("A page and an API", {PAGE: titled("left out"), APP: ending("ONLY = 2")})
    with scene.only_replaces("core-api"):
        scene.deployed(commit, "--only", "core-api")
    commits = scene.record(commit)["commits"]
    assert commits == {**before, "core-api": commit}
    plan = scene.plan(commit)
    assert reasons(plan, "start", "roll", "reload") == scene.by_content("frontend")
    with scene.only_replaces("frontend"):
        scene.deployed(commit)
    assert "start frontend" in step_names(scene.record(commit))


def test_a_data_service_is_not_recreated_unasked(scene: Scene) -> None:
    """Refused as a whole: skipping that one step would move the surprise to the next plain up."""
    longer = {STACK: lambda text: text.replace("stop_grace_period: 60s", "stop_grace_period: 61s")}
    commit = scene.change("More time for the database", {**longer, PAGE: titled("data")})
    with untouched(scene.ubuntu):
        why = (
            "ubuntu: postgres is a data service and would be recreated"
            " (definition or environment changed); --restart-data allows it"
        )
        assert refused(scene.operator.fab("ubuntu.plan", "--ref", commit)) == why
    with scene.only_replaces():
        assert refused(scene.deploy(commit)) == why
    plan = scene.plan(commit, "--restart-data")
    assert reasons(plan, "up") == {"postgres": "definition or environment changed"}
