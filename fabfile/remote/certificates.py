"""A server's certificate: what stands on its disk and what its proxy serves."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from ipaddress import ip_address

from ..model.certificate import Sighting
from .host import Host

SCRIPT = """
certs=$1 mark=$2
shift 2
printf '%s disk\\n' "$mark"
cat "$certs/fullchain.pem" 2>/dev/null
printf '\\n%s key\\n' "$mark"
# Its public half only: the key itself never leaves the server.
openssl pkey -in "$certs/privkey.pem" -pubout 2>/dev/null
for place; do
  printf '\\n%s %s\\n' "$mark" "$place"
  name=-noservername
  [ "${place#/}" != "$place" ] || name="-servername ${place%:*}"
  # shellcheck disable=SC2086 # two words are meant
  timeout 5 openssl s_client -connect "127.0.0.1:${place##*:}" $name </dev/null 2>/dev/null |
    sed -n '/-----BEGIN CERTIFICATE-----/,/-----END CERTIFICATE-----/p'
done
printf '\\n%s end\\n' "$mark"
"""


def see(host: Host, names: Sequence[str], ports: Sequence[int]) -> Sighting:
    """Look at the certificate on disk, and at what is served on each port for each name."""
    places = {f"{name}:{port}": _asked(name, port) for port in ports for name in names}
    mark = f"@@{secrets.token_hex(8)}"
    folder = str(host.server.root / "certs")
    output = host.read(
        ["bash", "-c", SCRIPT, "certificates", folder, mark, *places.values()],
        timeout=10 + 5 * len(places),
    )
    sections = {}
    for chunk in output.stdout.split(f"{mark} ")[1:]:
        name, _, text = chunk.partition("\n")
        sections[name] = text.strip()
    served = {place: sections.get(asked, "") for place, asked in places.items()}
    return Sighting(sections.get("disk", ""), sections.get("key", ""), served)


def put(host: Host, pem: str, key: str) -> None:
    """Put a certificate and its key in place, 0600; the former pair is kept beside them."""
    folder = host.server.root / "certs"
    script = """
set -eu
umask 077
cd "$1"
for name in fullchain privkey; do
  cp -p "$name.pem" "$name.pem.before"
done
"""
    host.write(["bash", "-c", script, "keep-certificate", str(folder)])
    host.put(folder / "privkey.pem", key)
    host.put(folder / "fullchain.pem", pem)


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
    try:
        ip_address(name)
    except ValueError:
        return f"{name}:{port}"
    return f"/{name}:{port}"
