"""SSH keys: what keeps one from being used without a person is named in one line."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    KeySerializationEncryption,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from fabfile.remote.access.keys import key_problem, loaded

KEY = Ed25519PrivateKey.generate()
PASSPHRASE = BestAvailableEncryption(b"a passphrase")


def openssh(encryption: KeySerializationEncryption) -> bytes:
    return KEY.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, encryption)


def problem(folder: Path, content: bytes) -> str:
    file = folder / "id"
    file.write_bytes(content)
    return key_problem(file)


def test_a_key_without_a_passphrase_has_no_problem(tmp_path: Path) -> None:
    assert problem(tmp_path, openssh(NoEncryption())) == ""


def test_a_key_is_read_once_and_another_one_in_its_place_anew(tmp_path: Path) -> None:
    assert problem(tmp_path, openssh(NoEncryption())) == ""
    first = loaded(tmp_path / "id")
    assert loaded(tmp_path / "id") is first
    other = Ed25519PrivateKey.generate()
    content = other.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption())
    (tmp_path / "id").write_bytes(content)
    os.utime(tmp_path / "id", ns=(1, 1))
    assert loaded(tmp_path / "id").asbytes() != first.asbytes()


def test_an_older_rsa_key_has_no_problem(tmp_path: Path) -> None:
    key = generate_private_key(65537, 2048)
    content = key.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption())
    assert problem(tmp_path, content) == ""


def test_a_key_with_a_passphrase_is_named_with_the_remedy(tmp_path: Path) -> None:
    remedy = (
        f"make one without: ssh-keygen -p -N '' -f {tmp_path}/id,"
        " or let a person be asked: passphrase = ask in hosts.ini"
    )
    assert problem(tmp_path, openssh(PASSPHRASE)) == (
        f"key {tmp_path}/id has a passphrase; {remedy}"
    )


def test_an_older_key_with_a_passphrase_is_named_alike(tmp_path: Path) -> None:
    key = generate_private_key(65537, 2048)
    content = key.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, PASSPHRASE)
    assert problem(tmp_path, content).startswith(f"key {tmp_path}/id has a passphrase; ")


def test_windows_line_ends_are_named_with_the_remedy(tmp_path: Path) -> None:
    content = openssh(NoEncryption()).replace(b"\n", b"\r\n")
    assert problem(tmp_path, content) == (
        f"key {tmp_path}/id has CRLF line ends; remove them: sed -i 's/\\r$//' {tmp_path}/id"
    )


def test_a_public_key_is_not_taken_for_a_private_one(tmp_path: Path) -> None:
    content = KEY.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH)
    assert problem(tmp_path, content) == (
        f"key {tmp_path}/id is a public key; name the private one"
    )


def test_a_key_that_does_not_exist_is_named(tmp_path: Path) -> None:
    assert key_problem(tmp_path / "id") == f"key {tmp_path}/id does not exist"


def test_a_folder_is_no_key(tmp_path: Path) -> None:
    assert key_problem(tmp_path) == f"key {tmp_path} cannot be read: Is a directory"


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\n",
        b"no key at all\n",
        b"-----BEGIN OPENSSH PRIVATE KEY-----\n",
        b"-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n-----END OPENSSH PRIVATE KEY-----\n",
        b"-----BEGIN RSA PRIVATE KEY-----\nAAAA\n-----END RSA PRIVATE KEY-----\n",
        b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n",
        bytes(range(256)).replace(b"\r", b""),
        openssh(NoEncryption())[:200],
    ],
)
def test_what_is_no_readable_key_is_named_and_never_a_traceback(
    tmp_path: Path, content: bytes
) -> None:
    found = problem(tmp_path, content)
    assert found.startswith(f"key {tmp_path}/id ")
    assert "\n" not in found


def test_no_problem_ever_holds_a_piece_of_the_key(tmp_path: Path) -> None:
    content = openssh(NoEncryption())
    body = content.splitlines()[2].decode()
    assert body not in problem(tmp_path, content.replace(b"BEGIN OPENSSH", b"BEGIN RSA"))
