"""The words by which a command runs in a container, with or without a terminal."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ..deploy.compose import compose_words
from ..host import Host

CONSOLE = Path(__file__).with_name("console.sh").read_text(encoding="utf-8")
TOKEN = "WISHWITHME_EXEC"  # noqa: S105 # a name; what it has tells processes apart, no secret
"""In the environment of what is executed: by it the server finds it and what it has started."""


@dataclass(frozen=True)
class Started:
    """A command of a client on the server, and how its end is found again."""

    words: list[str]
    kind: str
    """As ``watch.sh`` calls it."""
    container: str
    token: str


def executed(container: str, words: Sequence[str], *, terminal: bool) -> Started:
    """In a running container. Nothing of the words passes through a shell."""
    token = secrets.token_hex(8)
    how = ["--interactive", *(["--tty"] if terminal else [])]
    made = ["docker", "exec", *how, "--env", f"{TOKEN}={token}", container, *words]
    return Started(made, "exec", container, token)


def once(
    host: Host, project: str, service: str, words: Sequence[str], *, terminal: bool
) -> Started:
    """In a container of its own, as the checkout's stack has the service; removed at its end."""
    token = secrets.token_hex(8)
    name = f"{project}-{service}-run-{token}"
    how = ["--rm", "--no-deps", "--name", name, *([] if terminal else ["-T"])]
    made = compose_words(host, "run", *how, service, *words)
    return Started(made, "once", name, token)


def console(keys: Sequence[str]) -> list[str]:
    """The words that open a console inside a container.

    ``keys``: of its environment, with the database's user, name and password; none: it is no
    database.
    """
    return ["sh", "-c", CONSOLE, "console", *(["psql", *keys] if keys else [])]
