"""The proxy of a stack: what it is told, how it comes to load that, and how it is spared a gap.

What it reads of ours stands in ``proxy/`` of the server's state: where requests go, whom it lets
in, and what it answers about itself once that is loaded. Nothing there counts before nginx itself
answers it.
"""

from __future__ import annotations

import secrets
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from ...model.deploy.content import inside
from ...model.errors import Trouble, refused
from ...model.facts import SHORT, Split
from ...model.framing import lines_of
from ...model.stack import Service
from ..host import Host
from ..output import Output
from .compose import compose_words, patience_with, unhealthy

WORKERS = Path(__file__).with_name("workers.sh").read_text(encoding="utf-8")
UPSTREAMS = Path(__file__).with_name("upstreams.sh").read_text(encoding="utf-8")
LIBRARY = WORKERS + UPSTREAMS + Path(__file__).with_name("proxy.sh").read_text(encoding="utf-8")
LOAD = LIBRARY + '[ -z "$1" ] || named "$1" || exit 0\nload "in"\n'
LEAVE = LIBRARY + '[ -z "$proxy" ] || { loaded_before; leave; }\n'
MEND = (
    LIBRARY
    + """
write mended || die 70 "the proxy's files cannot be written"
docker restart "$proxy" >/dev/null && answers "$(address_of "$proxy")" mended ||
  die 70 "the proxy does not start"
"""
)
START = (
    LIBRARY
    + """
service=$1 container=$2 healthy=$3 force=$4
shift 4
# Between its stop and its start nobody is answered, so compose only makes it: before it starts one,
# it asks after each that this one depends on, half a second apart.
made() { "$@" </dev/null >&2 && docker start "$container" >/dev/null; }
write "in" || die 70 "the proxy's files cannot be written"
made "$@" up --no-start --no-build ${force:+--force-recreate} "$service" ||
  die 71 "$container did not start"
"$@" up -d --no-build --wait --wait-timeout "$healthy" "$service" </dev/null >&2 ||
  die 71 "$container did not become healthy"
answers "$(address_of "$container")" "in" || die 70 "$container does not answer what it was told"
"""
)
STAGE = (
    UPSTREAMS
    + """
set -euo pipefail
rm -rf "$2"
cp -r "$1" "$2"
if [ -n "$3" ]; then
  readarray -t files <<<"$3"
  pins=''
  for service in $5; do
    grep -Eq "^[[:space:]]*server[[:space:]]+$service:" "${files[@]}" ||
      { echo "no upstream names $service: it is not behind the proxy" >&2; exit 64; }
    pins+="; $service $service / $service"
  done
  [ -z "$pins" ] || pins="/ 50 0$pins"
  cat "${files[@]}" | sided >"$2/upstreams.conf" || exit 64
fi
while read -r name text; do
  [ -z "$name" ] || printf '%b' "$text" >"$2/$name"
done <<<"$4"
"""
)
UNHEALTHY, NO_SIDES = 71, 64


def proof_text(generation: str, epoch: str) -> str:
    """The proof of a load that need not reach anybody."""
    return f"{_constant('generation', generation)}\n{_constant('epoch', epoch)}"


def _constant(name: str, value: str) -> str:
    return f'location = /{name} {{ default_type text/plain; return 200 "{value}\\n"; }}'


@dataclass(frozen=True)
class Told:
    """What a proxy is told."""

    service: Service
    """The proxy itself."""
    generation: str
    """Digest of its configuration."""
    files: Mapping[str, str]
    """Name → text of what else it reads in its folder."""
    missing: Collection[str]
    """Services that have no running container: names that nginx could not resolve."""
    running: bool
    pins: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """Service → the ids of the containers that alone get its requests."""
    split: Split | None = None
    """New replicas that get a share of the clients of those in ``pins``."""
    as_loaded: bool = False
    """Whether requests go where they go already, but for the pins; else where the checkout says."""

    def words(self, host: Host, script: str, name: str, *more: str) -> list[str]:
        """A script that follows ``proxy.sh``, with what that wants."""
        return [
            "bash",
            "-c",
            script,
            name,
            str(_folder(host)),
            self._upstreams(host),
            self.generation,
            secrets.token_hex(8),
            " ".join(sorted(self.missing)),
            self._pinned(),
            self.texts,
            self.service.container if self.running else "",
            *more,
        ]

    def _pinned(self) -> str:
        """As ``upstreams.sh`` has it."""
        new = self.split.new if self.split else {}
        rows = [["/", str(self.split.share), str(self.split.since)]] if self.split else []
        for service, ids in self.pins.items():
            fresh = ["/", *new[service]] if service in new else []
            rows.append([service, *(one[:SHORT] for one in (*ids, *fresh))])
        return "; ".join(map(" ".join, rows))

    @property
    def texts(self) -> str:
        """The files, a line each, as ``proxy.sh`` has them."""
        escaped = {
            name: text.replace("\\", "\\\\").replace("\n", "\\n")
            for name, text in sorted(self.files.items())
        }
        return "\n".join(f"{name} {text}" for name, text in escaped.items())

    def _upstreams(self, host: Host) -> str:
        if self.as_loaded and self.service.hints.upstreams:
            return str(_folder(host) / "upstreams.conf")
        return self.upstreams(host.server.path)

    def upstreams(self, tree: PurePosixPath) -> str:
        """The files below ``tree`` that say where requests go, a line each."""
        return "\n".join(str(tree / name) for name in self.service.hints.upstreams)


def load(host: Host, told: Told, service: str = "") -> None:
    """Have the running proxy load its configuration, and wait until it answers from that.

    ``service``: which was replaced and may have another address; nothing is loaded where no request
    goes there by its name.
    """
    output = host.write(told.words(host, LOAD, "load-proxy", service), check=False)
    if not output.ok:
        raise refused_load(host, output)


def mend(host: Host, told: Told) -> None:
    """Start a proxy that does not run: one whom it was told to ask may be gone."""
    output = host.write(told.words(host, MEND, "mend-proxy"), check=False)
    if not output.ok:
        raise refused_load(host, output)


def leave(host: Host, told: Told) -> None:
    """Wait until nothing that the proxy loaded before its last load can be given a request.

    Whatever only an earlier load named may then be removed.
    """
    host.write(told.words(host, LEAVE, "leave-proxy"))


def start(host: Host, told: Told, *, force: bool) -> None:
    """Make or replace the proxy's own container, and wait until it answers what it was told."""
    words = told.words(host, START, "start-proxy", told.service.name, told.service.container)
    patience = patience_with(told.service)
    words += [str(patience), "yes" if force else "", *compose_words(host)]
    output = host.write(words, timeout=patience + 60, check=False)
    if not output.ok:
        raise _failed(host, told.service, output)


def test(
    host: Host,
    tree: PurePosixPath,
    names: Collection[str],
    told: Told,
    reference: str,
    *,
    split: Collection[str],
) -> Output:
    """``nginx -t`` in the target image with the real mounts and the commit's own files.

    ``names`` are the services and containers that the configuration may name. What the proxy would
    be told stands in a copy of its folder: nothing here reaches the running one. ``split``: the
    services of which new replicas get a share of the clients; exit code 2 where the proxy has no
    way to give them one.
    """
    folder, staged = _folder(host), tree / ".proxy"
    stage = ["bash", "-c", STAGE, "stage-proxy", str(folder), str(staged), told.upstreams(tree)]
    stage += [told.texts, " ".join(split)]
    output = host.write(stage, check=False)
    if not output.ok:
        said = (lines_of(output.stderr) or [f"exit code {output.code}"])[-1]
        why = f"{host.name}: {'--canary: ' if output.code == NO_SIDES else ''}{said}"
        raise refused(why) if output.code == NO_SIDES else Trouble(why)
    words = ["docker", "run", "--rm", "--network", "none"]
    for name in sorted(names):
        words += ["--add-host", f"{name}:127.0.0.1"]
    for mount in told.service.mounts:
        if mount.kind != "bind":
            continue
        relative = inside(mount.source, host.server.path)
        source = mount.source if relative is None else str(tree / relative)
        source = str(staged) if PurePosixPath(mount.source) == folder else source
        words += ["--mount", f"type=bind,source={source},target={mount.target},readonly"]
    return host.write([*words, reference, "nginx", "-t"], timeout=60, check=False)


def _folder(host: Host) -> PurePosixPath:
    return host.server.root / "proxy"


def refused_load(host: Host, output: Output) -> Trouble:
    """What to raise when the proxy did not load what it was told."""
    said = lines_of(output.stderr) or [f"exit code {output.code}"]
    return Trouble(f"{host.name}: {said[-1]}", evidence=said[:-1][-12:])


def _failed(host: Host, service: Service, output: Output) -> Trouble:
    if output.code != UNHEALTHY:
        return refused_load(host, output)
    return unhealthy(host, service, lines_of(output.stderr)[-4:])
