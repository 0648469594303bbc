"""The main job on real input: a commit, deployed to two empty servers and then again."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from tests.lab.commits import Origin, replaced
from tests.lab.deployments import SERVERS, Operator, Pair, Ran
from tests.lab.full import full
from tests.lab.rig import Lab, Server
from tests.lab.rig.server import CHECKOUT
from tests.lab.seen import STATE, containers, head, snapshot

pytest_plugins = ("tests.lab.deployed",)

GATES = {
    "ubuntu": {
        *(f"probe:{name}" for name in ("postgres", "redis", "core-api-1", "core-api-2")),
        *("probe:frontend", "probe:nginx", "proxy:site", "proxy:api", "outside:site"),
        *("outside:api", "link", "check:events"),
    },
    "montreal": {"probe:item-resolver-1", "probe:item-resolver-2", "probe:nginx"}
    | {"outside:resolver"},
}
RELEASE = {"id", "server", "commit", "subject", "outcome", "who", "started", "seconds", "error"}
STATUS = {
    "server",
    "release",
    "last",
    "head",
    "wanted",
    "busy",
    "services",
    "pending",
    "backup",
    "jobs",
    "cron",
} | {
    "problems",
    "warnings",
    "disk",
    "wrong",
    "waits",
    "edited",
    "certificate",
    "lingering",
    "maintenance",
    "frozen",
    "canary",
    "kept",
    "generations",
}
SERVICE = {
    "service", "state", "health", "image", "as_deployed", "restarts", "running", "deployed", "well",
    "memory", "limit",
}  # fmt: skip
CRASH = {
    "services/item-resolver/Dockerfile": replaced("app.main:app", "app.main:not_there"),
}


@dataclass(frozen=True)
class First:
    """The first deploy of both servers, and what was seen around it."""

    empty: list[dict[str, str]]
    rehearsal: Ran
    rehearsed: list[dict[str, str]]
    deploy: Ran


@pytest.fixture(scope="module")
def first(lab: Lab, operator: Operator, servers_deployed: Pair) -> First:
    servers = [lab.server(name) for name in SERVERS]
    for server in servers:
        server.reset()
    empty = [snapshot(server) for server in servers]
    rehearsal = operator.fab("deploy", "--dry-run")
    rehearsed = [snapshot(server) for server in servers]
    deploy = operator.fab("deploy", "--json")
    servers_deployed.remember()
    return First(empty, rehearsal, rehearsed, deploy)


@pytest.fixture(params=SERVERS)
def server(lab: Lab, first: First, request: pytest.FixtureRequest) -> Server:
    return lab.server(request.param)


@pytest.fixture
def emptied(pair: Pair) -> Iterator[Server]:
    """Montreal without containers and state, but with data that somebody restored beforehand."""
    montreal = pair.montreal
    montreal.reset()
    keep = f"mkdir -p {STATE}/data/storage_state && echo kept >{STATE}/data/storage_state/session"
    montreal.must(["sh", "-c", f"umask 077; {keep} && chown -R ubuntu:ubuntu {STATE}"])
    yield montreal
    montreal.must(["rm", "-f", f"{STATE}/data/storage_state/session"])


def record(server: Server) -> dict[str, object]:
    """The record of the server's newest release."""
    found = server.must(["sh", "-c", f"ls -1d {STATE}/releases/*/ | tail -n 1"]).strip()
    parsed: dict[str, object] = json.loads(server.must(["cat", f"{found}release.json"]))
    return parsed


def test_a_dry_run_on_empty_servers_shows_all_steps_and_leaves_every_byte(first: First) -> None:
    assert (first.rehearsal.code, first.rehearsal.err) == (0, "")
    shown = first.rehearsal.out
    begun = ("bootstrap", "up postgres", "migrate core-api")
    for step in (*begun, "start core-api, frontend", "roll nginx"):
        assert f". {step}" in shown.partition("would run")[0]
    assert "[montreal]       would run:" in shown
    assert "[ubuntu]       would run:" in shown
    assert first.rehearsed == first.empty


def test_a_first_deploy_ends_verified(first: First, server: Server, origin: Origin) -> None:
    assert first.deploy.code == 0, first.deploy
    assert head(server) == origin.base
    release = record(server)
    assert (release["commit"], release["outcome"]) == (origin.base, "verified")


def test_a_release_names_every_gate_that_it_passed(server: Server) -> None:
    gates = record(server)["gates"]
    assert isinstance(gates, list)
    assert {gate["title"]: gate["outcome"] for gate in gates} == dict.fromkeys(
        GATES[server.name], "ok"
    )


def test_the_called_server_is_verified_before_its_caller_is_touched(first: First) -> None:
    lines = first.deploy.err.splitlines()
    montreal = next(i for i, line in enumerate(lines) if line.startswith("[montreal] verified"))
    ubuntu = next(i for i, line in enumerate(lines) if line.startswith("[ubuntu] ✓ up"))
    assert montreal < ubuntu


def test_the_summary_says_which_image_each_service_runs(first: First) -> None:
    lines = first.deploy.err
    assert "[ubuntu]   core-api: wishwithme/core-api:" in lines
    assert "[montreal]   item-resolver: wishwithme/item-resolver:" in lines


def test_a_deploy_prints_json_alone_on_standard_output(first: First, origin: Origin) -> None:
    releases = json.loads(first.deploy.out)
    assert [set(release) for release in releases] == [RELEASE, RELEASE]
    assert [release["commit"] for release in releases] == [origin.base] * 2
    assert [release["outcome"] for release in releases] == ["verified"] * 2


def test_a_second_deploy_has_nothing_to_do(pair: Pair, server: Server) -> None:
    before = containers(server)
    ran = pair.operator.must(f"{server.name}.deploy")
    assert f"[{server.name}] nothing to do: " in ran.out
    assert f"[{server.name}] ✓ prove " in ran.out
    assert containers(server) == before


@pytest.mark.parametrize("file", [[], ["-f", "FILE"]], ids=["by .env", "by -f"])
def test_compose_up_by_hand_changes_no_container(
    pair: Pair, server: Server, file: list[str]
) -> None:
    named = [word.replace("FILE", f"compose/docker-compose.{server.name}.yml") for word in file]
    before = containers(server)
    words = ["env", "-C", CHECKOUT, "docker", "compose", *named, "up", "-d"]
    done = server.exec(words, timeout=120)
    assert done.returncode == 0, done.stderr
    assert containers(server) == before


def test_status_as_json_tells_what_runs_and_what_a_deploy_would_change(pair: Pair) -> None:
    wanted = pair.origin.commit(
        "Another page", {"services/frontend/index.html": lambda text: text + "\n"}
    )
    found = pair.operator.json("status")
    assert set(found) == set(SERVERS)
    for name, seen in found.items():
        assert set(seen) == STATUS
        assert set(seen["release"]) == RELEASE
        assert (seen["server"], seen["busy"], seen["problems"]) == (name, "", [])
        assert (seen["head"], seen["wanted"]["commit"]) == (pair.origin.base, wanted)
        assert all(set(service) == SERVICE for service in seen["services"])
        assert {service["as_deployed"] for service in seen["services"]} == {True}
        assert {service["health"] for service in seen["services"]} == {"healthy"}
        assert all(0 < service["memory"] < service["limit"] for service in seen["services"])
        assert (seen["waits"], seen["edited"]) == (1, [])
    assert {name: seen["wrong"] for name, seen in found.items()} == {
        "ubuntu": ["backup: there is no backup"],
        "montreal": [],
    }
    assert [line.partition(":")[0] for line in found["ubuntu"]["pending"]] == [
        f"fetch {wanted[:8]}",
        "hold frontend",
        "build frontend",
        f"checkout {wanted[:8]}",
        "start frontend",
        "switch frontend",
        "retire frontend",
    ]


def test_status_of_one_server_agrees_with_its_deploy(pair: Pair, server: Server) -> None:
    assert pair.operator.json(f"{server.name}.status")[server.name]["pending"] == []


def test_history_as_json_lists_the_newest_first(pair: Pair, server: Server) -> None:
    releases = pair.operator.json(f"{server.name}.history")
    assert all(set(release) == RELEASE | {"env"} for release in releases)
    assert releases[0]["commit"] == pair.origin.base
    started = [release["started"] for release in releases]
    assert started == sorted(started, reverse=True)


def test_no_secret_is_shown_or_recorded(lab: Lab, first: First, server: Server) -> None:
    secrets = json.loads((lab.folder / "secrets.json").read_text())
    assert len(secrets) >= 3
    kept = server.must(["sh", "-c", f"find {STATE}/releases -type f ! -name env -exec cat {{}} +"])
    shown = f"{first.rehearsal.out}{first.deploy.out}{first.deploy.err}{kept}"
    assert [key for key, value in secrets.items() if value in shown] == []


def test_a_first_deploy_that_fails_stops_what_it_started_and_keeps_the_data(
    pair: Pair, emptied: Server
) -> None:
    pair.origin.commit("Crash at start", CRASH)
    ran = pair.operator.fab("montreal.deploy")
    assert ran.code == 1, ran
    assert "[montreal] ✗ start item-resolver " in ran.out
    sick = "montreal: a new replica of item-resolver did not become healthy; "
    assert ran.error.startswith(sick)
    assert ran.error.endswith(" had started is stopped again")
    assert any('not_there\\" not found in module' in line for line in ran.evidence), ran
    assert containers(emptied) == {}
    assert emptied.must(["cat", f"{STATE}/data/storage_state/session"]) == "kept\n"
    assert record(emptied)["outcome"] == "failed"

    pair.origin.rewind()
    good = pair.operator.fab("montreal.deploy")
    assert good.code == 0, good
    assert "[montreal] verified: runs " in good.out
    assert emptied.must(["cat", f"{STATE}/data/storage_state/session"]) == "kept\n"


@full
def test_a_first_deploy_that_fails_leaves_what_was_started_before_it(pair: Pair) -> None:
    """The stack was once brought up by hand, or the records are lost: nobody asked to stop it."""
    pair.montreal.must(["sh", "-c", f"rm -r {STATE}/releases/*"])
    before = containers(pair.montreal)
    pair.origin.commit("Crash at start", CRASH)
    ran = pair.operator.fab("montreal.deploy")
    assert ran.code == 1, ran
    after = containers(pair.montreal)
    assert after == before, ran
