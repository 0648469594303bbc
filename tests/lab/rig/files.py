"""The lab's files under ``.lab/``: keys, pinned host keys, ``hosts.ini``."""

from __future__ import annotations

import configparser
import io
import tarfile
from collections.abc import Mapping
from pathlib import Path

from .docker import LabError, run
from .place import Place
from .server import Server

KEY = "id_ed25519"


def sections(place: Place) -> Mapping[str, configparser.SectionProxy]:
    """The servers of the checkout's own ``hosts.ini``: the lab has one for each."""
    parsed = _inventory(place)
    if not parsed.sections():
        raise LabError("hosts.ini names no server; the lab has one for each of its sections")
    return {name: parsed[name] for name in parsed.sections()}


def make_keys(place: Place) -> None:
    """Make the operator's key and one host key per server, each once."""
    folder = place.folder / "host_keys"
    folder.mkdir(parents=True, exist_ok=True)
    for key in [place.folder / KEY, *(folder / name for name in sections(place))]:
        if not key.exists():
            words = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", f"lab {key.name}"]
            done = run([*words, "-f", key])
            if done.returncode:
                raise LabError(f"ssh-keygen failed: {done.stderr.strip()}")


def identity(place: Place, name: str) -> bytes:
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


def write_inventory(
    place: Place, servers: Mapping[str, Server], repository: str, directory: str
) -> None:
    """Write ``hosts.ini`` and ``known_hosts``, which together let every task reach the lab.

    ``directory`` is the ACME directory of the lab's authority. What the lab does not change stands
    as in the checkout's own ``hosts.ini``.
    """
    parsed = _inventory(place)
    parsed["defaults"].update(key=KEY, repository=repository, acme_directory=directory)
    pinned = []
    for name, server in servers.items():
        for key in ("key", "repository", "acme_directory"):
            parsed.remove_option(name, key)
        section = parsed[name]
        section.update(host="127.0.0.1", port=str(server.ssh_port), address=server.address)
        if "domains" in section:
            section["edge"] = f"127.0.0.1:{server.ports[443]}"
        kind, public, *_ = _public(place.folder / "host_keys" / name).read_text().split()
        pinned.append(f"[127.0.0.1]:{server.ssh_port} {kind} {public}\n")
    text = io.StringIO("# The lab of this checkout, written by lab.up.\n")
    text.seek(0, io.SEEK_END)
    parsed.write(text)
    (place.folder / "hosts.ini").write_text(text.getvalue().rstrip() + "\n")
    (place.folder / "known_hosts").write_text("".join(pinned))


def _inventory(place: Place) -> configparser.ConfigParser:
    parsed = configparser.ConfigParser(interpolation=None, default_section="defaults")
    parsed.read(place.root / "hosts.ini")
    return parsed


def _public(key: Path) -> Path:
    return key.with_name(f"{key.name}.pub")
