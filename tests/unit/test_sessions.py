"""Several commands at once on one connection, where sshd gives few sessions or none."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from fabfile.model.errors import REFUSED, Trouble
from fabfile.ops.session import side_by_side
from fabfile.remote.host import Host
from fabfile.remote.lock import Lock

from .sshd import Sshd

TOLD = (
    "ubuntu: sshd gives no further session on this connection;"
    " MaxSessions in its sshd_config must be 2 or more (10 without that line)"
)


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
    """In place of the shell that nothing runs in."""
    host = opened(Sshd(2))
    with Lock(host, "somebody"):
        words = ["bash", "-c", "cat >/dev/null; echo done", "take"]
        for number in range(2):
            assert host.write(["echo", str(number)]).stdout == f"{number}\n"
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
        host.write(["true"])
        with pytest.raises(Trouble) as caught:
            host.pour(["true"], [], timeout=30)
    assert caught.value.message == TOLD
