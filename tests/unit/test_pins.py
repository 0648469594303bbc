"""Host keys: what a server shows, as ssh-keygen tells it, and how it is added to known_hosts."""

from __future__ import annotations

import socket
import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import pytest
from paramiko import ECDSAKey

from fabfile.model.errors import FAILED, REFUSED, Trouble
from fabfile.remote.access import pins
from fabfile.remote.access.hops import Hop

from .builders import SERVER
from .sshd import Sshd, listening


def hop(host: str, port: int, known: Path = SERVER.known_hosts) -> Hop:
    return Hop(replace(SERVER, known_hosts=known), host, port, "ubuntu", SERVER.key)


@pytest.fixture
def listens() -> Iterator[Callable[[], tuple[int, str]]]:
    """Starts a server; gives its port, and its key as known_hosts would have it."""
    with ExitStack() as stack:

        def start() -> tuple[int, str]:
            key = ECDSAKey.generate()
            port = stack.enter_context(listening(key, Sshd(1)))
            return port, f"{key.get_name()} {key.get_base64()}"

        yield start


def test_the_fingerprint_is_the_one_that_ssh_keygen_shows(tmp_path: Path) -> None:
    key = tmp_path / "key"
    words = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(key)]
    subprocess.run(words, check=True)
    kind, text, *_ = key.with_suffix(".pub").read_text().split()
    known = tmp_path / "known_hosts"
    known.write_text(f"192.0.2.7 {kind} {text}\n")
    found = pins.pinned(hop("192.0.2.7", 22, known))
    told = subprocess.run(
        ["ssh-keygen", "-lf", str(key)], capture_output=True, text=True, check=True
    ).stdout
    assert found[kind].fingerprint == told.split()[1]
    assert (found[kind].kind, found[kind].text) == (kind, f"{kind} {text}")
    assert found[kind].told == "ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub"


def test_a_key_that_a_server_shows_is_pinned_beside_the_others(tmp_path: Path) -> None:
    known = tmp_path / "known_hosts"
    known.write_text("# mine\nother ssh-rsa AAAA")
    known.chmod(0o644)
    key = pins.HostKey("ssh-ed25519", "ssh-ed25519 AAAAC3", "SHA256:x")
    pins.pin(hop("192.0.2.7", 2222, known), key)
    text = "# mine\nother ssh-rsa AAAA\n[192.0.2.7]:2222 ssh-ed25519 AAAAC3\n"
    assert (known.read_text(), known.stat().st_mode & 0o777) == (text, 0o644)
    assert [file.name for file in tmp_path.iterdir()] == ["known_hosts"]


def test_a_first_key_makes_the_file(tmp_path: Path) -> None:
    known = tmp_path / "known_hosts"
    pins.pin(hop("192.0.2.7", 22, known), pins.HostKey("ssh-rsa", "ssh-rsa AAAA", "SHA256:x"))
    assert known.read_text() == "192.0.2.7 ssh-rsa AAAA\n"


def test_a_file_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    there = hop("192.0.2.7", 22, tmp_path / "none" / "known_hosts")
    with pytest.raises(Trouble, match=r"known_hosts cannot be written: ") as caught:
        pins.pin(there, pins.HostKey("ssh-rsa", "ssh-rsa AAAA", "SHA256:x"))
    assert caught.value.code == FAILED


def test_what_nobody_answers_is_one_line() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with pytest.raises(Trouble) as caught:
        pins.fetch(hop("127.0.0.1", port), ())
    assert caught.value.code == REFUSED
    assert caught.value.message == (
        f"ubuntu: 127.0.0.1:{port} shows no host key ([Errno 111] Connection refused);"
        " is the host up?"
    )


def test_a_server_shows_its_key_to_who_does_not_log_in(
    listens: Callable[[], tuple[int, str]],
) -> None:
    port, text = listens()
    found = pins.fetch(hop("127.0.0.1", port), ())
    assert found.text == text
    assert found.kind == "ecdsa-sha2-nistp256"
    assert found.told == "ssh-keygen -lf /etc/ssh/ssh_host_ecdsa_key.pub"
