"""Registering, signing in, staying signed in, and asking who one is."""

from typing import Annotated
from uuid import UUID

import jwt
from fastapi import APIRouter, Depends, HTTPException, status
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from pydantic import BaseModel, Field
from sqlalchemy import or_, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from app import sessions
from app.backends import Session
from app.fields import Email, Name, composed, email_key
from app.models import User
from app.settings import load_settings
from app.tokens import access_token, bearer_of, hashed, password_matches

router = APIRouter(prefix="/api/v1/auth", tags=["auth"])


class Credentials(BaseModel):
    """An address and its password."""

    email: Email
    password: str = Field(min_length=8, max_length=128)


class Registration(Credentials):
    """Credentials and the name that others will see."""

    name: Name


class Refresh(BaseModel):
    """A refresh token."""

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
    """The secret that signs tokens, equal on every replica."""
    return load_settings().jwt_secret_key.get_secret_value()


async def signed_in(user_id: UUID, session: AsyncSession) -> Tokens:
    """Tokens of a new session, with what the database session holds committed."""
    fresh = await sessions.begin(user_id, session)
    await session.commit()
    return Tokens(access_token=access_token(user_id, signing_key()), refresh_token=fresh)


@router.post("/register", status_code=status.HTTP_201_CREATED)
async def register(wanted: Registration, session: Session) -> Tokens:
    """Make a user; 409 when the address, or one that looks like it, is taken."""
    # No violation: PostgreSQL would quote the address in its log.
    user_id = await session.scalar(
        insert(User)
        .values(
            email=composed(wanted.email),
            email_key=email_key(wanted.email),
            name=wanted.name,
            password_hash=await hashed(wanted.password),
        )
        .on_conflict_do_nothing()
        .returning(User.id)
    )
    if user_id is None:
        raise HTTPException(status.HTTP_409_CONFLICT, "this address is already registered")
    return await signed_in(user_id, session)


@router.post("/login")
async def login(given: Credentials, session: Session) -> Tokens:
    """Sign in; 401, the same for an unknown address and a wrong password."""
    # The very address first: of look-alikes from before 008 each has its own account.
    found = await session.execute(
        select(User.id, User.password_hash)
        .where(or_(User.email == given.email, User.email_key == email_key(given.email)))
        .order_by((User.email == given.email).desc())
        .limit(1)
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
    """Exchange a refresh token for new tokens; for an old one 401, and its session ends."""
    found = await sessions.go_on(given.refresh_token, signing_key(), session)
    if found is None:
        raise HTTPException(status.HTTP_401_UNAUTHORIZED, "sign in again")
    user_id, following = found
    return Tokens(access_token=access_token(user_id, signing_key()), refresh_token=following)


@router.post("/logout", status_code=status.HTTP_204_NO_CONTENT)
async def logout(given: Refresh, session: Session) -> None:
    """End the session of this refresh token; 204 also when it has ended already."""
    await sessions.end(given.refresh_token, session)


async def current_user(
    given: Annotated[HTTPAuthorizationCredentials | None, Depends(HTTPBearer(auto_error=False))],
    session: Session,
) -> User:
    """The user whose token came with the request; 401 without one."""
    try:
        bearer = bearer_of(given.credentials if given else "", signing_key())
        user = await session.get(User, bearer.user_id)
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


@router.post("/logout/everywhere", status_code=status.HTTP_204_NO_CONTENT)
async def logout_everywhere(user: CurrentUser, session: Session) -> None:
    """End every session of the user, this one too."""
    await sessions.end_all(user.id, session)
