"""``python -m tests.features`` prints what the matrix holds."""

from __future__ import annotations

from .pairs import CARRIED, counts, covering

if __name__ == "__main__":
    print(counts())
    for combination in covering(CARRIED):
        print("-", ", ".join(one.name for one in combination))
