"""ssl.internal: a private authority for the link, introduced and renewed without a gap."""

from __future__ import annotations

import pytest

from fabfile.model.certificates.certificate import anchor, serial

from .fakes.authorities import days_left
from .fakes.certificates import self_made
from .fakes.fleet import Fleet
from .fakes.machine import ROOT
from .issued import CERTS, pass_days

LIVE = f"{ROOT}/authority/live"
AUTHORITY = f"{ROOT}/authority/authority.pem"
INTRODUCED = [
    "montreal: authority new",
    "ubuntu: trust",
    "montreal: keep-certificate",
    "montreal: copy-certificate",
    "montreal: reload app-proxy",
    "ubuntu: trust",
    "montreal: forget-certificate",
]


@pytest.fixture
def internal(running: Fleet) -> Fleet:
    """Servers whose link has a private authority."""
    ran = running.fab("ssl.internal")
    assert ran.code == 0, ran.everything
    running.forget()
    return running


def link_works(fleet: Fleet) -> bool:
    gates = fleet.fab("montreal.health --json").json
    return all(gate["ok"] for gate in gates if gate["gate"] in ("link", "outside:worker"))


def trusts(fleet: Fleet) -> str:
    return fleet.ubuntu.trusted.strip()


def test_an_authority_is_made_trusted_beside_the_former_one_served_and_then_alone(
    running: Fleet,
) -> None:
    former = trusts(running)
    seen: list[str] = []
    running.montreal.fail("reload", goes_on=True, first=lambda: seen.append(trusts(running)))
    running.forget()
    ran = running.fab("ssl.internal")
    assert ran.code == 0, ran.everything
    assert running.journal == INTRODUCED
    authority = anchor(running.montreal.files[AUTHORITY])
    assert seen == [f"{former}\n{authority}"]
    assert trusts(running) == authority
    assert serial(running.montreal.served) == serial(running.montreal.certificate)
    assert anchor(running.montreal.served) == authority
    assert link_works(running)
    number = serial(running.montreal.served)
    assert ran.lines == [
        "[montreal] ✓ make a private authority and a certificate (none yet)",
        "[ubuntu] ✓ trust the new authority too",
        f"[montreal] ✓ install certificate {number}",
        "[montreal] ✓ load it, and see it served",
        "[ubuntu] ✓ prove the link to montreal",
        "[ubuntu] ✓ trust the new authority alone",
        "[ubuntu] ✓ prove the link to montreal",
    ]


def test_nothing_due_changes_nothing(internal: Fleet) -> None:
    with internal.untouched():
        ran = internal.fab("ssl.internal")
        assert ran.code == 0
        quiet = internal.fab("ssl.renew --server montreal --quiet")
        assert (quiet.code, quiet.everything) == (0, "")
    number = serial(internal.montreal.served)
    assert ran.lines == [f"[montreal] nothing is due: certificate {number}"]


def test_a_link_in_clear_has_no_certificate_to_renew(internal: Fleet) -> None:
    """Nothing would prove that it is served."""
    path = "compose/montreal.yml"
    text = internal.origin.tip.files[path]
    changed = text.replace("https://{address}:8001", "http://{address}:8001")
    assert changed != text
    internal.origin.commit("In clear", {path: changed})
    ran = internal.fab("montreal.deploy --waive outside:worker --waive link")
    assert ran.code == 0, ran.everything
    pass_days(internal, 61)
    with internal.untouched():
        renewed = internal.fab("ssl.renew --server montreal")
        asked = internal.fab("ssl.internal")
    told = "it is asked in clear, so its proxy serves no certificate"
    assert (renewed.code, renewed.lines) == (0, [f"[montreal] nothing to renew: {told}"])
    assert (asked.code, asked.error) == (2, f"montreal: {told}")


def test_a_deploy_leaves_the_authority_and_the_trust_alone(internal: Fleet) -> None:
    trusted, served = trusts(internal), internal.montreal.served
    internal.origin.commit("Next", {"services/web/page": "two"})
    ran = internal.fab("deploy")
    assert ran.code == 0, ran.everything
    assert (trusts(internal), internal.montreal.served) == (trusted, served)
    assert [line for line in internal.journal if "trust" in line or "certificate" in line] == []


def test_a_renewal_leaves_the_callers_in_peace(internal: Fleet) -> None:
    """Cron on the called server needs no way to the others."""
    before = serial(internal.montreal.served)
    pass_days(internal, 61)
    internal.unreachable["ubuntu"] = RuntimeError()  # type: ignore[assignment]
    ran = internal.fab("ssl.renew --server montreal")
    assert ran.code == 0, ran.everything
    assert internal.journal == [
        "montreal: authority kept",
        "montreal: keep-certificate",
        "montreal: copy-certificate",
        "montreal: reload app-proxy",
        "montreal: forget-certificate",
    ]
    assert serial(internal.montreal.served) != before
    assert days_left(internal.montreal, CERTS) > 89
    internal.unreachable.clear()
    assert link_works(internal)


def test_an_authority_near_its_end_is_replaced_without_a_gap(internal: Fleet) -> None:
    former = trusts(internal)
    pass_days(internal, 3540)
    ran = internal.fab("ssl.renew --server montreal")
    assert ran.code == 0, ran.everything
    assert internal.journal == INTRODUCED
    assert trusts(internal) == anchor(internal.montreal.served) != former
    assert link_works(internal)


def test_a_stolen_authority_is_replaced_by_removing_it(internal: Fleet) -> None:
    former = trusts(internal)
    for path in [path for path in internal.montreal.files if path.startswith(f"{ROOT}/authority/")]:
        del internal.montreal.files[path]
    assert internal.fab("ssl.internal").code == 0
    assert trusts(internal) == anchor(internal.montreal.served) != former
    assert link_works(internal)


FAILURES = [
    ("montreal", "authority", "montreal: 'authority /opt/app/authority' failed with exit code 1"),
    ("ubuntu", "^trust", "ubuntu: 'trust /opt/app/certs/trust' failed with exit code 1"),
    ("montreal", "keep-certificate", "montreal: the new certificate is not served"),
    ("montreal", "copy-certificate", "montreal: the new certificate is not served"),
    ("montreal", "reload", "montreal: the new certificate is not served"),
    ("ubuntu", "docker exec worker", "montreal: the new certificate is not served"),
]


@pytest.mark.parametrize(("server", "step", "told"), FAILURES)
def test_whatever_fails_the_link_is_as_before_and_the_next_time_succeeds(
    server: str, step: str, told: str, running: Fleet
) -> None:
    trusted, served = trusts(running), running.montreal.served
    running.machines[server].fail(step, times=1)
    ran = running.fab("ssl.internal")
    assert ran.code == 1
    assert ran.error.startswith(told)
    assert (trusts(running), running.montreal.served) == (trusted, served)
    assert running.montreal.certificate == served
    assert link_works(running)
    assert running.fab("ssl.internal").code == 0
    assert trusts(running) == anchor(running.montreal.served) != trusted
    assert link_works(running)


def test_a_link_that_needs_the_former_trust_is_put_back_whole(running: Fleet) -> None:
    """The first proof is green, while the caller trusts both; the second one is not."""
    trusted, served = trusts(running), running.montreal.served
    running.ubuntu.fail_after("docker exec worker", "docker exec worker")
    seen: list[str] = []
    running.montreal.fail("reload", goes_on=True, first=lambda: seen.append(trusts(running)))
    ran = running.fab("ssl.internal")
    assert ran.code == 1
    assert "ubuntu: the link is red" in ran.evidence
    both = f"{trusted}\n{anchor(running.montreal.files[AUTHORITY])}"
    assert seen == [both, both]
    assert (trusts(running), running.montreal.served) == (trusted, served)
    assert link_works(running)


def test_a_caller_that_cannot_be_told_to_trust_as_before_needs_a_person(running: Fleet) -> None:
    running.montreal.fail("reload", times=1)
    running.ubuntu.fail_after("^trust", "^trust")
    ran = running.fab("ssl.internal")
    assert ran.code == 3
    assert ran.error.startswith(
        "ubuntu may trust another authority than that of montreal: fab ubuntu"
    )
    ran = running.fab("ubuntu.deploy")
    assert ran.code == 0, ran.everything
    assert trusts(running) == anchor(running.montreal.served)


@pytest.mark.parametrize("step", ["copy-certificate", "reload", "forget-certificate"])
def test_after_the_operator_was_killed_the_link_works_and_the_next_time_succeeds(
    step: str, running: Fleet
) -> None:
    running.montreal.kill_the_operator_at(step)
    assert running.fab("ssl.internal").code == -9
    assert link_works(running)
    assert running.fab("ssl.internal").code == 0
    assert trusts(running) == anchor(running.montreal.served)
    assert link_works(running)


def test_a_caller_that_is_being_changed_is_not_touched(running: Fleet) -> None:
    running.ubuntu.locks["locks"] = "somebody"
    trusted, served = trusts(running), running.montreal.served
    ran = running.fab("ssl.internal")
    assert ran.code == 2
    assert "another change is running: somebody" in ran.error
    assert (trusts(running), running.montreal.served) == (trusted, served)


def test_before_the_caller_is_deployed_only_the_called_server_changes(fleet: Fleet) -> None:
    assert fleet.fab("montreal.deploy --waive link").code == 0
    fleet.forget()
    assert fleet.fab("ssl.internal").code == 0
    assert fleet.ubuntu.did == []
    assert fleet.fab("ubuntu.deploy").code == 0
    assert trusts(fleet) == anchor(fleet.montreal.served) != self_made("montreal 10.0.0.2").strip()
    assert link_works(fleet)


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("ssl.internal --server ubuntu", "ubuntu: no server of hosts.ini calls it; fab ssl.issue"),
        ("ssl.internal", "montreal: nothing is deployed that could serve a certificate"),
    ],
)
def test_what_cannot_be_done_is_refused(line: str, told: str, fleet: Fleet) -> None:
    with fleet.untouched():
        ran = fleet.fab(line)
    assert ran.code == 2
    assert ran.error.startswith(told)
