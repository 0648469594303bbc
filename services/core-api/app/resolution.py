"""Resolves one item: asks, writes the result once, announces it."""

import logging
from datetime import timedelta
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app.backends import Backends
from app.fields import MAX_TITLE
from app.items import ItemOut
from app.models import Item, Status, Wishlist
from app.outbox import announce_with_commit
from app.resolver import Page, Refused, Resolver, Unavailable

# Pauses before the tries that follow the first; no more tries than these.
PAUSES = [timedelta(seconds=seconds) for seconds in (2, 10, 30, 60)]
LONGEST_PAUSE = timedelta(minutes=5)
# A resolver that is only busy gets to every item in the end.
TRIES_WHILE_BUSY = 60
# A page that took too long has had a slot for that long, and gets one more chance.
TRIES_WHILE_SLOW = 1

log = logging.getLogger(__name__)


class TryLater(Exception):
    """The resolver did not answer, and may yet."""

    def __init__(self, pause: timedelta) -> None:
        super().__init__("the resolver did not answer")
        self.pause = pause


async def resolve_item(
    backends: Backends, resolver: Resolver, item_id: UUID, tries_before: int
) -> None:
    """Bring a pending item to `resolved` or `failed`. Raises TryLater while there is hope.

    May be interrupted at any moment and run again, also twice at once: whoever comes first writes.
    """
    async with backends.session() as session:
        item = await session.get(Item, item_id)
    if item is None or item.status != Status.PENDING or item.source_url is None:
        return
    try:
        page = await resolver.resolve(item.source_url)
    except Refused as refused:
        log.info("item %s cannot be resolved: %s", item_id, refused)
        page = None
    except Unavailable as failure:
        log.warning("item %s, try %d: resolver %s", item_id, tries_before + 1, failure)
        if tries_before < more_tries(failure):
            pause = PAUSES[min(tries_before, len(PAUSES) - 1)]
            asked = timedelta(seconds=failure.after)
            raise TryLater(min(max(pause, asked), LONGEST_PAUSE)) from failure
        page = None
    async with backends.session() as session:
        await write(session, item_id, page)


def more_tries(failure: Unavailable) -> int:
    """How many tries follow the first after such a failure."""
    if failure.busy:
        return TRIES_WHILE_BUSY
    return TRIES_WHILE_SLOW if failure.slow else len(PAUSES)


async def write(session: AsyncSession, item_id: UUID, page: Page | None) -> None:
    """Write the result unless it is written, or the item gone. What the user typed stays."""
    found = await session.execute(
        select(Item, Wishlist.user_id)
        .join(Wishlist, Wishlist.id == Item.wishlist_id)
        .where(Item.id == item_id, Item.status == Status.PENDING)
        .with_for_update(of=Item)
    )
    row = found.one_or_none()
    if row is None:
        return
    item, user_id = row
    item.status = Status.FAILED if page is None else Status.RESOLVED
    if page is not None:
        if item.title == (item.source_url or "")[:MAX_TITLE]:
            item.title = page.title
        item.image_url = item.image_url or page.image_url
        if item.price is None:
            item.price, item.currency = page.price, item.currency or page.currency
    await session.flush()
    announce_with_commit(session, user_id, "items:resolved", ItemOut.model_validate(item))
    await session.commit()
