"""Events that wait to be announced, and the tables of the queue (its library's own SQL)."""

from collections.abc import Sequence
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from alembic import context, op

revision: str = "005"
down_revision: str | None = "004"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

# What pgqueuer 1.6.0 installs; a version of it that wants other tables gets a revision of its own.
QUEUE = Path(__file__).with_name("005_queue.sql")

NO_QUEUE = """
DROP TABLE pgqueuer, pgqueuer_log, pgqueuer_schedules, pgqueuer_statistics;
DROP FUNCTION fn_pgqueuer_changed;
DROP TYPE pgqueuer_status;
"""


def script(statements: str) -> None:
    """Run several statements at once, which the driver does only without parameters."""
    if context.is_offline_mode():
        op.get_context().impl.static_output(statements)
        return
    connection = op.get_bind().connection.dbapi_connection
    assert connection is not None
    connection.run_async(lambda driver: driver.execute(statements))


def upgrade() -> None:
    op.create_table(
        "outbox_events",
        sa.Column("position", sa.BigInteger(), sa.Identity(always=True), primary_key=True),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("event", sa.String(50), nullable=False),
        sa.Column("data", postgresql.JSONB(), nullable=False),
    )
    script(QUEUE.read_text())


def downgrade() -> None:
    script(NO_QUEUE)
    op.drop_table("outbox_events")
