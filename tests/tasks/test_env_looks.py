"""env.check, env.diff and env.explain: what a deploy would refuse, and what differs; no value."""

from __future__ import annotations

import re

from fabfile.model.errors import refused

from .fakes.application import PASSWORD, TOKEN
from .fakes.fleet import Fleet
from .fakes.machine import CHECKOUT
from .test_json import fields
from .test_secrets import assert_silent

ENV = f"{CHECKOUT}/.env"
OTHER = "nQ5rZ8yT2wKc7Jm4Xb9Lf3Vd6Gs1Hp0A"


def edit(fleet: Fleet, server: str, before: str, after: str) -> None:
    machine = fleet.machines[server]
    assert before in machine.env
    machine.files[ENV] = machine.env.replace(before, after)


def test_files_that_are_well_are_one_line_each(running: Fleet) -> None:
    with running.untouched():
        ran = running.fab("env.check")
    assert ran.code == 0, ran.everything
    assert ran.lines == [
        "[ubuntu] .env: 6 keys, nothing is wrong",
        "[montreal] .env: 5 keys, nothing is wrong",
    ]


def test_a_file_is_checked_where_nothing_was_ever_deployed(fleet: Fleet) -> None:
    edit(fleet, "ubuntu", f"DB_PASSWORD={PASSWORD}", "DB_PASSWORD=short")
    fleet.ubuntu.env_stat = "ubuntu|644"
    ran = fleet.fab("env.check")
    assert (ran.code, ran.error) == (1, "a deploy would be refused")
    assert ran.evidence == [
        f"ubuntu: {ENV} has mode 644: others can read it; chmod 600 {ENV}",
        "ubuntu: .env: DB_PASSWORD has 5 characters; at least 16",
    ]
    assert ran.lines == ["[montreal] .env: 5 keys, nothing is wrong"]


def test_a_secret_that_both_ends_of_a_link_need_alike_is_compared(running: Fleet) -> None:
    edit(running, "montreal", TOKEN, OTHER)
    ran = running.fab("env.check --server ubuntu")
    assert (ran.code, ran.evidence) == (
        1,
        ["ubuntu: .env: TOKEN is another one than on montreal; both need it alike"],
    )
    assert OTHER not in ran.everything
    assert_silent(running, ran)


def test_a_server_that_is_away_hides_nothing_of_the_other(running: Fleet) -> None:
    running.unreachable["montreal"] = refused("montreal: it does not answer")
    ran = running.fab("env.check")
    assert (ran.code, ran.evidence) == (1, ["montreal: it does not answer"])
    assert ran.lines == ["[ubuntu] .env: 6 keys, nothing is wrong"]


def test_rules_that_cannot_be_read_are_no_rules_that_hold(running: Fleet) -> None:
    running.origin.reachable = False
    ran = running.fab("env.check --server ubuntu")
    (told,) = ran.evidence
    assert told == (
        "ubuntu: .env.example cannot be read, so its rules were not checked:"
        " fatal: unable to connect to origin"
    )


def test_the_check_in_json(running: Fleet) -> None:
    edit(running, "ubuntu", "MODE=plain", "MODES=plain")
    ran = running.fab("env.check --json")
    assert ran.code == 0
    assert set(ran.json["ubuntu"]) == set(fields("env.check"))
    assert ran.json["ubuntu"] == {
        "keys": 6,
        "problems": [],
        "warnings": [".env: MODES is not in .env.example: nothing reads it"],
    }


def test_files_that_differ_in_nothing(running: Fleet) -> None:
    with running.untouched():
        ran = running.fab("env.diff")
    assert ran.code == 0, ran.everything
    assert ran.lines == [f"[{name}] .env differs in nothing" for name in ("ubuntu", "montreal")]


def test_what_differs_is_told_by_name_and_digest(running: Fleet) -> None:
    edit(running, "ubuntu", TOKEN, OTHER)
    edit(running, "ubuntu", "MODE=plain", "MODE=fancy\nSTRAY=x")
    ran = running.fab("env.diff --server ubuntu")
    assert ran.code == 0, ran.everything
    rows = [re.split(r"  +", line.strip()) for line in ran.out.splitlines()]
    table = {row[0]: row[1:] for row in rows if row[0] in ("TOKEN", "MODE", "STRAY")}
    assert re.fullmatch("[0-9a-f]{8}", table["TOKEN"][0])
    assert table["TOKEN"][1:] == ["changed since", "not as montreal"]
    assert table["MODE"][1:] == ["not the default", "changed since"]
    assert table["STRAY"][1:] == ["not there", "added since"]
    assert OTHER not in ran.everything
    assert "made with another definition or environment: api, web;" in ran.everything
    assert_silent(running, ran)


def test_digests_tell_nothing_from_one_run_to_the_next(running: Fleet) -> None:
    edit(running, "ubuntu", "MODE=plain", "MODE=fancy")
    seen = [running.fab("env.diff --json").json[0]["keys"][0]["value"] for _ in range(2)]
    assert seen[0] != seen[1]


def test_the_differences_in_json(running: Fleet) -> None:
    edit(running, "montreal", TOKEN, OTHER)
    (ubuntu, montreal) = running.fab("env.diff --json").json
    assert set(ubuntu) == set(fields("env.diff"))
    (row,) = ubuntu["keys"]
    assert set(row) == set(fields("env.diff: keys"))
    assert (row["key"], row["runs"], row["others"]) == ("TOKEN", "", ["montreal"])
    assert montreal["services"] == ["worker-1", "worker-2"]
    assert [row["runs"] for row in montreal["keys"]] == ["changed since"]


def test_nothing_is_compared_before_the_first_deploy(fleet: Fleet) -> None:
    ran = fleet.fab("env.diff")
    assert ran.code == 2
    assert "ubuntu: nothing is deployed; fab env.check checks its .env" in ran.everything


def test_a_key_is_explained_on_each_server(running: Fleet) -> None:
    with running.untouched():
        ran = running.fab("env.explain TOKEN")
    assert ran.code == 0, ran.everything
    said = "readers: worker-1, worker-2, x-deploy of worker-1, x-deploy of worker-2, x-deploy of"
    readers = [*said.split(), "proxy"]
    told = [re.sub("digest [0-9a-f]{8}", "digest D", line) for line in ran.lines]
    source = f"source: {ENV}, 32 characters, digest D"
    demanded = "demanded: required, secret, at least 32 characters, only A-Z a-z 0-9 . _ ~ -"
    assert told == [
        "[ubuntu] key: TOKEN",
        f"[ubuntu] {source}",
        f"[ubuntu] {demanded}",
        "[ubuntu] readers: api",
        "[montreal] key: TOKEN",
        f"[montreal] {source}",
        f"[montreal] {demanded}",
        f"[montreal] {' '.join(readers[:-1])}",
        f"[montreal]   {readers[-1]}",
    ]
    assert_silent(running, ran)


def test_a_key_that_is_not_there_and_one_that_compose_itself_reads(running: Fleet) -> None:
    edit(running, "ubuntu", "MODE=plain\n", "")
    told = running.fab("env.explain MODE --server ubuntu --json").json["ubuntu"]
    assert set(told) == set(fields("env.explain"))
    assert told["source"] == f"not in {ENV}: the compose file's own default, if it has one"
    assert (told["default"], told["readers"]) == ("plain", ["web"])
    assert told["runs"] == "another value: it was changed since the last release"
    told = running.fab("env.explain COMPOSE_FILE --server ubuntu --json").json["ubuntu"]
    assert told["readers"] == ["compose itself"]


def test_what_cannot_be_a_key_reaches_no_server(running: Fleet) -> None:
    ran = running.fab("env.explain $(reboot)")
    assert (ran.code, running.connections) == (2, [])
    assert ran.error == "a key of .env is written in A-Z, 0-9 and _, and begins with no digit"
