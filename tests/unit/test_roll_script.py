"""How a container is replaced behind the proxy: the script, before programs that stand in."""

from __future__ import annotations

import os
import re
import socket
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from fabfile.model.errors import Trouble
from fabfile.model.release import KILLED
from fabfile.remote.deploy import compose, proxy
from fabfile.remote.host import Host

from .builders import STACK
from .proxying import NEXT, keep, loads, ran, states, told, workers, written

TWIN = "app-api-2"


def test_a_twin_is_taken_out_replaced_and_put_back(host: Host, stubs: Path) -> None:
    service = STACK.service("api-1")
    proxied = replace(service, hints=replace(service.hints, port=80))
    note = proxy.roll(host, told(), proxied, twins=[TWIN], force=False)
    assert re.fullmatch(r"drained in \d s", note)
    assert loads(stubs) == [["api-2:8000", "web:80"], ["api-1:8000", "api-2:8000", "web:80"]]
    assert [line.rpartition(" up ")[2] for line in ran(stubs, "compose")] == ["-d --no-build api-1"]
    order = [line.split()[0] for line in ran(stubs, "exec", "compose")]
    assert order == ["exec", "compose", "exec"]


def test_what_a_new_service_depends_on_is_left_as_it_is(host: Host, stubs: Path) -> None:
    service = STACK.service("web")
    proxy.roll(host, told(), service, twins=[TWIN], force=False, scales={"api": 4, "help": 2})
    (up,) = (line for line in ran(stubs, "compose") if " up " in line)
    assert up.endswith(" up -d --no-build --no-recreate --scale=api=4 --scale=help=2 web")


def test_a_single_service_has_a_stand_in_while_it_is_replaced(
    host: Host, stubs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    proxy.roll(host, told(), STACK.service("web"), twins=[], force=True)
    assert loads(stubs) == [
        ["api-1:8000", "api-2:8000", f"{NEXT}:80"],
        ["api-1:8000", "api-2:8000", "web:80", f"{NEXT}:80"],
        ["api-1:8000", "api-2:8000", "web:80"],
    ]
    # Its name is found while nginx loads: there is nobody else to ask before a resolver answers.
    lines = re.findall(r"server (app-web-next:80.*);", (stubs / "loads").read_text())
    assert lines == [f"{NEXT}:80 max_fails=0", f"{NEXT}:80 max_fails=0"]
    run, up = ran(stubs, "compose")
    assert run.partition(" run ")[2] == (
        f"-d --no-deps -T --name {NEXT} --label me.wishwith.stand-in=web web"
    )
    assert up.endswith("--force-recreate web")
    assert ran(stubs, "stop", "rm")[-2:] == [f"stop {NEXT}", f"rm {NEXT}"]
    # It comes back after a reboot, too: what is loaded may name it then.
    assert ran(stubs, "update") == [f"update --restart unless-stopped {NEXT}"]


def test_a_stand_in_that_a_died_run_left_serves_on_and_is_dismissed(
    host: Host, stubs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RUNNING", f"app-proxy app-api-1 {NEXT}")
    proxy.roll(host, told(), STACK.service("web"), twins=[], force=False)
    assert loads(stubs) == [
        ["api-1:8000", "api-2:8000", "web:80", f"{NEXT}:80"],
        ["api-1:8000", "api-2:8000", "web:80"],
    ]
    assert ran(stubs, "stop", "rm") == [f"stop {NEXT}", f"rm {NEXT}"]


@pytest.mark.parametrize("state", ["running unhealthy", "restarting starting", "exited", ""])
def test_a_twin_that_is_not_well_by_now_carries_nothing(
    host: Host, stubs: Path, monkeypatch: pytest.MonkeyPatch, state: str
) -> None:
    monkeypatch.setenv("TWIN", state or "gone")
    service = STACK.service("api-1")
    proxied = replace(service, hints=replace(service.hints, port=80))
    proxy.roll(host, told(), proxied, twins=[TWIN], force=False)
    assert loads(stubs)[0] == ["app-api-1-next:8000", "api-2:8000", "web:80"]
    assert loads(stubs)[-1] == ["api-1:8000", "api-2:8000", "web:80"]


def test_a_stand_in_that_was_left_has_its_time_to_become_healthy_or_is_made_anew(
    host: Host, stubs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RUNNING", f"app-proxy app-web {NEXT}")
    states(stubs, "running starting", "running healthy")
    proxy.roll(host, told(), STACK.service("web"), twins=[], force=False)
    assert [line for line in ran(stubs, "compose") if " run " in line] == []
    states(stubs, "running unhealthy", "running healthy")
    proxy.roll(host, told(), STACK.service("web"), twins=[], force=False)
    assert len([line for line in ran(stubs, "compose") if " run " in line]) == 1
    assert f"rm -f {NEXT}" in ran(stubs, "rm")


def test_a_stand_in_that_is_not_healthy_takes_no_request(host: Host, stubs: Path) -> None:
    states(stubs, "running starting", "running unhealthy")
    with pytest.raises(Trouble, match="web did not become healthy; the end of its log") as no:
        proxy.roll(host, told(), STACK.service("web"), twins=[], force=False)
    assert no.value.evidence[-2:] == (f"{NEXT} is running unhealthy", f"the log of {NEXT}")
    assert not (stubs / "loads").exists()
    assert ran(stubs, "rm")[-1] == f"rm -f {NEXT}"
    assert not [line for line in ran(stubs, "compose") if " up " in line]


@pytest.mark.parametrize(
    ("said", "told_of_it"),
    [
        (("running starting", "running unhealthy"), "app-api-1 is running unhealthy"),
        (("running starting", "restarting starting"), "app-api-1 is restarting starting"),
        (("running starting", "exited unhealthy"), "app-api-1 is exited unhealthy"),
        (("",), "app-api-1 is gone"),
    ],
)
def test_a_container_that_does_not_become_healthy_stays_out_of_the_proxy(
    host: Host, stubs: Path, said: Sequence[str], told_of_it: str
) -> None:
    states(stubs, *said)
    with pytest.raises(Trouble, match="api-1 did not become healthy; the end of its log") as no:
        proxy.roll(host, told(), STACK.service("api-1"), twins=[TWIN], force=False)
    assert told_of_it in no.value.evidence
    assert loads(stubs) == [["api-2:8000", "web:80"]]
    assert written(host, "generation-away")[0].endswith('return 200 "api-1\\n"; }')


def test_a_container_that_cannot_be_made_stays_out_of_the_proxy(
    host: Host, stubs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SICK", "yes")
    with pytest.raises(Trouble, match="api-1 did not become healthy") as no:
        proxy.roll(host, told(), STACK.service("api-1"), twins=[TWIN], force=False)
    assert "a dependency failed" in no.value.evidence
    assert loads(stubs) == [["api-2:8000", "web:80"]]


def test_the_engine_is_heard_for_as_long_as_a_container_may_take(host: Host, stubs: Path) -> None:
    states(stubs, "running starting", "running healthy")
    proxy.roll(host, told(), STACK.service("web"), twins=[TWIN], force=False)
    heard, _ = ran(stubs, "events")
    found = re.fullmatch(
        r"events --since (\d+) --until (\d+) --format \. --filter container=app-web"
        r" --filter event=health_status --filter event=die",
        heard,
    )
    assert found
    assert int(found[2]) - int(found[1]) == compose.HEALTHY


def test_a_container_has_its_time_to_become_healthy_and_no_more(
    host: Host, stubs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    states(stubs, "running starting", "running starting", "running healthy")
    proxy.roll(host, told(), STACK.service("web"), twins=[TWIN], force=False)
    assert loads(stubs)[-1] == ["api-1:8000", "api-2:8000", "web:80"]
    states(stubs, "running starting")
    monkeypatch.setattr(compose, "HEALTHY", 1)
    with pytest.raises(Trouble, match="web did not become healthy") as no:
        proxy.roll(host, told(), STACK.service("web"), twins=[TWIN], force=False)
    assert "app-web is running starting" in no.value.evidence


@pytest.mark.parametrize("ended", ["0", "137", "143"])
def test_a_container_that_had_to_be_killed_is_told(
    host: Host, stubs: Path, monkeypatch: pytest.MonkeyPatch, ended: str
) -> None:
    """Its own stop takes longer than it is given: what it had begun was cut."""
    monkeypatch.setenv("ENDED", ended)
    note = proxy.roll(host, told(), STACK.service("web"), twins=[TWIN], force=False)
    assert (KILLED in note) == (ended == "137")
    assert note.startswith("drained in ")
    heard = ran(stubs, "events")[-1]
    assert "--filter container=id-of-app-web --filter event=die" in heard


def test_a_service_that_the_proxy_never_asks_is_only_replaced(host: Host, stubs: Path) -> None:
    service = replace(STACK.service("web"), name="job", container="app-job")
    quiet = replace(service, hints=replace(service.hints, port=0))
    assert proxy.roll(host, told(), quiet, twins=[], force=False) == ""
    assert loads(stubs) == [["api-1:8000", "api-2:8000", "web:80"]]


@pytest.mark.parametrize("reached", ["10.0.0.8:80"])
def test_a_container_that_the_proxy_does_not_reach_is_no_success(
    host: Host, stubs: Path, monkeypatch: pytest.MonkeyPatch, reached: str
) -> None:
    monkeypatch.setenv("REACHED", reached)
    monkeypatch.setattr(proxy, "ROLL", proxy.ROLL.replace("LOADED=20", "LOADED=1"))
    with pytest.raises(Trouble, match=r"the proxy does not reach web at 10\.0\.0\.9:80$"):
        proxy.roll(host, told(), STACK.service("web"), twins=[], force=False)


def test_a_service_is_replaced_when_the_workers_of_every_earlier_load_have_gone(
    host: Host, stubs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One that shuts down may still be given a request over a connection that a client kept.

    One that did before this load knows what the load before the last one said.
    """
    keep(monkeypatch, 60)
    with workers(monkeypatch, taking=0.1, leaving=1.5):
        proxy.roll(host, told(), STACK.service("web"), twins=[TWIN], force=False)
    assert "early" not in ran(stubs, "compose", "early")
    assert len(ran(stubs, "compose")) == 1


def test_a_service_is_replaced_when_the_workers_that_it_was_taken_from_have_gone(
    host: Host, stubs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    keep(monkeypatch, 60)
    with workers(monkeypatch, taking=0.7):
        proxy.roll(host, told(), STACK.service("web"), twins=[TWIN], force=False)
    assert "early" not in ran(stubs, "compose", "early")


def test_workers_that_cannot_be_seen_have_as_long_as_a_client_keeps_a_connection(
    host: Host, stubs: Path, kept: int
) -> None:
    """The engine's processes are not this machine's."""
    note = proxy.roll(host, told(), STACK.service("web"), twins=[TWIN], force=False)
    assert re.fullmatch(r"drained in ([3-9]|\d\d) s", note)


def test_a_worker_with_a_long_request_is_waited_for_only_while_a_client_keeps_a_connection(
    host: Host, stubs: Path, monkeypatch: pytest.MonkeyPatch, kept: int
) -> None:
    with workers(monkeypatch, taking=0.1, leaving=600):
        note = proxy.roll(host, told(), STACK.service("web"), twins=[TWIN], force=False)
    assert re.fullmatch(r"drained in ([3-9]|\d\d) s", note)


@pytest.mark.parametrize(("drain", "note"), [(0, r"\d"), (2, r"[2-9]|\d\d")])
def test_what_is_under_way_has_as_long_as_it_is_given(
    host: Host, stubs: Path, monkeypatch: pytest.MonkeyPatch, drain: int, note: str
) -> None:
    service = STACK.service("web")
    monkeypatch.setenv("PID", str(os.getpid()))
    with socket.create_server(("127.0.0.2", 0)) as server:
        place = server.getsockname()
        busy = replace(service, hints=replace(service.hints, port=place[1], drain=drain))
        monkeypatch.setenv("REACHED", f"10.0.0.9:{place[1]}")
        with socket.create_connection(place, source_address=("127.0.0.2", 0)):
            said = proxy.roll(host, told(), busy, twins=[TWIN], force=False)
    assert re.fullmatch(f"drained in ({note}) s", said)


def test_what_cannot_be_looked_at_has_as_long_as_it_is_given(
    host: Host, stubs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The engine's processes are not this machine's: nobody can tell that nothing is under way."""
    service = STACK.service("web")
    nobody = 1 << 22  # more than any process id
    monkeypatch.setenv("PID", str(nobody))
    unseen = replace(service, hints=replace(service.hints, drain=2))
    assert re.fullmatch(
        r"drained in ([2-9]|\d\d) s", proxy.roll(host, told(), unseen, twins=[TWIN], force=False)
    )


@pytest.mark.parametrize("reached", ["10.0.0.9:80", "10.1.0.9:80"])
def test_a_container_on_two_networks_is_reached_at_either_address(
    host: Host, stubs: Path, monkeypatch: pytest.MonkeyPatch, reached: str
) -> None:
    monkeypatch.setenv("ADDRESSES", "10.0.0.9 10.1.0.9")
    monkeypatch.setenv("REACHED", reached)
    service = STACK.service("web")
    proxied = replace(service, hints=replace(service.hints, port=80))
    proxy.roll(host, told(), proxied, twins=[], force=False)
    asked = (stubs / "curl.log").read_text().splitlines()
    assert {line.rpartition("/")[0] for line in asked if line.endswith("/epoch")} == {
        "-s --noproxy * --max-time 2 http://10.0.0.9:8090"
    }


def test_a_service_on_the_hosts_network_is_not_asked_for_by_its_name(
    host: Host, stubs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REACHED", "10.7.7.7:80")
    service = STACK.service("web")
    proxied = replace(service, in_host_network=True, hints=replace(service.hints, port=80))
    proxy.roll(host, told(), proxied, twins=[], force=False)


@pytest.mark.parametrize(("start_period", "seconds"), [(0, 120), (60, 120), (300, 360), (90, 150)])
def test_a_container_may_take_its_start_period_and_more_to_become_healthy(
    start_period: float, seconds: int
) -> None:
    assert (
        compose.patience_with(replace(STACK.service("web"), start_period=start_period)) == seconds
    )
