"""Status that is looked at again and again, on a terminal, until somebody ends it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial

from ...model.errors import as_trouble, refused
from ...model.watch.checks import FAIL, STYLES
from ...model.watch.glance import Glance
from ...remote.host import Host
from ...remote.watch.glance import LONGEST, glance
from ...ui.live import Line, picture
from ..session import Session

EVERY = 2.0
"""Seconds between two looks at a server."""
DRAWN = 0.5
"""Seconds between two pictures."""
MUTE = 5.0
"""Seconds after which a server that does not answer is said to be silent."""
SILENT = LONGEST + 5.0
"""Seconds without an answer after which its connection is taken for lost."""
FEW = 2
"""Servers whose services are shown."""


@dataclass
class Watched:
    """One server, as it was seen last."""

    name: str
    seen: Glance | None = None
    trouble: str = ""
    """Why it cannot be seen now; empty: it can."""
    asked: float = 0.0
    """Since when an answer is waited for; 0: nobody waits."""

    def lines(self, now: float, *, whole: bool) -> Iterator[Line]:
        """What is shown of it. ``whole``: each service too."""
        mute = now - self.asked if self.asked else 0.0
        if self.trouble or mute > MUTE:
            told = self.trouble or f"no answer for {mute:.0f} s"
            yield self.name, f"{FAIL:4} {told}", STYLES[FAIL]
        elif self.seen is None:
            yield self.name, "...", ""
        else:
            verdict, text = self.seen.line()
            yield self.name, f"{verdict:4} {text}", STYLES[verdict]
            if whole:
                yield from (("", f"  {row}", "") for row in self.seen.rows())


def watch(session: Session, names: Sequence[str]) -> None:
    """Look every two seconds over one connection each, until Ctrl-C; exit code 2 off a terminal.

    A server that goes away is shown as such, and connected to anew until it is there again.
    """
    if not session.console.rich.is_terminal:
        raise refused(
            "--watch draws on a terminal, and here is none; without it status is told once"
        )
    session.approach(names)  # whoever is asked for a passphrase is asked before
    servers, over = [Watched(name) for name in names], threading.Event()
    for server in servers:
        about = (session, server, over)
        threading.Thread(target=_look_on, args=about, name=server.name, daemon=True).start()
    few = len(names) <= FEW
    try:
        with picture(session.console, cut=not few) as draw:
            while True:
                draw([*_above(), *_lines(servers, whole=few)])
                _let_go(session, servers)
                rest(over)
    except KeyboardInterrupt:
        return  # what is watched ends so
    finally:
        over.set()


def rest(over: threading.Event) -> None:
    """Wait for the next picture."""
    over.wait(DRAWN)


def look(host: Callable[[], Host]) -> Glance:
    """One look; :class:`Trouble` where that is not possible. ``host``: connects where need be."""
    return glance(host())


def _above() -> Iterator[Line]:
    now = time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime())
    yield "", f"{now}, every {EVERY:.0f} s; Ctrl-C ends it", "dim"


def _lines(servers: Sequence[Watched], *, whole: bool) -> Iterator[Line]:
    now = time.monotonic()
    for server in servers:
        yield from server.lines(now, whole=whole)


def _look_on(session: Session, server: Watched, over: threading.Event) -> None:
    while not over.is_set():
        server.asked = time.monotonic()
        try:
            server.seen = look(partial(session.host, server.name))
            server.trouble = ""
        except Exception as error:  # noqa: BLE001 # a picture that stands still would look well
            server.trouble = as_trouble(error).message.removeprefix(f"{server.name}: ")
            session.drop(server.name)
        server.asked = 0.0
        over.wait(EVERY)


def _let_go(session: Session, servers: Sequence[Watched]) -> None:
    """Close the connections that have been silent for too long: their looks end, and begin anew."""
    now = time.monotonic()
    for server in servers:
        if server.asked and now - server.asked > SILENT:
            server.asked = now
            # It waits for whoever reads there, and the picture must not.
            threading.Thread(target=session.drop, args=(server.name,), daemon=True).start()
