"""Where a lab lives: its folder in the checkout and the names of what it makes in the engine."""

from __future__ import annotations

import hashlib
import random
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
IMAGES = ROOT / "tests/lab/images"


@dataclass(frozen=True)
class Place:
    """The lab of one checkout; two checkouts have two labs that know nothing of each other."""

    root: Path = ROOT
    number: int = 1
    """Tests that run side by side have a lab each: 2 and up, with the images of the first."""

    @property
    def folder(self) -> Path:
        """What the lab writes: keys, ``hosts.ini``, the bare repository."""
        return self.root / (".lab" if self.number == 1 else f".lab-{self.number}")

    @property
    def others(self) -> list[Place]:
        """The labs beside the first one that this checkout has."""
        found = sorted(folder.name.rpartition("-")[2] for folder in self.root.glob(".lab-*"))
        return [Place(self.root, int(number)) for number in found]

    @cached_property
    def checkout(self) -> str:
        return hashlib.sha256(str(self.root).encode()).hexdigest()[:8]

    @property
    def id(self) -> str:
        return self.checkout if self.number == 1 else f"{self.checkout}-{self.number}"

    @property
    def label(self) -> str:
        return f"wishwithme.lab={self.id}"

    @property
    def image_label(self) -> str:
        return f"wishwithme.lab={self.checkout}"

    @property
    def network(self) -> str:
        return f"wishwithme-lab-{self.id}"

    @property
    def mirror(self) -> str:
        return self.name("mirror")

    def name(self, what: str) -> str:
        """The name of the lab's container or volume ``what``."""
        return f"wishwithme-lab-{self.id}-{what}"

    def image(self, what: str, tag: str) -> str:
        return f"{self.image_prefix}{what}:{tag}"

    @property
    def image_prefix(self) -> str:
        return f"wishwithme-lab-{self.checkout}/"

    def shuffled(self, candidates: range) -> list[int]:
        """The candidates in an order of this lab's own, the same every time."""
        order = list(candidates)
        random.Random(self.id).shuffle(order)
        return order
