"""The order of what needs the lab: what one file leaves serves the next.

First those that empty servers or need nothing deployed, then those that need both at the base, then
the scenes, which begin wherever the one before ended: so the base is deployed once, not whenever
the kind changes. What reads a story of ``tests/incidents/stories.py`` stands together. Within a
kind the longest list comes first, so that two workers end together. The workers get whole files:
groups of ``--dist=loadgroup`` are nothing to pytest-xdist 3.8 with pytest 9.2.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

Test = tuple[str, Sequence[str]]
"""The file that a test stands in, and the names of its fixtures."""
STORIES = "stories"


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
    kinds = dict.fromkeys(group.values(), 2)
    for file, fixtures in tests:
        if "lab" in fixtures:
            kinds[group[file]] = min(kinds[group[file]], _kind(fixtures))
    return {file: (kinds[one], -counts[one], one) for file, one in group.items()}


def _kind(fixtures: Sequence[str]) -> int:
    return 2 if "scenes" in fixtures else 1 if "pair" in fixtures else 0
