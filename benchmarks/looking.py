"""``fab status`` over fifty servers, beside pyinfra and Ansible asking each for less."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from tests.lab.deployments import FAB

from . import report
from .fleet import Servers, servers
from .tools import PEERS, install, program, run, versions

ASKED = 'docker ps && git -C "$CHECKOUT" rev-parse HEAD'
"""What the others ask of a server, in one command: the least that tells what runs there."""


def measure(number: int, rounds: int) -> None:
    """Measure by turns, and write the section of the page."""
    install()
    with tempfile.TemporaryDirectory() as made, servers(Path(made), number) as there:
        tools: dict[str, Callable[[Servers], str]] = {
            "`fab status`": _ours,
            "pyinfra `exec`": _pyinfra,
            "Ansible `raw`": _ansible,
        }
        seconds: dict[str, list[float]] = {name: [] for name in tools}
        for _ in range(rounds):
            for name, look in tools.items():
                seconds[name].append(_timed(look, there))
    ours = sorted(seconds["`fab status`"])[rounds // 2]
    rows = [
        [name, f"{report.told(took)} s", f"{sorted(took)[rounds // 2] / ours:.2f} times as long"]
        for name, took in seconds.items()
    ]
    text = (
        f"{report.machine()}. {number} servers; median of {rounds} (range), by turns. {versions()}."
    )
    table = report.table(("what", "measured", "beside `fab status`"), rows)
    report.write("looking", f"{text}\n\n{table}")


def _timed(look: Callable[[Servers], str], there: Servers) -> float:
    """Seconds of one look; RuntimeError where it did not hear of every server."""
    start = time.monotonic()
    said = look(there)
    took = time.monotonic() - start
    if missing := [name for name in there.names if name not in said]:
        raise RuntimeError(f"{len(missing)} servers are not told of:\n{said[-2000:]}")
    return took


def _ours(there: Servers) -> str:
    said = run([str(FAB), "status"], PEERS.parent.parent, {"HOSTS_INI": str(there.hosts_ini)})
    _whole(said.count("] ok "), there, said)
    return said


def _pyinfra(there: Servers) -> str:
    inventory = there.folder / "inventory.py"
    shared = {
        "ssh_hostname": "127.0.0.1",
        "ssh_user": there.user,
        "ssh_key": str(there.folder / "id"),
        "ssh_known_hosts_file": str(there.folder / "known_hosts"),
        "ssh_strict_host_key_checking": "yes",
        "ssh_allow_agent": False,
        "ssh_look_for_keys": False,
    }
    pairs = zip(there.names, there.ports, strict=True)
    listed = [(name, {**shared, "ssh_port": port}) for name, port in pairs]
    inventory.write_text(f"servers = {listed!r}\n", encoding="utf-8")
    said = run([program("pyinfra"), "-y", str(inventory), "exec", "--", ASKED], there.folder, {})
    _whole(said.count("proxy running"), there, said)
    return said


def _ansible(there: Servers) -> str:
    inventory = there.folder / "inventory"
    options = f"-o UserKnownHostsFile={there.folder}/known_hosts -o IdentitiesOnly=yes"
    lines = [
        f"{name} ansible_host=127.0.0.1 ansible_port={port} ansible_user={there.user}"
        f" ansible_ssh_private_key_file={there.folder}/id ansible_ssh_common_args='{options}'\n"
        for name, port in zip(there.names, there.ports, strict=True)
    ]
    inventory.write_text("".join(lines), encoding="utf-8")
    environment = {
        "ANSIBLE_CONFIG": str(PEERS / "ansible.cfg"),
        "ANSIBLE_HOME": str(there.folder / "ansible"),
        # One command a server: a connection that is kept has nobody to wait for.
        "ANSIBLE_SSH_ARGS": "-o ControlMaster=no",
    }
    words = [program("ansible"), "all", "-i", str(inventory), "-f", str(len(there.ports))]
    said = run([*words, "-m", "raw", "-a", ASKED], there.folder, environment)
    _whole(said.count("proxy running"), there, said)
    return said


def _whole(number: int, there: Servers, said: str) -> None:
    """RuntimeError unless each server has answered."""
    if number < len(there.ports):
        raise RuntimeError(f"only {number} servers answered:\n{said[-2000:]}")
