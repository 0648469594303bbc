"""The tables, as SQLAlchemy sees them. Alembic makes them; a test finds where the two differ."""

from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import BigInteger, DateTime, ForeignKey, Identity, Numeric, String, Text, Uuid, func
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column


class Base(DeclarativeBase):
    """What Alembic compares the database with."""


class Row(Base):
    """Every row has its own key, and knows when it was made and last changed."""

    __abstract__ = True
    # What the database fills in comes back with the statement: a later look would be a query.
    __mapper_args__ = {"eager_defaults": True}  # noqa: RUF012 - SQLAlchemy's own protocol

    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True, default=uuid4, sort_order=-1)
    created_at: Mapped[datetime] = mapped_column(
        DateTime(timezone=True), server_default=func.now(), sort_order=1
    )
    updated_at: Mapped[datetime] = mapped_column(
        DateTime(timezone=True), server_default=func.now(), onupdate=func.now(), sort_order=2
    )


class User(Row):
    """Somebody who signs in. The address is kept in lower case."""

    __tablename__ = "users"

    email: Mapped[str] = mapped_column(String(320), unique=True)
    # What all addresses that look like this one have in common. Missing on the younger of two rows
    # from before there was a key, and on those that a release from before it makes.
    email_key: Mapped[str | None] = mapped_column(String(320), unique=True)
    name: Mapped[str] = mapped_column(String(100))
    password_hash: Mapped[str] = mapped_column(String(255))
    # When a page of theirs was last taken to be read (app/turns.py).
    turn_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))


class RefreshToken(Row):
    """A session: the digest of its refresh token, and of the one that was exchanged for it."""

    __tablename__ = "refresh_tokens"

    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    token_sha256: Mapped[str] = mapped_column(String(64), unique=True)
    former_sha256: Mapped[str | None] = mapped_column(String(64))
    exchanged_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    expires_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))


class Wishlist(Row):
    """A list of wishes that belongs to one user and goes with them."""

    __tablename__ = "wishlists"

    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    name: Mapped[str] = mapped_column(String(200))


class Status(StrEnum):
    """How far an item is."""

    READY = "ready"  # typed by hand
    PENDING = "pending"  # its address waits to be resolved
    RESOLVED = "resolved"
    FAILED = "failed"


class Item(Row):
    """One wish. The address it came from is missing when it was typed by hand."""

    __tablename__ = "items"

    wishlist_id: Mapped[UUID] = mapped_column(
        ForeignKey("wishlists.id", ondelete="CASCADE"), index=True
    )
    title: Mapped[str] = mapped_column(String(500))
    source_url: Mapped[str | None] = mapped_column(Text)
    image_url: Mapped[str | None] = mapped_column(Text)
    price: Mapped[Decimal | None] = mapped_column(Numeric(12, 2))
    currency: Mapped[str | None] = mapped_column(String(3))
    status: Mapped[str] = mapped_column(String(20), server_default=Status.READY)


class OutboxEvent(Base):
    """A change that is committed here and not yet announced in Redis.

    `id` is what tells an event from its repetition; `position` is the order of announcing.
    """

    __tablename__ = "outbox_events"

    position: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    id: Mapped[UUID] = mapped_column(Uuid, default=uuid4)
    user_id: Mapped[UUID] = mapped_column(Uuid)
    event: Mapped[str] = mapped_column(String(50))
    data: Mapped[dict[str, Any]] = mapped_column(JSONB)
