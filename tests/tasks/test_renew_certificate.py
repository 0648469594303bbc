"""ssl.renew: what is due is renewed and served; whatever fails, the old one stays served."""

from __future__ import annotations

import pytest

from fabfile.model.certificates.certificate import serial

from .fakes.authorities import public
from .fakes.certificates import signed
from .fakes.engine import Ended
from .fakes.fleet import Fleet
from .issued import DOMAINS, LIVE, live, on_disk, ones_own, pass_days

LIMIT = Ended(1, out="An unexpected error occurred:\ntoo many certificates already issued\nAsk\n")


def test_cron_hears_nothing_when_nothing_is_due(issued: Fleet) -> None:
    before = dict(issued.ubuntu.files)
    ran = issued.fab("ssl.renew --quiet")
    assert (ran.code, ran.everything) == (0, "")
    assert (issued.ubuntu.did, issued.montreal.did) == (["acme due"], [])
    assert issued.ubuntu.files == before


def test_a_person_hears_what_is_served_and_how_long(issued: Fleet) -> None:
    ran = issued.fab("ssl.renew")
    assert sorted(ran.lines) == [
        "[montreal] nothing to renew: self-made; fab ssl.internal makes a private authority",
        f"[ubuntu] nothing is due: certificate {live(issued)} ends in 89 days",
        "[ubuntu] ✓ ask https://acme-v02.api.letsencrypt.org/directory",
    ]


@pytest.mark.parametrize(("days", "line"), [(61, "ssl.renew --quiet"), (1, "ssl.renew --force")])
def test_one_that_is_due_or_forced_is_renewed_and_served(
    days: int, line: str, issued: Fleet
) -> None:
    before = live(issued)
    pass_days(issued, days)
    ran = issued.fab(line)
    assert ran.code == 0, ran.everything
    assert "--quiet" not in line or ran.everything == ""
    assert live(issued) != before
    assert on_disk(issued) == serial(issued.ubuntu.served) == live(issued)


def test_before_the_first_one_there_is_nothing_to_renew(running: Fleet) -> None:
    with running.untouched():
        ran = running.fab("ssl.renew --server ubuntu")
    assert (ran.code, ran.lines) == (
        0,
        ["[ubuntu] nothing to renew: no authority gave a certificate; fab ssl.issue asks for one"],
    )


def test_a_failed_renewal_leaves_the_old_one_served_and_says_why_in_one_line(
    issued: Fleet,
) -> None:
    before = on_disk(issued)
    pass_days(issued, 70)
    issued.ubuntu.fail("acme", ended=LIMIT)
    ran = issued.fab("ssl.renew --quiet")
    assert (ran.code, ran.out) == (1, "")
    assert ran.error == (
        "ubuntu: no new certificate: too many certificates already issued;"
        " the former one is served, 19 days more"
    )
    assert on_disk(issued) == serial(issued.ubuntu.served) == before
    assert issued.ubuntu.did == ["acme due"]


@pytest.mark.parametrize(("failures", "code"), [(2, 0), (3, 1)])
def test_a_directory_that_fails_in_passing_is_asked_three_times(
    failures: int, code: int, issued: Fleet
) -> None:
    pass_days(issued, 70)
    issued.ubuntu.fail("acme", ended=Ended(75, out="too late\n"), times=failures)
    assert issued.fab("ssl.renew").code == code
    assert issued.ubuntu.did.count("acme due") == 3


def test_a_directory_that_does_not_answer_is_not_asked_again(issued: Fleet) -> None:
    pass_days(issued, 70)
    issued.ubuntu.fail("acme", ended=Ended(75, out="no route\n"))
    issued.ubuntu.fail("reach")
    ran = issued.fab("ssl.renew")
    assert (ran.code, issued.ubuntu.did) == (1, ["acme due"])
    assert ran.error.startswith("ubuntu: no new certificate: no route; ")


def renewed_by_hand(fleet: Fleet) -> str:
    """Somebody ran certbot: its archive has one more, which nobody put in place."""
    chain, key = signed(public(), DOMAINS, 90, fleet.ubuntu.clock)
    archive = LIVE.replace("live", "archive")
    fleet.ubuntu.files |= {
        f"{LIVE}/fullchain.pem": chain,
        f"{LIVE}/privkey.pem": key,
        f"{archive}/cert2.pem": chain,
    }
    return serial(chain)


def test_what_was_renewed_by_hand_is_told_and_then_served(issued: Fleet) -> None:
    number = renewed_by_hand(issued)
    told = issued.fab("ssl.status")
    assert (told.code, told.evidence) == (
        1,
        [f"ubuntu: certificate {number} was issued, and is not on disk: fab ssl.renew"],
    )
    ran = issued.fab("ssl.renew --quiet")
    assert (ran.code, ran.everything) == (0, "")
    assert on_disk(issued) == serial(issued.ubuntu.served) == number


def test_also_when_the_authority_refuses_just_then(issued: Fleet) -> None:
    number = renewed_by_hand(issued)
    issued.ubuntu.fail("acme", ended=LIMIT)
    assert issued.fab("ssl.renew").code == 1
    assert on_disk(issued) == serial(issued.ubuntu.served) == number


def test_one_that_was_put_on_disk_by_hand_is_told_and_left(issued: Fleet) -> None:
    ones_own(issued)
    ran = issued.fab("ssl.renew --quiet")
    assert (ran.code, issued.ubuntu.did) == (1, [])
    assert ran.error.startswith("ubuntu: the certificate on disk was put there by hand, and is not")


def test_one_of_your_own_that_ends_soon_is_no_silence(issued: Fleet) -> None:
    """No authority is asked for it, so cron must say it."""
    issued.ubuntu.served = ones_own(issued)
    assert issued.fab("ssl.renew --quiet").code == 0
    pass_days(issued, 47)
    ran = issued.fab("ssl.renew --quiet")
    assert (ran.code, issued.ubuntu.did) == (1, [])
    assert ran.error.startswith("ubuntu: the certificate is one of your own, and it ends on ")
    assert ran.error.endswith(", in 12 days: fab ssl.install")


def test_a_failure_on_one_server_does_not_keep_the_other_from_its_renewal(issued: Fleet) -> None:
    assert issued.fab("ssl.internal").code == 0
    before = issued.montreal.served
    pass_days(issued, 70)
    issued.ubuntu.fail("acme", ended=LIMIT)
    assert issued.fab("ssl.renew").code == 1
    assert serial(issued.montreal.served) != serial(before)
