"""What must be done to make a host a server: a pure function of a look at it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence

from ..inventory import Server
from . import engine
from .engine import ENGINE
from .firewall import Opening, firewall
from .folders import CLOSED
from .hardening import hardening, known_by_ecdsa
from .machine import Machine
from .setup import Setup, Step

PYTHON = {"ubuntu 22.04": "python3.11-venv"}
"""System → the package with a Python that cron.install can use, where it is not python3-venv."""
PROGRAMS = {
    "git": "git",
    "curl": "curl",
    "openssl": "openssl",
    "sudo": "sudo",
    "crontab": "cron",
    "iptables": "iptables",
    "ca-certificates": "ca-certificates",
    "unattended-upgrade": "unattended-upgrades",
}
"""What every server needs → its package. The rest is in every Debian."""
LOGS = {"log-driver": "json-file", "log-opts": {"max-size": "10m", "max-file": "3"}}
"""Settings of the engine for the logs of containers whose compose file says nothing of them."""
SSH = re.compile(r"ssh://(?:[^/@]+@)?([^/:@]+)(?::([0-9]+))?/.*|(?:[^/@:]+@)?([^/:@]+):(?!//).*")
"""Addresses of repositories that are asked over SSH: ``ssh://git@host:22/path``, ``host:path``."""


def programs(server: Server) -> dict[str, str]:
    """Program → Debian's package, of what the tasks need on this server."""
    found = {**PROGRAMS, server.compression: server.compression}
    if server.open_ports:
        found["nft"] = "nftables"
    if server.offsite.recipient:
        found["age"] = "age"
    if server.domains:
        found["certbot"] = "certbot"
    return found


def forge(repository: str) -> str:
    """The server that is asked for a repository over SSH, as ``known_hosts`` names it; or empty."""
    found = SSH.fullmatch(repository)
    if not found:
        return ""
    name, port = found[1] or found[3], found[2] or "22"
    return name if port == "22" else f"[{name}]:{port}"


def decide(
    server: Server,
    machine: Machine,
    key: str,
    pinned: Sequence[str] = (),
    opened: Sequence[Opening] = (),
    host_keys: Sequence[str] = (),
) -> Setup:
    """The steps from what a host has to what a server needs.

    ``key``: the public half of the key in ``hosts.ini``, a line of ``authorized_keys``.
    ``pinned``: the host keys of the repository's server that are known here, lines of
    ``known_hosts``. ``opened``: what the servers of this host leave open, itself among them.
    ``host_keys``: the kinds of its own host keys that are known here.
    """
    refusals = list(_unknown(opened))
    steps = [
        *_account(server, machine, key),
        *_daemon(machine, refusals),
        *_packages(server, machine, refusals),
        *_services(machine),
        *_rights(server, machine),
        *_folders(server, machine),
        *_repository(server, machine, pinned),
        *hardening(machine, host_keys),
        *([] if refusals or not server.open_ports else firewall(opened, machine)),
    ]
    notes = [*_notes(server, machine, pinned)]
    if known_by_ecdsa(host_keys):
        notes.append(
            "known_hosts has only an ECDSA host key of it, so sshd keeps that weak kind; take its"
            f" line out, fab hosts.pin {server.name}, then run this again"
        )
    return Setup(tuple(steps), tuple(notes), tuple(refusals))


def _unknown(opened: Sequence[Opening]) -> Iterator[str]:
    for one in opened:
        try:
            one.sources()
        except ValueError as error:
            yield f"the firewall knows callers by address only: {error}; set their 'address'"


def _account(server: Server, machine: Machine, key: str) -> Iterator[Step]:
    user = server.user
    if not machine.home:
        yield Step("user", f"user {user}", "there is none", (user,))
    if not any(_blob(key) in line.split() for line in machine.keys):
        title = f"key {server.key.name} for {user}"
        yield Step("login-key", title, "not in its authorized_keys", (user, key))


def _blob(key: str) -> str:
    return key.split()[1]


def _daemon(machine: Machine, refusals: list[str]) -> Iterator[Step]:
    """Limits for logs, beside whatever else stands there; whoever has set a driver keeps it."""
    try:
        there = json.loads(machine.daemon or "{}")
    except ValueError:
        there = None
    if not isinstance(there, dict):
        refusals.append("/etc/docker/daemon.json is not an object of JSON; mend it there")
        return
    if {*LOGS} & {*there}:
        return
    restart = bool(machine.engine) and not machine.containers
    reason = "the logs of containers may grow without end"
    if machine.containers:
        reason += f"; holds from the engine's next start on: {machine.containers} containers run"
    text = json.dumps({**there, **LOGS}, indent=2) + "\n"
    words = ("yes" if restart else "no",)
    yield Step("log-rotation", "log rotation in /etc/docker/daemon.json", reason, words, text)


def _packages(server: Server, machine: Machine, refusals: list[str]) -> Iterator[Step]:
    needed = programs(server)
    missing = [package for name, package in needed.items() if name not in machine.there]
    if "python" not in machine.there:
        missing.append(PYTHON.get(machine.system, "python3-venv"))
    if machine.clock == "no" and "timesyncd" not in machine.there:
        missing.append("systemd-timesyncd")
    if machine.system not in ENGINE:
        known = ", ".join(ENGINE)
        refusals.append(f"it is {machine.system or 'an unknown system'}, and this is for {known}")
        return
    refusals.extend(engine.refusals(server, machine))
    own = engine.needed(server, machine)
    yield from engine.repository(machine, own)
    missing[:0] = own
    if missing:
        yield Step("packages", f"packages {' '.join(missing)}", "missing", tuple(missing))


def _services(machine: Machine) -> Iterator[Step]:
    stopped = [
        name for name, runs in (("docker", machine.engine), ("cron", machine.cron)) if not runs
    ]
    if stopped:
        title = f"service{'s'[: len(stopped) > 1]} {' and '.join(stopped)}"
        yield Step("services", title, "not running", tuple(stopped))


def _rights(server: Server, machine: Machine) -> Iterator[Step]:
    user = server.user
    if user == "root":
        return
    if not machine.sudo:
        yield Step("sudoer", f"sudo for {user}", "may not use it without a password", (user,))
    if "docker" not in machine.groups:
        yield Step("group", f"group docker for {user}", "may not use the engine", (user,))


def _folders(server: Server, machine: Machine) -> Iterator[Step]:
    for path in (str(server.path), str(server.root)):
        found = machine.folders.get(path)
        reason = ""
        if found is None:
            reason = "there is none"
        elif found.owner != server.user:
            reason = f"belongs to {found.owner}"
        elif found.mode != CLOSED:
            reason = f"has mode {found.mode:o}, not {CLOSED:o}"
        if reason:
            yield Step("folder", f"folder {path}", reason, (server.user, path))


def _repository(server: Server, machine: Machine, pinned: Sequence[str]) -> Iterator[Step]:
    at = forge(server.repository)
    if not at:
        return
    if not machine.deploy_key:
        reason = f"{server.user} has no SSH key of its own for {at}"
        words = (server.user, f"{server.user}@{server.name}")
        yield Step("deploy-key", "deploy key", reason, words)
    if pinned and not machine.forge:
        reason = f"not in {server.user}'s known_hosts"
        text = "".join(f"{line}\n" for line in pinned)
        yield Step("forge", f"host key of {at}", reason, (server.user,), text)


def _notes(server: Server, machine: Machine, pinned: Sequence[str]) -> Iterator[str]:
    """What is left for a person, once the host can ask for the repository."""
    yield from engine.notes(server, machine)
    at = forge(server.repository)
    if at and not machine.forge and not pinned:
        yield (
            f"the server does not know the host key of {at}: add it to known_hosts beside"
            " hosts.ini, once compared with what it says of itself, and run this again"
        )
    if server.open_ports and machine.ufw:
        ports = " ".join(f"{port}/tcp" for port in server.open_ports)
        yield f"ufw is active here and stays; of open_ports ({ports}) nothing is set up beside it"
    if machine.repository in ("", "yes"):
        return
    yield f"git cannot read {server.repository}: {machine.repository}"
    if at and machine.deploy_key:
        yield f"if it is private, give it this deploy key, for reading: {machine.deploy_key}"
