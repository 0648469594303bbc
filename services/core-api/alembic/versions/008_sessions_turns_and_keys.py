"""What a session's last refresh token was, whose turn it is, and one key for look-alike addresses.

Adds only: a release from before it runs on.
"""

from collections.abc import Sequence

import sqlalchemy as sa

from alembic import op

revision: str = "008"
down_revision: str | None = "007"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

# As app.fields.email_key makes it of an address in lower case, but for rare letters (a sharp s);
# those find their row by the address itself. Of two rows with one key the older has it.
KEYS = """
UPDATE users SET email_key = first.email_key
FROM (
    SELECT DISTINCT ON (email_key) id, email_key
    FROM (SELECT id, created_at, normalize(email, NFKC) AS email_key FROM users) AS known
    WHERE length(email_key) <= 320
    ORDER BY email_key, created_at, id
) AS first
WHERE users.id = first.id
"""


def upgrade() -> None:
    op.add_column("users", sa.Column("email_key", sa.String(320), nullable=True))
    op.add_column("users", sa.Column("turn_at", sa.DateTime(timezone=True), nullable=True))
    op.execute(KEYS)
    op.create_unique_constraint("uq_users_email_key", "users", ["email_key"])
    op.add_column("refresh_tokens", sa.Column("former_sha256", sa.String(64), nullable=True))
    op.add_column(
        "refresh_tokens", sa.Column("exchanged_at", sa.DateTime(timezone=True), nullable=True)
    )


def downgrade() -> None:
    op.drop_column("refresh_tokens", "exchanged_at")
    op.drop_column("refresh_tokens", "former_sha256")
    op.drop_constraint("uq_users_email_key", "users")
    op.drop_column("users", "turn_at")
    op.drop_column("users", "email_key")
