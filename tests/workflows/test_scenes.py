"""The workflows, played whole: what is tested and deployed, how red the run is, what it says."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import pytest

from . import samples
from .bench import Bench, git, words_of
from .playing import LEFT_OUT, OK, RED, Played, Runner

TESTED = ["test --services", "test --fast", "test --collection"]


@pytest.fixture(autouse=True)
def servers(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """The inventory has the servers that the workflows name."""
    text = samples.HOSTS.replace("far-away", "montreal").partition("[third]")[0]
    (bench.folder / "hosts.ini").write_text(text)
    bench.lay(history_json=samples.record())


@pytest.fixture
def play(bench: Bench, secret: str) -> Any:
    def play(name: str, before: Any = None, **inputs: str) -> Played:
        keys = {f"SSH_KEY_{server}": secret for server in ("UBUNTU", "MONTREAL")}
        event = {"github": {"sha": bench.head}, "inputs": inputs, "secrets": keys}
        return Runner(bench, event, before or {}).play(name)

    return play


def plans(bench: Bench, *changed: str) -> list[dict[str, Any]]:
    """Those of montreal and ubuntu."""
    names = {"montreal": "far-away", "ubuntu": "ubuntu"}
    found = bench.plans(*(names[one] for one in changed))
    return [{**one, "server": one["server"].replace("far-away", "montreal")} for one in found][::2]


def view(server: str = "ubuntu") -> dict[str, Any]:
    return replace(samples.RELEASE, server=server, outcome="verified", waived=()).view()


def scripts(bench: Bench) -> list[str]:
    said = (bench.folder / "scripts").read_text().splitlines()
    return [line for line in said if line.startswith("test")]


def deploys(bench: Bench) -> list[str]:
    words = [one for one in words_of(bench) if ".history" not in one]
    return [re.sub(r" --ref=([0-9a-f]{40}) --json$", r" \1", one) for one in words]


def test_a_good_commit_is_tested_planned_deployed_and_told(bench: Bench, play: Any) -> None:
    bench.lay(plan_json=plans(bench, "ubuntu"), deploy_json=[view()])
    played = play("deploy.yml")
    assert played.jobs == {
        "turn": OK,
        **dict.fromkeys(("tests/quick", "tests/quick/services", "tests/quick/fast"), OK),
        **dict.fromkeys(("tests/collection", "tests", "deploy"), OK),
    }
    assert scripts(bench) == TESTED
    assert deploys(bench) == ["plan", "plan", "ubuntu.deploy --yes"]
    titles = re.findall(r"^## .+", bench.summary, re.MULTILINE)
    assert titles == [
        *("## montreal: plan", "## ubuntu: plan"),
        *("## ubuntu: verified", "## montreal: left as it is"),
    ]
    for part in ("| start core-api | done | 61.0 s |", "| probe:core-api-1 | green | 0.01 s |"):
        assert part in bench.summary
    assert "::notice title=ubuntu%3A verified::20261123T101500Z-1a2b3c4d" in played.log
    assert bench.keys_left == []


def test_a_broken_commit_is_red_rolled_back_and_told(bench: Bench, play: Any) -> None:
    error = "error: ubuntu: red gates: outside:site; ubuntu is back at 4f2c0000, proved\n"
    bench.lay(plan_json=plans(bench, "ubuntu"), deploy_code="1", deploy_err=error)
    back = {**view(), "id": "20261123T101600Z-4f2c0000"}
    bench.lay(releases_json=[back, samples.failed()], history_json=samples.failed())
    played = play("deploy.yml")
    assert (played.jobs["tests"], played.jobs["deploy"]) == (OK, RED)
    assert (
        "## ubuntu: deploy failed; nothing was changed, or what was changed is rolled back, proved"
        in bench.summary
    )
    assert "### ubuntu: 20261123T101500Z-1a2b3c4d, failed" in bench.summary
    assert f" ubuntu.history --show={samples.RELEASE.id} --json" in bench.calls[-1]
    assert "| start core-api | failed | 60.0 s | not healthy |" in bench.summary
    assert (
        f"::error title=ubuntu%3A deploy failed with exit code 1::{error.strip()}\n" in played.log
    )
    assert bench.keys_left == []


def test_a_commit_with_a_red_test_is_not_deployed(bench: Bench, play: Any) -> None:
    (bench.folder / "red").write_text("--collection\n")
    played = play("deploy.yml")
    assert (played.jobs["tests"], played.jobs["deploy"]) == (RED, LEFT_OUT)
    assert not (bench.folder / "calls").exists()


def test_of_two_pushes_that_wait_the_second_supersedes_the_first(bench: Bench, play: Any) -> None:
    """The first one's turn comes when the second is on main already."""
    first, second = bench.head, bench.commit("services/web/page")
    bench.head = first
    played = play("deploy.yml")
    assert played.jobs == {"turn": OK, "tests": LEFT_OUT, "deploy": LEFT_OUT}
    why = f"main has moved on to {second[:8]}, whose own run deploys it"
    assert bench.summary == f"## superseded\n\n`{first[:8]}` is not deployed: {why}.\n\n"
    bench.head = second
    bench.lay(plan_json=plans(bench, "ubuntu"), deploy_json=[view()])
    assert play("deploy.yml").jobs["deploy"] == OK
    assert deploys(bench)[-1] == "ubuntu.deploy --yes"


def test_a_commit_of_both_servers_is_one_deploy(bench: Bench, play: Any) -> None:
    both = [view("montreal"), view("ubuntu")]
    bench.lay(plan_json=plans(bench, "montreal", "ubuntu"), deploy_json=both)
    assert play("deploy.yml").green
    assert deploys(bench) == ["plan", "plan", "deploy --yes"]
    assert "## montreal: verified" in bench.summary
    assert "## ubuntu: verified" in bench.summary


def test_a_commit_of_pages_alone_is_tested_and_deployed_nowhere(bench: Bench, play: Any) -> None:
    bench.lay(plan_json=plans(bench))
    assert play("deploy.yml").jobs["deploy"] == OK
    assert scripts(bench) == TESTED
    assert deploys(bench) == ["plan", "plan"]
    assert "## ubuntu, montreal: left as it is" in bench.summary


def test_a_person_deploys_the_older_commit_that_they_name(bench: Bench, play: Any) -> None:
    bench.lay(plan_json=plans(bench, "ubuntu")[1:], deploy_json=[view()])
    asked = {"ref": bench.first, "restart-data": "true"}
    assert play("deploy-ubuntu.yml", **asked).green
    assert scripts(bench) == TESTED
    assert deploys(bench) == [
        f"ubuntu.plan --restart-data {bench.first}",
        f"ubuntu.deploy --yes --restart-data {bench.first}",
    ]


def test_a_commit_that_main_does_not_have_is_refused(bench: Bench, play: Any) -> None:
    git(bench.checkout, "checkout", "-q", "-b", "evil")
    evil = bench.commit("services/web/Dockerfile")
    git(bench.checkout, "checkout", "-q", "main")
    for name in ("deploy-montreal.yml", "hotfix.yml"):
        assert play(name, ref=evil, **{"restart-data": "false"}).jobs["deploy"] == RED
    assert not (bench.folder / "calls").exists()
    assert bench.summary.count("is not in the history of the branch that this run is of") == 2


def test_a_hotfix_waits_for_the_quick_tests_alone(bench: Bench, play: Any) -> None:
    bench.lay(plan_json=plans(bench, "ubuntu"), deploy_json=[view()])
    assert play("hotfix.yml", ref="main").jobs["deploy"] == OK
    assert scripts(bench) == TESTED[:2]
    assert deploys(bench) == ["plan", "plan", "ubuntu.deploy --yes"]


def test_a_hotfix_with_a_red_quick_test_is_not_deployed(bench: Bench, play: Any) -> None:
    (bench.folder / "red").write_text("--fast\n")
    assert play("hotfix.yml", ref="main").jobs["deploy"] == LEFT_OUT
    assert not (bench.folder / "calls").exists()


def test_a_push_that_a_hotfix_overtook_takes_nothing_back(bench: Bench, play: Any) -> None:
    """The hotfix came while the push was tested: its turn was before that."""

    def meanwhile() -> None:
        fix = bench.commit("services/web/page")
        bench.lay(status_json={"ubuntu": {"release": {"commit": fix}}})

    bench.lay(status_json={"ubuntu": {"release": {"commit": bench.first}}})
    played = play("deploy.yml", before={"deploy": meanwhile})
    assert {*played.jobs.values()} == {OK}
    assert deploys(bench) == []
    assert f"ubuntu runs {bench.commits()[0][:8]}, which has it already" in bench.summary


@pytest.mark.parametrize("to", ["", "1a2b3c4d", "--waive=link", "$(touch pwned); x y"])
def test_a_rollback_tests_nothing_and_takes_one_server_back(
    bench: Bench, play: Any, to: str
) -> None:
    bench.lay(rollback_json=view())
    assert play("rollback.yml", server="ubuntu", to=to).jobs == {"rollback": OK}
    assert "test" not in (bench.folder / "scripts").read_text()
    end = f" --to={to}" if to else ""
    assert words_of(bench)[0] == f"ubuntu.rollback --yes{end} --json"
    assert "## ubuntu: verified" in bench.summary
    assert [*bench.folder.rglob("pwned")] == []


def test_a_rollback_that_is_refused_is_red(bench: Bench, play: Any) -> None:
    bench.lay(rollback_code="2", rollback_err="error: ubuntu: no release before this one\n")
    assert play("rollback.yml", server="ubuntu", to="").jobs == {"rollback": RED}
    assert "## ubuntu: rollback refused before anything was touched" in bench.summary


def test_the_watch_is_red_where_a_certificate_ends(bench: Bench, play: Any) -> None:
    bench.lay(status_code="1", status_err="error: ubuntu: fewer than 14 days\n")
    played = play("watch.yml")
    assert played.jobs == {"watch": RED}
    assert "::error title=ssl.status%3A exit code 1::error: ubuntu: fewer" in played.log
    assert [call.split()[1] for call in bench.calls] == ["doctor", "ssl.status", "db.verify"]
