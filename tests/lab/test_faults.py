"""Each fault is real while its block lasts, and gone after it."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator

import pytest

from tests.lab.full import full
from tests.lab.rig import Lab, LabError, Server

RUNNING = "docker inspect --format '{{.State.Running}} {{.RestartCount}}' keeper"


@pytest.fixture
def ubuntu(lab: Lab) -> Server:
    return lab.server("ubuntu")


@pytest.fixture
def montreal(lab: Lab) -> Server:
    return lab.server("montreal")


@pytest.fixture
def keeper(ubuntu: Server) -> Iterator[Server]:
    """Ubuntu with a container that its engine starts again after every boot."""
    run = "docker run -d --name keeper --restart always -p 8001:6379 redis:7.4.6-alpine"
    ubuntu.must(["sh", "-c", f"docker rm -f keeper 2>/dev/null; {run}"])
    yield ubuntu
    ubuntu.must(["docker", "rm", "-f", "keeper"])


def reaches(one: Server, other: Server, port: int) -> str:
    """What a connection from one server to a port of another meets."""
    script = f"exec 3<>/dev/tcp/{other.address}/{port} && echo open"
    done = one.exec(["timeout", "2", "bash", "-c", script])
    if done.returncode == 124:
        return "silence"
    return "open" if done.stdout == "open\n" else done.stderr.strip().rpartition(": ")[2]


def keeper_runs(server: Server) -> bool:
    return server.exec(["sh", "-c", RUNNING]).stdout.startswith("true")


def until_keeper_runs(server: Server) -> None:
    end = time.monotonic() + 20
    while not keeper_runs(server):
        assert time.monotonic() < end, "the container did not come back"
        time.sleep(0.2)


def test_a_partitioned_server_is_gone_and_comes_back_at_its_address(
    ubuntu: Server, montreal: Server
) -> None:
    with ubuntu.partition():
        assert not ubuntu.answers_ssh()
        assert reaches(montreal, ubuntu, 22) != "open"
        assert ubuntu.answers_docker()
    assert ubuntu.answers_ssh()
    assert reaches(montreal, ubuntu, 22) == "open"


def test_a_severed_link_leaves_the_way_to_the_operator(ubuntu: Server, montreal: Server) -> None:
    with ubuntu.severed(montreal.address):
        assert reaches(ubuntu, montreal, 22) == "silence"
        assert reaches(montreal, ubuntu, 22) == "silence"
        assert ubuntu.answers_ssh()
    assert reaches(ubuntu, montreal, 22) == "open"


@pytest.mark.parametrize("port", [22, 8001], ids=["of the host", "of a container"])
def test_a_dropped_port_hangs_and_a_reset_one_refuses(
    keeper: Server, montreal: Server, port: int
) -> None:
    with keeper.dropping(port):
        assert reaches(montreal, keeper, port) == "silence"
    with keeper.resetting(port):
        assert reaches(montreal, keeper, port) == "Connection refused"
    assert reaches(montreal, keeper, port) == "open"


def test_what_was_connected_to_a_port_that_is_cut_off_hears_nothing(ubuntu: Server) -> None:
    with socket.create_connection(("127.0.0.1", ubuntu.ssh_port), timeout=1) as connection:
        assert connection.recv(4) == b"SSH-"
        connection.recv(1024)
        with ubuntu.cut_off(22):
            connection.sendall(b"SSH-2.0-nobody\r\n")
            with pytest.raises(TimeoutError):
                connection.recv(1)
            assert reaches(ubuntu, ubuntu, 22) == "silence"
    assert ubuntu.answers_ssh()


def test_a_paused_server_hangs_with_its_containers(keeper: Server, montreal: Server) -> None:
    ask = f"exec 3<>/dev/tcp/{keeper.address}/8001 && echo PING >&3 && head -c 5 <&3"
    with keeper.paused():
        assert not keeper.answers_ssh()
        assert montreal.exec(["timeout", "2", "bash", "-c", ask]).stdout == ""
    assert montreal.exec(["timeout", "2", "bash", "-c", ask]).stdout == "+PONG"


def test_after_a_loss_of_power_disk_and_containers_are_back(keeper: Server) -> None:
    keeper.must(["sh", "-c", "echo kept >/opt/mark && sync /opt/mark"])
    with keeper.powered_off():
        assert not keeper.answers_ssh()
    assert keeper.must(["cat", "/opt/mark"]) == "kept\n"
    until_keeper_runs(keeper)
    keeper.must(["rm", "/opt/mark"])


@full
def test_after_a_reboot_disk_and_containers_are_back(keeper: Server) -> None:
    keeper.must(["sh", "-c", "echo kept >/opt/mark; touch /run/gone"])
    before = keeper.must(["stat", "-c", "%Z", "/proc/1"])
    keeper.reboot()
    assert keeper.must(["cat", "/opt/mark"]) == "kept\n"
    assert keeper.must(["stat", "-c", "%Z", "/proc/1"]) != before
    until_keeper_runs(keeper)
    keeper.must(["rm", "/opt/mark"])


@full
def test_a_restarted_engine_brings_its_containers_back(keeper: Server) -> None:
    before = keeper.must(["pidof", "dockerd"])
    keeper.restart_engine()
    assert keeper.must(["pidof", "dockerd"]) != before
    until_keeper_runs(keeper)


def test_a_slow_link_is_slow_both_ways(ubuntu: Server, montreal: Server) -> None:
    """At 1 Mbit/s, 250 kB take about two seconds."""
    ways = [(ubuntu, montreal), (montreal, ubuntu)]
    with ubuntu.slow("1mbit"):
        slow = [seconds_to_send(sender, receiver) for sender, receiver in ways]
    fast = [seconds_to_send(sender, receiver) for sender, receiver in ways]
    assert min(slow) > 1.2, slow
    assert max(fast) < 1, fast


RECEIVE = """
import socket
connection = socket.create_server(("", 7777)).accept()[0]
while connection.recv(65536):
    pass
connection.sendall(b"!")
"""
SEND = """
import socket, sys, time
while True:
    try:
        connection = socket.create_connection((sys.argv[1], 7777))
        break
    except ConnectionRefusedError:
        time.sleep(0.05)
start = time.monotonic()
connection.sendall(bytes(250_000))
connection.shutdown(socket.SHUT_WR)
assert connection.recv(1) == b"!"
print(time.monotonic() - start)
"""


def seconds_to_send(sender: Server, receiver: Server) -> float:
    receiver.must(["sh", "-c", 'python3 -c "$1" >/dev/null 2>&1 &', "sh", RECEIVE])
    return float(sender.must(["timeout", "20", "python3", "-c", SEND, receiver.address]))


def test_a_delayed_port_answers_later_by_the_round_trip(ubuntu: Server) -> None:
    with ubuntu.delayed(300) as address:
        far = seconds_to_greeting(address)
    near = seconds_to_greeting(("127.0.0.1", ubuntu.ssh_port))
    assert 0.3 <= far - near < 0.7
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(address, timeout=2)


def seconds_to_greeting(address: tuple[str, int]) -> float:
    start = time.monotonic()
    with socket.create_connection(address, timeout=5) as connection:
        assert connection.recv(4) == b"SSH-"
    return time.monotonic() - start


def test_a_full_disk_takes_no_byte_and_is_free_again(ubuntu: Server) -> None:
    write = ["dd", "if=/dev/zero", "of=/opt/x", "bs=64k", "count=16", "conv=fsync"]
    with ubuntu.full_disk("/opt"):
        done = ubuntu.exec(write, user="root")
        assert "No space left on device" in done.stderr
        assert ubuntu.exec(["docker", "create", "redis:7.4.6-alpine"]).returncode != 0
    assert ubuntu.exec(write, user="root").returncode == 0
    ubuntu.must(["rm", "/opt/x"])


def test_a_nearly_full_disk_has_what_was_asked_for(ubuntu: Server) -> None:
    with ubuntu.full_disk("/home/ubuntu", free=300_000_000):
        left = int(ubuntu.must(["df", "--output=avail", "-B1", "/opt"]).split()[-1])
    assert 299_000_000 < left < 301_000_000


def test_what_is_not_on_the_disk_cannot_fill_it(ubuntu: Server) -> None:
    expected = "/etc is not on a disk of the server's own"
    with pytest.raises(LabError, match=expected), ubuntu.full_disk("/etc"):
        pass
