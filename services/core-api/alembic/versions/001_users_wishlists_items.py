"""Users, their wishlists, and the items on them."""

from collections.abc import Sequence

import sqlalchemy as sa

from alembic import op

revision: str = "001"
down_revision: str | None = None
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def timestamps() -> list[sa.Column[sa.types.TypeEngine]]:
    """When a row was made and last changed; the database keeps the first by itself."""
    return [
        sa.Column(name, sa.DateTime(timezone=True), server_default=sa.func.now(), nullable=False)
        for name in ("created_at", "updated_at")
    ]


def upgrade() -> None:
    op.create_table(
        "users",
        sa.Column("id", sa.Uuid(), primary_key=True),
        sa.Column("email", sa.String(320), nullable=False),
        sa.Column("name", sa.String(100), nullable=False),
        sa.Column("password_hash", sa.String(255), nullable=False),
        *timestamps(),
        sa.UniqueConstraint("email", name="uq_users_email"),
    )
    op.create_table(
        "wishlists",
        sa.Column("id", sa.Uuid(), primary_key=True),
        sa.Column(
            "user_id",
            sa.Uuid(),
            sa.ForeignKey("users.id", name="fk_wishlists_user_id_users", ondelete="CASCADE"),
            nullable=False,
        ),
        sa.Column("name", sa.String(200), nullable=False),
        *timestamps(),
    )
    op.create_index("ix_wishlists_user_id", "wishlists", ["user_id"])
    op.create_table(
        "items",
        sa.Column("id", sa.Uuid(), primary_key=True),
        sa.Column(
            "wishlist_id",
            sa.Uuid(),
            sa.ForeignKey(
                "wishlists.id", name="fk_items_wishlist_id_wishlists", ondelete="CASCADE"
            ),
            nullable=False,
        ),
        sa.Column("title", sa.String(500), nullable=False),
        sa.Column("source_url", sa.Text(), nullable=True),
        *timestamps(),
    )
    op.create_index("ix_items_wishlist_id", "items", ["wishlist_id"])


def downgrade() -> None:
    op.drop_table("items")
    op.drop_table("wishlists")
    op.drop_table("users")
