"""What doctor makes of the server itself: sshd, engine, memory, clock and what is kept there."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import PurePosixPath

from ..deploy.budget import MINIMUM_FREE
from ..deploy.plan import Target
from ..deploy.way_back import env_needed
from ..examined import DEFAULT_MTU, Examined
from ..facts import Facts
from ..findings import Gathered
from ..inventory import Server

TOO_FEW_FILES = 10_000
"""Inodes that a checkout, a build and the layers of an image need at least."""
FULL = 10
"""Of 100: less of a disk free than this is told, where it is less than :data:`AMPLE` as well."""
AMPLE = 10 << 30
"""Bytes that are enough on a disk of whatever size."""
SHORT_OF_FILES = 5
"""Of 100 inodes: fewer free are told."""
SKEWED = 5
"""Seconds that a clock may differ: of a second each, and of a slow login."""
WRONG = 300
"""Seconds from which on other servers refuse what was signed by this clock."""
BUILT_LONG_AGO = 90
"""Days after which bases have had fixes that an image lacks."""
MADE_LONG_AGO = 180
"""The same for images of others, which nobody here can make anew."""
TIMELESS = 1_400_000_000
"""Images from before (2014) say no time that is true: they were built so as to be reproducible."""
DAY = 86400


def machine_problems(server: Server, seen: Examined) -> Gathered:
    """Check → why a deploy would fail there."""
    found = Gathered()
    if seen.sessions is not None and seen.sessions < 2:
        found.add("sessions", [few_sessions(seen.sessions)])
    found.add(
        "inodes",
        [
            f"disk {disk.mount} can take {disk.free} files more, a deploy needs {TOO_FEW_FILES}:"
            f" remove many small ones (fab {server.name}.prune, caches; df -i shows it)"
            for disk in seen.inodes
            if disk.free < TOO_FEW_FILES
        ],
    )
    return found


def few_sessions(number: int) -> str:
    """What to say of an sshd that lets too few commands run at once."""
    return (
        f"sshd allows {number} session on a connection; set MaxSessions in its sshd_config to 2"
        " or more (10 without that line)"
    )


def machine_warnings(
    server: Server, facts: Facts, seen: Examined, target: Target | None
) -> Gathered:
    """Check → what needs care there."""
    found = Gathered()
    found.add("user", _open_engine(seen))
    found.add("sudo", _no_sudo(server, facts))
    found.add("engine's kind", _kind(server, seen))
    found.add("disk", _filling(server, facts))
    found.add(
        "inodes",
        [
            f"disk {disk.mount} has {100 * disk.free // disk.total}% of its inodes left: remove"
            " many small files (df -i shows it)"
            for disk in seen.inodes
            if disk.free >= TOO_FEW_FILES and disk.free * 100 < disk.total * SHORT_OF_FILES
        ],
    )
    found.add("former .env", _former(server, facts, seen))
    if target:
        found.add("memory", _reserved(target, seen))
        found.add("images", _images(server, facts, seen, target))
        found.add("packets", _packets(seen, target))
    return found


def _open_engine(seen: Examined) -> Iterator[str]:
    if seen.socket and int(seen.socket, 8) & 0o002:
        yield (
            f"every user of the server may use Docker, and so is root there (docker.sock has mode"
            f" {seen.socket}): sudo chmod 660 /var/run/docker.sock"
        )


def _no_sudo(server: Server, facts: Facts) -> Iterator[str]:
    if not facts.sudo and facts.user != "root":
        yield (
            f"{facts.user} may not use it without a password, so no task can make folders, set the"
            " firewall or give files back: allow it in /etc/sudoers.d, as fab"
            f" {server.name}.bootstrap does"
        )


def _kind(server: Server, seen: Examined) -> Iterator[str]:
    if "name=rootless" in seen.security:
        yield (
            "the engine is rootless: the proxy sees all clients at one address, so limits and"
            " lists of addresses do not hold: use the engine of the system"
        )
    if "name=userns" in seen.security:
        yield (
            "the engine maps users (userns-remap), so containers cannot read what is closed below"
            f" {server.root}: take it out of /etc/docker/daemon.json"
        )


def _filling(server: Server, facts: Facts) -> Iterator[str]:
    for disk in facts.disks:
        little = disk.free < AMPLE and disk.free * 100 < disk.total * FULL
        if little and disk.free >= MINIMUM_FREE:
            yield (
                f"disk {disk.mount} is {100 - 100 * disk.free // disk.total}% full: free some space"
                f" (fab {server.name}.prune, old backups)"
            )


def _former(server: Server, facts: Facts, seen: Examined) -> Iterator[str]:
    folder = server.root / "releases"
    newest = facts.releases[-1].id if facts.releases else ""
    # The last deploy kept what it could go back to, and only the next one takes that away.
    needed = {*env_needed(facts.releases), *env_needed(facts.releases[:-1]), newest}
    if spare := [_env(folder, name) for name in seen.kept if name not in needed]:
        yield f"secrets of former releases that no rollback needs: rm {' '.join(spare)}"
    for name, mode in seen.kept.items():
        if int(mode, 8) & 0o077:
            path = _env(folder, name)
            yield f"others can read {path} (mode {mode}): chmod 600 {path}"


def _env(folder: PurePosixPath, release: str) -> str:
    return str(folder / release / "env")


def _reserved(target: Target, seen: Examined) -> Iterator[str]:
    reserved = sum(one.replicas * one.reserved for one in target.stack.services)
    if seen.memory is not None and reserved > seen.memory:
        yield (
            f"the services reserve {reserved >> 20} MiB, the server has {seen.memory >> 20} MiB:"
            " more memory, fewer replicas or smaller reservations"
        )


def _images(server: Server, facts: Facts, seen: Examined, target: Target) -> Iterator[str]:
    for service in target.stack.services:
        running = facts.containers_of(target.stack.project, service.name)
        made = [seen.made[one.image] for one in running if seen.made.get(one.image, 0) > TIMELESS]
        days = (facts.now - min(made)) // DAY if made else 0
        if service.build and days > BUILT_LONG_AGO:
            yield (
                f"the image of {service.name} was built {days} days ago, and so were its bases:"
                f" fab {server.name}.deploy --rebuild --only {service.name}"
            )
        elif not service.build and days > MADE_LONG_AGO:
            yield (
                f"{service.image} of {service.name} was made {days} days ago: name a newer one in"
                " the compose file, if there is one"
            )


def _packets(seen: Examined, target: Target) -> Iterator[str]:
    for network in target.stack.networks:
        size = seen.networks.get(network, DEFAULT_MTU)
        if network in seen.networks and seen.mtu is not None and size > seen.mtu:
            yield (
                f"network {network} sends packets of {size} bytes, {seen.device} takes {seen.mtu}:"
                " large ones may get lost; under networks: driver_opts:"
                f' {{com.docker.network.driver.mtu: "{seen.mtu}"}}'
            )


def skew(now: int, before: float, after: float) -> float:
    """Seconds that a clock is ahead of another; 0 where it agrees with what was seen of that one.

    ``before``, ``after``: what the other one showed when it was asked, and had answered.
    """
    if now + 1 < before:
        return now + 1 - before
    return max(0.0, now - after)


def clock(ahead: float) -> tuple[list[str], list[str]]:
    """Why a clock is a problem, or needs care; ``ahead`` of this machine's, seconds."""
    if abs(ahead) < SKEWED:
        return [], []
    way = "ahead of" if ahead > 0 else "behind"
    remedy = "on the one that is wrong, sudo timedatectl set-ntp true"
    told = [f"it is {abs(ahead):.0f} s {way} this machine's: {remedy}"]
    return (told, []) if abs(ahead) >= WRONG else ([], told)
