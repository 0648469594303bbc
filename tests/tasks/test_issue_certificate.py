"""ssl.issue: what an authority gives is checked, loaded and proved, or the former one is back."""

from __future__ import annotations

import pytest

from fabfile.model.certificates.certificate import serial

from .fakes.authorities import public
from .fakes.certificates import pair, signed
from .fakes.engine import Ended
from .fakes.fleet import Fleet
from .fakes.machine import ROOT
from .issued import DOMAINS, LIVE, live, on_disk, ones_own

FORMER = "e42"
BACK = "ubuntu: the new certificate is not served; the former one is back"


def test_a_first_certificate_is_asked_for_put_in_place_loaded_and_served(running: Fleet) -> None:
    running.forget()
    ran = running.fab("ssl.issue")
    assert ran.code == 0, ran.everything
    assert running.ubuntu.did == [
        "acme due",
        "keep-certificate",
        "copy-certificate",
        "reload app-proxy",
        "forget-certificate",
    ]
    assert running.montreal.did == []
    number = live(running)
    assert on_disk(running) == serial(running.ubuntu.served) == number != FORMER
    assert ran.lines == [
        "[ubuntu] ✓ ask https://acme-v02.api.letsencrypt.org/directory",
        f"[ubuntu] ✓ install certificate {number}",
        "[ubuntu] ✓ load it, and see it served",
    ]
    status = running.fab("ssl.status --json").json["ubuntu"]
    assert (status["serial"], status["issued"], status["problems"]) == (number, number, [])


def test_the_authority_is_asked_before_the_server_is_taken(running: Fleet) -> None:
    """A deploy need not wait for the authority, and a certificate that was given is not lost."""
    running.ubuntu.locks["locks"] = "somebody"
    ran = running.fab("ssl.issue")
    assert ran.code == 2
    assert "another change is running: somebody" in ran.error
    assert on_disk(running) == FORMER
    running.ubuntu.locks.clear()
    running.forget()
    assert running.fab("ssl.renew").code == 0
    assert on_disk(running) == serial(running.ubuntu.served) == live(running)


def test_it_says_for_which_names_and_from_whom_without_a_secret(running: Fleet) -> None:
    more = "acme_directory = https://staging.example/dir\nacme_email = a@b.example"
    running.hosts.write_text(running.hosts.read_text().replace("[ubuntu]", f"{more}\n[ubuntu]"))
    assert running.fab("ssl.issue").code == 0
    (words,) = [words for words in running.ubuntu.transcript if words[3:4] == ("acme",)]
    assert words[4:] == (
        ROOT,
        "https://staging.example/dir",
        "staging.example",
        "app.example,api.app.example",
        "a@b.example",
        "due",
        "180",
    )
    assert f"{ROOT}/acme/live/staging.example/fullchain.pem" in running.ubuntu.files


def test_one_that_is_not_due_is_served_already(issued: Fleet) -> None:
    ran = issued.fab("ssl.issue")
    assert (ran.code, issued.ubuntu.did) == (0, ["acme due"])
    assert ran.lines[-1] == f"[ubuntu] certificate {live(issued)} ends in 89 days is served already"


def test_it_takes_the_place_of_ones_own_where_renewal_leaves_that(issued: Fleet) -> None:
    """Who asks for it means it; cron does not."""
    chain = ones_own(issued)
    issued.ubuntu.served = chain
    issued.forget()
    ran = issued.fab("ssl.renew --server ubuntu")
    assert (ran.code, issued.ubuntu.did) == (0, [])
    assert ran.lines == [
        f"[ubuntu] nothing to renew: certificate {serial(chain)} is one of your own"
    ]
    assert issued.fab("ssl.issue").code == 0
    assert on_disk(issued) == serial(issued.ubuntu.served) == live(issued)


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("ssl.issue --server montreal", "montreal is called by ubuntu, which trusts a private"),
        ("ssl.issue --server nowhere", "{hosts}: no server [nowhere]; known servers: ubuntu"),
    ],
)
def test_a_server_that_cannot_be_meant_is_refused(line: str, told: str, running: Fleet) -> None:
    with running.untouched():
        ran = running.fab(line)
    assert ran.code == 2
    assert ran.error.startswith(told.replace("{hosts}", str(running.hosts)))


def test_without_certbot_it_says_how_to_get_it(running: Fleet) -> None:
    running.ubuntu.missing_programs = ("certbot",)
    with running.untouched():
        ran = running.fab("ssl.issue")
    assert (ran.code, ran.error) == (
        2,
        "ubuntu: missing on the server: certbot; install: sudo apt-get install certbot",
    )


def test_before_the_first_deploy_nobody_could_answer_the_authority(fleet: Fleet) -> None:
    with fleet.untouched():
        ran = fleet.fab("ssl.issue")
    assert ran.code == 2
    assert ran.error.startswith("ubuntu: nothing is deployed that could answer the authority")


def test_a_certificate_that_cannot_be_used_is_not_put_in_place(running: Fleet) -> None:
    """The look afterwards is told a key that is not the certificate's."""
    other = pair("other", DOMAINS)[1]
    running.ubuntu.fail(
        "acme",
        first=lambda: running.ubuntu.files.update(
            {
                f"{LIVE}/fullchain.pem": signed(public(), DOMAINS, 90, running.ubuntu.clock)[0],
                f"{LIVE}/privkey.pem": other,
            }
        ),
        ended=Ended(),
    )
    ran = running.fab("ssl.issue")
    assert (ran.code, ran.error) == (1, "ubuntu: what was issued cannot be used")
    assert ran.evidence == ["certs/privkey.pem is not the key of certs/fullchain.pem"]
    assert on_disk(running) == FORMER


@pytest.mark.parametrize(
    ("step", "told"),
    [
        ("keep-certificate", "ubuntu: 'keep-certificate /opt/app/certs' failed with exit code 1"),
        ("copy-certificate", "ubuntu: 'copy-certificate /opt/app/certs' failed with exit code 1"),
        ("reload", "ubuntu: nginx refuses to reload"),
    ],
)
def test_whatever_fails_the_former_one_is_back_and_the_next_renewal_serves_the_new_one(
    step: str, told: str, running: Fleet
) -> None:
    running.ubuntu.fail(step, times=1)
    ran = running.fab("ssl.issue")
    assert (ran.code, ran.error) == (1, BACK)
    assert ran.evidence[0].startswith(told)
    assert on_disk(running) == serial(running.ubuntu.served) == FORMER
    assert [path for path in running.ubuntu.files if path.endswith(".before")] == []
    running.forget()
    assert running.fab("ssl.renew --server ubuntu").code == 0
    assert on_disk(running) == serial(running.ubuntu.served) == live(running)


def test_when_the_way_back_fails_too_a_person_is_needed(running: Fleet) -> None:
    running.ubuntu.fail("reload")
    assert running.fab("ssl.issue").code == 3
