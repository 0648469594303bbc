"""Several commands at once on one connection, where sshd gives few sessions or none."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path, PurePosixPath

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from paramiko import ECDSAKey

from fabfile.model.errors import REFUSED, Trouble
from fabfile.ops.session import side_by_side
from fabfile.remote.access.connect import connect
from fabfile.remote.host import Host
from fabfile.remote.lock import Lock
from tests.unit.builders import SERVER

from .sshd import Sshd, listening

TOLD = (
    "ubuntu: sshd gives no further session on this connection;"
    " MaxSessions in its sshd_config must be 2 or more (10 without that line)"
)


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[Callable[[Sshd], Host]]:
    """Connects to a server that gives so many sessions."""
    secret = Ed25519PrivateKey.generate()
    form = (Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption())
    (tmp_path / "id").write_bytes(secret.private_bytes(*form))
    (tmp_path / "root/locks").mkdir(parents=True)
    key = ECDSAKey.generate()
    with ExitStack() as stack:

        def to(sshd: Sshd) -> Host:
            port = stack.enter_context(listening(key, sshd))
            known = tmp_path / "known_hosts"
            known.write_text(f"[127.0.0.1]:{port} {key.get_name()} {key.get_base64()}\n")
            found = replace(
                SERVER,
                host="127.0.0.1",
                port=port,
                key=tmp_path / "id",
                known_hosts=known,
                root=PurePosixPath(tmp_path / "root"),
            )
            host = connect(found)
            stack.callback(host.close)
            return host

        yield to


@pytest.mark.parametrize("number", [2, 3, 10])
def test_commands_wait_for_each_other_where_sessions_are_few(
    opened: Callable[[Sshd], Host], number: int
) -> None:
    sshd = Sshd(number)
    host = opened(sshd)
    with Lock(host, "somebody"):
        answers = side_by_side(
            lambda at: host.write(["bash", "-c", 'echo "$1"', "echo", str(at)]).stdout, range(6)
        )
    assert answers == {at: f"{at}\n" for at in range(6)}
    assert 2 <= sshd.most <= number


def test_bytes_stream_where_sessions_are_few(opened: Callable[[Sshd], Host]) -> None:
    host = opened(Sshd(2))
    with Lock(host, "somebody"):
        words = ["bash", "-c", "cat >/dev/null; echo done", "take"]
        assert host.pour(words, [b"x" * 100_000], timeout=30).stdout == "done\n"


def test_one_session_is_refused_before_the_first_change(opened: Callable[[Sshd], Host]) -> None:
    host = opened(Sshd(1))
    assert host.read(["echo", "read"]).stdout == "read\n"
    with pytest.raises(Trouble) as caught, Lock(host, "somebody"):
        raise AssertionError("the lock was given")
    assert (caught.value.message, caught.value.code) == (TOLD, REFUSED)
    assert host.turn is None
    assert not Path(host.server.root / "locks/holder").exists(), "the lock is free again"


def test_a_server_that_gives_no_session_is_one_line(opened: Callable[[Sshd], Host]) -> None:
    with pytest.raises(Trouble) as caught:
        opened(Sshd(0)).read(["true"])
    assert caught.value.message == TOLD


def test_sessions_that_are_given_no_more_in_the_middle_are_one_line(
    opened: Callable[[Sshd], Host],
) -> None:
    sshd = Sshd(10)
    host = opened(sshd)
    with Lock(host, "somebody"):
        host.write(["true"])
        sshd.sessions = 0
        with pytest.raises(Trouble) as caught:
            host.write(["true"])
    assert caught.value.message == TOLD
