"""Certificates: what is served is what was given, and nothing useless gets that far."""

from __future__ import annotations

import hashlib
import ssl
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.edge.authority import Authority
from tests.edge.judge import complaints_of_sslyze
from tests.lab.deployments import refused
from tests.lab.full import full
from tests.lab.rig.judge import TOLERATED
from tests.lab.scenes import Scene
from tests.lab.seen import STATE, untouched
from tests.names import API, SITE
from tests.unit.chains import Made, issuer, leaf, made

pytest_plugins = ("tests.lab.deployed", "tests.lab.staged")

NAMES = (SITE, f"www.{SITE}", API)
SHOWN = f"openssl s_client -showcerts -connect 127.0.0.1:443 -servername {SITE}"


def pair_of(
    folder: Path, certificate: str = "fullchain.pem", key: str = "privkey.pem"
) -> list[str]:
    """The words that name a certificate and its key."""
    return ["--certificate", str(folder / certificate), "--key", str(folder / key)]


@pytest.fixture
def former(scene: Scene, tmp_path: Path) -> Iterator[Path]:
    """The pair that the server has; it is there again at the end."""
    folder = tmp_path / "former"
    folder.mkdir()
    for name in ("fullchain.pem", "privkey.pem"):
        (folder / name).write_text(scene.ubuntu.must(["cat", f"{STATE}/certs/{name}"]))
    yield folder
    scene.operator.must("ssl.install", *pair_of(folder))


def served(scene: Scene) -> str:
    """The digest of the certificate that a client gets for the site."""
    address = ("127.0.0.1", scene.ubuntu.ports[443])
    pem = ssl.get_server_certificate(address, timeout=20)
    return hashlib.sha256(ssl.PEM_cert_to_DER_cert(pem)).hexdigest()


def test_a_certificate_of_ones_own_is_served_without_replacing_anything(
    scene: Scene, former: Path, tmp_path: Path
) -> None:
    authority = Authority(tmp_path)
    authority.sign(tmp_path / "own", *NAMES)
    text = (tmp_path / "own/fullchain.pem").read_text()
    leaf = text[: text.index("-----END CERTIFICATE-----") + len("-----END CERTIFICATE-----\n")]
    with scene.only_replaces():
        ran = scene.operator.must("ssl.install", *pair_of(tmp_path / "own"))
    assert served(scene) == hashlib.sha256(ssl.PEM_cert_to_DER_cert(leaf)).hexdigest()
    status = scene.operator.json("ssl.status")["ubuntu"]
    assert (status["days"], status["self_made"], status["problems"]) == (89, False, [])
    assert status["served"] == {f"{name}:443": status["serial"] for name in NAMES}
    assert f"install certificate {status['serial']}" in ran.steps("ubuntu")
    kept = scene.ubuntu.must(["sh", "-c", f"stat -c '%a %n' {STATE}/certs/*.pem*"])
    assert kept == f"600 {STATE}/certs/fullchain.pem\n600 {STATE}/certs/privkey.pem\n"
    again = scene.operator.must("ssl.install", *pair_of(tmp_path / "own"))
    assert f"certificate {status['serial']} is served already" in again.out


@full
def test_sslyze_calls_it_compliant_and_testssl_finds_nothing_above_low(
    scene: Scene, former: Path, tmp_path: Path
) -> None:
    """Of a certificate that says who tells whether it is revoked, as that of a public authority."""
    authority = Authority(tmp_path)
    authority.sign(tmp_path / "own", *NAMES, responder="http://127.0.0.1:9/")
    scene.operator.must("ssl.install", *pair_of(tmp_path / "own"))
    assert complaints_of_sslyze(SITE, scene.ubuntu.ports[443], authority.file) == []
    findings = scene.lab.testssl("ubuntu", SITE, authority.file.read_text())
    assert [one for one in findings if one.severity not in (*TOLERATED, "WARN")] == []
    # What it could not ask: its OpenSSL knows no GOST, which nobody offers; and on some runs it
    # comes to no verdict about resumption by ticket, which is not offered either.
    unasked = {one.id for one in findings if one.severity == "WARN"}
    assert unasked - {"sessionresumption_ticket"} == {"engine_problem"}
    said = {one.id: one.finding for one in findings}
    assert said["cert_chain_of_trust"] == "passed."
    assert said["overall_grade"] == "A+"


@full
def test_another_chain_for_the_same_certificate_is_served_and_a_broken_one_is_refused(
    scene: Scene, former: Path, tmp_path: Path
) -> None:
    since = datetime.now(UTC) - timedelta(hours=1)
    root = issuer("Root", begin=since)
    middle = issuer("Middle", root, begin=since)
    own = leaf(middle, names=NAMES, begin=since, days=90)
    (tmp_path / "privkey.pem").write_text(own.secret)

    def given(*chain: Made) -> list[str]:
        (tmp_path / "fullchain.pem").write_text("".join(one.pem for one in chain))
        return ["ssl.install", *pair_of(tmp_path)]

    for chain in ((own, middle, root), (own, middle)):
        scene.operator.must(*given(*chain))
        shown = scene.ubuntu.must(["sh", "-c", f"{SHOWN} </dev/null 2>/dev/null"])
        assert shown.count("BEGIN CERTIFICATE") == len(chain)
    assert scene.operator.json("ssl.status")["ubuntu"]["problems"] == []
    with untouched(scene.ubuntu):
        ran = scene.operator.fab(*given(own, made("Middle", root, key=middle.key, begin=since)))
    told = "certs/fullchain.pem: certificate 2 (CN=Middle) is no CA: it may sign no certificate"
    assert (ran.code, ran.evidence) == (2, [told])


def test_a_pair_that_does_not_fit_touches_nothing(scene: Scene, tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    authority.sign(tmp_path / "one", *NAMES)
    authority.sign(tmp_path / "two", SITE)
    (tmp_path / "one/privkey.pem").replace(tmp_path / "one/other.pem")
    (tmp_path / "one/privkey.pem").write_text((tmp_path / "two/privkey.pem").read_text())
    with untouched(scene.ubuntu):
        ran = scene.operator.fab("ssl.install", *pair_of(tmp_path / "one"))
        assert (ran.code, ran.error) == (
            2,
            "ubuntu: this certificate cannot be used; nothing was changed",
        )
        assert "certs/privkey.pem is not the key of certs/fullchain.pem" in ran.evidence
        ran = scene.operator.fab("ssl.install", *pair_of(tmp_path / "two"))
        assert ran.evidence == [f"it is not for www.{SITE}, {API}"]
        missing = refused(scene.operator.fab("ssl.install", *pair_of(tmp_path / "none")))
    assert missing.startswith(f"{tmp_path}/none/fullchain.pem cannot be read: ")
