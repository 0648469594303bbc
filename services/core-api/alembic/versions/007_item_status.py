"""How far an item is: what stood there before was all typed by hand."""

from collections.abc import Sequence

import sqlalchemy as sa

from alembic import op

revision: str = "007"
down_revision: str | None = "006"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.add_column(
        "items", sa.Column("status", sa.String(20), server_default="ready", nullable=False)
    )


def downgrade() -> None:
    op.drop_column("items", "status")
