"""The queue of 005 replaced the waiting list of 003. Destructive: what waits there is dropped."""

from collections.abc import Sequence

import sqlalchemy as sa

from alembic import op

revision: str = "006"
down_revision: str | None = "005"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.drop_table("item_resolutions")


def downgrade() -> None:
    """Bring the table back, empty."""
    op.create_table(
        "item_resolutions",
        sa.Column(
            "item_id",
            sa.Uuid(),
            sa.ForeignKey("items.id", name="fk_item_resolutions_item_id_items", ondelete="CASCADE"),
            primary_key=True,
        ),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column(
            "asked_at", sa.DateTime(timezone=True), server_default=sa.func.now(), nullable=False
        ),
    )
