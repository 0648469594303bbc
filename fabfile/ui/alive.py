"""That what takes long is under way: its last words and how long it has taken.

On a terminal that is a line for each step, which goes when the step ends; elsewhere a line now and
then, which stays.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console as Rich
    from rich.progress import Progress, TaskID

EVERY = 30.0
"""Seconds between two lines about a step, where there is no terminal."""


@dataclass
class Step:
    """Something that is under way on a server."""

    server: str
    title: str
    began: float = field(default_factory=time.monotonic)
    said: str = ""
    """The last line that it printed, or how many bytes have come; empty: nothing yet."""
    task: TaskID | None = None

    def told(self) -> str:
        """The line of it where there is no terminal."""
        said = f": {self.said}" if self.said else ""
        return f"… {self.title} {time.monotonic() - self.began:.0f}s{said}"


class Alive:
    """The steps under way, side by side on servers."""

    def __init__(self, line: Callable[[str, str], None]) -> None:
        self._line = line
        self._steps: list[Step] = []
        self._progress: Progress | None = None
        self._guard = threading.Lock()

    def say(self, server: str, text: str) -> None:
        """What the server's step that began last has printed. ``text``: as it may be shown."""
        with self._guard:
            step = next((one for one in reversed(self._steps) if one.server == server), None)
            if step is None:
                return
            step.said = text
            if self._progress is not None and step.task is not None:
                self._progress.update(step.task, said=text)

    @contextmanager
    def drawn(self, rich: Rich, server: str, title: str) -> Iterator[None]:
        """Show a step on a terminal while it runs. ``title``: as it may be shown."""
        step = Step(server, title)
        with self._guard:
            if self._progress is None:
                self._progress = _progress(rich)
                self._progress.start()
            progress = self._progress
            step.task = progress.add_task(f"[{server}] {title}", said="")
            self._steps.append(step)
        try:
            yield
        finally:
            with self._guard:
                self._steps.remove(step)
                progress.remove_task(step.task)
                if not progress.tasks:
                    progress.stop()
                    self._progress = None

    @contextmanager
    def written(self, server: str, title: str) -> Iterator[None]:
        """Write a line about a step now and then while it runs."""
        step, over = Step(server, title), threading.Event()

        def write() -> None:
            while not over.wait(EVERY):
                self._line(server, step.told())

        with self._guard:
            self._steps.append(step)
        writing = threading.Thread(target=write, daemon=True)
        writing.start()
        try:
            yield
        finally:
            over.set()
            with self._guard:
                self._steps.remove(step)
            writing.join()


def _progress(rich: Rich) -> Progress:
    from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
    from rich.table import Column

    said = Column(ratio=1, no_wrap=True, overflow="ellipsis")
    return Progress(
        SpinnerColumn(),
        TextColumn("{task.description}", markup=False),
        TimeElapsedColumn(),
        TextColumn("{task.fields[said]}", style="dim", markup=False, table_column=said),
        console=rich,
        transient=True,
        expand=True,
    )
