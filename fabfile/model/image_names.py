"""Names of images: one image, one name, however the compose file writes it."""

from __future__ import annotations

FOREIGN = ("caddy", "traefik", "haproxy", "envoy")
"""Proxies of others, which a deploy does not steer."""
HUB = ("docker.io/", "index.docker.io/", "registry-1.docker.io/")


def familiar(reference: str) -> str:
    """The name by which the engine lists an image: ``redis:7`` for ``docker.io/library/redis:7``.

    A digest is kept without the tag beside it, as the engine does; without either it is ``latest``.
    """
    hub = next((prefix for prefix in HUB if reference.startswith(prefix)), "")
    name = reference.removeprefix(hub).removeprefix("library/")
    name, _, digest = name.partition("@")
    if digest:
        return f"{repository(name)}@{digest}"
    return name if repository(name) != name else f"{name}:latest"


def repository(reference: str) -> str:
    """A name without its tag or digest; the port of a registry is neither."""
    name = reference.partition("@")[0]
    head, colon, tail = name.rpartition(":")
    return head if colon and "/" not in tail else name


def foreign(reference: str) -> str:
    """Which of the proxies of others an image is, by its name; empty: none."""
    name = repository(reference).rpartition("/")[2]
    return name if name in FOREIGN else ""
