"""docs/services.md: every endpoint of the two APIs, and none besides."""

from __future__ import annotations

import re

import pytest

from .tables import DOCS, first_column

SERVICES = DOCS.parent / "services"
ROUTE = re.compile(r"@router\.(get|post|patch|delete)\(\s*\"([^\"]*)\"")
PREFIX = re.compile(r"APIRouter\((?:prefix=\"([^\"]*)\")?")
ADDED = re.compile(r"app\.(get|post)\(\"([^\"]+)\"")


def endpoints(service: str) -> list[str]:
    """Method and path of every endpoint in the source of a service."""
    found = []
    for file in (SERVICES / service / "app").glob("*.py"):
        text = file.read_text()
        prefix = PREFIX.search(text)
        below = (prefix[1] or "") if prefix else ""
        found += [(method, below + path) for method, path in ROUTE.findall(text)]
        found += ADDED.findall(text)
    return sorted(f"{method.upper()} {path}" for method, path in found)


@pytest.mark.parametrize("service", ["core-api", "item-resolver"])
def test_every_endpoint_has_its_row(service: str) -> None:
    told = first_column("services.md", service)
    assert sorted(told) == endpoints(service)


def test_the_first_and_the_last_migration_are_those_of_the_service() -> None:
    names = sorted(
        file.name[:3] for file in (SERVICES / "core-api/alembic/versions").glob("[0-9]*.py")
    )
    assert f"**Migrations** are `{names[0]}` to `{names[-1]}`" in (DOCS / "services.md").read_text()
