"""The questions that a newcomer had, and the place that answers each."""

from __future__ import annotations

from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PLACES = {
    "is it for me": ("README.md", "## Is it for you?"),
    "may I have one server": ("docs/cookbook.md", "## Have one server only"),
    "on which systems": ("README.md", "**A server** is"),
    "how do I change the domain": ("docs/cookbook.md", "## Change the domain"),
    "how do I upgrade": ("docs/cookbook.md", "## Upgrade the collection"),
    "how do I uninstall": ("docs/cookbook.md", "## Uninstall"),
    "what of a private repository": ("docs/cookbook.md", "## Deploy a private repository"),
    "how do I rotate a secret": ("docs/cookbook.md", "## Rotate a secret"),
    "how do I restart": ("docs/cookbook.md", "## Restart a service"),
    "where does data live": ("docs/cookbook.md", "## Where things are"),
}


@pytest.mark.parametrize(("page", "place"), PLACES.values(), ids=PLACES.keys())
def test_each_has_its_place(page: str, place: str) -> None:
    lines = (ROOT / page).read_text().splitlines()
    assert [line for line in lines if line.startswith(place)], f"{page}: {place}"
