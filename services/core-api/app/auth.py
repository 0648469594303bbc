"""Registering, signing in, staying signed in, and asking who one is."""

from datetime import UTC, datetime
from typing import Annotated
from uuid import UUID

import jwt
from fastapi import APIRouter, Depends, HTTPException, status
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from pydantic import BaseModel, Field
from sqlalchemy import delete, func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from app.backends import Session
from app.fields import Email, Name
from app.models import RefreshToken, User
from app.settings import load_settings
from app.tokens import (
    REFRESH_LIFETIME,
    access_token,
    bearer_of,
    digest,
    hashed,
    password_matches,
    refresh_token,
)

router = APIRouter(prefix="/api/v1/auth", tags=["auth"])


class Credentials(BaseModel):
    """An address and its password."""

    email: Email
    password: str = Field(min_length=8, max_length=128)


class Registration(Credentials):
    """Credentials and the name that others will see."""

    name: Name


class Refresh(BaseModel):
    """A refresh token that was not used before."""

    refresh_token: str = Field(min_length=1, max_length=128)


class Tokens(BaseModel):
    """What a client sends from now on as `Authorization: Bearer …`, and what gets it the next."""

    access_token: str
    refresh_token: str
    token_type: str = "bearer"  # noqa: S105 - the kind of token, no secret


class Profile(BaseModel):
    """What a user may read about themselves."""

    id: UUID
    email: str
    name: str


def signing_key() -> str:
    """The secret that signs tokens, equal on every twin."""
    return load_settings().jwt_secret_key.get_secret_value()


async def signed_in(user_id: UUID, session: AsyncSession) -> Tokens:
    """New tokens for the user, with what the session holds committed; expired ones are cleared."""
    fresh = refresh_token()
    await session.execute(
        delete(RefreshToken).where(
            RefreshToken.user_id == user_id, RefreshToken.expires_at < func.now()
        )
    )
    session.add(
        RefreshToken(
            user_id=user_id,
            token_sha256=digest(fresh),
            expires_at=datetime.now(UTC) + REFRESH_LIFETIME,
        )
    )
    await session.commit()
    return Tokens(access_token=access_token(user_id, signing_key()), refresh_token=fresh)


@router.post("/register", status_code=status.HTTP_201_CREATED)
async def register(wanted: Registration, session: Session) -> Tokens:
    """Make a user; 409 when the address is taken."""
    user = User(email=wanted.email, name=wanted.name, password_hash=await hashed(wanted.password))
    session.add(user)
    try:
        await session.flush()
    except IntegrityError:
        raise HTTPException(
            status.HTTP_409_CONFLICT, "this address is already registered"
        ) from None
    return await signed_in(user.id, session)


@router.post("/login")
async def login(given: Credentials, session: Session) -> Tokens:
    """Sign in; 401, the same for an unknown address and a wrong password."""
    found = await session.execute(
        select(User.id, User.password_hash).where(User.email == given.email)
    )
    user_id, password_hash = found.one_or_none() or (None, None)
    # The connection goes back while the password is checked, which takes its time.
    await session.rollback()
    matches = await password_matches(password_hash, given.password)
    if user_id is None or not matches:
        raise HTTPException(status.HTTP_401_UNAUTHORIZED, "wrong address or password")
    return await signed_in(user_id, session)


@router.post("/refresh")
async def refresh(given: Refresh, session: Session) -> Tokens:
    """Exchange a refresh token for new tokens; 401 when it was used before or has expired."""
    # One statement: of two that use it at once, one finds it.
    user_id = await session.scalar(
        delete(RefreshToken)
        .where(
            RefreshToken.token_sha256 == digest(given.refresh_token),
            RefreshToken.expires_at > func.now(),
        )
        .returning(RefreshToken.user_id)
    )
    if user_id is None:
        raise HTTPException(status.HTTP_401_UNAUTHORIZED, "sign in again")
    return await signed_in(user_id, session)


async def current_user(
    given: Annotated[HTTPAuthorizationCredentials | None, Depends(HTTPBearer(auto_error=False))],
    session: Session,
) -> User:
    """The user whose token came with the request; 401 without one."""
    try:
        user = await session.get(User, bearer_of(given.credentials if given else "", signing_key()))
    except (jwt.InvalidTokenError, ValueError):
        user = None
    if user is None:
        raise HTTPException(
            status.HTTP_401_UNAUTHORIZED, "sign in first", headers={"WWW-Authenticate": "Bearer"}
        )
    return user


CurrentUser = Annotated[User, Depends(current_user)]


@router.get("/me")
async def me(user: CurrentUser) -> Profile:
    """Who the bearer of the token is."""
    return Profile(id=user.id, email=user.email, name=user.name)
