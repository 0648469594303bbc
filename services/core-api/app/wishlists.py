"""A user's wishlists."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, HTTPException, status
from pydantic import BaseModel
from sqlalchemy import Select, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from app.auth import CurrentUser
from app.backends import Session
from app.fields import ListName
from app.models import Item, User, Wishlist
from app.outbox import announce_with_commit

router = APIRouter(prefix="/api/v1/wishlists", tags=["wishlists"])


class WishlistIn(BaseModel):
    """What a user says of a list."""

    name: ListName


class WishlistOut(BaseModel):
    """A list as its owner sees it."""

    id: UUID
    name: str
    created_at: datetime
    updated_at: datetime
    items_count: int


def shown(wishlist: Wishlist, items_count: int) -> WishlistOut:
    """The list with the number of its items."""
    return WishlistOut(
        id=wishlist.id,
        name=wishlist.name,
        created_at=wishlist.created_at,
        updated_at=wishlist.updated_at,
        items_count=items_count,
    )


async def count_items(wishlist: Wishlist, session: AsyncSession) -> int:
    """How many items stand on the list."""
    counted = select(func.count()).select_from(Item).where(Item.wishlist_id == wishlist.id)
    return await session.scalar(counted) or 0


async def owned(wishlist_id: UUID, user: CurrentUser, session: Session) -> Wishlist:
    """The user's own list; 404 for any other."""
    return await own_list(wishlist_id, user, session, select(Wishlist))


async def owned_and_kept(wishlist_id: UUID, user: CurrentUser, session: Session) -> Wishlist:
    """The same, and nobody removes it before the session ends."""
    kept = select(Wishlist).with_for_update(read=True, key_share=True)
    return await own_list(wishlist_id, user, session, kept)


async def owned_and_locked(wishlist_id: UUID, user: CurrentUser, session: Session) -> Wishlist:
    """The same, for a change: whoever else changes it waits until the session ends."""
    return await own_list(wishlist_id, user, session, select(Wishlist).with_for_update())


async def own_list(
    wishlist_id: UUID, user: User, session: AsyncSession, lists: Select[Wishlist]
) -> Wishlist:
    """The one of these lists that has the id and is the user's."""
    found = await session.scalar(
        lists.where(Wishlist.id == wishlist_id, Wishlist.user_id == user.id)
    )
    if found is None:
        raise HTTPException(status.HTTP_404_NOT_FOUND, "no such wishlist")
    return found


OwnWishlist = Annotated[Wishlist, Depends(owned)]
KeptWishlist = Annotated[Wishlist, Depends(owned_and_kept)]
LockedWishlist = Annotated[Wishlist, Depends(owned_and_locked)]


@router.get("")
async def all_wishlists(user: CurrentUser, session: Session) -> list[WishlistOut]:
    """The user's lists, the oldest first."""
    found = await session.execute(
        select(Wishlist, func.count(Item.id))
        .outerjoin(Item, Item.wishlist_id == Wishlist.id)
        .where(Wishlist.user_id == user.id)
        .group_by(Wishlist.id)
        .order_by(Wishlist.created_at, Wishlist.id)
    )
    return [shown(wishlist, count) for wishlist, count in found]


@router.post("", status_code=status.HTTP_201_CREATED)
async def create(wanted: WishlistIn, user: CurrentUser, session: Session) -> WishlistOut:
    """Make a list."""
    wishlist = Wishlist(user_id=user.id, name=wanted.name)
    session.add(wishlist)
    await session.flush()
    answer = shown(wishlist, 0)
    announce_with_commit(session, user.id, "wishlists:updated", answer)
    await session.commit()
    return answer


@router.get("/{wishlist_id}")
async def one(wishlist: OwnWishlist, session: Session) -> WishlistOut:
    """One list."""
    return shown(wishlist, await count_items(wishlist, session))


@router.patch("/{wishlist_id}")
async def rename(wanted: WishlistIn, wishlist: LockedWishlist, session: Session) -> WishlistOut:
    """Give the list another name."""
    wishlist.name = wanted.name
    await session.flush()
    answer = shown(wishlist, await count_items(wishlist, session))
    announce_with_commit(session, wishlist.user_id, "wishlists:updated", answer)
    await session.commit()
    return answer


@router.delete("/{wishlist_id}", status_code=status.HTTP_204_NO_CONTENT)
async def remove(wishlist: LockedWishlist, session: Session) -> None:
    """Remove the list and what stands on it."""
    await session.delete(wishlist)
    gone = {"id": str(wishlist.id), "deleted": True}
    announce_with_commit(session, wishlist.user_id, "wishlists:updated", gone)
    await session.commit()
