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
WELL = "[ubuntu] nothing is wrong"


def test_servers_that_are_well_are_one_line_each(running: Fleet) -> None:
    with running.untouched():
        ran = running.fab("doctor")
    assert ran.code == 0, ran.everything
    assert ran.lines == [WELL, "[montreal] nothing is wrong"]


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
    running.unreachable["ubuntu"] = refused(key, ("tried as ubuntu",))
    running.montreal.free = 5 << 20
    ran = running.fab("doctor")
    assert (ran.code, ran.error) == (1, "the servers need care")
    assert ran.evidence == [
        key,
        "ubuntu: tried as ubuntu",
        f"montreal: disk / has 5 MiB free, {NEEDED.replace('ubuntu', 'montreal')}",
    ]
    assert ran.out == ""


def test_all_problems_of_a_server_are_told_not_the_first_one(running: Fleet) -> None:
    running.ubuntu.env_stat = "ubuntu|644"
    running.ubuntu.free = 5 << 20
    running.ubuntu.served = ""
    evidence = running.fab("doctor").evidence
    assert [line.partition(";")[0] for line in evidence] == [
        "ubuntu: disk / has 5 MiB free, a deploy needs 1024 MiB",
        f"ubuntu: {ENV} has mode 644: others can read it",
        "ubuntu: certificate: app.example:443 serves no certificate",
        "ubuntu: certificate: api.app.example:443 serves no certificate",
    ]


def test_before_the_first_deploy_no_certificate_is_missed(fleet: Fleet) -> None:
    ran = fleet.fab("doctor")
    assert ran.code == 0, ran.everything
    assert ran.lines == [WELL, "[montreal] nothing is wrong"]


def test_ports_that_a_firewall_closes_are_told_before_the_first_deploy(fleet: Fleet) -> None:
    """Not of a server that only others call: they ask it, not whoever deploys."""
    fleet.closed = {443: "connection refused", 8001: "no answer"}
    ran = fleet.fab("doctor")
    assert ran.code == 0, ran.everything
    told = (
        "port 443 is not reached from here (connection refused): let it through the provider's"
        " firewall; the server's own may only keep this test out, Docker publishes past it"
    )
    assert ran.unbroken == f"warning: {told} {WELL.partition(' ')[2]}"


def test_a_port_that_somebody_has_already_is_not_tried(running: Fleet) -> None:
    running.closed = {80: "no answer", 443: "no answer"}
    assert running.fab("doctor").lines == [WELL, "[montreal] nothing is wrong"]


def test_too_little_memory_for_a_first_build_is_told(fleet: Fleet) -> None:
    fleet.montreal.memory = f"MemAvailable: {300 << 10} kB\n"
    ran = fleet.fab("doctor")
    assert ran.code == 0, ran.everything
    few = "300 MiB are available"
    build = f"memory: {few}, and a build may take 512 MiB and more: add memory, or swap"
    must = "and 128 MiB must stay: more memory, fewer replicas or smaller reservations"
    start = f"memory: the services take about 384 MiB, {few}, {must}"
    assert [line.strip() for line in ran.unbroken.split("warning: ")[1:]] == [build, start]


def test_no_daemon_for_the_jobs_is_told_before_they_are_installed(fleet: Fleet) -> None:
    fleet.ubuntu.cron = "no\n"
    told = (
        "[ubuntu] warning: no cron daemon runs on the server, so nothing starts the jobs: sudo"
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
        "[ubuntu] warning: no zstd on the server, so no backup can be made: sudo apt-get install"
        " zstd, or another compression in hosts.ini"
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
        "[ubuntu] warning: nothing asks whether it works, so a release is called started, not"
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
    told = "[montreal] warning: .env: SCHEME is not https"
    assert [line.partition(": whoever")[0] for line in ran.lines] == [WELL, told]


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
    assert ran.json["ubuntu"] == {
        "problems": ["certificate: certs/privkey.pem is not the key of certs/fullchain.pem"],
        "warnings": [],
    }
