"""Names of a site that do not lead to its server yet: it is asked itself, and that is said."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import pytest

from fabfile.model.probe import Answer, Question

from .fakes.fleet import HOSTS, Fleet

REMEDY = "set its DNS record, or say in hosts.ini how it is reached (edge, cdn_ranges)"
ASTRAY = "and not at 10.0.0.1: its gates ask that from outside"
NOWHERE = f"app.example has no address, {ASTRAY}; {REMEDY}"
OTHER = f"api.app.example points at 192.0.2.7, {ASTRAY}; {REMEDY}"
Places = dict[str, str]


@pytest.fixture
def connected(running: Fleet, monkeypatch: pytest.MonkeyPatch) -> Callable[[], Places]:
    """Where the questions from outside went last, by URL; empty: to the name's own address."""
    places: Places = {}
    serving = running._ask_from_here

    def ask(
        questions: Sequence[Question],
        env: Mapping[str, str],
        edge: tuple[str, int] | None,
        trust: str = "",
    ) -> list[Answer]:
        places.update({one.url: one.connect for one in questions})
        return serving(questions, env, edge, trust)

    monkeypatch.setattr("fabfile.remote.outside.ask_from_here", ask)
    return lambda: places


def test_the_server_is_asked_itself_with_a_warning(
    running: Fleet, connected: Callable[[], Places]
) -> None:
    running.names = {"api.app.example": "192.0.2.7"}
    ran = running.fab("ubuntu.deploy")
    assert ran.code == 0, ran.everything
    warned = [line for line in ran.lines if "its gates ask that from outside" in line]
    assert warned == [f"[ubuntu] warning: {OTHER}", f"[ubuntu] warning: {NOWHERE}"]
    assert connected() == {
        "https://app.example/": "10.0.0.1:443",
        "https://api.app.example/deep": "10.0.0.1:443",
    }


@pytest.mark.parametrize("says", ["edge = 127.0.0.1:8443", "cdn_ranges = 203.0.113.0/24"])
def test_nothing_is_said_where_hosts_ini_tells_how_the_site_is_reached(
    running: Fleet, connected: Callable[[], Places], says: str
) -> None:
    running.names = {}
    running.hosts.write_text(HOSTS.replace("domains", f"{says}\ndomains"))
    ran = running.fab("ubuntu.deploy")
    assert ran.code == 0, ran.everything
    assert not any("from outside" in line for line in ran.lines)
    assert set(connected().values()) == {""}


def test_doctor_says_it_before_the_first_deploy(fleet: Fleet) -> None:
    fleet.names = {"api.app.example": "192.0.2.7"}
    ran = fleet.fab("doctor")
    assert ran.code == 0, ran.everything
    assert f"[ubuntu] warning: {NOWHERE}" in ran.lines
    assert f"[ubuntu] warning: {OTHER}" in ran.lines
