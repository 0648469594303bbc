"""A server's ``.env``: what compose makes of another text of it, and that text in its place."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path, PurePosixPath

from ..model.access.envedit import reading
from ..model.commit import effective
from ..model.errors import Trouble, refused
from .deploy.compose import CLEAN
from .host import Host

SCRIPT = CLEAN + Path(__file__).with_name("settings.sh").read_text(encoding="utf-8")
CHECK = 60
"""Seconds that compose may take to read a stack."""
OTHER = 75


def check(host: Host, text: str, keys: Iterable[str]) -> tuple[dict[str, str] | None, str]:
    """What compose reads for these keys in the text of an ``.env``, and why it refuses the stack.

    None: the server has no compose that could be asked.
    """
    words = [reading(sorted(keys)), *_stack(host), _size(text)]
    output = host.read(_words("check", *words), stdin=text, timeout=CHECK)
    if "\0" not in output.stdout:
        return None, ""
    read, _, why = output.stdout.partition("\0")
    return effective(read), " ".join(why.split())


def with_and_without(host: Host, line: str) -> tuple[str, str]:
    """What compose makes of the checkout's stack: as it is, and with a line more in ``.env``."""
    words = [*_stack(host), str(env(host)), _size(line)]
    output = host.read(_words("probe", *words), stdin=line, timeout=CHECK, check=False)
    before, between, after = output.stdout.partition("\0")
    if not output.ok or not between:
        raise Trouble(f"{host.name}: compose cannot read the stack", evidence=output.errors())
    return before, after


def replace(host: Host, before: str | None, after: str) -> None:
    """Put another text in the place of ``.env``, whole or not at all; the former stays beside it.

    ``before``: what was seen there; None: no file. Exit code 2 when that is not there any more.
    """
    digest = "none" if before is None else hashlib.sha256(before.encode()).hexdigest()
    words = [str(env(host)), _size(after)]
    stdin = f"{digest}\n{after}"
    output = host.write(_words("replace", *words), stdin=stdin, check=False)
    if output.code == OTHER:
        raise refused(f"{host.name}: somebody else changed .env meanwhile; run again")
    if not output.ok:
        raise Trouble(
            f"{host.name}: .env could not be written, and is as it was", evidence=output.errors()
        )


def env(host: Host) -> PurePosixPath:
    """Where it stands."""
    return host.server.path / ".env"


def _stack(host: Host) -> tuple[str, str]:
    files = host.server.stacks
    return str(files[0].parent), "\n".join(map(str, files))


def _size(text: str) -> str:
    return str(len(text.encode()))


def _words(what: str, *words: str) -> list[str]:
    return ["bash", "-c", SCRIPT, f"{what}-settings", what, *words]
