"""The lab's files under ``.lab/``: keys, pinned host keys, ``hosts.ini``."""

from __future__ import annotations

import configparser
import io
import tarfile
from collections.abc import Iterable, Mapping
from pathlib import Path

from .docker import LabError, run
from .place import Place
from .server import Server

KEY = "id_ed25519"


def inventory(place: Place) -> configparser.ConfigParser:
    """The checkout's own ``hosts.ini``: the lab has a server for each of its sections."""
    parsed = configparser.ConfigParser(interpolation=None, default_section="defaults")
    parsed.read(place.root / "hosts.ini")
    if not parsed.sections():
        raise LabError("hosts.ini names no server; the lab has one for each of its sections")
    return parsed


def make_keys(place: Place, servers: Iterable[str]) -> None:
    """The operator's key and one host key per server, each made once."""
    keys = place.folder / "host_keys"
    keys.mkdir(parents=True, exist_ok=True)
    for path, comment in [(place.folder / KEY, "lab"), *((keys / name, name) for name in servers)]:
        if not path.exists():
            done = run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", comment, "-f", path])
            if done.returncode:
                raise LabError(f"ssh-keygen failed: {done.stderr.strip()}")


def identity_archive(place: Place, name: str) -> bytes:
    """A server's host key and the operator's public key, as a tar to unpack at its root."""
    host_key = place.folder / "host_keys" / name
    members = [
        ("etc/ssh/ssh_host_ed25519_key", host_key, 0, 0o600),
        ("etc/ssh/ssh_host_ed25519_key.pub", _public(host_key), 0, 0o644),
        ("home/ubuntu/.ssh/authorized_keys", _public(place.folder / KEY), 1000, 0o600),
    ]
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for target, source, owner, mode in members:
            data = source.read_bytes()
            member = tarfile.TarInfo(target)
            member.size, member.mode, member.uid, member.gid = len(data), mode, owner, owner
            archive.addfile(member, io.BytesIO(data))
    return buffer.getvalue()


def write_inventory(place: Place, servers: Mapping[str, Server], repository: str) -> None:
    """``hosts.ini`` and ``known_hosts``, which together let every task reach the lab."""
    parsed = inventory(place)
    parsed["defaults"].update(key=KEY, repository=repository)
    pinned = []
    for name, server in servers.items():
        section = parsed[name]
        for key in ("key", "repository"):
            parsed.remove_option(name, key)
        section["host"], section["port"] = "127.0.0.1", str(server.ssh_port)
        section["address"] = server.address
        if "domains" in section:
            section["edge"] = f"127.0.0.1:{server.ports[443]}"
        kind, public, *_ = _public(place.folder / "host_keys" / name).read_text().split()
        pinned.append(f"[127.0.0.1]:{server.ssh_port} {kind} {public}\n")
    text = io.StringIO()
    parsed.write(text)
    (place.folder / "hosts.ini").write_text(
        "# The lab of this checkout, written by lab.up.\n" + text.getvalue().rstrip() + "\n"
    )
    (place.folder / "known_hosts").write_text("".join(pinned))


def _public(key: Path) -> Path:
    return key.with_name(f"{key.name}.pub")
