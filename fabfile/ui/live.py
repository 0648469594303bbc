"""A picture of lines that is drawn anew, on a screen of its own; the last one stays."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from .console import Console
from .visible import visible

if TYPE_CHECKING:
    from rich.text import Text

Line = tuple[str, str, str]
"""A server or nothing, what is said of it, and its style."""


@contextmanager
def picture(console: Console, *, cut: bool) -> Iterator[Callable[[Sequence[Line]], None]]:
    """What draws; on a terminal only. Lines that are too long are ``cut``, or go on below.

    However it ends, the terminal shows what stood there before, and below that the last picture.
    """
    from rich.console import Group
    from rich.live import Live

    last = Group()

    def draw(lines: Sequence[Line]) -> None:
        nonlocal last
        last = Group(*(_told(console, line, cut=cut) for line in lines))
        live.update(last, refresh=True)

    try:
        with Live(console=console.rich, screen=True, auto_refresh=False) as live:
            yield draw
    finally:
        console.rich.print(last)


def _told(console: Console, line: Line, *, cut: bool) -> Text:
    from rich.text import Text

    server, text, style = line
    told = Text(no_wrap=cut, overflow="ellipsis" if cut else "fold")
    if server:
        told.append(f"[{server}] ", "bold")
    return told.append(visible(console.redact(text)), style)
