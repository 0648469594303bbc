"""What Invoke is given to carry and gives back: text as bytes, input at once."""

from __future__ import annotations

from fabric.runners import Remote
from invoke.runners import Local

WIRE = "latin-1"
"""Encoding given to Invoke, which decodes every chunk by itself: it must have one byte a letter."""


def to_wire(text: str) -> str:
    """UTF-8 as :data:`WIRE` carries it."""
    return text.encode("utf-8").decode(WIRE)


def from_wire(text: str) -> str:
    """What a command printed, as UTF-8."""
    return text.encode(WIRE).decode("utf-8", "replace")


class Text:
    """A standard input that is given at once: Invoke reads others a character at a time."""

    def __init__(self, text: str) -> None:
        self._text = text

    def read(self, _size: int) -> str:
        """The whole text first, then the end."""
        text, self._text = self._text, ""
        return text


class _Unwatched:
    """A runner whose output nobody watches while it comes.

    For those who do, Invoke joins all that has come so far at every chunk: 8 MiB took 16 s.
    """

    read_chunk_size = 1 << 16

    def respond(self, _buffer: list[str]) -> None:
        """Nobody is told."""


class RemoteRunner(_Unwatched, Remote):
    """What a connection runs commands with."""


class LocalRunner(_Unwatched, Local):
    """The same without a connection."""
