"""Sessions: each has one refresh token at a time, and ends when one from before comes again."""

import logging
import re
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

from sqlalchemy import ColumnElement, delete, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from app.models import RefreshToken
from app.tokens import REFRESH_LIFETIME, digest, following_token, refresh_token

# So long a token that was exchanged is answered with the same new one: the answer may have been
# lost (a page waits 30 s for it and asks again), and two tabs may have asked at once.
GRACE = timedelta(seconds=60)

log = logging.getLogger(__name__)


def named(token: str) -> ColumnElement[bool]:
    """The session that a token names; a token from before there were sessions names only itself."""
    found = re.match(r"([0-9a-f]{32})\.", token)
    if found:
        return RefreshToken.id == UUID(hex=found[1])
    return RefreshToken.token_sha256 == digest(token)


async def begin(user_id: UUID, session: AsyncSession) -> str:
    """The first refresh token of a new session, not yet committed; expired ones are cleared."""
    await session.execute(
        delete(RefreshToken).where(
            RefreshToken.user_id == user_id, RefreshToken.expires_at < func.now()
        )
    )
    begun = uuid4()
    token = refresh_token(begun)
    session.add(
        RefreshToken(
            id=begun,
            user_id=user_id,
            token_sha256=digest(token),
            expires_at=datetime.now(UTC) + REFRESH_LIFETIME,
        )
    )
    return token


async def go_on(token: str, key: str, session: AsyncSession) -> tuple[UUID, str] | None:
    """Whose session goes on, and with which refresh token; commits.

    None when the token is unknown or has expired, and when it was exchanged before: then somebody
    else may have a copy, so the session ends for both.
    """
    kept = await session.scalar(
        select(RefreshToken)
        .where(named(token), RefreshToken.expires_at > func.now())
        .with_for_update()
    )
    if kept is None:
        return None
    given, now = digest(token), datetime.now(UTC)
    following = following_token(kept.id, token, key)
    if given == kept.token_sha256:
        kept.former_sha256, kept.exchanged_at = given, now
        kept.token_sha256, kept.expires_at = digest(following), now + REFRESH_LIFETIME
    elif (
        given != kept.former_sha256 or kept.exchanged_at is None or now - kept.exchanged_at > GRACE
    ):
        log.warning("a used refresh token came again: user %s, session %s", kept.user_id, kept.id)
        await session.delete(kept)
        await session.commit()
        return None
    await session.commit()
    return kept.user_id, following


async def end(token: str, session: AsyncSession) -> None:
    """End the session that the token names; one that is gone is no mistake."""
    await session.execute(delete(RefreshToken).where(named(token)))
    await session.commit()


async def end_all(user_id: UUID, session: AsyncSession) -> None:
    """End every session of the user."""
    await session.execute(delete(RefreshToken).where(RefreshToken.user_id == user_id))
    await session.commit()
