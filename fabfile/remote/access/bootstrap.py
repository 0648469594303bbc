"""Looking at a host that is to become a server, and the steps that make it one."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from paramiko import HostKeys, PKey

from ...model.access.bootstrap import forge, programs
from ...model.access.machine import Machine, parse
from ...model.access.setup import Step
from ...model.errors import REFUSED, Trouble, Unwelcome, refused
from ...model.inventory import Server
from ..host import Host
from ..output import Output
from . import pins
from .hops import hops

_HERE = Path(__file__).parent
FIND, LOOK, SCRIPT = (
    path.read_text(encoding="utf-8")
    for path in (_HERE.with_name("python.sh"), _HERE / "machine.sh", _HERE / "bootstrap.sh")
)
PATIENCE = 120
"""Seconds that a look may take: the repository may be far away."""
LONGEST = 1800
"""Seconds that a step may take: an engine is several hundred megabytes."""
STARTED = 60
"""Seconds within which the engine must answer."""
AS_ROOT = """
[ "$(id -u)" = 0 ] || exec sudo -n docker version
exec docker version
"""
NEITHER, BUSY = 77, 75
"""Exit codes of the scripts."""


def public_half(server: Server) -> str:
    """The line of ``authorized_keys`` that lets the server's ``key`` in.

    Where a person or the agent opens that, from the file beside it; exit code 2 without one.
    """
    if not (server.passphrase or server.agent):
        key = PKey.from_path(server.key)
        return f"{key.get_name()} {key.get_base64()} {server.key.name}"
    file = server.key.with_name(f"{server.key.name}.pub")
    try:
        kind, blob, *_ = file.read_text(encoding="utf-8").split()
    except (OSError, ValueError):
        raise refused(
            f"{server.name}: {file} does not say which key {server.user} is to be let in with;"
            " put the public half of 'key' there: ssh-keygen -y"
        ) from None
    return f"{kind} {blob} {server.key.name}"


def pinned(server: Server) -> list[str]:
    """The host keys of the repository's server that ``known_hosts`` beside hosts.ini has."""
    at = forge(server.repository)
    known = HostKeys(str(server.known_hosts)).lookup(at) if at else None
    return [f"{at} {kind} {key.get_base64()}" for kind, key in (known or {}).items()]


def host_keys(server: Server) -> list[str]:
    """The kinds of the host's own keys that ``known_hosts`` has."""
    return [*pins.pinned(hops(server)[-1])]


def look(host: Host, server: Server) -> Machine:
    """Look at a host as root; :class:`Unwelcome` for who is neither root nor may use sudo."""
    mark = f"@@{secrets.token_hex(8)}"
    words = [str(server.path), str(server.root), server.repository, server.branch]
    words += [forge(server.repository), "docker", *programs(server)]
    run = ["bash", "-c", FIND + LOOK, "look-machine", mark, server.user, *words]
    output = host.read(run, timeout=PATIENCE, check=False)
    if output.code == NEITHER:
        said = f"{host.name}: {host.server.user} may not use sudo without a password"
        raise Unwelcome(said, code=REFUSED)
    try:
        return parse(output.stdout, mark)
    except ValueError as error:
        raise Trouble(f"{host.name}: {error}", evidence=output.errors()) from None


def perform(host: Host, server: Server, step: Step) -> None:
    """Do a step; exit code 2 while a deploy changes the server."""
    output = _run(host, server, [step.name, *step.words], step.stdin)
    if output.code == BUSY:
        raise refused(f"{host.name}: somebody changes it; wait for the end, then run this again")
    if not output.ok:
        raise Trouble(
            f"{host.name}: {step.title}: failed with exit code {output.code}; once that is mended,"
            " run this again",
            evidence=output.errors(),
        )
    if "docker" in step.words:
        host.wait("an answer of the engine", lambda: _engine_answers(host), STARTED)


def keep(host: Host, server: Server, step: Step) -> None:
    """A new login was proved: what was done last stays."""
    output = _run(host, server, ["keep"])
    if not output.ok:
        what = f"{step.title}: taken back, since the new login took too long; run this again"
        raise Trouble(f"{host.name}: {what}", evidence=output.errors())


def undo(host: Host, server: Server, step: Step) -> None:
    """Nobody could log in: take it back. The host does it by itself when it is not told in time."""
    with suppress(Trouble):
        _run(host, server, ["undo", step.name])


def _run(host: Host, server: Server, words: Sequence[str], stdin: str = "") -> Output:
    run = ["bash", "-c", SCRIPT, "bootstrap", str(server.root), *words]
    return host.write(run, stdin=stdin, timeout=LONGEST, check=False)


def _engine_answers(host: Host) -> bool:
    return host.read(["bash", "-c", AS_ROOT, "ask-engine"], check=False).ok
