"""Building on another machine: the tree goes there, the image comes back, in parts and by bytes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from io import BufferedReader
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from ...model.deploy.elsewhere import Engine, Image, Saved, read_engine, read_image, read_saved
from ...model.errors import Trouble
from ..host import Host
from ..output import Output
from .compose import BUILD, CLEAN

KNOW, APART, SAVE, PACK, AWAIT, RECEIVE, LOAD = (
    Path(__file__).with_name(f"{name}.sh").read_text(encoding="utf-8")
    for name in (
        "know-engine",
        "build-apart",
        "save-image",
        "pack-image",
        "await-image",
        "receive-image",
        "load-image",
    )
)
LONGEST = 4 * 3600
"""Seconds that the copy of an image may take, over a slow link."""
WORK = 900
"""Seconds that an engine may take to lay an image out, or to load it."""
CHUNK = 1 << 18
"""Bytes that are read and written at a time."""
CUT, OTHER, FULL = 75, 76, 78
"""Exit codes of the scripts that receive: see there."""
ARRIVALS = ".images"
"""Folder in ``build/`` for what has come of an image; hidden, so that clearing leaves it."""


def know_engine(host: Host, *, layers: bool = False) -> Engine:
    """What a machine says of its engine; ``layers``: also which ones its images have."""
    words = ["bash", "-c", KNOW, "know-engine", "layers" if layers else ""]
    return read_engine(host.read(words, timeout=60).stdout)


def know_image(host: Host, reference: str) -> Image | None:
    """An image of an engine by its name; None: there is none."""
    words = ["docker", "image", "inspect", "--format", "{{json .}}", reference]
    output = host.read(words, check=False)
    return read_image(output.stdout) if output.ok else None


@contextmanager
def tree_of(host: Host, tree: PurePosixPath, paths: Sequence[str]) -> Iterator[BufferedReader]:
    """Files of a commit's tree on a server, as tar.gz."""
    script = 'tar -C "$1" --exclude=.git -czf - -- "${@:2}"'
    words = ["bash", "-c", script, "send-tree", str(tree), *paths]
    with host.stream(
        words,
        timeout=BUILD,
        failed=lambda output: Trouble(f"{host.name}: tar failed", evidence=output.errors()),
    ) as stream:
        yield stream


def build(
    builder: Host,
    scratch: PurePosixPath,
    service: str,
    stack: str,
    tree: Iterable[bytes],
    *,
    fresh: bool,
) -> Output:
    """Build one image of a stack from a tree; nothing else is left on that machine."""
    flags = ["--pull", "--no-cache"] if fresh else []
    text = stack.encode()
    words = ["bash", "-c", f"{CLEAN}{APART}", "build-apart", str(scratch), str(len(text)), service]

    def given() -> Iterator[bytes]:
        yield text
        yield from tree

    return builder.pour([*words, *flags], given(), timeout=BUILD)


def chunks(stream: BufferedReader) -> Iterator[bytes]:
    """What comes, as it comes."""
    while data := stream.read1(CHUNK):
        yield data


def save(builder: Host, scratch: PurePosixPath, reference: str) -> Saved | None:
    """Lay an image out on the builder; None: it is a host that cannot write."""
    words = ["bash", "-c", SAVE, "save-image", str(scratch), reference]
    text = builder.write(words, timeout=WORK).stdout
    try:
        return read_saved(text) if text else None
    except ValueError as error:
        raise Trouble(f"{builder.name}: docker save of {reference}: {error}") from None


class Packed(NamedTuple):
    """A file with parts of an image, as it is to arrive."""

    name: str
    """Its SHA-256, and how it is compressed."""
    bytes: int


def pack(builder: Host, scratch: PurePosixPath, parts: Sequence[str], *, zstd: bool) -> Packed:
    """Make one file of those parts of an image that was laid out; none: of all."""
    compression, suffix = ("zstd", "zst") if zstd else ("gzip", "gz")
    words = ["bash", "-c", PACK, "pack-image", str(scratch), compression, *parts]
    size, digest, *_ = builder.write(words, timeout=WORK).stdout.split()
    return Packed(f"{digest}.{suffix}", int(size))


def remove(builder: Host, scratch: PurePosixPath) -> None:
    """Take away what was laid out and packed."""
    builder.write(["bash", "-c", 'rm -rf "$1"', "remove-scratch", str(scratch)], check=False)


def arrivals(host: Host) -> PurePosixPath:
    """The folder of a server where images arrive."""
    return host.server.root / "build" / ARRIVALS


def forget_arrivals(host: Host) -> None:
    """Remove what had come of an image when its copy was cut."""
    host.write(["bash", "-c", 'rm -rf "$1"', "forget-arrivals", str(arrivals(host))])


def awaiting(host: Host, packed: Packed, keep: int) -> int:
    """How many bytes of it are on the server already; exit code 1 where the rest has no room.

    ``keep``: bytes that must stay free beside it.
    """
    words = [str(arrivals(host)), packed.name, str(packed.bytes), str(keep)]
    output = host.write(["bash", "-c", AWAIT, "await-image", *words], check=False)
    if output.ok:
        return int(output.stdout)
    if output.code == FULL:
        free = int(output.stdout) >> 20
        raise Trouble(
            f"{host.name}: {free} MiB are free in {host.server.root}/build, the image takes"
            f" {packed.bytes >> 20} MiB and {keep >> 20} MiB must stay: make room with"
            f" fab {host.name}.prune"
        )
    told = f"{arrivals(host)} cannot be written"
    raise Trouble(f"{host.name}: {told}", evidence=output.tail())


@contextmanager
def sent(
    builder: Host, scratch: PurePosixPath, packed: Packed, offset: int
) -> Iterator[BufferedReader]:
    """The bytes of a packed file from an offset on."""
    script = 'tail -c "+$2" "$1"'
    words = ["bash", "-c", script, "send-image", str(scratch / "packed"), str(offset + 1)]
    with builder.stream(
        words,
        timeout=LONGEST,
        failed=lambda output: Trouble(
            f"{builder.name}: {packed.name} cannot be read", evidence=output.errors()
        ),
    ) as stream:
        yield stream


def receive(host: Host, packed: Packed, offset: int, data: Iterable[bytes]) -> None:
    """Add bytes to a file that arrives; exit code 1 where it is not whole then, with the reason."""
    words = [str(arrivals(host)), packed.name, str(packed.bytes), str(offset)]
    output = host.pour(["bash", "-c", RECEIVE, "receive-image", *words], data, timeout=LONGEST)
    if output.ok:
        return
    why = {
        CUT: "the copy of the image was cut; the next deploy goes on there",
        OTHER: "what came is not the image that was sent; the next deploy sends it again",
        FULL: "the disk is full; what had come of the image was removed: make room with"
        f" fab {host.name}.prune",
    }
    told = why.get(output.code, f"the image did not arrive (exit code {output.code})")
    raise Trouble(f"{host.name}: {told}", evidence=output.tail())


def push(builder: Host, reference: str, registry: str) -> Output:
    """Push an image to a registry, below its own name; it has no other name afterwards."""
    script = """
docker tag "$1" "$2/$1" && docker push -q "$2/$1"
code=$?
docker image rm "$2/$1" >/dev/null 2>&1
exit "$code"
"""
    words = ["bash", "-c", script, "push-image", reference, registry]
    return builder.write(words, timeout=LONGEST, check=False)


def pull(host: Host, reference: str, registry: str) -> Output:
    """Pull it from there, and give it its own name alone."""
    script = """
docker pull -q "$2/$1" && docker tag "$2/$1" "$1" && docker image rm "$2/$1"
"""
    words = ["bash", "-c", script, "pull-image", reference, registry]
    return host.write(words, timeout=LONGEST, check=False)


def load(host: Host, packed: Packed) -> Output:
    """Let the engine take what has arrived."""
    words = ["bash", "-c", LOAD, "load-image", str(arrivals(host) / packed.name)]
    return host.write(words, timeout=WORK, check=False)
