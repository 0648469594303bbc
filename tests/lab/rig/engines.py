"""Which generation of engine and compose each server runs: data, and one way to swap it."""

from __future__ import annotations

import os
from collections.abc import Mapping

SWAPPED = "LAB_ENGINES"
"""Set to ``swapped``, it gives each server the other one's generation."""

Generation = Mapping[str, str]
"""Build arguments of the image ``server``: a suite of Debian's, and its packages."""

STABLE: Generation = {"SUITE": "trixie", "ENGINE": "docker.io docker-cli docker-compose"}
"""Engine 26.1 and compose 2.26, without buildx: the classic builder makes the images."""
NEWER: Generation = {"SUITE": "forky", "ENGINE": f"{STABLE['ENGINE']} docker-buildx"}
"""Engine 28.5, compose 2.40 and buildx 0.29: BuildKit makes the images."""

OF_SERVERS: Mapping[str, Generation] = {"ubuntu": STABLE, "montreal": NEWER}


def generation_of(server: str) -> Generation:
    """The generation that a server runs; one that has none of its own runs Debian's stable one."""
    ours = OF_SERVERS.get(server, STABLE)
    if os.environ.get(SWAPPED) == "swapped":
        return NEWER if ours is STABLE else STABLE
    return ours
