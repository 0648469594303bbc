"""What looks without changing: dry run, plan, status, history, health, ps, prune."""

from __future__ import annotations

import re

import pytest

from .fakes.engine import Container
from .fakes.fleet import Fleet


@pytest.fixture
def second(running: Fleet) -> Fleet:
    """A second commit that touches everything waits to be deployed."""
    running.origin.commit(
        "Second",
        {
            "services/web/index.html": "Welcome again\n",
            "services/api/app.py": "api, second version\n",
            "services/api/schema": "002\n",
            "services/worker/app.py": "worker, second version\n",
            "nginx/ubuntu/nginx.conf": "upstreams web api\n",
        },
    )
    return running


@pytest.mark.parametrize(
    "command",
    [
        "deploy --dry-run",
        "ubuntu.deploy --dry-run --remove-orphans",
        "plan",
        "ubuntu.plan --only web",
        "status",
        "ubuntu.history",
        "ubuntu.health",
        "ubuntu.logs --service web",
        "ubuntu.ps",
        "ubuntu.prune --dry-run",
    ],
)
def test_it_changes_nothing_on_either_server(second: Fleet, command: str) -> None:
    with second.untouched():
        second.fab(command)


def test_a_dry_run_of_a_first_deploy_changes_nothing(fleet: Fleet) -> None:
    with fleet.untouched():
        ran = fleet.fab("deploy --dry-run")
    assert ran.code == 0, ran.everything


def test_a_dry_run_shows_every_change_that_it_would_make(second: Fleet) -> None:
    ran = second.fab("ubuntu.deploy --dry-run")
    assert ran.code == 0, ran.everything
    shown = "\n".join(ran.lines)
    for words in ("fetch", "worktree", "docker compose", "checkout", "docker tag", "load-proxy"):
        assert f"[ubuntu]       would run: {words} " in shown
    assert "verified" not in shown
    assert "✓" not in shown


def test_a_dry_run_reads_as_steps_each_with_the_first_lines_of_its_commands(second: Fleet) -> None:
    lines = second.fab("ubuntu.deploy --dry-run").lines
    at = lines.index(
        "[ubuntu] dry run: what each step would run (--verbose: all of it, with our scripts)"
    )
    told = lines[at + 1 :]
    planned = [re.sub(r": .*", "", line) for line in lines[:at] if re.search(r"\] +\d+\. ", line)]
    assert [line for line in told if "would run: " not in line] == planned != []
    build = next(n for n, line in enumerate(told) if line.endswith(". build web"))
    assert told[build + 1] == "[ubuntu]       would run: docker compose build web"
    assert max(map(len, told)) <= 100


def test_a_verbose_dry_run_shows_whole_commands_and_our_scripts(second: Fleet) -> None:
    lines = second.fab("ubuntu.deploy --dry-run --verbose").lines
    assert "[ubuntu] dry run: what each step would run" in lines
    (build,) = (line for line in lines if line.endswith(".apart.json build web"))
    assert "would run: 'docker compose' --project-directory /home/ubuntu/app/compose" in build
    assert "[ubuntu]         set -eu" in lines


def test_whole_scripts_are_only_for_a_dry_run(second: Fleet) -> None:
    with second.untouched():
        ran = second.fab("ubuntu.deploy --verbose")
    assert (ran.code, ran.error) == (
        2,
        "--verbose shows the scripts of a dry run: it needs --dry-run",
    )


def test_a_plan_and_the_deploy_after_it_have_the_same_steps(second: Fleet) -> None:
    planned = [line for line in second.fab("ubuntu.plan").lines if ". " in line]
    done = [line for line in second.fab("ubuntu.deploy").lines if line in planned]
    assert done == planned != []


def test_status_names_what_runs_and_what_waits(second: Fleet) -> None:
    shown = second.fab("ubuntu.status").lines
    assert shown[0].startswith("[ubuntu] runs 00000001 First (verified 2027-01-15 08:01 UTC, ")
    assert shown[0].endswith("; the branch is at 00000002")
    assert [line.split() for line in shown[2:6]] == [
        [*service.split(), "running", "healthy", "as", "deployed"]
        for service in ("db", "api (2)", "web", "proxy")
    ]
    assert "[ubuntu] commits that wait: 1 (fab ubuntu.plan)" in shown
    waits = "migrate api: if the database's revision is not the new image's"
    assert f"[ubuntu] pending: {waits}" in shown


def test_status_shows_an_image_that_was_not_deployed(running: Fleet) -> None:
    engine = running.ubuntu.engine
    engine.containers["app-web"].image = engine.images["app/api:current"]
    shown = running.fab("ubuntu.status").lines
    (row,) = [line for line in shown if line.split()[:1] == ["web"]]
    assert row.rstrip().endswith("not as deployed")


def test_status_goes_on_where_a_plan_would_be_refused(running: Fleet) -> None:
    running.ubuntu.engine.containers["app-web"].service = "old"
    ran = running.fab("ubuntu.status")
    assert (ran.code, ran.error) == (1, "not all is well: ubuntu (2)")
    assert "app-web" in ran.everything


def test_status_names_who_is_at_it(running: Fleet) -> None:
    running.ubuntu.locks["locks"] = "someone since 10:00:00 UTC"
    shown = running.fab("ubuntu.status").lines
    assert "[ubuntu] warning: a change is running: someone since 10:00:00 UTC" in shown


def test_history_shows_a_run_that_died_as_such(second: Fleet) -> None:
    second.ubuntu.kill_the_operator_at("compose up web")
    assert second.fab("ubuntu.deploy").code == -9
    outcomes = [line.split()[1] for line in second.fab("ubuntu.history").lines[2:]]
    assert outcomes == ["died", "verified"]


def test_history_shows_one_record_whole(second: Fleet) -> None:
    second.fab("ubuntu.deploy")
    shown = second.fab("ubuntu.history --show 00000002").lines
    for line in (
        "[ubuntu] outcome: verified",
        f"[ubuntu] commit: {second.origin.tip.id} Second",
        "[ubuntu] schema: 002",
    ):
        assert line in shown
    assert [line for line in shown if re.fullmatch(r"\[ubuntu\]   done: roll web [0-9.]+s", line)]
    assert [line for line in shown if "✓ roll web" in line]


def test_history_shows_why_a_deploy_failed(running: Fleet) -> None:
    """The terminal that ran it may be gone, or it was a workflow's."""
    running.origin.commit("Broken", {"services/web/index.html": "Welcome NEVER HEALTHY"})
    ran = running.fab("ubuntu.deploy")
    assert ran.code == 1
    _, broken, _ = running.releases("ubuntu")
    found = running.fab(f"ubuntu.history --show {broken.id} --json").json
    assert found["evidence"] == ran.evidence
    assert ran.next == [
        f"fab ubuntu.history --show {broken.id}",
        "fab ubuntu.logs --level warning --since 1m",
    ]
    shown = running.fab(f"ubuntu.history --show {broken.id[:-2]}").lines
    at = shown.index("[ubuntu] evidence")
    assert shown[at + 1 : at + 3] == [f"[ubuntu]   {line}" for line in ran.evidence]


def test_history_shows_the_last_release(second: Fleet) -> None:
    second.fab("ubuntu.deploy")
    last = second.releases("ubuntu")[-1]
    for wanted in ("last", last.id[:12], last.commit[:8]):
        shown = second.fab(f"ubuntu.history --show {wanted}").lines
        assert f"[ubuntu] release: {last.id}" in shown


def test_an_unknown_release_is_refused(running: Fleet) -> None:
    ran = running.fab("ubuntu.history --show nothing")
    assert (ran.code, ran.error) == (
        2,
        "ubuntu: no release 'nothing'; fab ubuntu.history lists them",
    )


def test_health_is_green_and_exits_0(running: Fleet) -> None:
    ran = running.fab("ubuntu.health")
    assert ran.code == 0, ran.everything
    assert [line.split()[:2] for line in ran.lines[2:]].count(["link", "green"]) == 1


def test_health_asks_what_is_deployed_and_not_what_waits(second: Fleet) -> None:
    second.origin.reachable = False
    assert second.fab("ubuntu.health").code == 0


def test_ps_lists_containers_of_whatever_project(running: Fleet) -> None:
    running.ubuntu.engine.place(Container("by-hand", "sha256:x"))
    rows = [line.split() for line in running.fab("ubuntu.ps").lines[2:]]
    assert [row[0] for row in rows] == [
        "app-api-1", "app-api-2", "app-db", "app-proxy", "app-web", "by-hand",
    ]  # fmt: skip
    assert rows[-1][-1] == "-"


# --- prune


def test_prune_keeps_what_runs_and_the_last_five_releases_and_removes_the_rest(
    running: Fleet,
) -> None:
    for number in range(2, 9):
        running.origin.commit(f"Number {number}", {"services/web/index.html": f"Welcome {number}"})
        assert running.fab("ubuntu.deploy").code == 0
    engine = running.ubuntu.engine
    releases = running.releases("ubuntu")
    needed = {release.images["web"].id for release in releases[-5:]}
    gone = {release.images["web"].id for release in releases[:-5]} - needed
    assert len(gone) == 3
    ran = running.fab("ubuntu.prune")
    assert ran.code == 0, ran.everything
    assert needed <= set(engine.images.values())
    assert not gone & set(engine.images.values())
    assert "db:1" in engine.images


def test_prune_touches_no_image_that_is_not_ours(running: Fleet) -> None:
    engine = running.ubuntu.engine
    engine.pull("theirs:1")
    before = dict(engine.images)
    assert running.fab("ubuntu.prune").code == 0
    assert engine.images == before
