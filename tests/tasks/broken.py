"""What breaks each check of doctor on a simulated server, and the line that is shown then."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, NamedTuple

from cryptography.hazmat.primitives.asymmetric import ed25519, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
)

from fabfile.model.errors import refused

from .fakes import application
from .fakes.engine import Ended
from .fakes.fleet import Fleet
from .fakes.machine import CHECKOUT, ROOT
from .shelves import with_database

Break = Callable[[Fleet], object]


def model(name: str = "web", **raw: Any) -> str:
    """The stack of ubuntu, where one service says more."""
    stack = json.loads(json.dumps(application.UBUNTU))
    stack["services"][name] |= raw
    return json.dumps(stack)


def asking(*test: str) -> Break:
    return lambda fleet: fleet.origin.commit(
        "Another", {"compose/ubuntu.yml": model(healthcheck={"test": list(test)})}
    )


def saying(**raw: Any) -> Break:
    return lambda fleet: fleet.origin.commit("Another", {"compose/ubuntu.yml": model(**raw)})


def examined(**seen: Any) -> Break:
    def breaks(fleet: Fleet) -> None:
        for name, value in seen.items():
            setattr(fleet.ubuntu.examined, name, value)

    return breaks


def machine(**values: Any) -> Break:
    def breaks(fleet: Fleet) -> None:
        for name, value in values.items():
            setattr(fleet.ubuntu, name, value)

    return breaks


def unreachable(about: str) -> Break:
    why = refused("ubuntu: not to be worked with; do that", about=about)
    return lambda fleet: fleet.unreachable.update(ubuntu=why)


def key(size: int = 0, mode: int = 0o600) -> Break:
    """The operator's private key: RSA of so many bits, or of another kind."""
    made = rsa.generate_private_key(65537, size) if size else ed25519.Ed25519PrivateKey.generate()

    def breaks(fleet: Fleet) -> None:
        file = fleet.hosts.with_name("id")
        pem = made.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption())
        file.write_bytes(pem)
        file.chmod(mode)

    return breaks


def kept(fleet: Fleet) -> None:
    fleet.ubuntu.files[f"{ROOT}/releases/20260101T000000Z-0/env"] = "A=1"


def undeployable(fleet: Fleet) -> None:
    fleet.ubuntu.engine.networks["app-network"] = "theirs"


def torn(fleet: Fleet) -> None:
    fleet.ubuntu.files[f"{ROOT}/releases/20260101T000000Z-0/release.json"] = '{"id":'


def strange(fleet: Fleet) -> None:
    fleet.ubuntu.listening.add(5432)
    fleet.open.add(5432)


def unchecked(fleet: Fleet) -> None:
    fleet.ubuntu.engine.containers["app-web"].health = ""


def with_data(fleet: Fleet) -> None:
    fleet.origin.commit("A database", {"compose/ubuntu.yml": with_database()})


def built_nowhere(fleet: Fleet) -> None:
    text = fleet.hosts.read_text()
    fleet.hosts.write_text(text.replace("[ubuntu]\n", "[ubuntu]\nbuilder = montreal\n"))
    fleet.montreal.builds.platform = ""


class Red(NamedTuple):
    """A check that is made red."""

    breaks: Break
    line: str
    """What is shown; of one that ends with a blank, its beginning."""


ANSWERS = "there 1 MB in 5.0 s, 0.2 MB/s; back 1 MB in 0.1 s, 9.9 MB/s"
RED: dict[str, Red] = {
    "key: others can read it": Red(
        key(mode=0o644),
        "warn key: others can read {id} (mode 644): chmod 600 {id}",
    ),
    "key: too short": Red(
        key(size=1024),
        "warn key: {id} is RSA of 1024 bits, which can be broken: ssh-keygen -t ed25519 -f NEW,"
        " then ssh-copy-id -i NEW.pub ubuntu@10.0.0.1",
    ),
    **{
        f"{about}: of a connection": Red(
            unreachable(about),
            f"fail {about}: not to be worked with; do that",
        )
        for about in ("key", "host key", "login", "login shell", "sessions")
    },
    "login: nobody says why": Red(unreachable(""), "fail login: not to be worked with; do that"),
    "sessions": Red(
        examined(sessions="1"),
        "fail sessions: sshd allows 1 session on a connection; set MaxSessions in its sshd_config"
        " to 2 or more (10 without that line)",
    ),
    "user": Red(
        examined(socket="666"),
        "warn user: every user of the server may use Docker, and so is root there (docker.sock has"
        " mode 666): sudo chmod 660 /var/run/docker.sock",
    ),
    "sudo": Red(
        machine(sudo=False),
        "warn sudo: ubuntu may not use it without a password, so no task can make folders, set the"
        " firewall or give files back: allow it in /etc/sudoers.d, as fab ubuntu.bootstrap does",
    ),
    "folders": Red(
        lambda fleet: fleet.ubuntu.modes.update({ROOT: "775"}),
        f"warn folders: folders with a mode that is not theirs: {ROOT} (775); a deploy corrects"
        " them",
    ),
    "local users": Red(
        machine(reach="subnet=app|172.18.0.0/16\n"),
        "warn local users: every user of this server reaches the containers of 172.18.0.0/16; a"
        " deploy closes them where there is iptables, and sudo without a password",
    ),
    "programs": Red(
        machine(missing_programs=("git",)),
        "fail programs: missing on the server: git; install: sudo apt-get install git",
    ),
    "engine's kind: rootless": Red(
        examined(security="name=rootless"),
        "warn engine's kind: the engine is rootless: the proxy sees all clients at one address, so"
        " limits and lists of addresses do not hold: use the engine of the system",
    ),
    "engine's kind: user namespaces": Red(
        examined(security="name=seccomp,profile=builtin name=userns"),
        "warn engine's kind: the engine maps users (userns-remap), so containers cannot read what"
        f" is closed below {ROOT}: take it out of /etc/docker/daemon.json",
    ),
    "builder": Red(
        built_nowhere,
        "fail builder: montreal cannot build for it: no Docker engine answers there"
        " (Cannot connect)",
    ),
    "compose": Red(
        machine(compose="2.19.0"),
        "fail compose: docker compose is missing or older than 2.20; install the docker compose"
        " plugin",
    ),
    "disk: too little": Red(
        machine(free=5 << 20),
        "fail disk: disk / has 5 MiB free, a deploy needs 1024 MiB; free some space"
        " (fab ubuntu.prune, old backups)",
    ),
    "disk: filling": Red(
        machine(free=3 << 30),
        "warn disk: disk / is 94% full: free some space (fab ubuntu.prune, old backups)",
    ),
    "inodes: too few": Red(
        examined(inodes=900),
        "fail inodes: disk / can take 900 files more, a deploy needs 10000: remove many small ones"
        " (fab ubuntu.prune, caches; df -i shows it)",
    ),
    "inodes: few": Red(
        examined(inodes=60_000),
        "warn inodes: disk / has 2% of its inodes left: remove many small files (df -i shows it)",
    ),
    "memory": Red(
        saying(deploy={"replicas": 1, "resources": {"reservations": {"memory": str(5 << 30)}}}),
        "warn memory: the services reserve 5120 MiB, the server has 4096 MiB: more memory, fewer"
        " replicas or smaller reservations",
    ),
    "cpus": Red(
        saying(deploy={"resources": {"limits": {"cpus": "8"}}}),
        "fail cpus: web is limited to 8 CPUs, this server has 4; lower the limit in .env",
    ),
    "clone": Red(
        machine(clone="shallow\0\0"),
        f"fail clone: {CHECKOUT} is a shallow clone, which lacks commits; run on the server: git -C"
        f" {CHECKOUT} fetch --unshallow",
    ),
    "stack": Red(
        saying(image="${NAME:?set NAME}"),
        "fail stack: compose refuses compose/ubuntu.yml: ",
    ),
    "names": Red(
        undeployable,
        "fail names: network app-network is of project theirs, and compose refuses it; nothing was"
        " stopped. It is made anew after: docker rm -f ",
    ),
    "health checks: localhost": Red(
        asking("CMD-SHELL", "curl -fsS http://localhost:80/ || exit 1"),
        "warn health checks: the health check of web asks localhost, which may mean ::1, where"
        " nothing listens: ask 127.0.0.1",
    ),
    "health checks: wget --spider": Red(
        asking("CMD", "wget", "-q", "--spider", "http://127.0.0.1/"),
        "warn health checks: the health check of web asks with HEAD (wget --spider), which many"
        " applications refuse: ask with GET, wget -qO /dev/null",
    ),
    "health checks: curl -I": Red(
        asking("CMD-SHELL", "curl -fsI http://127.0.0.1/"),
        "warn health checks: the health check of web asks with HEAD (curl -fsI), which many"
        " applications refuse: ask with GET, curl -fsS -o /dev/null",
    ),
    "health checks: missing": Red(
        unchecked,
        "warn health checks: web has no health check, so it counts as well while its process"
        " lives: give it a healthcheck in its compose file",
    ),
    ".env": Red(
        machine(env_stat="root|600"),
        f"fail .env: {CHECKOUT}/.env belongs to root; run: sudo chown ubuntu {CHECKOUT}/.env",
    ),
    "former .env: kept": Red(
        kept,
        "warn former .env: secrets of former releases that no rollback needs: rm"
        f" {ROOT}/releases/20260101T000000Z-0/env",
    ),
    "records": Red(
        torn,
        "warn records: cannot be read, and counts as not there: releases/20260101T000000Z-0",
    ),
    "firewall": Red(
        strange,
        "warn firewall: port 5432 of a process is reached from here, and neither the stack nor"
        " open_ports in hosts.ini names it: close it in the provider's firewall, or have it listen"
        " at 127.0.0.1",
    ),
    "packets": Red(
        examined(mtu=1450),
        "warn packets: network app-network sends packets of 1500 bytes, eth0 takes 1450: large ones"
        ' may get lost; under networks: driver_opts: {com.docker.network.driver.mtu: "1450"}',
    ),
    "link: red": Red(
        lambda fleet: fleet.ubuntu.fail("^docker exec", ended=Ended(1, "https://x: 503")),
        "fail link: https://x: 503",
    ),
    "link: slow": Red(
        lambda fleet: fleet.ubuntu.fail("^docker exec", ended=Ended(0, ANSWERS)),
        f"warn link: slow: {ANSWERS}; fab ubuntu.health asks it again",
    ),
    "backup": Red(
        with_data,
        "warn backup: ",
    ),
}
"""Check, and how it is red → what breaks it, and what is shown then."""
ELSEWHERE = {
    "remote": "below",
    "engine": "below",
    "clock": "below",
    "ports": "below",
    "images": "below",
    "probes": "test_doctor",
    "changes": "test_doctor",
    "certificate": "test_doctor",
    "DNS": "test_pointing",
    "cron": "test_schedule",
    "stops": "test_settings_that_fight",
    "idle connections": "test_settings_that_fight",
}
"""Checks that are made red elsewhere."""
