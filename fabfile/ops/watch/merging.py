"""Lines of several servers, merged in the order of their time, and followed for good."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from ...model.errors import Trouble
from ...model.watch.log_lines import LogLine, Wanted
from ...model.watch.reader import Reader
from ...remote.host import Host
from ..session import Session, side_by_side

HELD = 0.5
"""Seconds that a new line is held back, in case an earlier one of another server comes after it."""
MARGIN = 5.0
"""Seconds that a lost connection may have been silent before that was noticed."""
AGAIN = 2.0
"""Seconds between two attempts to connect again."""
GIVEN_UP = 600
"""Seconds without a connection after which nobody tries any more."""


@dataclass
class Source:
    """One server whose lines are read."""

    name: str
    reader: Reader
    read: Callable[[Host], Iterator[str]]
    """What there is now."""
    follow: Callable[[Host, str, Callable[[str], None]], None]
    """The same from a time on, and what comes; it ends by :class:`Trouble`."""


def show(
    session: Session,
    sources: Sequence[Source],
    wanted: Wanted,
    *,
    tail: int | None = None,
    follow: bool,
    as_json: bool,
) -> list[Trouble]:
    """Show the lines, and with ``follow`` go on until Ctrl-C; by what servers were lost for good.

    ``tail``: the last lines of each container; None: all. JSON is an object for each line.
    """
    shown = Shown(session, sources, wanted, as_json=as_json)
    try:
        shown.lines(_read(session, sources, wanted, tail))
        return _follow_all(session, sources, shown) if follow and sources else []
    except KeyboardInterrupt:
        if not follow:
            raise
        return []  # what is followed ends so


def _read(
    session: Session, sources: Sequence[Source], wanted: Wanted, tail: int | None
) -> list[LogLine]:
    """What there is now, of all servers, in the order of its time."""

    def read(source: Source) -> list[LogLine]:
        last: dict[str, deque[LogLine]] = {}
        for text in source.read(session.host(source.name)):
            for line in source.reader.read(text):
                if wanted.holds(line):
                    last.setdefault(line.container, deque(maxlen=tail)).append(line)
        return [line for lines in last.values() for line in lines]

    found = side_by_side(lambda at: read(sources[at]), range(len(sources)))
    return sorted(line for lines in found.values() for line in lines)


class Shown:
    """Where the lines go: merged, behind who wrote them, the day above the first of each."""

    def __init__(
        self, session: Session, sources: Sequence[Source], wanted: Wanted, *, as_json: bool
    ) -> None:
        self._console = session.console
        self._several = len(sources) > 1
        self._wanted = wanted
        self._as_json = as_json
        self._day = ""
        self._width = 0
        self._guard = threading.Lock()
        self._waiting: list[tuple[float, LogLine]] = []

    def come(self, line: LogLine) -> None:
        """A new line: hold it back for a moment."""
        if self._wanted.holds(line):
            with self._guard:
                self._waiting.append((time.monotonic(), line))

    def go_on(self, held: float = HELD) -> None:
        """Show those that were held back long enough."""
        with self._guard:
            until = time.monotonic() - held
            ready = [line for came, line in self._waiting if came <= until]
            self._waiting = [one for one in self._waiting if one[0] > until]
        self.lines(sorted(ready))

    def lines(self, lines: Iterable[LogLine]) -> None:
        """Show them, in their order."""
        for line in lines:
            if self._as_json:
                self._console.record(line.view())
            else:
                self._line(line)

    def _line(self, line: LogLine) -> None:
        day, _, clock = line.time.partition("T")
        if day != self._day:
            self._day = day
            self._console.log_line("", f"{day} (UTC)")
        who = f"{line.server} {line.container}" if self._several else line.container
        self._width = max(self._width, len(who))
        for text in line.shown:
            self._console.log_line(f"{who:{self._width}}", f"{clock[:8]} {text}")


def _follow_all(session: Session, sources: Sequence[Source], shown: Shown) -> list[Trouble]:
    """Go on with every server, until Ctrl-C or until all are lost; what those ended by."""
    over = threading.Event()
    lost: list[Trouble] = []
    threads = [
        threading.Thread(target=_follow, args=(session, source, shown, over, lost), daemon=True)
        for source in sources
    ]
    for thread in threads:
        thread.start()
    try:
        while any(thread.is_alive() for thread in threads):
            over.wait(HELD / 2)
            shown.go_on()
    finally:
        over.set()
        shown.go_on(held=0)
    return lost


def _follow(
    session: Session,
    source: Source,
    shown: Shown,
    over: threading.Event,
    lost: list[Trouble],
) -> None:
    """Follow a server's logs; where the connection is lost, from where it was lost."""
    reader, console = source.reader, session.console
    since = reader.since = reader.begun
    silent = 0.0

    def come(text: str) -> None:
        nonlocal silent
        if silent:
            console.warn(source.name, "connected again")
        silent = 0.0
        for line in reader.read(text):
            shown.come(line)

    while True:
        try:
            source.follow(session.host(source.name), since, come)
        except Trouble as trouble:
            if over.is_set():
                return
            if not silent:
                silent = time.monotonic()
                console.warn(source.name, f"{trouble.message}; trying again")
            elif time.monotonic() - silent > GIVEN_UP:
                lost.append(trouble)
                return
        session.drop(source.name)
        since = reader.before(MARGIN)
        if over.wait(AGAIN):
            return
