"""Refresh tokens are kept as digests, so that a copy of the database signs nobody in.

Irreversible: no token can be made from its digest, so its downgrade refuses.
"""

from collections.abc import Sequence

import sqlalchemy as sa

from alembic import op

revision: str = "004"
down_revision: str | None = "003"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.add_column("refresh_tokens", sa.Column("token_sha256", sa.String(64), nullable=True))
    op.execute(
        "UPDATE refresh_tokens SET token_sha256 = encode(sha256(convert_to(token, 'UTF8')), 'hex')"
    )
    op.alter_column("refresh_tokens", "token_sha256", nullable=False)
    op.create_unique_constraint(
        "uq_refresh_tokens_token_sha256", "refresh_tokens", ["token_sha256"]
    )
    op.drop_column("refresh_tokens", "token")


def downgrade() -> None:
    raise SystemExit(
        "revision 004 is irreversible: refresh tokens cannot be made from their digests;"
        " restore a backup from before it instead"
    )
