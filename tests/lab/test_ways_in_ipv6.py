"""Addresses of IPv6: a server and its jump host are reached by them, and known by them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.lab.deployments import Pair, inventory
from tests.lab.full import full
from tests.lab.rig import Server
from tests.lab.rig.relay import delay
from tests.lab.test_ways_in import comes_in

pytest_plugins = ("tests.lab.deployed",)

ADDRESS = "fd00:77::12"


@contextmanager
def has_ipv6(server: Server, address: str) -> Iterator[None]:
    """The engine's networks have none; the kernel of its servers has."""
    settings = "sysctl -qw net.ipv6.conf.all.disable_ipv6="
    server.must(["sh", "-ec", f"{settings}0; ip -6 addr add {address}/64 dev eth0 nodad"])
    try:
        yield
    finally:
        server.must(["sh", "-c", f"{settings}1"])


@full
def test_by_the_loopback_address_and_a_port(pair: Pair, tmp_path: Path) -> None:
    with delay(("127.0.0.1", pair.montreal.ssh_port), 0, at="::1") as (host, port):
        place = {"host": host, "port": str(port)}
        hosts_ini = inventory(pair.operator.hosts_ini, tmp_path, "montreal", place)
        known = tmp_path / "known_hosts"
        door = f"[127.0.0.1]:{pair.montreal.ssh_port}"
        known.write_text(known.read_text().replace(door, f"[::1]:{port}"))
        comes_in(hosts_ini)


@full
def test_by_way_of_a_jump_host(pair: Pair, tmp_path: Path) -> None:
    with (
        has_ipv6(pair.ubuntu, "fd00:77::11"),
        has_ipv6(pair.montreal, ADDRESS),
        delay(("127.0.0.1", pair.ubuntu.ssh_port), 0, at="::1") as (host, port),
    ):
        gateway = f"ubuntu@[{host}]:{port}"
        place = {"host": ADDRESS, "port": "22", "gateway": gateway}
        hosts_ini = inventory(pair.operator.hosts_ini, tmp_path, "montreal", place)
        known = tmp_path / "known_hosts"
        text = known.read_text()
        for server, name in ((pair.ubuntu, f"[{host}]:{port}"), (pair.montreal, ADDRESS)):
            text = text.replace(f"[127.0.0.1]:{server.ssh_port}", name)
        known.write_text(text)
        comes_in(hosts_ini)
