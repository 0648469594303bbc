"""The order of what needs the lab: what one file leaves serves the next.

First those that need nothing deployed, then those that empty a server before they deploy, then
those that need both at the base, then the scenes, which begin wherever the one before ended: so the
base is deployed once, not whenever the kind changes. What reads a story of
``tests/incidents/stories.py`` stands together, and one worker plays it all: a story is told once.
Within a kind the longest list comes first, so that two workers end together. The workers get whole
files: groups of ``--dist=loadgroup`` are nothing to pytest-xdist 3.8 with pytest 9.2.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from functools import cache
from pathlib import Path

from xdist.scheduler import LoadFileScheduling

Test = tuple[str, Sequence[str]]
"""The file that a test stands in, and the names of its fixtures."""
STORIES = "stories"
ROOT = Path(__file__).resolve().parents[2]


@cache
def told_together(file: str) -> str:
    """What one worker plays, told by the path of a file: the file alone, or all that reads stories.

    Who hands out the files has not read them: what they import says it.
    """
    return STORIES if '"tests.incidents.stories"' in (ROOT / file).read_text() else file


class Handing(LoadFileScheduling):
    """Files are handed out one by one, and those that read stories as if they were one."""

    def _split_scope(self, nodeid: str) -> str:
        return told_together(nodeid.partition("::")[0])


def groups(tests: Iterable[Test]) -> dict[str, str]:
    """File → what stands together with it."""
    from tests.incidents import stories  # noqa: PLC0415 # earlier, pytest could not rewrite it

    found: dict[str, str] = {}
    for file, fixtures in tests:
        found.setdefault(file, file)
        if not {*stories.__all__}.isdisjoint(fixtures):
            found[file] = STORIES
    return found


def places(tests: Sequence[Test]) -> dict[str, tuple[int, int, str]]:
    """File → where it stands in the order."""
    group = groups(tests)
    counts = Counter(group[file] for file, _ in tests)
    needed: dict[str, set[str]] = {one: set() for one in group.values()}
    for file, fixtures in tests:
        needed[group[file]].update(fixtures)
    return {file: (_kind(needed[one]), -counts[one], one) for file, one in group.items()}


def _kind(fixtures: Collection[str]) -> int:
    """Of what a file needs: a scene may need an empty server too, and then stands with scenes."""
    if "scenes" in fixtures:
        return 3
    if "servers_deployed" not in fixtures:
        return 0
    return 1 if "emptied" in fixtures else 2
