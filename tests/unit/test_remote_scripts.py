"""The scripts that change a server's state, run by a real shell on folders of this machine."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

import pytest
from cryptography import x509

from fabfile.model.errors import Trouble
from fabfile.remote import state
from fabfile.remote.deploy import compose
from fabfile.remote.host import Host

from .builders import release
from .clone import deployed, mode

RECORD = release("r1")


@pytest.fixture(params=[0o000, 0o077])
def umask(request: pytest.FixtureRequest) -> Iterator[None]:
    """The login's, which decides nothing."""
    before = os.umask(request.param)
    yield
    os.umask(before)


@pytest.mark.usefixtures("umask")
def test_folders_have_their_own_modes_and_what_stood_open_is_closed(cloned: Host) -> None:
    root = Path(cloned.server.root)
    loose = root / "locks"
    loose.mkdir()
    (loose / "step").write_text("somebody's\n")
    for path in (root, loose, loose / "step"):
        path.chmod(0o777)
    wanted = {str(root): 0o700, str(loose): 0o700, str(root / "new folder/below"): 0o755}
    state.make_folders(cloned, wanted, [str(root / "data/volume")])
    assert {path: mode(PurePosixPath(path)) for path in wanted} == wanted
    assert mode(cloned.server.root / "locks/step") == 0o700
    assert mode(cloned.server.root / "data/volume") == 0o700


def test_a_folder_that_became_a_containers_stays_as_it_is(cloned: Host) -> None:
    folder = Path(cloned.server.root / "releases/r1")
    folder.chmod(0o750)
    state.make_folders(cloned, {}, [str(folder)])
    assert mode(cloned.server.root / "releases/r1") == 0o750


@pytest.mark.usefixtures("umask")
def test_what_is_checked_out_is_open_to_users_of_containers_in_a_closed_checkout(
    cloned: Host,
) -> None:
    shutil.rmtree(cloned.server.path)
    deployed(cloned, "two\n")
    (Path(cloned.server.path) / "file").write_text("edited\n")
    deployed(cloned, "three\n")
    assert mode(cloned.server.path) == 0o700
    assert mode(cloned.server.path / "file") == 0o644


@pytest.mark.usefixtures("umask")
def test_a_record_is_its_owners_alone(cloned: Host) -> None:
    cloned.put(cloned.server.root / "releases/new/release.json", "{}\n")
    assert mode(cloned.server.root / "releases/new") == 0o700
    assert mode(cloned.server.root / "releases/new/release.json") == 0o600


def test_a_self_made_certificate_is_for_every_name_and_its_key_is_its_owners(cloned: Host) -> None:
    state.make_certificate(cloned, ["app.example", "api.app.example", "192.0.2.7"])
    pem = Path(cloned.server.root / "certs/fullchain.pem").read_bytes()
    certificate = x509.load_pem_x509_certificate(pem)
    assert certificate.subject == certificate.issuer
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == ["app.example", "api.app.example"]
    assert [str(one) for one in names.get_values_for_type(x509.IPAddress)] == ["192.0.2.7"]
    assert mode(cloned.server.root / "certs/privkey.pem") == 0o600


FULL = """#!/bin/sh
[ "$1" = req ] || exec {real} "$@"
: >privkey.pem.tmp
: >fullchain.pem.tmp
"""


def test_a_certificate_that_a_full_disk_left_empty_is_none(
    cloned: Host, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As openssl does it: both files are made, nothing is in them, the exit code is 0."""
    openssl = tmp_path / "programs" / "openssl"
    openssl.parent.mkdir()
    openssl.write_text(FULL.format(real=shutil.which("openssl")))
    openssl.chmod(0o755)
    monkeypatch.setenv("PATH", f"{openssl.parent}:{os.environ['PATH']}")
    with pytest.raises(Trouble, match="make-certificate"):
        state.make_certificate(cloned, ["app.example"])
    assert [path.name for path in Path(cloned.server.root / "certs").iterdir()] == ["trust"]


def test_trust_is_the_systems_authorities_and_the_called_servers_certificate(cloned: Host) -> None:
    state.trust(cloned, "CERTIFICATE\n\n")
    bundle = Path(cloned.server.root / "certs/trust/ca-bundle.pem")
    assert bundle.read_text().endswith("CERTIFICATE\n")
    assert Path(cloned.server.root / "certs/trust/peer.pem").read_text() == "CERTIFICATE\n"
    assert mode(cloned.server.root / "certs/trust/ca-bundle.pem") == 0o644
    assert list(bundle.parent.glob("*.tmp")) == []


def test_the_settings_are_kept_and_come_back_readable_by_their_owner_only(cloned: Host) -> None:
    (Path(cloned.server.path) / ".env").chmod(0o644)
    state.keep_env(cloned, RECORD, [])
    kept = cloned.server.root / "releases/r1/env"
    assert (Path(kept).read_text(), mode(kept)) == ("A=1\n", 0o600)
    (Path(cloned.server.path) / ".env").write_text("A=2\n")
    state.restore_env(cloned, RECORD)
    assert (Path(cloned.server.path) / ".env").read_text() == "A=1\n"
    assert mode(cloned.server.path / ".env") == 0o600


def test_only_the_settings_that_are_needed_stay(cloned: Host) -> None:
    folder = Path(cloned.server.root / "releases")
    for name in ("r0", "r00", "r1", "r2"):
        (folder / name).mkdir(exist_ok=True)
        for file in ("env", "env.tmp", "release.json", "log"):
            (folder / name / file).write_text(f"{name}\n")
    state.keep_env(cloned, RECORD, ["r0"])
    assert sorted(str(path.relative_to(folder)) for path in folder.glob("*/env*")) == [
        "r0/env",
        "r1/env",
    ]
    assert (folder / "r0/env").read_text() == "r0\n"
    assert len(list(folder.glob("*/release.json"))) == len(list(folder.glob("*/log"))) == 4


def test_settings_that_cannot_be_kept_cost_no_others(cloned: Host) -> None:
    folder = Path(cloned.server.root / "releases")
    (folder / "r0").mkdir()
    (folder / "r0/env").write_text("A=0\n")
    (Path(cloned.server.path) / ".env").unlink()
    with pytest.raises(Trouble, match=r"failed with exit code 1$"):
        state.keep_env(cloned, RECORD, [])
    assert (folder / "r0/env").read_text() == "A=0\n"


def test_settings_that_are_the_same_are_not_written_again(cloned: Host) -> None:
    state.keep_env(cloned, RECORD, [])
    before = (Path(cloned.server.path) / ".env").stat().st_ino
    state.restore_env(cloned, RECORD)
    assert (Path(cloned.server.path) / ".env").stat().st_ino == before


def test_settings_that_were_never_kept_cannot_come_back_silently(cloned: Host) -> None:
    with pytest.raises(Trouble, match=r"^ubuntu: 'restore-env .*' failed with exit code 1$"):
        state.restore_env(cloned, release("r9"))
    assert (Path(cloned.server.path) / ".env").read_text() == "A=1\n"


def test_a_record_is_written_whole_and_read_by_its_owner_only(cloned: Host) -> None:
    state.write_release(cloned, RECORD)
    file = cloned.server.root / "releases/r1/release.json"
    assert Path(file).read_text() == RECORD.to_json() + "\n"
    assert mode(file) == 0o600


DIED = """#!/bin/sh
while [ "$1" != --since ]; do shift; done
[ "$2" \\> "$(cat "$0.died")" ] || echo web
"""


@pytest.mark.parametrize(("ago", "told"), [(0.0, ""), (-60.0, "web")])
def test_who_was_replaced_just_now_is_none_that_dies(
    cloned: Host, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ago: float, told: str
) -> None:
    """The engine tells what died since an instant, of the second of that instant too."""
    docker = tmp_path / "bin/docker"
    docker.parent.mkdir()
    docker.write_text(DIED)
    docker.chmod(0o755)
    monkeypatch.setenv("PATH", f"{docker.parent}:{os.environ['PATH']}")
    for _ in range(3):
        (docker.parent / "docker.died").write_text(f"{time.time() - ago:.9f}")
        assert compose.first_death(cloned, "app", 5) == told


def test_a_log_is_read_back_and_a_missing_one_is_empty(cloned: Host) -> None:
    state.write_log(cloned, RECORD, ["one", "two é"])
    assert state.read_log(cloned, RECORD) == "one\ntwo é\n"
    assert state.read_log(cloned, release("r9")) == ""
