"""``--shard i/n``: which part of the fault matrix a run plays."""

from __future__ import annotations

import re


def parse_shard(text: str) -> tuple[int, int]:
    """``i/n`` as numbers, 1 ≤ i ≤ n; ValueError for anything else."""
    found = re.fullmatch(r"([1-9][0-9]{0,3})/([1-9][0-9]{0,3})", text, re.ASCII)
    if found is None or int(found[1]) > int(found[2]):
        raise ValueError(f"--shard {text!r} is not i/n with 1 <= i <= n")
    return int(found[1]), int(found[2])
