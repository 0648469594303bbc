"""Revisions of core-api's schema that scenes commit on top of its head."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from tests.lab.commits import Edit
from tests.lab.scenes import Scene, ending

HEAD = 8
"""The newest revision of this checkout, as a number."""
ADD = 'op.add_column("items", sa.Column("{column}", sa.Text()))'
TAKE = 'op.drop_column("items", "{column}")'
TEXT = '''"""A column named {column}."""

import sqlalchemy as sa

from alembic import op

revision = "{to:03}"
down_revision = "{since:03}"


def upgrade() -> None:
    {up}


def downgrade() -> None:
    {down}
'''


def revision(
    column: str = "note", *, since: int = HEAD, up: str = ADD, down: str = TAKE
) -> dict[str, Edit]:
    """The revision after ``since``, which adds a text column to the items unless told otherwise."""
    up, down = (words.replace("{column}", column) for words in (up, down))
    text = TEXT.format(column=column, since=since, to=since + 1, up=up, down=down)
    name = f"services/core-api/alembic/versions/{since + 1:03}_{column}.py"
    return {name: ending(text)}


@contextmanager
def schema_kept(scene: Scene) -> Iterator[None]:
    """Whatever happens inside, the database is at ``HEAD`` afterwards, without the column.

    So is what runs: with a newer revision in the tree, the next deploy of core-api would migrate.
    """
    before = scene.runs
    try:
        yield
    finally:
        scene.asks_database("ALTER TABLE items DROP COLUMN IF EXISTS note")
        scene.asks_database(f"UPDATE alembic_version SET version_num = '{HEAD:03}'")
        if scene.runs != before:
            scene.operator.must("ubuntu.rollback")
