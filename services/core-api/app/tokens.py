"""Passwords and access tokens."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import jwt
from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerifyMismatchError

ACCESS_LIFETIME = timedelta(minutes=15)
ALGORITHM = "HS256"

hasher = PasswordHasher()
# Checked when the address is unknown, so that the answer takes as long as for a wrong password.
NOBODY = hasher.hash("nobody has this password")


def password_matches(password_hash: str, password: str) -> bool:
    """Whether the password made this hash; a damaged hash matches nothing."""
    try:
        return hasher.verify(password_hash, password)
    except (VerifyMismatchError, InvalidHashError):
        return False


def access_token(user_id: UUID, key: str, now: datetime | None = None) -> str:
    """A signed token that says who the bearer is for the next fifteen minutes."""
    issued = now or datetime.now(UTC)
    claims = {"sub": str(user_id), "type": "access", "iat": issued, "exp": issued + ACCESS_LIFETIME}
    return jwt.encode(claims, key, algorithm=ALGORITHM)


def bearer_of(token: str, key: str) -> UUID:
    """Who holds this token. Raises jwt.InvalidTokenError: expired, forged, of another kind."""
    claims = jwt.decode(
        token, key, algorithms=[ALGORITHM], options={"require": ["sub", "type", "exp"]}
    )
    if claims["type"] != "access":
        raise jwt.InvalidTokenError("not an access token")
    return UUID(claims["sub"])
