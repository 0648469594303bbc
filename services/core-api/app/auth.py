"""Registering, signing in, and asking who one is."""

from typing import Annotated
from uuid import UUID

import jwt
from fastapi import APIRouter, Depends, HTTPException, status
from fastapi.concurrency import run_in_threadpool
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from pydantic import BaseModel, Field
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from app.backends import Session
from app.models import User
from app.settings import load_settings
from app.tokens import NOBODY, access_token, bearer_of, hasher, password_matches

router = APIRouter(prefix="/api/v1/auth", tags=["auth"])


class Credentials(BaseModel):
    """An address and its password."""

    email: str = Field(pattern=r"^[^@\s\x00]+@[^@\s\x00]+\.[^@\s\x00]+$", max_length=320)
    password: str = Field(min_length=8, max_length=128)


class Registration(Credentials):
    """Credentials and the name that others will see."""

    name: str = Field(min_length=1, max_length=100, pattern=r"^[^\x00]+$")


class Tokens(BaseModel):
    """What a client sends from now on as `Authorization: Bearer …`."""

    access_token: str
    token_type: str = "bearer"  # noqa: S105 - the kind of token, no secret


class Profile(BaseModel):
    """What a user may read about themselves."""

    id: UUID
    email: str
    name: str


def signing_key() -> str:
    """The secret that signs tokens, equal on every twin."""
    return load_settings().jwt_secret_key.get_secret_value()


@router.post("/register", status_code=status.HTTP_201_CREATED)
async def register(wanted: Registration, session: Session) -> Tokens:
    """Make a user; 409 when the address is taken."""
    user = User(
        email=wanted.email.lower(),
        name=wanted.name,
        password_hash=await run_in_threadpool(hasher.hash, wanted.password),
    )
    session.add(user)
    try:
        await session.commit()
    except IntegrityError:
        raise HTTPException(
            status.HTTP_409_CONFLICT, "this address is already registered"
        ) from None
    return Tokens(access_token=access_token(user.id, signing_key()))


@router.post("/login")
async def login(given: Credentials, session: Session) -> Tokens:
    """Sign in; 401, the same for an unknown address and a wrong password."""
    user = await session.scalar(select(User).where(User.email == given.email.lower()))
    password_hash = user.password_hash if user else NOBODY
    matches = await run_in_threadpool(password_matches, password_hash, given.password)
    if user is None or not matches:
        raise HTTPException(status.HTTP_401_UNAUTHORIZED, "wrong address or password")
    return Tokens(access_token=access_token(user.id, signing_key()))


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


@router.get("/me")
async def me(user: Annotated[User, Depends(current_user)]) -> Profile:
    """Who the bearer of the token is."""
    return Profile(id=user.id, email=user.email, name=user.name)
