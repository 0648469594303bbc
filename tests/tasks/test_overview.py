"""fab status and others over more than two servers: a line each, and groups of them."""

from __future__ import annotations

import pytest

from fabfile.model.errors import refused

from .fakes.application import PASSWORD, TOKEN
from .fakes.fleet import HOSTS, Fleet

THIRD = """\
groups = eu
[third]
host = 10.0.0.3
compose = compose/ubuntu.yml
groups = eu, web
"""
WHEN = "(verified 2027-01-15 08:01 UTC)"


@pytest.fixture
def many(running: Fleet) -> Fleet:
    """Three servers, the last of which cannot be reached; two are in a group."""
    running.hosts.write_text(f"{HOSTS}{THIRD}")
    why = "third: 10.0.0.3 does not answer (connection refused); is the host up?"
    running.unreachable["third"] = refused(why)
    return running


def test_of_more_than_two_servers_each_is_a_line(many: Fleet) -> None:
    with many.untouched():
        ran = many.fab("status")
    assert ran.lines == [
        f"[ubuntu] ok   00000001 First {WHEN}, 5 containers",
        f"[montreal] ok   00000001 First {WHEN}, 3 containers",
        "[third] fail 10.0.0.3 does not answer (connection refused); is the host up?",
    ]
    assert (ran.code, ran.error) == (2, "1 of 3 servers cannot be shown: third")
    assert [server.trips for server in (many.ubuntu, many.montreal)] == [1, 1]


def test_what_is_not_well_stands_in_its_line(many: Fleet) -> None:
    containers = many.ubuntu.engine.containers
    containers["app-web"].health = "unhealthy"
    containers["app-db"].state = "exited"
    many.montreal.locks["locks"] = "anna since 10:00"
    lines = many.fab("status").lines
    assert lines[0].startswith("[ubuntu] fail 00000001 First")
    assert lines[0].endswith("; not well: db: exited, web: unhealthy")
    assert lines[1].startswith("[montreal] warn ")
    assert lines[1].endswith("; a change is running: anna since 10:00")
    del containers["app-db"]
    assert many.fab("status").lines[0].endswith("; not well: db: no container, web: unhealthy")
    many.ubuntu.engine.version = "error: no engine"
    assert many.fab("status").lines[0].endswith("; no Docker engine answers")


def test_a_run_that_died_a_frozen_server_and_a_moved_checkout_are_told(many: Fleet) -> None:
    many.fab("montreal.freeze --why because")
    many.ubuntu.head = "f" * 40
    lines = many.fab("status").lines
    assert lines[0].endswith("; the checkout is at ffffffff")
    assert "because" in lines[1]
    many.origin.commit("Second", {"services/web/index.html": "Welcome again\n"})
    many.ubuntu.kill_the_operator_at("compose up web")
    many.fab("ubuntu.deploy")
    line = many.fab("status").lines[0]
    assert line.startswith("[ubuntu] fail ")
    assert line.endswith("; the last deploy died")


def test_where_all_are_there_the_exit_code_says_whether_all_are_well(many: Fleet) -> None:
    del many.unreachable["third"]
    many.hosts.write_text(f"{HOSTS}{THIRD}".replace("10.0.0.3", "10.0.0.2"))
    many.machines["third"] = many.montreal
    assert (many.fab("status").code, many.fab("status").err) == (0, "")
    many.ubuntu.engine.containers["app-web"].health = "unhealthy"
    ran = many.fab("status")
    assert (ran.code, ran.error) == (1, "not all is well: ubuntu")


def test_before_the_first_deploy_there_is_no_release(fleet: Fleet) -> None:
    fleet.hosts.write_text(f"{HOSTS}{THIRD}")
    fleet.unreachable["third"] = refused("third: away")
    assert fleet.fab("status").lines[0] == "[ubuntu] fail nothing is deployed"


def test_json_is_whole_however_many_there_are(many: Fleet) -> None:
    ran = many.fab("status --json")
    assert (ran.code, sorted(ran.json)) == (2, ["montreal", "ubuntu"])
    assert ran.json["ubuntu"]["head"] == many.ubuntu.head


def test_a_group_is_those_servers_that_are_in_it(many: Fleet) -> None:
    ran = many.fab("doctor --group eu")
    assert {line.partition(" ")[0] for line in ran.lines} == {"[montreal]", "[third]"}
    assert ran.error == "the servers need care: third (1 failed)"
    (told,) = many.fab("env.check --group web --json").json.items()
    assert told[0] == "third"
    assert many.fab("status --group web").error.startswith("third: 10.0.0.3 does not answer")


GROUPED = {
    "status", "doctor", "run uptime", "logs", "stats", "top", "disk", "network",
    "events", "env.check", "env.diff", "ssl.status", "cron.install", "cron.list", "cron.remove",
}  # fmt: skip


@pytest.mark.parametrize("line", sorted(GROUPED))
def test_each_task_of_all_servers_takes_a_group(running: Fleet, line: str) -> None:
    running.hosts.write_text(f"{HOSTS}groups = eu\n")
    before = len(running.connections)
    ran = running.fab(f"{line} --group eu")
    asked = {one.machine.name for one in running.connections[before:]}
    assert "montreal" in asked, ran.everything
    if line not in ("env.check", "env.diff"):  # these ask the other end of a link too
        assert asked == {"montreal"}
    words = line.partition(" ")
    wrong = running.fab(f"{words[0]} --group wbe {words[2]}")
    assert (wrong.code, wrong.out) == (2, "")
    assert wrong.error.endswith("no server is in group wbe; known groups: eu")


def test_bare_hosts_of_a_group_are_set_up(bare: Fleet) -> None:
    bare.hosts.write_text(f"{bare.hosts.read_text()}groups = eu\n")
    ran = bare.fab("bootstrap --group eu --dry-run")
    assert ran.code == 0, ran.everything
    assert {line.partition(" ")[0] for line in ran.lines if line[:1] == "["} == {"[montreal]"}


def test_a_server_and_a_group_are_not_named_together(many: Fleet) -> None:
    for task, option in (("env.diff", "server"), ("cron.list", "on")):
        ran = many.fab(f"{task} --group eu --{option} third")
        told = f"--{option} and --group: one of them says which servers are meant"
        assert (ran.code, ran.error) == (2, told)


def test_a_command_runs_on_all_servers_and_each_says_what_came_of_it(many: Fleet) -> None:
    ran = many.fab("run uptime")
    assert ran.lines == [
        "[ubuntu] uptime",
        "[montreal] uptime",
        "[third] 10.0.0.3 does not answer (connection refused); is the host up?",
    ]
    assert (ran.code, ran.error) == (1, "1 of 3 failed: third (not run)")
    del many.unreachable["third"]
    many.hosts.write_text(HOSTS)
    assert (many.fab("run uptime").code, many.fab("run uptime").err) == (0, "")


def test_a_command_that_fails_is_told_with_its_exit_code(running: Fleet) -> None:
    failing = "exit 3"
    running.hosts.write_text(f"{HOSTS}groups = eu\n")
    ran = running.fab_words("run", failing, "--group", "eu")
    assert ran.lines == ["[montreal] exit 3", "[montreal] it failed"]
    assert (ran.code, ran.error) == (1, "1 of 1 failed: montreal (exit code 3)")


def test_a_command_that_prints_secrets_shows_none(running: Fleet) -> None:
    ran = running.fab_words("run", "cat .env")
    assert "TOKEN=[hidden]" in ran.out
    for secret in (PASSWORD, TOKEN):
        assert secret not in ran.everything


def test_a_group_that_nobody_is_in_is_refused_with_the_nearest_name(many: Fleet) -> None:
    told = f"{many.hosts}: no server is in group wbe; known groups: eu, web; did you mean web?"
    for task in ("status", "doctor", "env.check", "run uptime"):
        ran = many.fab(f"{task} --group wbe")
        assert (ran.code, ran.out, ran.error) == (2, "", told)
    ran = many.fab("env.check --group eu --server third")
    said = "--server and --group: one of them says which servers are meant"
    assert (ran.code, ran.error) == (2, said)


def test_where_no_group_is_named_nothing_is_near(running: Fleet) -> None:
    ran = running.fab("status --group eu")
    assert ran.error == f"{running.hosts}: no server is in group eu; known groups: none"
