"""fab status --watch: looked at again and again over one connection, until Ctrl-C."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable
from typing import NoReturn

import pytest

from fabfile.model.errors import Trouble, refused
from fabfile.model.watch.glance import Glance
from fabfile.ops.watch import watching
from fabfile.remote.host import Host
from fabfile.remote.watch.glance import glance

from .fakes.fleet import HOSTS, Fleet, Ran

Step = Callable[[], object]
Watch = Callable[..., list[str]]


class Looks:
    """How often each server was looked at; a step is seen once all were looked at after it."""

    def __init__(self, names: set[str]) -> None:
        self.real = watching.look
        self.number = Counter[str]()
        self.names = names
        self._more = threading.Condition()

    def look(self, host: Callable[[], Host]) -> Glance:
        try:
            return self.real(host)
        finally:
            with self._more:
                self.number[threading.current_thread().name] += 1
                self._more.notify_all()

    def seen(self) -> None:
        """Wait until a look at each has begun and ended from now on."""
        with self._more:
            wanted = {name: self.number[name] + 2 for name in self.names}
            assert self._more.wait_for(
                lambda: all(self.number[name] >= least for name, least in wanted.items()), 60
            ), self.number


@pytest.fixture
def watch(running: Fleet, monkeypatch: pytest.MonkeyPatch) -> Watch:
    """Watch on a terminal while these steps happen one after the other, and press Ctrl-C then.

    The pictures between them, without what stands above.
    """
    monkeypatch.setenv("FORCE_COLOR", "1")  # rich takes it for a terminal
    monkeypatch.setenv("COLUMNS", "120")
    monkeypatch.setattr(watching, "EVERY", 0.01)

    def watched(line: str, *steps: Step) -> list[str]:
        left = [lambda: None, *steps]
        names = set(running.machines) if line.startswith("status") else {line.partition(".")[0]}
        looks = Looks(names)

        def rest(_over: threading.Event) -> None:
            if not left:
                raise KeyboardInterrupt
            left.pop(0)()
            looks.seen()

        monkeypatch.setattr(watching, "look", looks.look)
        monkeypatch.setattr(watching, "rest", rest)
        ran = running.fab(line)
        assert (ran.code, ran.err) == (0, ""), ran
        return pictures(ran)

    return watched


def pictures(ran: Ran) -> list[str]:
    """What was drawn, each picture once; the last one stays on the terminal."""
    shown = "\n".join(map(str.rstrip, ran.out.splitlines()))
    drawn = shown.split("Ctrl-C ends it")[1:]
    assert len(drawn) > 1
    return drawn


def test_it_shows_what_changes_and_ends_with_0(running: Fleet, watch: Watch) -> None:
    containers = running.ubuntu.engine.containers

    def sicken() -> None:
        containers["app-web"].health = "unhealthy"

    running.forget()
    _, well, ill, last = watch("status --watch", sicken)
    assert "[ubuntu] ok   00000001 First (verified 2027-01-15 08:01 UTC), 5 containers" in well
    assert "  api    2x Up 3 hours (healthy)" in well
    assert "; not well: web: unhealthy" in ill
    assert "  web       Up 3 hours (unhealthy)" in ill
    assert ill.splitlines()[1:4] == last.splitlines()[1:4]
    assert [len(machine.did) for machine in running.machines.values()] == [0, 0]
    assert len(running.connections) - 2 <= 2  # one for each; those of the deploy were before


def test_a_server_that_goes_away_is_shown_so_and_comes_back(
    running: Fleet, watch: Watch, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away() -> None:
        running.unreachable["montreal"] = refused("montreal: 10.0.0.2 does not answer")
        monkeypatch.setattr(watching, "glance", cut)

    def cut(_host: Host) -> NoReturn:
        raise Trouble("montreal: the connection is lost (it was cut)")

    def back() -> None:
        del running.unreachable["montreal"]
        monkeypatch.setattr(watching, "glance", glance)

    _, well, gone, again, _ = watch("montreal.status --watch", away, back)
    assert "[montreal] ok   00000001" in well
    assert "[montreal] fail 10.0.0.2 does not answer\n" in gone
    assert "[montreal] ok   00000001" in again


def test_many_servers_have_a_line_each_that_is_cut(
    running: Fleet, watch: Watch, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "60")
    running.hosts.write_text(f"{HOSTS}[third]\nhost = 10.0.0.2\ncompose = compose/ubuntu.yml\n")
    running.machines["third"] = running.montreal
    _, shown, _ = watch("status --watch")
    lines = shown.splitlines()
    assert [line for line in lines if line[:1] == "["] == [
        "[ubuntu] ok   00000001 First (verified 2027-01-15 08:01 UTC…",
        "[montreal] ok   00000001 First (verified 2027-01-15 08:01 U…",
        "[third] ok   00000001 First (verified 2027-01-15 08:01 UTC)…",
    ]
    assert "healthy" not in shown


def test_maintenance_is_told(running: Fleet, watch: Watch) -> None:
    running.fab("maintenance.on --why moving")
    _, shown, _ = watch("ubuntu.status --watch")
    assert "[ubuntu] warn 00000001 First" in shown
    assert "in maintenance since 2027-01-15 " in shown


@pytest.mark.parametrize(
    ("line", "told"),
    [
        (
            "status --watch",
            "--watch draws on a terminal, and here is none; without it status is told once",
        ),
        ("ubuntu.status --watch --json", "--watch draws for a person: --json tells once"),
    ],
)
def test_where_nobody_sees_it_it_is_refused(running: Fleet, line: str, told: str) -> None:
    connections = len(running.connections)
    ran = running.fab(line)
    assert (ran.code, ran.out, ran.error) == (2, "", told)
    assert len(running.connections) == connections
