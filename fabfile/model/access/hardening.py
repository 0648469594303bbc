"""What keeps a server safe and well by itself: keys only, upgrades, the clock, some swap."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from .machine import Machine
from .setup import Step

KEYS_ONLY = {
    "passwordauthentication": "no",
    "kbdinteractiveauthentication": "no",
    "permitrootlogin": "prohibit-password",
}
"""Settings of sshd. The first that it reads counts, so that ours stand in its first file."""
STRICT = {
    "permitrootlogin": ("without-password", "prohibit-password", "forced-commands-only", "no")
}
"""Values that do as well; sshd itself calls the wanted one by its older name."""
ECDSA = "ecdsa-sha2-nistp"
"""How the kinds of host keys begin that stand on NIST's curves."""
WEAK = {"kexalgorithms": "ecdh-sha2-nistp", "macs": "hmac-sha1", "hostkeyalgorithms": ECDSA}
"""Settings of sshd, and how those of its algorithms begin that ssh-audit calls a failure."""
UPGRADES = """\
// Written by bootstrap: security upgrades, but none of what runs the containers: it restarts them.
APT::Periodic::Update-Package-Lists "1";
APT::Periodic::Unattended-Upgrade "1";
Unattended-Upgrade::Package-Blacklist { "docker"; "containerd"; "runc"; };
"""
SMALL = 2 << 30
"""Bytes of memory below which a server without swap gets some."""
SWAP = 1 << 30
"""Bytes of it."""


def known_by_ecdsa(pinned: Sequence[str]) -> bool:
    """Whether a host of which these kinds of host keys are known cannot do without ECDSA."""
    return bool(pinned) and all(kind.startswith(ECDSA) for kind in pinned)


def hardening(machine: Machine, pinned: Sequence[str]) -> Iterator[Step]:
    """The steps that are missing. ``pinned``: the kinds of the host's keys that are known here."""
    if not machine.upgrades:
        reason = "security fixes are not installed, or also those that restart the containers"
        yield Step("upgrades", "unattended upgrades", reason, stdin=UPGRADES)
    if machine.clock == "no":
        yield Step("clock", "time from the network", "nothing sets the clock")
    if 0 < machine.memory < SMALL and not machine.swap:
        reason = f"there is none beside {machine.memory >> 20} MiB of memory"
        yield Step("swap", f"swap of {SWAP >> 20} MiB in /swapfile", reason, (str(SWAP),))
    loose = [
        f"{key} is {machine.sshd.get(key, 'unknown')}"
        for key, value in KEYS_ONLY.items()
        if machine.sshd.get(key) not in STRICT.get(key, (value,))
    ]
    weak = {k: v for k, v in WEAK.items() if v != ECDSA or not known_by_ecdsa(pinned)}
    loose += [
        f"{key} has {prefix}"
        for key, prefix in weak.items()
        if any(one.startswith(prefix) for one in machine.sshd.get(key, "").split(","))
    ]
    if machine.pending:
        loose.append("the last change of it was not proved")
    if loose:
        wanted = {**KEYS_ONLY, **{key: f"-{prefix}*" for key, prefix in weak.items()}}
        text = "".join(f"{key} {value}\n" for key, value in wanted.items())
        yield Step("sshd", "sshd takes keys only", ", ".join(loose), stdin=text, proved=True)
