"""Passwords, access tokens and refresh tokens."""

import asyncio
import hashlib
import hmac
import secrets
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import NamedTuple
from uuid import UUID

import jwt
from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerifyMismatchError

ACCESS_LIFETIME = timedelta(minutes=15)
REFRESH_LIFETIME = timedelta(days=30)
ALGORITHM = "HS256"

hasher = PasswordHasher()
# Each hash takes 64 MB while it is made: two at once, and the others wait.
hashing = ThreadPoolExecutor(max_workers=2, thread_name_prefix="argon2")


@cache
def nobody() -> str:
    """The hash of no password that anybody has."""
    return hasher.hash(secrets.token_urlsafe())


async def hashed(password: str) -> str:
    """The hash to keep of a password."""
    return await asyncio.get_running_loop().run_in_executor(hashing, hasher.hash, password)


def verify(password_hash: str | None, password: str) -> bool:
    """Whether the password made this hash; a damaged hash matches nothing.

    No hash neither, and that takes as long: the answer does not tell whether an address is known.
    """
    try:
        return hasher.verify(password_hash or nobody(), password)
    except (VerifyMismatchError, InvalidHashError):
        return False


async def password_matches(password_hash: str | None, password: str) -> bool:
    """Like `verify`, beside the event loop."""
    return await asyncio.get_running_loop().run_in_executor(
        hashing, verify, password_hash, password
    )


def access_token(user_id: UUID, key: str, now: datetime | None = None) -> str:
    """A signed token that says who the bearer is for the next fifteen minutes."""
    issued = now or datetime.now(UTC)
    claims = {"sub": str(user_id), "type": "access", "iat": issued, "exp": issued + ACCESS_LIFETIME}
    return jwt.encode(claims, key, algorithm=ALGORITHM)


class Bearer(NamedTuple):
    """Who holds an access token, and until when it is good, as seconds since 1970."""

    user_id: UUID
    until: float


def bearer_of(token: str, key: str) -> Bearer:
    """Who holds this token. Raises jwt.InvalidTokenError: expired, forged, of another kind."""
    claims = jwt.decode(
        token, key, algorithms=[ALGORITHM], options={"require": ["sub", "type", "exp"]}
    )
    if claims["type"] != "access":
        raise jwt.InvalidTokenError("not an access token")
    return Bearer(UUID(claims["sub"]), float(claims["exp"]))


def refresh_token(session_id: UUID) -> str:
    """The first refresh token of a session. The rest is chance, so only its digest must be kept."""
    return f"{session_id.hex}.{secrets.token_urlsafe(32)}"


def following_token(session_id: UUID, token: str, key: str) -> str:
    """What a refresh token is exchanged for: always the same, and nobody without the key knows."""
    seal = hmac.digest(key.encode(), f"refresh token after {token}".encode(), "sha256")
    return f"{session_id.hex}.{seal.hex()}"


def digest(token: str) -> str:
    """What the database keeps of a refresh token."""
    return hashlib.sha256(token.encode()).hexdigest()
