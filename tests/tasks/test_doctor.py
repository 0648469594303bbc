"""doctor: everything that is wrong, of all servers at once, and exit code 1 when something is."""

from __future__ import annotations

import json

from fabfile.model.errors import refused

from .fakes.fleet import Fleet
from .fakes.machine import CHECKOUT, ROOT
from .shelves import with_database
from .test_json import fields
from .test_preflight import NEEDED

ENV = f"{CHECKOUT}/.env"
NEW, RUNS = (31, 30), (35, 33)
"""How many checks there are of ubuntu and montreal, before a deploy and after it."""


def well(numbers: tuple[int, int]) -> list[str]:
    """What is shown of both when they are well."""
    names = ("ubuntu", "montreal")
    pairs = zip(names, numbers, strict=True)
    return [f"[{name}] nothing is wrong: {number} checks are ok" for name, number in pairs]


def test_servers_that_are_well_are_one_line_each(running: Fleet) -> None:
    with running.untouched():
        ran = running.fab("doctor")
    assert ran.code == 0, ran.everything
    assert ran.lines == well(RUNS)


def test_a_server_that_is_away_hides_nothing_of_what_runs_on_the_other(running: Fleet) -> None:
    why = "ubuntu: 10.0.0.1 does not answer (connection refused); is the host up?"
    running.unreachable["ubuntu"] = refused(why)
    ran = running.fab("status")
    assert (ran.code, ran.error) == (2, why)
    assert any(line.startswith("[montreal] runs ") for line in ran.lines)
    ran = running.fab("status --json")
    assert (ran.code, list(ran.json), ran.error) == (2, ["montreal"], why)
    running.unreachable["montreal"] = refused("montreal: and neither does this one")
    ran = running.fab("status --json")
    assert (ran.code, ran.out, ran.error) == (2, "", why)
    assert ran.evidence == ["error: montreal: and neither does this one"]


def test_a_server_that_is_away_hides_nothing_of_the_other(running: Fleet) -> None:
    """As incident 43 wants it: the cause in one line, whatever else there is to be told."""
    key = "ubuntu: the key id has a passphrase; remove it: ssh-keygen -p -f id"
    running.unreachable["ubuntu"] = refused(key, ("tried as ubuntu",), about="key")
    running.montreal.free = 5 << 20
    ran = running.fab("doctor")
    care = "the servers need care: ubuntu (2 failed), montreal (1 failed)"
    assert (ran.code, ran.error, ran.evidence) == (1, care, [])
    assert ran.lines == [
        "[ubuntu] fail key: the key id has a passphrase; remove it: ssh-keygen -p -f id",
        "[ubuntu] fail key: tried as ubuntu",
        f"[montreal] fail disk: disk / has 5 MiB free, {NEEDED.replace('ubuntu', 'montreal')}",
        "[montreal] 32 other checks are ok",
    ]


def test_all_problems_of_a_server_are_told_not_the_first_one(running: Fleet) -> None:
    running.ubuntu.env_stat = "ubuntu|644"
    running.ubuntu.free = 5 << 20
    running.ubuntu.served = ""
    lines = running.fab("doctor").lines
    assert [line.partition(";")[0] for line in lines] == [
        "[ubuntu] fail disk: disk / has 5 MiB free, a deploy needs 1024 MiB",
        f"[ubuntu] fail .env: {ENV} has mode 644: others can read it",
        "[ubuntu] fail certificate: app.example:443 serves no certificate",
        "[ubuntu] fail certificate: api.app.example:443 serves no certificate",
        "[ubuntu] 32 other checks are ok",
        well(RUNS)[1],
    ]


def test_before_the_first_deploy_no_certificate_is_missed(fleet: Fleet) -> None:
    ran = fleet.fab("doctor")
    assert ran.code == 0, ran.everything
    assert ran.lines == well(NEW)


def test_ports_that_a_firewall_closes_are_told_before_the_first_deploy(fleet: Fleet) -> None:
    """Not of a server that only others call: they ask it, not whoever deploys."""
    fleet.closed = {443: "connection refused", 8001: "no answer"}
    ran = fleet.fab("doctor")
    assert ran.code == 0, ran.everything
    told = (
        "port 443 is not reached from here (connection refused): let it through the provider's"
        " firewall; the server's own may only keep this test out, Docker publishes past it"
    )
    assert ran.lines == [
        f"[ubuntu] warn firewall: {told}",
        "[ubuntu] 30 other checks are ok",
        well(NEW)[1],
    ]


def test_a_published_port_that_does_not_answer_from_here_is_told(running: Fleet) -> None:
    running.closed = {443: "connection refused"}
    (told, *_) = running.fab("doctor").lines
    assert told.startswith("[ubuntu] warn firewall: port 443 is not reached from here (no answer)")


def test_too_little_memory_for_a_first_build_is_told(fleet: Fleet) -> None:
    fleet.montreal.memory = f"MemAvailable: {300 << 10} kB\n"
    ran = fleet.fab("doctor")
    assert ran.code == 0, ran.everything
    few = "300 MiB are available"
    build = f"memory: {few}, and a build may take 512 MiB and more: add memory, or swap"
    must = "and 128 MiB must stay: more memory, fewer replicas or smaller reservations"
    start = f"memory: the services take about 384 MiB, {few}, {must}"
    told = [f"[montreal] warn {text}" for text in (build, start)]
    assert [line for line in ran.lines if "memory" in line] == told


def test_no_daemon_for_the_jobs_is_told_before_they_are_installed(fleet: Fleet) -> None:
    fleet.ubuntu.cron = "no\n"
    told = (
        "[ubuntu] warn cron: no cron daemon runs on the server, so nothing starts the jobs: sudo"
        " apt-get install cron, sudo systemctl enable --now cron"
    )
    assert told in fleet.fab("doctor").lines


def test_a_program_that_packs_backups_is_missed_where_there_is_something_to_pack(
    running: Fleet,
) -> None:
    for machine in (running.ubuntu, running.montreal):
        machine.missing_programs = ("zstd",)
    running.origin.commit("A database", {"compose/ubuntu.yml": with_database()})
    ran = running.fab("doctor")
    told = (
        "[ubuntu] warn backup: no zstd on the server, so no backup can be made: sudo apt-get"
        " install zstd, or another compression in hosts.ini"
    )
    assert [line for line in ran.lines if "zstd" in line] == [told]


def test_a_stack_that_nothing_asks_gets_the_lines_that_would(running: Fleet) -> None:
    health = ["CMD", "curl", "-f", "http://localhost:8000/healthz"]
    model = {
        "name": "app",
        "services": {
            "web": {"image": "web:1", "healthcheck": {"test": health}},
            "jobs": {"image": "jobs:1"},
        },
        "networks": {"default": {"name": "app-network"}},
    }
    running.origin.commit("Other services", {"compose/ubuntu.yml": json.dumps(model)})
    ran = running.fab("doctor")
    assert (
        "[ubuntu] warn probes: nothing asks whether it works, so a release is called started, not"
        ' verified; under x-deploy: web: {probe: {port: 8000, path: "/healthz"}}'
    ) in ran.lines


def test_a_stack_without_a_proxy_needs_no_certificate(running: Fleet) -> None:
    model = {
        "name": "app",
        "services": {"web": {"image": "web:1"}},
        "networks": {"default": {"name": "app-network"}},
    }
    running.origin.commit("No proxy", {"compose/ubuntu.yml": json.dumps(model)})
    del running.ubuntu.files[f"{ROOT}/certs/fullchain.pem"]
    ran = running.fab("doctor")
    assert ran.code == 0, ran.everything


def test_a_link_in_clear_is_a_warning(running: Fleet) -> None:
    commit = running.origin.tip
    example = commit.files[".env.example"]
    running.origin.commit("A scheme", {".env.example": f"{example}# @https\nSCHEME=https\n"})
    for machine in (running.ubuntu, running.montreal):
        machine.files[ENV] = f"{machine.env}SCHEME=https\n"
    running.montreal.files[ENV] = running.montreal.env.replace("SCHEME=https", "SCHEME=http")
    ran = running.fab("doctor")
    assert ran.code == 0, ran.everything
    told = "[montreal] warn .env: SCHEME is not https"
    assert [line.partition(": whoever")[0] for line in ran.lines[:2]] == [well(RUNS)[0], told]


def test_a_run_that_died_and_a_frozen_server_are_warnings(running: Fleet) -> None:
    running.origin.commit("Second", {"services/web/index.html": "Welcome again\n"})
    running.ubuntu.kill_the_operator_at("compose up web")
    running.fab("ubuntu.deploy")
    running.fab("montreal.freeze --why because")
    ran = running.fab("doctor")
    assert ran.code == 0, ran.everything
    died = next(line for line in ran.lines if "died" in line)
    assert died.endswith("died; fab ubuntu.recover brings back what ran before")
    assert [line for line in ran.lines if "deploys are refused" in line] != []


def test_it_is_told_as_json_also_when_something_is_wrong(running: Fleet) -> None:
    running.ubuntu.files[f"{ROOT}/certs/privkey.pem"] = "another\n"
    ran = running.fab("doctor --json")
    assert ran.code == 1
    assert {name: sorted(one) for name, one in ran.json.items()} == {
        name: sorted(fields("doctor")) for name in ("ubuntu", "montreal")
    }
    (problem,) = ran.json["ubuntu"]["problems"]
    assert problem == "certificate: certs/privkey.pem is not the key of certs/fullchain.pem"
    assert ran.json["ubuntu"]["warnings"] == []
    checks = {one["check"]: one for one in ran.json["ubuntu"]["checks"]}
    assert checks["certificate"] == {"check": "certificate", "verdict": "fail", "text": problem}
    assert checks["disk"] == {"check": "disk", "verdict": "ok", "text": "/ has 20 GiB free"}
    assert ran.error == "the servers need care: ubuntu (1 failed)"
