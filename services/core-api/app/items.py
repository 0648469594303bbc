"""The items of a user's wishlists."""

from datetime import datetime
from decimal import Decimal
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, HTTPException, status
from pydantic import BaseModel, ConfigDict, model_validator
from sqlalchemy import Select, select
from sqlalchemy.ext.asyncio import AsyncSession

from app.auth import CurrentUser
from app.backends import Session
from app.fields import MAX_TITLE, Currency, Price, Title, WebAddress
from app.jobs import resolve_with_commit
from app.models import Item, Status, User, Wishlist
from app.outbox import announce_with_commit
from app.wishlists import KeptWishlist, OwnWishlist

router = APIRouter(prefix="/api/v1", tags=["items"])


class ItemIn(BaseModel):
    """A new item: what it is, or the address of a page that tells."""

    title: Title | None = None
    source_url: WebAddress | None = None
    image_url: WebAddress | None = None
    price: Price | None = None
    currency: Currency | None = None

    @model_validator(mode="after")
    def names_something(self) -> "ItemIn":
        """Refuse an item that is neither named nor to be looked up."""
        if self.title is None and self.source_url is None:
            raise ValueError("needs a title or a source_url")
        return self


class ItemChange(BaseModel):
    """What is to be different about an item; what is not named stays."""

    # The default is never read, for only what was sent is applied; so null is refused.
    title: Title = ""
    image_url: WebAddress | None = None
    price: Price | None = None
    currency: Currency | None = None


class ItemOut(BaseModel):
    """An item as its owner sees it."""

    model_config = ConfigDict(from_attributes=True)

    id: UUID
    wishlist_id: UUID
    title: str
    source_url: str | None
    image_url: str | None
    price: Decimal | None
    currency: str | None
    status: Status
    created_at: datetime
    updated_at: datetime


async def owned(item_id: UUID, user: CurrentUser, session: Session) -> Item:
    """An item on one of the user's lists; 404 for any other."""
    return await own_item(item_id, user, session, select(Item))


async def owned_and_locked(item_id: UUID, user: CurrentUser, session: Session) -> Item:
    """The same, for a change: whoever else changes it waits until the session ends."""
    return await own_item(item_id, user, session, select(Item).with_for_update(of=Item))


async def own_item(item_id: UUID, user: User, session: AsyncSession, items: Select[Item]) -> Item:
    """The one of these items that has the id and is the user's."""
    found = await session.scalar(
        items.join(Wishlist, Wishlist.id == Item.wishlist_id).where(
            Item.id == item_id, Wishlist.user_id == user.id
        )
    )
    if found is None:
        raise HTTPException(status.HTTP_404_NOT_FOUND, "no such item")
    return found


OwnItem = Annotated[Item, Depends(owned)]
LockedItem = Annotated[Item, Depends(owned_and_locked)]


@router.get("/wishlists/{wishlist_id}/items")
async def all_items(wishlist: OwnWishlist, session: Session) -> list[ItemOut]:
    """What stands on the list, the oldest first."""
    found = await session.scalars(
        select(Item).where(Item.wishlist_id == wishlist.id).order_by(Item.created_at, Item.id)
    )
    return [ItemOut.model_validate(item) for item in found]


@router.post("/wishlists/{wishlist_id}/items", status_code=status.HTTP_201_CREATED)
async def create(wanted: ItemIn, wishlist: KeptWishlist, session: Session) -> ItemOut:
    """Add an item; one with an address is resolved in the background and announced when it is."""
    item = Item(
        wishlist_id=wishlist.id,
        title=wanted.title or (wanted.source_url or "")[:MAX_TITLE],
        source_url=wanted.source_url,
        image_url=wanted.image_url,
        price=wanted.price,
        currency=wanted.currency,
        status=Status.PENDING if wanted.source_url else Status.READY,
    )
    session.add(item)
    await session.flush()
    if item.source_url:
        await resolve_with_commit(session, item.id)
    answer = ItemOut.model_validate(item)
    announce_with_commit(session, wishlist.user_id, "items:updated", answer)
    await session.commit()
    return answer


@router.get("/items/{item_id}")
async def one(item: OwnItem) -> ItemOut:
    """One item."""
    return ItemOut.model_validate(item)


@router.patch("/items/{item_id}")
async def change(
    wanted: ItemChange, item: LockedItem, user: CurrentUser, session: Session
) -> ItemOut:
    """Change what was sent."""
    for name, value in wanted.model_dump(exclude_unset=True).items():
        setattr(item, name, value)
    await session.flush()
    answer = ItemOut.model_validate(item)
    announce_with_commit(session, user.id, "items:updated", answer)
    await session.commit()
    return answer


@router.delete("/items/{item_id}", status_code=status.HTTP_204_NO_CONTENT)
async def remove(item: LockedItem, user: CurrentUser, session: Session) -> None:
    """Take the item off its list."""
    await session.delete(item)
    gone = {"id": str(item.id), "wishlist_id": str(item.wishlist_id), "deleted": True}
    announce_with_commit(session, user.id, "items:updated", gone)
    await session.commit()
