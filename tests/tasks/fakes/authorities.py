"""What asking an authority does to a simulated server, and what its own private one does there."""

from __future__ import annotations

import re
from functools import cache

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from .certificates import authority, public_half, signed
from .commands import Command
from .engine import Ended
from .machine import Machine


@cache
def public() -> str:
    """The authority that certbot asks."""
    return authority("Everybody's authority", 3650, 1_700_000_000)


def acme(machine: Machine, command: Command, _stdin: str) -> Ended:
    """Certbot: a certificate where there is none, where one is due in 30 days, or by force."""
    root, _directory, name, domains, _email, mode, *_ = command.words
    live = f"{root}/acme/live/{name}"
    if mode == "force" or days_left(machine, live) < 30:
        chain, key = signed(public(), tuple(domains.split(",")), 90, machine.clock)
        _keep(machine, live, f"{root}/acme/archive/{name}", chain, key)
    return Ended(0, "Certificate not yet due for renewal")


def private(machine: Machine, command: Command, _stdin: str) -> Ended:
    """The script of the private authority."""
    folder, server, which, constraints, days, alternatives, leaf_days = command.words
    file = f"{folder}/authority.pem"
    if which == "new":
        permitted = tuple(re.findall(r"IP:([^/]+)/", constraints))
        name = f"Private authority of {server}"
        machine.files[file] = authority(name, int(days), machine.clock, permitted)
    names = tuple(one.partition(":")[2] for one in alternatives.split(","))
    chain, key = signed(machine.files[file], names, int(leaf_days), machine.clock)
    _keep(machine, f"{folder}/live", f"{folder}/archive/{server}", chain, key)
    return Ended()


def openssl(machine: Machine, command: Command, _stdin: str) -> Ended:
    """``openssl x509 -in FILE``."""
    text = machine.files.get(command.words[-1], "")
    if not text:
        return Ended(1, err="Could not open file")
    shown = x509.load_pem_x509_certificate(text.encode())
    return Ended(0, shown.public_bytes(Encoding.PEM).decode())


def certificates(machine: Machine, command: Command, _stdin: str) -> Ended:
    """The look at what is on disk, issued and served."""
    folder, live, archive, mark, *places = command.words
    sections = {"now": str(machine.clock), "known": ""}
    for name, place in (("disk", folder), ("issued", live)):
        pem = machine.files.get(f"{place}/fullchain.pem", "")
        sections[name] = pem
        key = machine.files.get(f"{place}/privkey.pem", "")
        sections[f"{name}-key"] = public_half(key, pem)
    for text in machine.below(archive).values():
        number = x509.load_pem_x509_certificate(text.encode()).serial_number
        sections["known"] += f"serial={number:040X}\n"
    sections |= dict.fromkeys(places, machine.served)
    return Ended(0, "".join(f"\n{mark} {name}\n{text}" for name, text in sections.items()))


def copy_certificate(machine: Machine, command: Command, _stdin: str) -> Ended:
    folder, live = command.words
    for name in ("privkey.pem", "fullchain.pem"):
        machine.files[f"{folder}/{name}"] = machine.files[f"{live}/{name}"]
    return Ended()


def days_left(machine: Machine, live: str) -> float:
    """Days until the certificate in a folder ends; 0 when there is none."""
    text = machine.files.get(f"{live}/fullchain.pem", "")
    if not text:
        return 0
    end = x509.load_pem_x509_certificate(text.encode()).not_valid_after_utc.timestamp()
    return (end - machine.clock) / 86400


def _keep(machine: Machine, live: str, archive: str, chain: str, key: str) -> None:
    machine.files[f"{live}/fullchain.pem"] = chain
    machine.files[f"{live}/privkey.pem"] = key
    number = len(machine.below(archive)) + 1
    machine.files[f"{archive}/cert{number}.pem"] = chain


def reach(machine: Machine, command: Command, _stdin: str) -> Ended:
    """Whether the directory answers."""
    return Ended()


AUTHORITIES = {
    "reach": reach,
    "acme": acme,
    "authority": private,
    "openssl": openssl,
    "certificates": certificates,
    "copy-certificate": copy_certificate,
}
