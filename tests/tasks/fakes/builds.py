"""What a simulated machine is as a builder, and what it has of the images that come to it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass
class Builds:
    """See :mod:`.building`."""

    platform: str = "linux/amd64"
    """Empty: no engine answers."""
    platforms: str = ""
    """What its buildx says that it builds for."""
    containerd: bool = False
    zstd: bool = True
    missing: tuple[str, ...] = ()
    room: int = 1 << 40
    """Bytes that an image may take on its way before the disk is full."""
    logged_in: tuple[str, ...] = ()
    """The registries that it may use."""
    refuses_parts: bool = False
    """Whether its engine takes images only whole."""
    arrives_as: str = ""
    """The id that an image has once it was loaded here; empty: its own."""
    stack: dict[str, Any] = field(default_factory=dict)
    """What was built last, as compose got it."""
    made: dict[str, str] = field(default_factory=dict)
    """Image → what it was built for."""
    laid: dict[str, str] = field(default_factory=dict)
    """Folder → the image that is laid out there, or what was packed of it."""
    arrived: dict[str, str] = field(default_factory=dict)
    """What has come of images."""
