"""A run's SSH keys: from the environment into the files that hosts.ini names, and away again.

A key never shows: not in a message, not in an argument, not in the environment of what is started.
"""

from __future__ import annotations

import base64
import os
import re
import signal
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path

from fabfile.model.errors import refused
from fabfile.model.inventory import Inventory, Server

PREFIX = "SSH_KEY_"
ENVIRONMENT = "production"
"""GitHub's environment that holds the keys (docs/github.md)."""
KIND = "([A-Z]+ )?PRIVATE KEY"
PRIVATE = re.compile(rf"-----BEGIN {KIND}-----\n([A-Za-z0-9+/=]+\n)+-----END {KIND}-----")


def variable(server: str) -> str:
    """The environment variable, and GitHub's secret, with a server's private key."""
    return PREFIX + server.upper().replace("-", "_")


def without_keys(environ: Mapping[str, str]) -> dict[str, str]:
    """The environment for whoever must not see the keys."""
    return {name: value for name, value in environ.items() if not name.startswith(PREFIX)}


def around(inventory: Inventory, name: str) -> list[Server]:
    """The servers that a change of ``name`` connects to: itself, whom it calls, who calls it."""
    server = inventory.server(name)
    called = [inventory.server(server.calls)] if server.calls else []
    return [server, *called, *inventory.callers_of(name)]


@contextmanager
def installed(servers: Iterable[Server], environ: Mapping[str, str]) -> Iterator[None]:
    """Have each server's key file while the body runs; what was installed is gone afterwards.

    A key file that stands there already is never touched: it serves where no variable is set.
    Exit code 2, before anything is written for that server, when there is no key or a broken one.
    """
    with ExitStack() as cleanup:
        # A cancelled run gets a SIGTERM, which would otherwise end us with the files in place.
        before = signal.signal(signal.SIGTERM, signal.default_int_handler)
        cleanup.callback(signal.signal, signal.SIGTERM, before)
        for server in servers:
            if server.connection == "local":
                continue
            if _install(server, environ.get(variable(server.name), "")):
                cleanup.callback(server.key.unlink, missing_ok=True)
        yield


def _install(server: Server, secret: str) -> bool:
    """Write a server's key file; False when it is there already."""
    name, file = variable(server.name), server.key
    if not secret.strip():
        if file.exists():
            return False
        raise refused(f"{server.name}: no key: {name} is empty and {file} does not exist")
    text = repaired(name, secret)
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor, scratch = tempfile.mkstemp(dir=file.parent, prefix=f".{file.name}.")
    try:
        with os.fdopen(descriptor, "w", encoding="ascii") as written:
            written.write(text)
        # A link, not a rename: it fails where a file stands, so that nobody's key is replaced.
        os.link(scratch, file)
    except FileExistsError:
        if file.read_text(encoding="ascii", errors="replace") == text:
            return False
        raise refused(
            f"{server.name}: {file} stands there already and is another key than {name};"
            " move it away, or unset the variable"
        ) from None
    finally:
        Path(scratch).unlink()
    return True


def repaired(name: str, secret: str) -> str:
    """A private key as OpenSSH wrote it: LF line ends, a final newline; else exit code 2.

    One line of base64 is a key too: GitLab masks no value that has several lines.
    """
    text = _decoded(secret).replace("\r\n", "\n").strip()
    if not text.isascii() or not PRIVATE.fullmatch(text):
        raise refused(
            f"{name} is not a whole private key; set it anew from its file, as it is:"
            f" gh secret set {name} --env {ENVIRONMENT} <KEYFILE (GitLab: docs/gitlab.md)"
        )
    return text + "\n"


def _decoded(secret: str) -> str:
    """The text that one line of base64 stands for; anything else as it is."""
    try:
        return base64.b64decode(secret.strip(), validate=True).decode("ascii")
    except ValueError:
        return secret
