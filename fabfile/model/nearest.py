"""What may have been meant by a name that is not there."""

from __future__ import annotations

from collections.abc import Iterable


def meant(name: str, known: Iterable[str], *, cutoff: float = 0.6) -> str:
    """``; did you mean X?``, or empty where nothing is near.

    ``cutoff``: how near a name must be, 1 is the same; several equally far ones are all told.
    """
    # Only who mistyped waits for it.
    from difflib import SequenceMatcher

    ratios = {one: SequenceMatcher(None, name.lower(), one.lower()).ratio() for one in known}
    best = max(ratios.values(), default=0)
    near = [one for one, ratio in ratios.items() if ratio == best]
    return f"; did you mean {' or '.join(near)}?" if best >= cutoff else ""
