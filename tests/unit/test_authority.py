"""The private authority of a link: when it is renewed, and for whom it may sign."""

from __future__ import annotations

import pytest

from fabfile.model.certificates.authority import Due, alternatives, constraints, due, permits
from fabfile.model.certificates.certificate import Sighting, anchor, serial
from fabfile.model.certificates.chain import DAY
from tests.tasks.fakes.certificates import authority, public_half, self_made, signed

NOW = 1_800_000_000
ADDRESS = "192.0.2.7"
OWN = authority("Private", 3650, NOW, (ADDRESS,))
OTHER = authority("Another", 3650, NOW, (ADDRESS,))


def issued(by: str = OWN, name: str = ADDRESS, now: float = NOW) -> Sighting:
    chain, key = signed(by, (name,), 90, NOW)
    return Sighting("", "", {}, issued=chain, issued_key=public_half(key, chain), now=now)


def certificate(text: str) -> str:
    return text[text.index("-----BEGIN CERTIFICATE") :]


@pytest.mark.parametrize(
    ("days", "told"),
    [
        (0, Due()),
        (60, Due()),
        (61, Due("", "29 days left")),
        (3531, Due("the authority has 119 days left", "the authority has 119 days left")),
    ],
)
def test_each_is_renewed_well_before_its_end(days: int, told: Due) -> None:
    now = NOW + days * DAY
    fresh = signed(OWN, (ADDRESS,), 90, now - 30 * DAY) if days > 100 else None
    seen = issued(now=now) if fresh is None else Sighting("", "", {}, issued=fresh[0], now=now)
    assert due(certificate(OWN), seen, [ADDRESS]) == told


@pytest.mark.parametrize(
    ("own", "seen", "told"),
    [
        ("", Sighting("", "", {}, now=NOW), Due("none yet", "none yet")),
        (OWN, Sighting("", "", {}, now=NOW), Due("", "none yet")),
        (OWN, issued(OTHER), Due("", "of another authority")),
        (OWN, issued(name="192.0.2.8"), Due("", f"it is not for {ADDRESS}")),
        (
            authority("Private", 3650, NOW, ("192.0.2.8",)),
            issued(),
            Due(f"it may not sign for {ADDRESS}", f"it may not sign for {ADDRESS}"),
        ),
    ],
    ids=["nothing", "no certificate", "another authority", "another address", "moved server"],
)
def test_what_does_not_fit_is_made_anew(own: str, seen: Sighting, told: Due) -> None:
    assert due(certificate(own) if own else "", seen, [ADDRESS]) == told


def test_force_makes_a_certificate_and_no_authority() -> None:
    assert due(certificate(OWN), issued(), [ADDRESS], force=True) == Due("", "asked for")


def test_a_kind_of_name_of_which_none_is_permitted_is_shut_out() -> None:
    only = "255.255.255.255/255.255.255.255"
    assert constraints([ADDRESS]) == (
        f"permitted;IP:{ADDRESS}/255.255.255.255,permitted;DNS:invalid"
    )
    assert constraints(["app.example"]) == f"permitted;DNS:app.example,permitted;IP:{only}"
    assert constraints(["2001:db8::7"]) == (
        f"permitted;IP:2001:db8::7/{':'.join(['ffff'] * 8)},permitted;DNS:invalid"
    )


def test_names_are_told_apart_from_addresses() -> None:
    assert alternatives(["app.example", ADDRESS]) == f"DNS:app.example,IP:{ADDRESS}"
    assert permits(certificate(OWN), ADDRESS)
    assert not permits(certificate(OWN), "app.example")


def test_a_caller_trusts_the_authority_at_the_end_of_the_chain_or_the_chain_itself() -> None:
    chain = issued().issued
    assert anchor(chain) == certificate(OWN).strip()
    assert anchor(self_made("one", (ADDRESS,))) == self_made("one", (ADDRESS,)).strip()
    leaf = chain[: chain.index("-----BEGIN", 10)]
    assert anchor(leaf) == leaf.strip()
    assert anchor("") == ""


# --- what was issued, compared with what is on disk and served

FIRST, SECOND = issued().issued, issued().issued
KNOWN = frozenset({serial(FIRST), serial(SECOND)})


@pytest.mark.parametrize(
    ("disk", "served", "behind"),
    [
        (SECOND, SECOND, False),
        (FIRST, FIRST, True),
        (SECOND, FIRST, True),
        (FIRST, SECOND, True),
        (self_made("one"), self_made("one"), True),
        ("", "", True),
        (issued(OTHER).issued, FIRST, False),
    ],
    ids=["served", "former", "not loaded", "put back", "placeholder", "nothing", "own"],
)
def test_a_server_is_behind_unless_what_was_issued_is_served_or_it_has_its_own(
    disk: str, served: str, behind: bool
) -> None:
    seen = Sighting(disk, "", {"a:443": served}, issued=SECOND, known=KNOWN, now=NOW)
    assert seen.is_behind is behind
    assert not Sighting(disk, "", {"a:443": served}, now=NOW).is_behind
