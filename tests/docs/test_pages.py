"""The README leads to every page, and names every task with its own words."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from invoke import Collection

from fabfile import ns

from .tables import DOCS

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text()
PAGES = [*sorted(DOCS.glob("*.md")), ROOT / "nginx/README.md"]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_the_readme_leads_to_every_page(page: Path) -> None:
    assert f"]({page.relative_to(ROOT)})" in README


@pytest.mark.parametrize("page", [ROOT / "README.md", *PAGES], ids=lambda page: page.name)
def test_every_link_leads_somewhere(page: Path) -> None:
    links = re.findall(r"\]\(([^)#]+)\)", page.read_text())
    assert [link for link in links if not (page.parent / link).exists()] == []


def test_every_page_that_the_code_speaks_of_is_there() -> None:
    sources = [*ROOT.glob("fabfile/**/*.py"), *ROOT.glob("scripts/**/*.py"), ROOT / "hosts.ini"]
    named = {name for file in sources for name in re.findall(r"docs/[\w-]+\.md", file.read_text())}
    assert named
    assert [name for name in named if not (ROOT / name).exists()] == []


def told() -> dict[str, str]:
    """Task → what the README's table says of it."""
    table = README.partition("<!-- commands -->")[2].partition("<!-- /commands -->")[0]
    rows = re.findall(r"^\| (`.+`) \| (.+) \|$", table, flags=re.MULTILINE)
    return {name: text for names, text in rows for name in re.findall(r"`([^`]+)`", names)}


def listed(collection: Collection, prefix: str = "") -> dict[str, str]:
    """Task → the first line of its help, as `fab --list` shows them."""
    found = {
        f"{prefix}{name}": (task.__doc__ or "").strip().splitlines()[0]
        for name, task in collection.tasks.items()
    }
    for name, below in collection.collections.items():
        found |= listed(below, f"{prefix}{name}.")
    return found


def test_the_table_of_tasks_is_the_list_of_tasks() -> None:
    assert told() == listed(ns)
