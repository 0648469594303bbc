"""A server's certificate: what stands on its disk, what its proxy serves, what it was issued."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from ...model.certificates.authority import as_address
from ...model.certificates.certificate import Sighting
from ...model.errors import Trouble
from ...model.inventory import Server
from ..asking import Asked, ask
from ..host import Host
from ..output import Output


@dataclass(frozen=True)
class Source:
    """Where an authority's certificates for a server stand on it, outside what nginx sees."""

    live: PurePosixPath
    """The folder of the newest ``fullchain.pem`` and ``privkey.pem``."""
    archive: PurePosixPath
    """The folder in whose folders all of them stay, as ``cert*.pem``."""


SCRIPT = """
certs=$1 issued=$2 archive=$3 mark=$4
shift 4
pair() {
  printf '\\n%s %s\\n' "$mark" "$2"
  cat "$1/fullchain.pem" 2>/dev/null
  printf '\\n%s %s-key\\n' "$mark" "$2"
  # Its public half only: the key itself never leaves the server.
  openssl pkey -in "$1/privkey.pem" -pubout 2>/dev/null
}
printf '%s now\\n' "$mark"
date +%s
pair "$certs" disk
pair "$issued" issued
printf '\\n%s known\\n' "$mark"
for file in "$archive"/*/cert*.pem; do
  openssl x509 -in "$file" -noout -serial 2>/dev/null
done
for place; do
  printf '\\n%s %s\\n' "$mark" "$place"
  name=-noservername
  [ "${place#/}" != "$place" ] || name="-servername ${place%:*}"
  # shellcheck disable=SC2086 # two words are meant
  timeout 15 openssl s_client -showcerts -connect "127.0.0.1:${place##*:}" $name \\
    </dev/null 2>/dev/null |
    sed -n '/-----BEGIN CERTIFICATE-----/,/-----END CERTIFICATE-----/p'
done
printf '\\n%s end\\n' "$mark"
"""


def see(host: Host, names: Sequence[str], ports: Sequence[int], source: Source) -> Sighting:
    """Look at what is on disk and what was issued, and at what each port serves for each name."""
    return ask(host, asking(host.server, names, ports, source))


def asking(
    server: Server, names: Sequence[str], ports: Sequence[int], source: Source
) -> Asked[Sighting]:
    """What :func:`see` asks."""
    places = {f"{name}:{port}": _asked(name, port) for port in ports for name in names}
    mark = f"@@{secrets.token_hex(8)}"
    folders = [str(folder) for folder in (server.root / "certs", source.live, source.archive)]
    words = ["bash", "-c", SCRIPT, "certificates", *folders, mark, *places.values()]
    return Asked(
        words, 10 + 15 * len(places), lambda output: _read(server.name, output, mark, places)
    )


def _read(name: str, output: Output, mark: str, places: Mapping[str, str]) -> Sighting:
    if not output.ok:
        told = f"{name}: the certificates cannot be looked at (exit code {output.code})"
        raise Trouble(told, evidence=output.errors())
    sections = {}
    for chunk in output.stdout.split(f"{mark} ")[1:]:
        section, _, text = chunk.partition("\n")
        sections[section] = text.strip()
    known = sections.get("known", "").replace("serial=", "").split()
    return Sighting(
        pem=sections.get("disk", ""),
        key=sections.get("disk-key", ""),
        served={place: sections.get(asked, "") for place, asked in places.items()},
        issued=sections.get("issued", ""),
        issued_key=sections.get("issued-key", ""),
        known=frozenset(f"{int(number, 16):x}" for number in known),
        now=int(sections.get("now") or 0),
    )


def keep(host: Host) -> None:
    """Keep the pair that is in place beside itself, until it is put back or forgotten."""
    script = """
set -eu
umask 077
cd "$1"
for name in fullchain privkey; do
  cp -p "$name.pem" "$name.pem.before"
done
"""
    host.write(["bash", "-c", script, "keep-certificate", str(host.server.root / "certs")])


def put(host: Host, pem: str, key: str) -> None:
    """Put a certificate and its key in place, 0600."""
    folder = host.server.root / "certs"
    host.put(folder / "privkey.pem", key)
    host.put(folder / "fullchain.pem", pem)


def copy(host: Host, source: Source) -> None:
    """Put what was issued in place, 0600; its key does not leave the server."""
    script = """
set -eu
umask 077
cd "$1"
for name in privkey fullchain; do
  cp "$2/$name.pem" "$name.pem.tmp"
  chmod 600 "$name.pem.tmp"
  mv -f "$name.pem.tmp" "$name.pem"
done
"""
    folder = host.server.root / "certs"
    host.write(["bash", "-c", script, "copy-certificate", str(folder), str(source.live)])


def put_back(host: Host) -> None:
    """The pair that was kept is in place again."""
    script = """
set -eu
cd "$1"
for name in privkey fullchain; do
  [ ! -e "$name.pem.before" ] || mv -f "$name.pem.before" "$name.pem"
done
"""
    host.write(["bash", "-c", script, "put-back-certificate", str(host.server.root / "certs")])


def forget(host: Host) -> None:
    """The pair that was kept is needed no more."""
    script = 'cd "$1" && rm -f privkey.pem.before fullchain.pem.before'
    host.write(["bash", "-c", script, "forget-certificate", str(host.server.root / "certs")])


def _asked(name: str, port: int) -> str:
    """``NAME:PORT`` to ask by name; ``/ADDRESS:PORT`` to ask without one, as a client would."""
    return f"/{name}:{port}" if as_address(name) else f"{name}:{port}"
