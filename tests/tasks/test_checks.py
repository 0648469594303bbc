"""Every check of doctor, made red once: the line that is shown, and that nothing else is."""

from __future__ import annotations

from pathlib import Path

import pytest

from fabfile.model.watch.checks import CHECKS

from .broken import ELSEWHERE, RED, examined, key
from .fakes.fleet import Fleet
from .fakes.machine import ROOT

UNASKED = ("builder", "local users", "backup", "idle connections")
"""What nobody asks of a server that has nothing of the kind."""


def not_well(fleet: Fleet) -> list[str]:
    """What doctor shows of ubuntu, without what is well."""
    mine = (line for line in fleet.fab("doctor").lines if line.startswith("[ubuntu] "))
    told = (line.removeprefix("[ubuntu] ") for line in mine)
    return [line for line in told if line.startswith(("warn ", "fail "))]


@pytest.mark.parametrize("what", RED)
def test_a_check_that_is_red_is_one_line(what: str, running: Fleet) -> None:
    breaks, line = RED[what]
    breaks(running)
    line = line.replace("{id}", str(running.hosts.with_name("id")))
    ran = running.fab("doctor")
    (told,) = not_well(running)
    assert told.startswith(line) if line.endswith(" ") else told == line
    assert ran.code == (1 if line.startswith("fail") else 0)


def test_every_check_is_made_red_by_a_test() -> None:
    red = {what.partition(":")[0] for what in RED}
    assert {*CHECKS} == red | {*ELSEWHERE}
    here = Path(__file__)
    for where in {*ELSEWHERE.values()} - {"below"}:
        assert "doctor" in here.with_name(f"{where}.py").read_text()


def test_a_repository_that_cannot_be_read_and_an_engine_that_does_not_answer(
    running: Fleet,
) -> None:
    running.origin.reachable = False
    fatal = "git cannot read git://origin/app.git: fatal: unable to connect to origin"
    assert not_well(running) == [f"fail remote: {fatal}"]
    running.origin.reachable = True
    running.ubuntu.engine.version = "error: Cannot connect to the Docker daemon"
    start = "no Docker engine answers; start it: sudo systemctl start docker"
    told = [line for line in not_well(running) if line.startswith("fail engine")]
    assert told == [f"fail engine: {start} (Cannot connect to the Docker daemon)"]


@pytest.mark.parametrize(
    ("ahead", "verdict", "told"),
    [
        (301, "fail", "s ahead of"),
        (-303, "fail", "s behind"),
        (30, "warn", "s ahead of"),
    ],
)
def test_a_clock_that_differs_is_told(ahead: int, verdict: str, told: str, running: Fleet) -> None:
    running.ahead = ahead
    (line,) = not_well(running)
    remedy = "on the one that is wrong, sudo timedatectl set-ntp true"
    found, _, after = line.partition(" s ")
    seconds = int(found.rpartition(" ")[2])
    assert abs(seconds - abs(ahead)) <= 2  # the fake's clock goes on while it is looked at
    assert (found.rpartition(" ")[0], after) == (
        f"{verdict} clock: it is",
        f"{told.removeprefix('s ')} this machine's: {remedy}",
    )


def test_a_port_that_somebody_else_has_is_told_before_the_first_deploy(fleet: Fleet) -> None:
    fleet.ubuntu.listening.add(443)
    assert not_well(fleet) == ["fail ports: port 443 of proxy is in use by a process"]


def test_images_of_long_ago_are_told_those_of_others_later(running: Fleet) -> None:
    examined(made="2026-10-10T00:00:00Z")(running)  # 97 days
    built = "the image of {0} was built 97 days ago, and so were its bases: fab ubuntu.deploy"
    assert not_well(running) == [
        f"warn images: {built.format(name)} --rebuild --only {name}" for name in ("api", "web")
    ]
    examined(made="2026-07-01T00:00:00Z")(running)  # 198 days
    old = [line for line in not_well(running) if "name a newer one" in line]
    assert old == [
        f"warn images: {name}:1 of {name} was made 198 days ago: name a newer one in the compose"
        " file, if there is one"
        for name in ("db", "proxy")
    ]
    examined(made="1970-01-01T00:00:01Z")(running)  # built so as to be the same each time
    assert not_well(running) == []


def test_a_kept_env_that_others_can_read_is_told(running: Fleet) -> None:
    examined(kept_mode="644")(running)
    (release,) = (one.id for one in running.releases("ubuntu"))
    path = f"{ROOT}/releases/{release}/env"
    told = f"warn former .env: others can read {path} (mode 644): chmod 600 {path}"
    assert not_well(running) == [told]


def test_ports_that_somebody_named_may_be_reached(running: Fleet) -> None:
    """SSH's, also behind another port, those of the stack, and those that hosts.ini leaves open."""
    text = running.hosts.read_text()
    running.hosts.write_text(text.replace("calls = ", "port = 2222\nopen_ports = 9000\ncalls = "))
    running.ubuntu.listening |= {22, 9000}
    running.open |= {22, 443, 9000}
    assert not_well(running) == []


def test_a_server_is_asked_three_times(running: Fleet) -> None:
    running.forget()
    assert running.fab("doctor").code == 0
    assert [server.trips for server in (running.ubuntu, running.montreal)] == [3, 3]


def test_a_new_server_is_asked_three_times_at_most(fleet: Fleet) -> None:
    fleet.fab("doctor")
    assert [server.trips for server in (fleet.ubuntu, fleet.montreal)] == [2, 2]


def test_what_is_well_is_shown_to_whoever_asks_for_it(running: Fleet) -> None:
    key()(running)
    lines = running.fab("doctor --verbose").lines
    mine = [line.removeprefix("[ubuntu] ") for line in lines if line.startswith("[ubuntu] ")]
    names = [line.partition(":")[0].removeprefix("ok   ") for line in mine[:-1]]
    asked = [name for name in CHECKS if name not in UNASKED]
    assert names == asked
    for line in ("ok   key: ssh-ed25519, for you alone", "ok   disk: / has 20 GiB free"):
        assert line in mine


def test_on_a_terminal_a_line_is_broken_at_its_words(
    running: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FORCE_COLOR", "yes")
    monkeypatch.setenv("COLUMNS", "80")
    examined(sessions="1")(running)
    lines = running.fab("doctor").lines
    assert lines[:3] == [
        "[ubuntu] fail sessions: sshd allows 1 session on a connection; set MaxSessions",
        "[ubuntu]      in its sshd_config to 2 or more (10 without that line)",
        "[ubuntu] 34 other checks are ok",
    ]
    assert max(map(len, lines)) <= 80
