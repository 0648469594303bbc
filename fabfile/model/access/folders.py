"""The folders of a server's state, and who may use them: the user that deploys, and nobody else.

The engine is root and mounts what stands in a closed folder. A user of a container sees the mounted
folder alone; what such a user reads is open to all, below a root that is not.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ..facts import Facts
from ..inventory import Server

CLOSED, READ = 0o700, 0o755
FOLDERS: Mapping[str, int] = {
    "data": CLOSED,
    "backups": CLOSED,
    "releases": CLOSED,
    "locks": CLOSED,
    "proxy": READ,  # the workers of nginx answer with what the authority asks for
    "certs": CLOSED,
    "certs/trust": READ,  # services that are no root
    "build": CLOSED,
}
"""Folders below the root of the server's state, and their modes."""


def modes(server: Server) -> dict[str, int]:
    """Path → mode of every folder that a deploy makes, and of the checkout."""
    below = {str(server.root / name): mode for name, mode in FOLDERS.items()}
    return {str(server.root): CLOSED, **below, str(server.path): CLOSED}


def loose(server: Server, facts: Facts) -> list[str]:
    """The folders whose mode is another one, each with that."""
    seen = {path: facts.folders.get(path) for path in modes(server)}
    return [
        f"{path} ({state.mode & 0o777:o})"
        for path, mode in modes(server).items()
        if (state := seen[path]) and state.mode & 0o777 != mode
    ]


def bootstrap(server: Server, facts: Facts, volumes: Sequence[str]) -> str:
    """Why a deploy must make or close folders, ``volumes`` among them; empty: all is well."""
    missing = [
        path
        for path in (*(str(server.root / name) for name in FOLDERS), *volumes)
        if path not in facts.folders
    ]
    wrong = loose(server, facts)
    told = [f"{len(missing)} of its folders are missing"] if missing else []
    told += [f"{len(wrong)} of its folders have other modes than theirs"] if wrong else []
    told += [] if facts.env_stat else ["a .env is made"]
    return "; ".join(told)


def warnings(server: Server, facts: Facts) -> list[str]:
    """What other users of the server may do there until the next deploy."""
    found = loose(server, facts)
    if not found:
        return []
    return [f"folders with a mode that is not theirs: {', '.join(found)}; a deploy corrects them"]
