"""What an item's page tells about it, and which pages wait to be asked."""

from collections.abc import Sequence

import sqlalchemy as sa

from alembic import op

revision: str = "003"
down_revision: str | None = "002"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.add_column("items", sa.Column("image_url", sa.Text(), nullable=True))
    op.add_column("items", sa.Column("price", sa.Numeric(12, 2), nullable=True))
    op.add_column("items", sa.Column("currency", sa.String(3), nullable=True))
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


def downgrade() -> None:
    op.drop_table("item_resolutions")
    op.drop_column("items", "currency")
    op.drop_column("items", "price")
    op.drop_column("items", "image_url")
