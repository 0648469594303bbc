"""The server's state outside the checkout: certificates, trust, releases, the proxy's files."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from pathlib import PurePosixPath

from ..model.certificates.authority import alternatives
from ..model.freeze import Freeze
from ..model.healing import Healing
from ..model.maintenance import Maintenance
from ..model.release import Release
from .host import Host

DAYS = 3650
"""Validity of the self-made certificate that a new server starts with."""


def make_folders(host: Host, folders: Mapping[str, int], volumes: Sequence[str] = ()) -> None:
    """Make the folders of the server's state, owned by the user that deploys, with these modes.

    Folders that are there get theirs too, and what stands in them goes to nobody else any more,
    whatever an earlier login's umask was. ``volumes`` are only made: they become a container's.
    """
    script = """
set -eu
umask 077
me=$(id -un)
make() { mkdir -p "$1" 2>/dev/null || sudo -n install -d -m 700 -o "$me" -g "$(id -gn)" "$1"; }
closed=()
while [ "$1" != volumes ]; do
  [ -d "$2" ] || make "$2"
  [ -O "$2" ] || sudo -n chown "$me" "$2"
  chmod "$1" "$2"
  case ${2##*/} in locks | backups | releases) closed+=("$2") ;; esac
  shift 2
done
# What an earlier login's umask left open. A file may go meanwhile.
[ "${#closed[@]}" -eq 0 ] || chmod -Rf go= "${closed[@]}" || :
shift
for folder in "$@"; do [ -d "$folder" ] || make "$folder"; done
"""
    words = [word for path, mode in folders.items() for word in (f"{mode:o}", path)]
    host.write(["bash", "-c", script, "make-folders", *words, "volumes", *volumes])


def make_env(host: Host) -> None:
    """A ``.env`` that only names the stack; a file that is there is never overwritten."""
    script = 'umask 077; set -C; printf "COMPOSE_FILE=%s\\n" "$2" >"$1/.env"'
    words = [str(host.server.path), host.server.compose_file]
    host.write(["bash", "-c", script, "make-env", *words])


def make_certificate(host: Host, names: Sequence[str]) -> None:
    """A self-made certificate, so that the proxy can start before a real one is issued.

    ``names`` are the domains and addresses that it is for; the first is its common name.
    """
    folder = host.server.root / "certs"
    script = """
set -eu
umask 077
cd "$1"
trap 'rm -f privkey.pem.tmp fullchain.pem.tmp' EXIT
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days "$4" \\
  -subj "/CN=$2" -addext "subjectAltName=$3" \\
  -addext 'keyUsage=critical,digitalSignature,keyCertSign' \\
  -addext 'extendedKeyUsage=serverAuth' -keyout privkey.pem.tmp -out fullchain.pem.tmp 2>/dev/null
# On a full disk openssl writes empty files and exits with 0.
key=$(openssl pkey -in privkey.pem.tmp -pubout)
[ "$key" = "$(openssl x509 -in fullchain.pem.tmp -noout -pubkey)" ]
mv -f privkey.pem.tmp privkey.pem
mv -f fullchain.pem.tmp fullchain.pem
"""
    words = [str(folder), names[0], alternatives(names), str(DAYS)]
    host.write(["bash", "-c", script, "make-certificate", *words])


def trust(host: Host, certificate: str) -> None:
    """Let the stack's services trust the called server: its authority beside the system's."""
    folder = host.server.root / "certs" / "trust"
    script = """
set -eu
cd "$1"
cat >peer.pem.tmp
# A connection that ends before the text has come looks like its end.
[ "$(stat -c %s peer.pem.tmp)" = "$2" ]
for bundle in /etc/ssl/certs/ca-certificates.crt /etc/pki/tls/certs/ca-bundle.crt /dev/null; do
  [ ! -e "$bundle" ] || break
done
cat "$bundle" peer.pem.tmp >ca-bundle.pem.tmp
chmod 644 ca-bundle.pem.tmp peer.pem.tmp
mv -f ca-bundle.pem.tmp ca-bundle.pem
mv -f peer.pem.tmp peer.pem
"""
    text = certificate.strip() + "\n"
    host.write(["bash", "-c", script, "trust", str(folder), str(len(text.encode()))], stdin=text)


def write_release(host: Host, release: Release) -> None:
    """Keep the record of a release."""
    host.put(release_folder(host, release) / "release.json", release.to_json() + "\n")


def keep_env(host: Host, release: Release, needed: Collection[str]) -> None:
    """Keep the ``.env`` that the release was made with, readable by its owner only.

    Those of all other releases go, but for the ids ``needed``.
    """
    script = """
umask 077
cp "$1/.env" "$2/$3/env.tmp" && mv -f "$2/$3/env.tmp" "$2/$3/env" || exit
cd "$2" || exit
shift 2
rm -f */env.tmp # of a run that died
for kept in */env; do
  case " $* " in *" ${kept%/env} "*) ;; *) rm -f "$kept" ;; esac
done
"""
    words = [str(host.server.path), str(host.server.root / "releases"), release.id, *needed]
    host.write(["bash", "-c", script, "keep-env", *words])


def restore_env(host: Host, release: Release) -> None:
    """Put the ``.env`` of a release back, where it differs."""
    script = """
umask 077
cmp -s "$2/env" "$1/.env" || { cp "$2/env" "$1/.env.tmp" && mv -f "$1/.env.tmp" "$1/.env"; }
"""
    folder = release_folder(host, release)
    host.write(["bash", "-c", script, "restore-env", str(host.server.path), str(folder)])


def write_log(host: Host, release: Release, lines: Sequence[str]) -> None:
    """Keep what the operator saw beside the record."""
    host.put(release_folder(host, release) / "log", "\n".join(lines) + "\n")


def read_log(host: Host, release: Release) -> str:
    """The log of a release; empty when the run died before it was written."""
    return host.read(["cat", str(release_folder(host, release) / "log")], check=False).stdout


def freeze(host: Host, made: Freeze) -> None:
    """Let the lock be refused to what changes what runs."""
    host.put(host.server.root / "locks" / "frozen", made.to_json() + "\n")


def unfreeze(host: Host) -> None:
    """Let everybody have the lock again."""
    host.write(["rm", "-f", str(host.server.root / "locks" / "frozen")])


def begin_maintenance(host: Host, made: Maintenance) -> None:
    """Let everybody know that visitors are told so, and by which word gates are let through."""
    host.put(host.server.root / "locks" / "maintenance", made.to_json() + "\n")


def end_maintenance(host: Host) -> None:
    """The opposite."""
    host.write(["rm", "-f", str(host.server.root / "locks" / "maintenance")])


def read_healing(host: Host) -> str:
    """What the last look for unhealthy replicas left; empty: there was none."""
    path = str(host.server.root / "locks" / "healing")
    return host.read(["cat", path], check=False).stdout


def write_healing(host: Host, made: Healing) -> None:
    """Leave it for the next one."""
    host.put(host.server.root / "locks" / "healing", made.to_json() + "\n")


def release_folder(host: Host, release: Release) -> PurePosixPath:
    """Where the record of a release stands."""
    return host.server.root / "releases" / release.id
