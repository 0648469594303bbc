"""hosts.pin: a host key is believed only once somebody compared it."""

from __future__ import annotations

import pytest

from fabfile.model.hosts.hosts_ini import parse
from fabfile.remote.access import pins
from fabfile.remote.access.hops import Hop, hops

from .fakes.fleet import Fleet, Ran

TEXT = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIMhp3j1mmzkD1OXPGnzCzGKAjpk9ZYbxXKWfxyCNMAb0"
OTHER = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIBVSQIL3gS4Jd3kUbLxTnpVhX0lNQhPuEBzDYjTvPrkU"
COMMAND = "ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub"
SHOWN = [
    "[ubuntu] 10.0.0.1 shows ssh-ed25519 SHA256:own",
    f"[ubuntu] its own console must show the same: {COMMAND}",
]
KEY = pins.HostKey("ssh-ed25519", TEXT, "SHA256:own")
PINNED = {KEY.kind: KEY}


@pytest.fixture
def shown(fleet: Fleet, monkeypatch: pytest.MonkeyPatch) -> Fleet:
    """Servers that show a host key."""

    def fetch(hop: Hop, _kinds: object, gateway: object) -> pins.HostKey:
        assert (hop.host, gateway) == ("10.0.0.1", None)
        return KEY

    monkeypatch.setattr(pins, "fetch", fetch)
    return fleet


def known(fleet: Fleet) -> str:
    file = fleet.hosts.with_name("known_hosts")
    return file.read_text() if file.exists() else ""


def pinned(fleet: Fleet, ran: Ran) -> bool:
    """Whether it was pinned; nobody logged in for that."""
    assert fleet.connections == []
    assert ran.lines[:2] == SHOWN
    return known(fleet) == f"10.0.0.1 {TEXT}\n"


@pytest.mark.parametrize("given", ["SHA256:own", "SHA256:own="])
def test_the_fingerprint_that_the_console_shows_pins_it(shown: Fleet, given: str) -> None:
    ran = shown.fab(f"hosts.pin ubuntu --fingerprint {given}")
    assert ran.code == 0, ran.everything
    assert pinned(shown, ran)
    assert ran.lines[2:] == [f"[ubuntu] pinned in {shown.hosts.with_name('known_hosts')}"]


def test_a_yes_on_a_terminal_pins_it_and_anything_else_does_not(shown: Fleet) -> None:
    ran = shown.fab_on_a_terminal("hosts.pin ubuntu", "\n")
    assert (ran.code, ran.error) == (2, "ubuntu: nothing was pinned: the answer was no")
    assert not pinned(shown, ran)
    ran = shown.fab_on_a_terminal("hosts.pin ubuntu", "y\n")
    assert ran.code == 0, ran.everything
    assert "Does it show the same? [y/N]" in ran.out
    assert pinned(shown, ran)


def test_off_a_terminal_it_is_only_shown(shown: Fleet) -> None:
    ran = shown.fab("hosts.pin ubuntu")
    assert ran.code == 2
    assert ran.error == (
        "ubuntu: nothing was pinned; compare first, then:"
        " fab hosts.pin ubuntu --fingerprint SHA256:own"
    )
    assert not pinned(shown, ran)


def test_another_fingerprint_is_somebody_else(shown: Fleet) -> None:
    ran = shown.fab("hosts.pin ubuntu --fingerprint SHA256:other")
    assert ran.code == 2
    assert ran.error.startswith("ubuntu: that is not the fingerprint that was given; nothing was")
    assert not pinned(shown, ran)


def test_a_key_that_is_pinned_already_is_no_change(shown: Fleet) -> None:
    text = f"10.0.0.1 {TEXT}\n"
    file = shown.hosts.with_name("known_hosts")
    file.write_text(text)
    fingerprint = pins.pinned(_hop(shown))["ssh-ed25519"].fingerprint
    key = pins.HostKey("ssh-ed25519", TEXT, fingerprint)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pins, "fetch", lambda _hop, kinds, _gateway: key if [*kinds] else None)
        ran = shown.fab("hosts.pin ubuntu")
    assert (ran.code, ran.lines) == (
        0,
        [f"[ubuntu] 10.0.0.1: {fingerprint} is pinned already; no change"],
    )
    assert file.read_text() == text


def test_another_key_than_the_pinned_one_is_never_put_in_its_place(shown: Fleet) -> None:
    text = f"10.0.0.1 {OTHER}\n"
    file = shown.hosts.with_name("known_hosts")
    file.write_text(text)
    ran = shown.fab("hosts.pin ubuntu --fingerprint SHA256:own")
    assert ran.code == 2
    assert ran.error == (
        "ubuntu: 10.0.0.1 shows SHA256:own, which is not the pinned key; if it was really"
        f" reinstalled: ssh-keygen -R '10.0.0.1' -f {file}, then again"
    )
    assert file.read_text() == text


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("hosts.pin ubuntu --fingerprint MD5:aa:bb", "it begins with SHA256:"),
        ("hosts.pin london", "no server [london]"),
    ],
)
def test_what_cannot_be_meant_asks_no_server(
    fleet: Fleet, monkeypatch: pytest.MonkeyPatch, line: str, why: str
) -> None:
    monkeypatch.delattr(pins, "fetch")
    ran = fleet.fab(line)
    assert ran.code == 2
    assert why in ran.error


def test_a_jump_host_is_pinned_first_and_leads_to_the_server_behind_it(
    fleet: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    fleet.hosts.write_text(fleet.hosts.read_text() + "gateway = jump@192.0.2.9\n")
    asked: list[tuple[str, object]] = []

    def fetch(hop: Hop, _kinds: object, gateway: object) -> pins.HostKey:
        asked.append((hop.host, gateway))
        return KEY

    monkeypatch.setattr(pins, "fetch", fetch)
    monkeypatch.setattr("fabfile.ops.access.pinning.opened", lambda hop, _ask, _before: hop.host)
    ran = fleet.fab("hosts.pin montreal --fingerprint SHA256:own")
    assert ran.code == 0, ran.everything
    last = "[montreal] now the same with the fingerprint of the server behind it"
    assert (asked, ran.lines[-1]) == ([("192.0.2.9", None)], last)
    assert known(fleet) == f"192.0.2.9 {TEXT}\n"
    monkeypatch.setattr(pins, "pinned", lambda hop: {} if hop.host == "10.0.0.2" else PINNED)
    ran = fleet.fab("hosts.pin montreal --fingerprint SHA256:own")
    assert ran.code == 0, ran.everything
    assert asked[1:] == [("192.0.2.9", None), ("10.0.0.2", "192.0.2.9")]
    assert known(fleet) == f"192.0.2.9 {TEXT}\n10.0.0.2 {TEXT}\n"


def test_this_machine_has_no_host_key_to_pin(fleet: Fleet) -> None:
    fleet.hosts.write_text(fleet.hosts.read_text() + "connection = local\n")
    ran = fleet.fab("hosts.pin montreal")
    assert (ran.code, ran.error) == (
        2,
        "montreal: it is this machine (connection = local) and needs no host key",
    )


def _hop(fleet: Fleet) -> Hop:
    return hops(parse(fleet.hosts.read_text(), fleet.hosts).server("ubuntu"))[0]
