"""Wild inputs are drawn the same way every time: a red test stays red until it is mended.

And the fixtures of the tests of the scripts.
"""

from __future__ import annotations

from hypothesis import settings

from .clone import cloned, somebody
from .projects import made
from .proxying import host, kept, stubs
from .replicating import engine, stack, switched
from .shelling import anywhere, far, sshd
from .sshd import opened

__all__ = [
    "anywhere",
    "cloned",
    "engine",
    "far",
    "host",
    "kept",
    "made",
    "opened",
    "somebody",
    "sshd",
    "stack",
    "stubs",
    "switched",
]

settings.register_profile("unit", deadline=None, derandomize=True, database=None, max_examples=100)
settings.load_profile("unit")
