"""ssl.install: another certificate is checked, loaded and proved, or the former one is back."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.chains import Made, issuer, leaf, made

from .fakes.certificates import pair
from .fakes.engine import Ended
from .fakes.fleet import Fleet, Ran
from .fakes.machine import ROOT

DOMAINS = ("app.example", "api.app.example")
FORMER = "e42"
NEW = "3e8"
ON_DISK = [f"{ROOT}/certs/fullchain.pem", f"{ROOT}/certs/privkey.pem"]
BACK = "ubuntu: the new certificate is not served; the former one is back"


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path]:
    """A certificate of somebody's own, and its key."""
    certificate, key = tmp_path / "own.pem", tmp_path / "own.key"
    for file, text in zip((certificate, key), pair("own", DOMAINS, 1000), strict=True):
        file.write_text(text)
    return certificate, key


def install(fleet: Fleet, files: tuple[Path, Path], more: str = "") -> Ran:
    return fleet.fab(f"ssl.install --certificate {files[0]} --key {files[1]} {more}")


def kept(fleet: Fleet) -> list[str]:
    return [path for path in fleet.ubuntu.files if path.endswith(".before")]


def test_it_is_put_there_loaded_and_served(running: Fleet, files: tuple[Path, Path]) -> None:
    running.forget()
    ran = install(running, files)
    assert ran.code == 0, ran.everything
    assert [running.ubuntu.files[path] for path in ON_DISK] == [f.read_text() for f in files]
    assert running.ubuntu.served == files[0].read_text()
    assert running.ubuntu.did == [
        "keep-certificate",
        "put certs/privkey.pem",
        "put certs/fullchain.pem",
        "reload app-proxy",
        "forget-certificate",
    ]
    assert running.montreal.did == []
    assert kept(running) == []
    told = running.fab("ssl.status --json").json["ubuntu"]
    assert (told["serial"], told["problems"]) == (NEW, [])


def test_the_key_goes_by_standard_input_alone(running: Fleet, files: tuple[Path, Path]) -> None:
    running.forget()
    ran = install(running, files)
    secret = files[1].read_text().splitlines()[1]
    assert secret not in ran.everything
    assert not any(secret in word for words in running.ubuntu.transcript for word in words)


def test_a_chain_that_no_client_takes_changes_nothing(
    running: Fleet, files: tuple[Path, Path]
) -> None:
    root = issuer("Root")
    middle = made("Middle", root)
    own = leaf(middle, names=DOMAINS)
    write(files, own, middle)
    with running.untouched():
        ran = install(running, files)
    assert (ran.code, ran.evidence) == (
        2,
        ["certs/fullchain.pem: certificate 2 (CN=Middle) is no CA: it may sign no certificate"],
    )


def test_another_chain_for_the_same_certificate_is_loaded(
    running: Fleet, files: tuple[Path, Path]
) -> None:
    root = issuer("Root")
    middle = issuer("Middle", root)
    own = leaf(middle, names=DOMAINS)
    write(files, own, middle, root)
    assert install(running, files).code == 0
    write(files, own, middle)
    running.forget()
    ran = install(running, files)
    assert ran.code == 0, ran.everything
    assert running.ubuntu.served == files[0].read_text()
    assert "reload app-proxy" in running.ubuntu.did
    again = install(running, files)
    assert again.out.strip().endswith("is served already")


def write(files: tuple[Path, Path], *chain: Made) -> None:
    """A chain and the key of its first certificate."""
    files[0].write_text("".join(one.pem for one in chain))
    files[1].write_text(chain[0].secret)


def test_the_one_that_is_served_already_changes_nothing(
    running: Fleet, files: tuple[Path, Path]
) -> None:
    install(running, files)
    running.forget()
    ran = install(running, files)
    assert ran.code == 0
    assert f"certificate {NEW} is served already" in ran.out
    assert running.ubuntu.did == []


@pytest.mark.parametrize(
    ("certificate", "key", "told"),
    [
        ("no certificate", None, "the certificate file holds no certificate"),
        (None, "no key", "the key file holds no private key"),
        (None, pair("other", DOMAINS)[1], "certs/privkey.pem is not the key"),
        (*pair("own", ("app.example",)), "it is not for api.app.example"),
        (*pair("own", DOMAINS, 100), "it ended on 2026-04-11"),
    ],
    ids=["no certificate", "no key", "another key", "another name", "ended"],
)
def test_one_that_cannot_be_used_changes_nothing(
    certificate: str | None, key: str | None, told: str, running: Fleet, files: tuple[Path, Path]
) -> None:
    for file, text in zip(files, (certificate, key), strict=True):
        file.write_text(text or file.read_text())
    with running.untouched():
        ran = install(running, files)
    assert (ran.code, ran.error) == (
        2,
        "ubuntu: this certificate cannot be used; nothing was changed",
    )
    assert ran.evidence[0].startswith(told)


@pytest.mark.parametrize(
    ("step", "told"),
    [
        ("keep-certificate", "ubuntu: 'keep-certificate /opt/app/certs' failed with exit code 1"),
        ("put certs/privkey", "ubuntu: 'put /opt/app/certs/privkey.pem' failed with exit code 1"),
        ("put certs/fullchain", "ubuntu: 'put /opt/app/certs/fullchain.pem' failed"),
        ("reload", "ubuntu: nginx refuses to reload"),
    ],
)
def test_whatever_fails_the_former_one_is_back_and_served(
    step: str, told: str, running: Fleet, files: tuple[Path, Path]
) -> None:
    before = [running.ubuntu.files[path] for path in ON_DISK]
    running.ubuntu.fail(step, times=1)
    ran = install(running, files)
    assert (ran.code, ran.error) == (1, BACK)
    assert ran.evidence[0].startswith(told)
    assert [running.ubuntu.files[path] for path in ON_DISK] == before
    assert running.ubuntu.served == before[0]
    assert kept(running) == []


def test_a_proxy_that_goes_on_serving_the_former_one_is_no_success(
    running: Fleet, files: tuple[Path, Path]
) -> None:
    running.ubuntu.fail("reload", ended=Ended(), times=1)
    ran = install(running, files)
    assert (ran.code, ran.error) == (1, BACK)
    assert ran.evidence == [f"ubuntu: serving certificate {NEW} did not come true within 30 s"]


def test_when_the_way_back_fails_too_a_person_is_needed(
    running: Fleet, files: tuple[Path, Path]
) -> None:
    running.ubuntu.fail("reload")
    ran = install(running, files)
    assert ran.code == 3
    assert ran.error.startswith(
        "ubuntu: the new certificate is not served, and putting the former one back failed"
    )


def test_a_server_that_is_called_keeps_the_one_its_caller_trusts(
    running: Fleet, files: tuple[Path, Path]
) -> None:
    with running.untouched():
        ran = install(running, files, "--server montreal")
    assert ran.code == 2
    assert ran.error.startswith("montreal is called by ubuntu, which trusts a private authority")


def test_a_file_that_is_not_there_is_named(running: Fleet, tmp_path: Path) -> None:
    missing = tmp_path / "missing.pem"
    ran = install(running, (missing, missing))
    assert ran.code == 2
    assert ran.error.startswith(f"{missing} cannot be read: ")


def test_while_another_change_is_running_it_waits_for_nobody(
    running: Fleet, files: tuple[Path, Path]
) -> None:
    running.ubuntu.locks["locks"] = "somebody"
    ran = install(running, files)
    assert ran.code == 2
    assert "another change is running: somebody" in ran.error
