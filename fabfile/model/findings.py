"""Findings by the check of ``fab doctor`` that they belong to (``watch/checks.py`` lists them)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from .access.envfile import Findings


class Gathered(dict[str, list[str]]):
    """Check → the lines that it has."""

    def add(self, check: str, lines: Iterable[str]) -> None:
        """Some more of a check."""
        self[check] = [*self.get(check, []), *lines]

    def add_all(self, found: Mapping[str, Iterable[str]]) -> None:
        """Some more of several."""
        for check, lines in found.items():
            self.add(check, lines)


def by_check(
    problems: Mapping[str, Sequence[str]], warned: Mapping[str, Sequence[str]]
) -> dict[str, Findings]:
    """Both of each check that has a line."""
    names = dict.fromkeys((*problems, *warned))
    both = {name: Findings((*problems.get(name, ()),), (*warned.get(name, ()),)) for name in names}
    return {name: one for name, one in both.items() if one.problems or one.warnings}
