"""The console: one line per step, live on a terminal, plain and prefixed in CI and cron.

Steps and notes go to standard error when the command prints JSON on standard output. Everything
that is shown passes the redaction, so that a secret that another program prints does not appear
here, and then :mod:`.visible`, so that no text of others can give the terminal a command.
"""

from __future__ import annotations

import json
import os
import sys
import threading
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from getpass import getpass
from io import TextIOWrapper
from typing import TYPE_CHECKING, Any, TextIO
from zlib import crc32

from ..model.errors import Trouble, refused
from .alive import Alive
from .visible import visible, visible_json

if TYPE_CHECKING:
    from rich.console import Console as Rich

HIDDEN = "[hidden]"
WARNING = "warning: "
COLOURS = ("cyan", "green", "yellow", "magenta", "blue", "bright_red", "bright_cyan")
"""Of whoever writes a log."""
PLAIN_WIDTH = 200
"""Columns of a table where there is no terminal to fit it into."""
PAGE = 100
"""Columns that a plan fits into, unless the terminal has fewer."""
NARROWEST = 20
"""Columns of a broken line at least."""
FORCED = {"FORCE_COLOR", "TTY_COMPATIBLE"}
"""Variables by which rich takes for a terminal what is none."""
SHORTEST = 6
"""Characters that a value must have to be treated as a secret in other programs' output."""


class Console:
    """Where a command shows what it does."""

    def __init__(self, *, as_json: bool = False) -> None:
        self._as_json = as_json
        self._hushed = False
        self._secrets: set[str] = set()
        self._next: list[str] = []
        self._writing = threading.Lock()
        self._log: dict[str, list[str]] = {}
        self._rich: Rich | None = None
        self._alive = Alive(self.line)
        for stream in (sys.stdout, sys.stderr):
            if isinstance(stream, TextIOWrapper):
                # A terminal without a letter for ✓ gets its code, not a traceback.
                stream.reconfigure(errors="backslashreplace")

    @property
    def interactive(self) -> bool:
        """Whether a person can answer here."""
        return sys.stdin is not None and sys.stdin.isatty() and sys.stderr.isatty()

    @property
    def _stream(self) -> TextIO:
        return sys.stderr if self._as_json else sys.stdout

    @property
    def _is_plain(self) -> bool:
        """Whether rich would add nothing to a line. Its import takes longer than many a look."""
        return not self._stream.isatty() and not FORCED & os.environ.keys()

    @property
    def rich(self) -> Rich:
        """Rich's console: honours NO_COLOR, and is plain where there is no terminal."""
        if self._rich is None:
            from rich.console import Console as Rich

            rich = Rich(stderr=self._as_json, highlight=False, soft_wrap=True)
            if not rich.is_terminal:
                rich.width = PLAIN_WIDTH
            self._rich = rich
        return self._rich

    def hush(self) -> None:
        """From now on show only warnings, errors and the command's result: for cron."""
        self._hushed = True

    def hide(self, secrets: Iterable[str]) -> None:
        """Never show these values."""
        self._secrets.update(value for value in secrets if len(value) >= SHORTEST)

    def redact(self, text: str) -> str:
        """``text`` without the values that must not be shown."""
        for secret in sorted(self._secrets, key=len, reverse=True):
            text = text.replace(secret, HIDDEN)
        return text

    def _shown(self, text: str) -> str:
        return visible(self.redact(text))

    def line(
        self,
        server: str,
        text: str,
        style: str = "",
        *,
        hang: int | None = None,
        cut: bool = False,
    ) -> None:
        """One line of a server, as it is: no markup and no emoji are read into it.

        ``hang``: break it at words, so that it fits a page; the rest begins so many columns in.
        ``cut``: leave out what does not fit.
        """
        stamp = time.strftime("%H:%M:%S", time.gmtime())
        self._log.setdefault(server, []).append(f"{stamp} {self.redact(text)}")
        if self._hushed and not text.startswith(WARNING):
            return
        prefix = (f"[{server}] ", "bold") if server else ("", "")
        shown = self._shown(text)
        if hang is None and not cut and self._is_plain:
            with self._writing:
                print(prefix[0] + shown, file=self._stream, flush=True)
            return
        from rich.text import Text

        page = min(PAGE, self.rich.width) - len(prefix[0])
        parts = [shown] if hang is None else self._broken(shown, page, hang)
        with self._writing:
            for part in parts:
                told = Text(part, style)
                if cut:
                    told.truncate(page, overflow="ellipsis")
                self.rich.print(Text.assemble(prefix, told))

    def _broken(self, text: str, page: int, hang: int) -> list[str]:
        """Lines of at most ``page`` columns; a word is broken where no line has room for it."""
        first, *rest = self._wrapped(text, page)
        after = self._wrapped(text[len(first) :].strip(), page - hang) if rest else []
        return [first, *(" " * hang + part for part in after)]

    def _wrapped(self, text: str, columns: int) -> list[str]:
        from rich.text import Text

        lines = Text(text).wrap(self.rich, max(columns, NARROWEST))
        return [line.plain.rstrip() for line in lines]

    def log(self, server: str) -> list[str]:
        """Every line of a server so far, with its time (UTC)."""
        return list(self._log.get(server, []))

    def warn(self, server: str, text: str, *, hang: int | None = None) -> None:
        """One line that a person should read."""
        self.line(server, f"{WARNING}{text}", "yellow", hang=hang)

    @contextmanager
    def step(self, server: str, title: str) -> Iterator[list[str]]:
        """Show one step while it runs and how long it took; append to the list to add a note."""
        notes: list[str] = []
        start = time.monotonic()
        with self.waiting(server, title):
            try:
                yield notes
            except BaseException:
                self.line(server, f"✗ {title} {time.monotonic() - start:.1f}s", "red")
                raise
        note = f" ({notes[-1]})" if notes else ""
        self.line(server, f"✓ {title} {time.monotonic() - start:.1f}s{note}")

    def waiting(self, server: str, title: str) -> AbstractContextManager[None]:
        """Show that something is under way; servers run side by side: each has its own."""
        if self.rich.is_terminal:
            return self._alive.drawn(self.rich, server, self._shown(title))
        return self._alive.written(server, title)

    def told(self, server: str, text: str) -> None:
        """The last line of what is under way there, or how many bytes have come."""
        self._alive.say(server, self._shown(text))

    def table(self, title: str, columns: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
        """A table on a terminal; columns padded with blanks elsewhere."""
        from rich import box
        from rich.table import Table
        from rich.text import Text

        drawn = self.rich.is_terminal
        table = Table(
            title=self._shown(title),
            title_justify="left",
            box=box.SIMPLE if drawn else None,
            collapse_padding=drawn,
            pad_edge=not drawn,
        )
        for column in columns:
            table.add_column(column, overflow="fold")
        for row in rows:
            table.add_row(*(Text(self._shown(cell)) for cell in row))
        with self._writing:
            self.rich.print(table)

    def log_line(self, source: str, text: str) -> None:
        """A line that a program on a server has written, behind who that is, in its colour."""
        from rich.text import Text

        colour = COLOURS[crc32(source.strip().encode()) % len(COLOURS)]
        with self._writing:
            self.rich.print(
                Text.assemble((source, colour), " " if source else "", self._shown(text))
            )

    def record(self, value: Mapping[str, Any]) -> None:
        """One JSON object of many, each in a line of its own, on standard output."""
        print(visible_json(json.dumps(self._clean(value), ensure_ascii=False)), flush=True)

    def result(self, value: Any) -> None:
        """The one JSON object of a command that was asked for JSON, on standard output."""
        text = json.dumps(self._clean(value), indent=2, sort_keys=True, ensure_ascii=False)
        print(visible_json(text))

    def _clean(self, value: Any) -> Any:
        """The value with every text in it redacted, before JSON escapes what a secret may hold."""
        if isinstance(value, str):
            return self.redact(value)
        if isinstance(value, Mapping):
            return {key: self._clean(item) for key, item in value.items()}
        if isinstance(value, (list, tuple)):
            return [self._clean(item) for item in value]
        return value

    def suggest(self, command: str) -> None:
        """A command that shows more of what fails; it stands below the error."""
        if command not in self._next:
            self._next.append(command)

    def error(self, trouble: Trouble) -> None:
        """The one line that says what failed, its evidence below it, and what shows more."""
        from rich.console import Console as Rich
        from rich.text import Text

        rich = Rich(stderr=True, highlight=False, soft_wrap=True)
        rich.print(Text(self._shown(f"error: {trouble.message}"), style="bold red"))
        for line in trouble.evidence:
            rich.print(Text(self._shown(f"  {line}")))
        for command in self._next:
            rich.print(Text(self._shown(f"  next: {command}")))

    def ask(self, question: str) -> str:
        """What a person types. Only where one can answer."""
        with self._writing:
            self.rich.print(self._shown(question), end="", markup=False, emoji=False)
        return sys.stdin.readline().strip()

    def confirm(self, question: str) -> bool:
        """Ask once. Only where a person can answer; elsewhere the answer is the command itself."""
        with self._writing:
            self.rich.print(f"{self._shown(question)} [y/N] ", end="", markup=False, emoji=False)
        return sys.stdin.readline().strip().lower() in ("y", "yes")

    def secret(self, question: str) -> str:
        """Ask for a value that is not shown while it is typed; exit code 2 off a terminal."""
        if not self.interactive:
            raise refused(f"{question}: nobody can be asked where there is no terminal")
        with self._writing:
            return getpass(f"{self._shown(question)}: ", sys.stderr)
