"""Logs: what the containers of one server or of all have written, in the order of its time."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from ...model.errors import Trouble, refused
from ...model.nearest import meant
from ...model.watch.log_lines import LogLine, Reader, Wanted, wanted
from ...remote.watch import logs as remote
from ...remote.watch.logs import Asked
from ..session import Session, all_of, side_by_side
from ..sight import DEPLOYED, Sight, look_at

TAIL = 100
"""Lines of each container, where nobody says how many."""
HELD = 0.5
"""Seconds that a new line is held back, in case an earlier one of another server comes after it."""
MARGIN = 5.0
"""Seconds that a lost connection may have been silent before that was noticed."""
AGAIN = 2.0
"""Seconds between two attempts to connect again."""
GIVEN_UP = 600
"""Seconds without a connection after which nobody tries any more."""


@dataclass(frozen=True)
class Options:
    """What somebody wants to read."""

    service: str
    """Or one of its containers; empty: all."""
    tail: int | None
    """Lines of each container; None: :data:`TAIL`, or all where ``since`` or ``wanted`` tell."""
    since: str
    """As ``docker logs`` takes it; empty: from the beginning."""
    until: str
    """The same; empty: to the end."""
    wanted: Wanted
    follow: bool

    @property
    def least(self) -> str:
        """Lines of each container that must be read to find those that are wanted."""
        if not self.wanted.all or (self.since and self.tail is None):
            return "all"
        return str(TAIL if self.tail is None else self.tail)


def options(
    service: str,
    since: str,
    until: str,
    tail: int | None,
    grep: str,
    level: str,
    status: str,
    slow: int,
    follow: bool,
) -> Options:
    """What the options of a command ask for; exit code 2 where they mean nothing."""
    if follow and until:
        raise refused("--until says where to end, and --follow not to")
    return Options(service, tail, since, until, wanted(grep, level, status, slow), follow)


@dataclass
class Source:
    """One server whose logs are read."""

    name: str
    asked: Asked
    reader: Reader


def logs(session: Session, names: Sequence[str], options: Options, *, as_json: bool) -> None:
    """Show the logs of servers, merged; ``follow`` goes on until Ctrl-C.

    Where one server cannot be reached, the others are shown all the same, and the exit code is 2; 1
    where one is lost for good while its logs are followed. JSON is an object for each line.
    """
    looked = side_by_side(lambda name: _look(session, name), names)
    sources = _sources(looked, options)
    away = [one for one in looked.values() if isinstance(one, Trouble)]
    shown = Shown(session, sources, options.wanted, as_json=as_json)
    try:
        shown.lines(_read(session, sources, options))
        if options.follow and sources:
            away += _follow_all(session, sources, shown)
    except KeyboardInterrupt:
        if not options.follow:  # what is followed ends so
            raise
    if away:
        raise all_of(away)


def _look(session: Session, name: str) -> Sight | Trouble:
    try:
        sight = look_at(session, name, DEPLOYED)
        if sight.target is None:
            sight.require()
    except Trouble as trouble:
        return trouble
    return sight


def _sources(looked: Mapping[str, Sight | Trouble], options: Options) -> list[Source]:
    """The servers that were seen and have what is meant; exit code 2 when none of them has it."""
    found: list[Source] = []
    known: list[str] = []
    for name, sight in looked.items():
        if isinstance(sight, Trouble) or sight.target is None:
            continue
        stack = sight.target.stack
        services = [one.name for one in stack.services]
        stem = f"{stack.project}-"
        containers = [one.name.removeprefix(stem) for one in sight.facts.containers]
        known += services
        if options.service and options.service not in (*services, *containers):
            continue
        asked = Asked(stack.project, options.service, options.least, options.since, options.until)
        found.append(Source(name, asked, Reader(name, stack.project)))
    if known and not found:
        raise refused(
            f"no service '{options.service}' in the stack; services: {', '.join(known)}"
            f"{meant(options.service, known)}"
        )
    return found


def _read(session: Session, sources: Sequence[Source], options: Options) -> list[LogLine]:
    """What there is now, of all servers, in the order of its time."""

    def read(source: Source) -> list[LogLine]:
        last: dict[str, deque[LogLine]] = {}
        for text in remote.read(session.host(source.name), source.asked):
            for line in source.reader.read(text):
                if options.wanted.holds(line):
                    last.setdefault(line.container, deque(maxlen=options.tail)).append(line)
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
    reader.since = reader.before(0)
    since, silent = reader.before(0), 0.0

    def come(text: str) -> None:
        nonlocal silent
        if silent:
            console.warn(source.name, "connected again")
        silent = 0.0
        for line in reader.read(text):
            shown.come(line)

    while True:
        try:
            remote.follow(session.host(source.name), replace(source.asked, since=since), come)
        except Trouble as trouble:
            if over.is_set():
                return
            if not silent:
                silent = time.monotonic()
                console.warn(source.name, f"{trouble.message}; trying again")
            elif time.monotonic() - silent > GIVEN_UP:
                lost.append(trouble)
                return
        session.log_in_again(source.name)
        since = reader.before(MARGIN)
        if over.wait(AGAIN):
            return
