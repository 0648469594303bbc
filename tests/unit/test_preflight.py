"""Preflight: what must hold before a server is touched; every failure is one line that helps."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from fabfile.model.access.envfile import Findings
from fabfile.model.deploy.budget import MINIMUM_FREE
from fabfile.model.deploy.preflight import (
    commit_problems,
    engine_problems,
    env_findings,
    host_problems,
    warnings,
)
from fabfile.model.facts import Disk, Folder
from fabfile.model.stack import Port, Stack

from .builders import (
    CHECKOUT,
    ROOT,
    SERVER,
    STACK,
    commit,
    container,
    facts,
    flat,
    folders,
    labels_of,
    service,
    stack_problems,
)

ENV = f"{CHECKOUT}/.env"
START = "no Docker engine answers; start it: sudo systemctl start docker"


def host(**changes: Any) -> list[str]:
    seen = facts(**changes)
    return flat(engine_problems(seen)) + flat(host_problems(SERVER, seen))


def env(text: str, example: str = "", **changes: Any) -> Findings:
    wanted = commit(example=example)
    return env_findings(SERVER, facts(**{"env": text, "commit": wanted, **changes}))


# --- the host


def test_a_sound_host_has_no_problem() -> None:
    assert host() == []
    assert flat(warnings(facts())) == []


def test_a_clone_that_somebody_else_made_is_named_with_the_remedy() -> None:
    """As `sudo git clone` leaves it: git refuses it, and a look would see no commit."""
    line = f"so git refuses to work there; run: sudo chown -R ubuntu {CHECKOUT}"
    theirs = {f"{CHECKOUT}/.git": Folder("root", 0o755, "directory")}
    assert host(folders=theirs) == [f"{CHECKOUT}/.git belongs to root, {line}"]
    whole = {**theirs, str(CHECKOUT): Folder("root", 0o755, "directory")}
    assert host(folders=whole) == [f"{CHECKOUT} belongs to root, {line}"]


@pytest.mark.parametrize(
    ("docker", "line"),
    [
        ("", START),
        (
            "error: bash: line 1: docker: command not found ",
            "no Docker on this server; fab bootstrap installs it",
        ),
        (
            "error: permission denied while trying to connect to the Docker daemon socket ",
            "user ubuntu may not use Docker; run once: sudo usermod -aG docker ubuntu",
        ),
        (
            "error: Cannot connect to the Docker daemon ",
            f"{START} (Cannot connect to the Docker daemon)",
        ),
    ],
)
def test_an_engine_that_does_not_answer_is_named_with_its_cause(docker: str, line: str) -> None:
    assert host(docker=docker, compose="error: no engine") == [line]


@pytest.mark.parametrize("version", ["", "error: unknown command", "2.19.3", "1.29.2", "v2.3"])
def test_a_compose_that_is_missing_or_too_old_is_named(version: str) -> None:
    assert host(compose=version) == [
        "docker compose is missing or older than 2.20; install the docker compose plugin"
    ]


@pytest.mark.parametrize("version", ["2.20.0", "v2.26.1", "2.26.1-4", "5.6.1"])
def test_a_newer_compose_is_enough(version: str) -> None:
    assert host(compose=version) == []


@pytest.mark.parametrize(
    ("version", "too_old"), [("7.68.0", True), ("7.70.0", False), ("8.5.0", False), ("", False)]
)
def test_a_curl_that_cannot_ask_the_gates_is_told_before_anything(
    version: str, too_old: bool
) -> None:
    told = [f"curl {version} is too old to ask the gates; install curl 7.70 or newer"]
    assert flat(host_problems(SERVER, facts(curl=version))) == (told if too_old else [])


def test_every_disk_with_too_little_space_is_named() -> None:
    disks = (
        Disk("/", 50 << 30, MINIMUM_FREE - 1),
        Disk("/data", 50 << 30, MINIMUM_FREE),
        Disk("/var", 50 << 30, 5 << 20),
    )
    need = "a deploy needs 1024 MiB; free some space (fab ubuntu.prune, old backups)"
    assert host(disks=disks) == [
        f"disk / has 1023 MiB free, {need}",
        f"disk /var has 5 MiB free, {need}",
    ]


def test_a_root_that_nobody_can_make_is_named_with_the_command_that_does() -> None:
    (problem,) = host(folders={}, sudo=False)
    assert problem == (
        f"{ROOT} does not exist and ubuntu may not use sudo to make it; run once:"
        f" sudo install -d -m 700 -o ubuntu {ROOT}"
    )
    assert host(folders={}, sudo=True) == []


def test_a_root_of_somebody_else_is_named_with_the_command_that_mends_it() -> None:
    theirs = folders(str(ROOT), owner="root")
    assert host(folders=theirs, sudo=False) == [
        f"{ROOT} belongs to root; run once: sudo chown ubuntu {ROOT}"
    ]


@pytest.mark.parametrize(("engine", "late"), [("24.0.7", True), ("25.0.0", False), ("", False)])
def test_an_engine_without_start_interval_is_a_warning(engine: str, late: bool) -> None:
    line = f"engine {engine} ignores start_interval (needs 25): the first health probe comes late"
    assert flat(warnings(facts(docker=engine))) == ([line] if late else [])


# --- the commit


def test_a_commit_that_is_there_has_no_problem() -> None:
    assert commit_problems(SERVER, facts(commit=commit())) == []
    assert commit_problems(SERVER, facts(commit=None)) == []


def test_a_commit_that_tracks_the_settings_is_refused() -> None:
    """Deployed, it would replace the server's secrets by what the repository shows everybody."""
    tracked = commit(tree={".env": ("100644", "0" * 40)})
    (line,) = commit_problems(SERVER, facts(commit=tracked))
    assert line == (
        f"commit {tracked.id[:8]} tracks .env, where this server keeps its secrets; run in the"
        " repository: git rm --cached .env, add .env to .gitignore, and commit"
    )


def test_an_unknown_commit_is_named_with_its_repository() -> None:
    unknown = facts(commit=commit("", fault="unknown", error="1a2b3c"))
    assert commit_problems(SERVER, unknown) == [
        "git://origin/app.git has no commit, branch or tag '1a2b3c'; push it first"
    ]


def test_a_name_of_several_commits_is_refused_with_each_of_them() -> None:
    several = facts(commit=commit("", fault="ambiguous", error="1a2b 3c4d"))
    (problem,) = commit_problems(SERVER, several)
    assert problem == (
        "git://origin/app.git has several commits of that name: 1a2b 3c4d; give the whole id of the"
        " one that is meant"
    )


def test_a_repository_that_does_not_answer_is_named_with_gits_words() -> None:
    silent = facts(commit=commit("", fault="error", error="fatal: unable to connect"))
    assert commit_problems(SERVER, silent) == [
        "git cannot read git://origin/app.git: fatal: unable to connect"
    ]


# --- the settings


def test_sound_settings_have_no_problem() -> None:
    assert env(
        "COMPOSE_FILE=compose/app.yml\nSTATE_ROOT=/opt/app\n", "COMPOSE_FILE=\nSTATE_ROOT="
    ) == (Findings())


def test_missing_settings_are_one_line_that_says_what_to_do() -> None:
    assert env("", "A=", env_stat=None) == Findings((f"no {ENV}: fab env.init makes it",))


def test_a_stack_that_reads_nothing_needs_no_settings() -> None:
    assert env("", env_stat=None, releases=()) == Findings()
    assert env("", releases=()) == Findings()


def test_settings_that_name_other_files_are_wrong_without_an_example_too() -> None:
    line = ".env: COMPOSE_FILE is not 'compose/app.yml', which hosts.ini says"
    assert env("COMPOSE_FILE=compose.yaml\n", releases=()) == Findings((line,))


def test_settings_that_are_gone_are_not_taken_for_none() -> None:
    assert env("", env_stat=None) == Findings(
        (f"no {ENV}, which release r1 had: bring back the copy beside its record",)
    )


@pytest.mark.parametrize("settings", [{"env_stat": None, "env": ""}, {"env": "A=1\n"}])
def test_what_the_stack_reads_and_nobody_sets_is_named(settings: dict[str, Any]) -> None:
    wanted = commit(unset=("KEY", "TOKEN"))
    found = env_findings(SERVER, facts(**settings, commit=wanted, releases=()))
    assert found == Findings((f"the stack reads KEY, TOKEN: set each in {ENV}, empty if so meant",))


@pytest.mark.parametrize("text", ["", "# nothing\n", "A=\nB=\n"])
def test_settings_without_a_single_value_are_empty(text: str) -> None:
    assert env(text, "# @required\nA=\n# @required\nB=\n") == Findings(
        (f"{ENV} is empty: fab env.init fills it",)
    )


@pytest.mark.parametrize("mode", ["644", "640", "604", "666"])
def test_settings_that_others_can_read_are_refused(mode: str) -> None:
    assert env("A=1\n", "A=", env_stat=("ubuntu", mode)).problems == (
        f"{ENV} has mode {mode}: others can read it; chmod 600 {ENV}",
    )


@pytest.mark.parametrize("mode", ["600", "400", "700"])
def test_settings_that_only_their_owner_can_read_are_not(mode: str) -> None:
    assert env("A=1\n", "A=", env_stat=("ubuntu", mode)).problems == ()


def test_settings_of_another_user_are_refused() -> None:
    assert env("A=1\n", "A=", env_stat=("root", "600")).problems == (
        f"{ENV} belongs to root; run: sudo chown ubuntu {ENV}",
    )


def test_settings_that_contradict_the_inventory_are_refused() -> None:
    found = env("COMPOSE_FILE=compose/other.yml\nSTATE_ROOT=/srv\n", "COMPOSE_FILE=\nSTATE_ROOT=")
    assert found.problems == (
        ".env: COMPOSE_FILE is not 'compose/app.yml', which hosts.ini says",
        ".env: STATE_ROOT is not '/opt/app', which hosts.ini says",
    )


def test_the_schema_of_the_wanted_commit_is_the_one_that_counts() -> None:
    found = env("A=1\n", "A=\n# @required\nNEW=\n")
    assert found.problems == (".env: NEW is missing",)


def test_settings_are_checked_with_what_compose_reads() -> None:
    wanted = commit(example="A=", effective={"A": ""})
    found = env_findings(SERVER, facts(env="A=$x\n", commit=wanted))
    assert found.problems[0].startswith(".env: A: compose reads 0 characters of 2: '$' starts")


def test_broken_lines_are_named_even_when_the_commit_cannot_be_had() -> None:
    assert env("A=1\nA=2\n", commit=None).problems == (".env:2: A stands twice",)


# --- the stack


def test_our_own_containers_networks_and_ports_are_no_clash() -> None:
    assert stack_problems(facts(), STACK) == []


def test_a_container_name_of_another_project_is_named_with_its_owner() -> None:
    theirs = container(STACK.service("db"), "x", labels=labels_of("other", "db"))
    assert stack_problems(facts(containers=(theirs,), listening=frozenset()), STACK) == [
        "container name app-db is in use by project other; rename or remove that one"
    ]


def test_the_name_of_any_replica_that_somebody_else_has_is_a_problem() -> None:
    api = service("api", container="app-api-1", replicas=2, beside=True)
    stack = replace(STACK, services=(api,))
    theirs = container(replace(api, container="app-api-2"), "x", labels=labels_of("other", "api"))
    assert stack_problems(facts(containers=(theirs,)), stack) == [
        "container name app-api-2 is in use by project other; rename or remove that one"
    ]


def test_the_data_of_whoever_has_our_name_is_told_before_somebody_removes_it() -> None:
    labels = labels_of("other", "db")
    theirs = container(STACK.service("db"), "x", labels=labels, data=("other_pg", "/srv/files"))
    assert stack_problems(facts(containers=(theirs,), listening=frozenset()), STACK) == [
        (
            "container name app-db is in use by project other, with data in other_pg, /srv/files;"
            " rename or remove that one"
        )
    ]


def test_a_container_made_by_hand_under_our_name_is_named() -> None:
    theirs = container(STACK.service("db"), "x", labels={})
    assert stack_problems(facts(containers=(theirs,), listening=frozenset()), STACK) == [
        "container name app-db is in use by no compose project; rename or remove that one"
    ]


@pytest.mark.parametrize(
    ("owner", "words"), [("other", "project other"), ("", "no compose project")]
)
def test_a_network_of_somebody_else_is_named(owner: str, words: str) -> None:
    seen = facts(containers=(), networks={"app-network": owner}, listening=frozenset())
    assert stack_problems(seen, STACK) == [
        f"network app-network is in use by {words}; remove it once its containers are gone"
    ]


def test_a_network_that_compose_refuses_is_told_with_the_repair_and_what_it_stops() -> None:
    ours = [container(STACK.service(name), "x") for name in ("web", "db")]
    on = [replace(one, addresses={"app-network": "172.20.0.2"}) for one in ours]
    unlabelled = {"app-network": ""}
    seen = facts(containers=tuple(on), networks=unlabelled, listening=frozenset())
    (said,) = stack_problems(seen, STACK)
    assert said == (
        "network app-network is of no compose project, and compose refuses it; nothing was stopped."
        " It is made anew after: docker rm -f app-db app-web && docker network rm app-network"
    )
    theirs = replace(on[0], name="shop", labels={})
    (said,) = stack_problems(replace(seen, containers=(*on, theirs)), STACK)
    assert said.endswith("no compose project; remove it once its containers are gone")


def test_a_port_that_another_container_publishes_is_named_with_it() -> None:
    theirs = container(service("theirs"), "x", labels={}, published=("443/tcp",))
    seen = facts(containers=(theirs,), listening=frozenset({"443/tcp"}))
    assert stack_problems(seen, STACK) == ["port 443 of proxy is in use by app-theirs"]


def test_a_port_that_a_process_listens_on_is_named() -> None:
    seen = facts(containers=(), listening=frozenset({"22/tcp", "80/tcp"}))
    assert stack_problems(seen, STACK) == ["port 80 of proxy is in use by a process"]


def test_a_limit_beyond_the_host_is_named_with_the_remedy() -> None:
    greedy = replace(STACK, services=(service("a", cpus=2.5), service("b", cpus=4.0)))
    assert stack_problems(facts(cpus=2), greedy) == [
        "a is limited to 2.5 CPUs, this server has 2; lower the limit in .env",
        "b is limited to 4 CPUs, this server has 2; lower the limit in .env",
    ]


# --- all of them


def test_no_problem_is_longer_than_a_line_and_each_says_what_to_do() -> None:
    remedies = (
        "install", "start it", "run once", "free some space", "chmod", "push it", "fab env.init",
        "rename or remove", "lower the limit", "remove it once",
    )  # fmt: skip
    bad = facts(
        docker="error: permission denied",
        disks=(Disk("/", 1, 1),),
        folders={},
        sudo=False,
        env_stat=("ubuntu", "644"),
        env="",
        networks={"app-network": ""},
        cpus=0,
        commit=commit("", fault="unknown", error="x"),
        containers=(container(STACK.service("db"), "x", labels={}),),
        listening=frozenset(),
    )
    greedy = replace(STACK, services=(service("db", cpus=1.0),))
    lines = [
        *flat(engine_problems(bad)),
        *flat(host_problems(SERVER, bad)),
        *commit_problems(SERVER, bad),
        *env_findings(SERVER, bad).problems,
        *stack_problems(bad, greedy),
    ]
    assert len(lines) == 9
    for line in lines:
        assert "\n" not in line
        assert any(remedy in line for remedy in remedies), line


def publishing(*ports: Port) -> Stack:
    return replace(STACK, networks=(), services=(service("a", ports=ports),))


@pytest.mark.parametrize(
    ("port", "taken", "said"),
    [
        (Port("", 53, "udp"), {"53/tcp"}, []),
        (Port("", 53, "tcp"), {"53/udp"}, []),
        (Port("", 53, "udp"), {"53/udp"}, ["port 53/udp of a is in use by a process"]),
        (Port("", 7000, "tcp", 7002), {"7000/tcp", "7001/tcp"}, []),
        (
            Port("", 7000, "tcp", 7001),
            {"7000/tcp", "7001/tcp"},
            ["port 7000 of a is in use by a process"],
        ),
    ],
)
def test_a_port_is_in_use_when_none_of_its_protocol_is_left(
    port: Port, taken: set[str], said: list[str]
) -> None:
    seen = facts(containers=(), listening=frozenset(taken))
    assert stack_problems(seen, publishing(port)) == said


MISSING = "which the stack calls external, is not there: docker {} create {}"


@pytest.mark.parametrize(
    ("part", "said"),
    [
        ("network out", []),
        ("volume theirs", []),
        (
            "network gone",
            ["network gone, " + MISSING.format("network", "gone")],
        ),
        (
            "volume gone",
            ["volume gone, " + MISSING.format("volume", "gone")],
        ),
        # A volume of that name is no network, and the other way round.
        ("network theirs", ["network theirs, " + MISSING.format("network", "theirs")]),
        ("volume out", ["volume out, " + MISSING.format("volume", "out")]),
    ],
)  # fmt: skip
def test_what_is_external_must_be_there_whoever_made_it(part: str, said: list[str]) -> None:
    stack = replace(STACK, external=(part,))
    networks = {"app-network": "app", "out": "others"}
    assert stack_problems(facts(networks=networks, volumes=frozenset({"theirs"})), stack) == said


WHERE = f"{CHECKOUT}/.env"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("\ufffd\ufffdA\0=\0", f"{WHERE} is in UTF-16; save it as UTF-8 without a mark"),
        ("A\0=\0001\0", f"{WHERE} is in UTF-16; save it as UTF-8 without a mark"),
        (
            "\ufeffA=1",
            f"{WHERE} is in UTF-8 with a byte order mark; save it as UTF-8 without a mark",
        ),
        ("A=caf\ufffd", f"{WHERE} is not in UTF-8; save it as UTF-8 without a mark"),
    ],
)
def test_settings_in_another_encoding_are_called_that(text: str, said: str) -> None:
    assert env_findings(SERVER, facts(env=text)).problems == (said,)


@pytest.mark.parametrize(
    ("key", "what"),
    [
        ("COMPOSE_PROJECT_NAME", "take the stack for another one, whose names are all in use"),
        ("COMPOSE_ENV_FILES", "read other settings than this file"),
        ("COMPOSE_DISABLE_ENV_FILE", "read no settings"),
        ("COMPOSE_REMOVE_ORPHANS", "remove containers that nobody asked it to remove"),
    ],
)
def test_a_setting_that_steers_compose_elsewhere_is_one_line(key: str, what: str) -> None:
    seen = facts(env=f"A=1\n{key}=x\n", commit=commit())
    assert env_findings(SERVER, seen).problems == (f".env: {key} makes compose {what}; remove it",)
