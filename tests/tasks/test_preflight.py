"""What must hold before anything is touched: one line, exit code 2, and nothing changed."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from fabfile.model.errors import refused

from .fakes.application import UBUNTU
from .fakes.engine import Container
from .fakes.fleet import Fleet
from .fakes.machine import CHECKOUT, ROOT, Machine

ENV = f"{CHECKOUT}/.env"
Change = Callable[[Machine], object]


def env(old: str, new: str) -> Change:
    """Settings in which one text is another one."""

    def change(machine: Machine) -> None:
        assert old in machine.env
        machine.files[ENV] = machine.env.replace(old, new)

    return change


def foreign(name: str, **more: object) -> Change:
    """A container of another project."""
    return lambda machine: machine.engine.place(
        Container(name, "sha256:x", project="theirs", service="x", **more)  # type: ignore[arg-type]
    )


def setting(name: str, value: object) -> Change:
    return lambda machine: setattr(machine, name, value)


NEEDED = "a deploy needs 1024 MiB; free some space (fab ubuntu.prune, old backups)"
MAKE = f"run once: sudo install -d -m 700 -o ubuntu {ROOT}"
GONE = "remove it once its containers are gone"
HINTS = (
    "checks, database, drain, gates, hold, keep, link, login, maintenance, migrate, names, probe,"
    " proxy, smoke, update, upstreams, volume"
)
REFUSES = "compose refuses compose/ubuntu.yml:"
WEAK = "is an example or weak value; make one: openssl rand -hex 32"
CASES: dict[str, tuple[Change, str]] = {
    "a program is missing": (
        setting("missing_programs", ("git", "curl")),
        "missing on the server: git, curl; install: sudo apt-get install curl git",
    ),
    "no Docker": (
        lambda m: setattr(m.engine, "version", "error: docker: command not found"),
        "no Docker on this server; fab bootstrap installs it",
    ),
    "may not use Docker": (
        lambda m: setattr(m.engine, "version", "error: permission denied"),
        "user ubuntu may not use Docker; run once: sudo usermod -aG docker ubuntu",
    ),
    "full disk": (
        setting("free", 5 << 20),
        f"disk / has 5 MiB free, {NEEDED}",
    ),
    "no sudo for the root": (
        setting("sudo", False),
        f"{ROOT} does not exist and ubuntu may not use sudo to make it; {MAKE}",
    ),
    "no repository": (
        lambda m: setattr(m.origin, "reachable", False),
        "git cannot read git://origin/app.git: fatal: unable to connect to origin",
    ),
    "no settings": (
        lambda m: m.files.pop(ENV),
        f"no {ENV}: fab env.init makes it",
    ),
    "empty settings": (
        lambda m: m.files.update({ENV: "\n"}),
        f"{ENV} is empty: fab env.init fills it",
    ),
    "readable settings": (
        setting("env_stat", "ubuntu|644"),
        f"{ENV} has mode 644: others can read it; chmod 600 {ENV}",
    ),
    "a weak secret": (
        env("DB_PASSWORD=pW7fQ2kLx9Tz4RvB8mNc", "DB_PASSWORD=change-me-please-1"),
        f".env: DB_PASSWORD {WEAK}",
    ),
    "a short secret": (
        env("DB_PASSWORD=pW7fQ2kLx9Tz4RvB8mNc", "DB_PASSWORD=pW7fQ2"),
        ".env: DB_PASSWORD has 6 characters; at least 16",
    ),
    "another stack in the settings": (
        env("compose/ubuntu.yml", "compose/montreal.yml"),
        ".env: COMPOSE_FILE is not 'compose/ubuntu.yml', which hosts.ini says",
    ),
    "a container name in use": (
        foreign("app-db"),
        "container name app-db is in use by project theirs; rename or remove that one",
    ),
    "a port in use by a container": (
        foreign("theirs-web", ports=(443,)),
        "port 443 of proxy is in use by theirs-web",
    ),
    "a port in use by a process": (
        lambda m: m.listening.add(443),
        "port 443 of proxy is in use by a process",
    ),
    "a network in use": (
        lambda m: m.engine.networks.update({"app-network": ""}),
        f"network app-network is in use by no compose project; {GONE}",
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_a_precondition_that_does_not_hold_is_one_line_and_touches_nothing(
    fleet: Fleet, case: str
) -> None:
    change, line = CASES[case]
    change(fleet.ubuntu)
    with fleet.untouched():
        ran = fleet.fab("ubuntu.deploy")
    assert (ran.code, ran.err) == (2, f"error: ubuntu: {line}\n")


@pytest.mark.parametrize("task", ["deploy", "plan", "status", "ubuntu.plan", "ubuntu.status"])
def test_every_task_that_needs_a_server_refuses_in_one_line_when_it_is_away(
    fleet: Fleet, task: str
) -> None:
    fleet.unreachable["ubuntu"] = refused("ubuntu: 10.0.0.1 does not answer; is the host up?")
    ran = fleet.fab(task)
    assert ran.code == 2
    assert ran.error.startswith("ubuntu: 10.0.0.1 does not answer; is the host up?")


@pytest.mark.parametrize(
    ("changes", "line"),
    [
        (
            {"compose/ubuntu.yml": None},
            f"{REFUSES} open compose/ubuntu.yml: no such file or directory",
        ),
        (
            {"services/web/Dockerfile": None},
            "service web: the commit has no 'services/web/Dockerfile'",
        ),
        (
            {"compose/ubuntu.yml": json.dumps({**UBUNTU, "x-deploy": {"db": {"colour": "red"}}})},
            f"x-deploy.db: unknown key colour; known: {HINTS}",
        ),
        (
            {".env.example": "# @required\nNEW=\n# @secret\nTOKEN=\n"},
            ".env: NEW is missing",
        ),
        (
            {
                "compose/ubuntu.yml": json.dumps(UBUNTU).replace(
                    '"MODE": "${MODE:-plain}"', '"MODE": "${COLOUR:?set COLOUR in .env}"'
                )
            },
            f"{REFUSES} required variable COLOUR is missing a value: set COLOUR in .env",
        ),
    ],
)
def test_a_commit_that_cannot_be_deployed_is_named_with_its_reason(
    running: Fleet, changes: dict[str, str | None], line: str
) -> None:
    running.origin.commit("Second", changes)
    with running.untouched():
        ran = running.fab("ubuntu.deploy")
    assert (ran.code, ran.error) == (2, f"ubuntu: {line}")


def test_an_unknown_ref_is_named(running: Fleet) -> None:
    with running.untouched():
        ran = running.fab("ubuntu.deploy --ref no-such-branch")
    assert ran.code == 2
    assert ran.error == (
        "ubuntu: git://origin/app.git has no commit, branch or tag 'no-such-branch'; push it first"
    )


def test_several_problems_are_all_named_below_one_line(fleet: Fleet) -> None:
    fleet.ubuntu.free = 1
    fleet.ubuntu.env_stat = "root|644"
    fleet.ubuntu.listening.add(443)
    with fleet.untouched():
        ran = fleet.fab("ubuntu.deploy")
    assert ran.code == 2
    assert ran.error == "ubuntu: 4 preconditions do not hold; nothing was touched"
    assert ran.evidence == [
        f"disk / has 0 MiB free, {NEEDED}",
        f"{ENV} has mode 644: others can read it; chmod 600 {ENV}",
        f"{ENV} belongs to root; run: sudo chown ubuntu {ENV}",
        "port 443 of proxy is in use by a process",
    ]


def test_a_problem_of_either_server_stops_the_deploy_of_both(fleet: Fleet) -> None:
    fleet.ubuntu.free = 1
    with fleet.untouched():
        ran = fleet.fab("deploy")
    assert ran.code == 2
    assert ran.error.startswith("ubuntu: disk / has 0 MiB free")


def test_a_secret_in_a_refused_setting_is_not_shown(fleet: Fleet) -> None:
    fleet.ubuntu.files[ENV] = fleet.ubuntu.env.replace("pW7fQ2kLx9Tz4RvB8mNc", "$ecret-of-mine")
    ran = fleet.fab("ubuntu.deploy")
    assert ran.code == 2
    assert "ecret" not in ran.everything.replace("secret", "")


def test_a_server_that_somebody_else_changes_is_not_touched_and_they_are_named(
    running: Fleet,
) -> None:
    who = "someone@desk since 10:00:00 UTC, at step 'roll api-1'"
    running.ubuntu.locks["locks"] = who
    running.origin.commit("Second", {"README.md": "More\n"})
    with running.untouched():
        ran = running.fab("ubuntu.deploy")
    assert (ran.code, ran.error) == (
        2,
        f"ubuntu: another change is running: {who}; wait for it, then run again",
    )


def test_of_two_servers_neither_is_touched_when_one_is_taken_and_the_other_is_freed(
    running: Fleet,
) -> None:
    running.ubuntu.locks["locks"] = "someone"
    ran = running.fab("deploy")
    assert ran.code == 2
    assert running.montreal.locks == {}
    assert running.ubuntu.locks == {"locks": "someone"}


def test_a_prune_waits_for_nobody_either(running: Fleet) -> None:
    running.ubuntu.locks["locks"] = "someone"
    with running.untouched():
        ran = running.fab("ubuntu.prune")
    assert ran.code == 2
    assert "another change is running: someone" in ran.error
