"""The application that uvicorn serves: `uvicorn app.main:app`."""

import asyncio

from fastapi import Depends, FastAPI, HTTPException, Request, status
from pydantic import BaseModel, Field

from app.bearer import require_bearer
from app.extract import title_of
from app.fetch import Unfetchable, fetcher_for
from app.guard import Refused
from app.settings import Settings, load_settings


class Wanted(BaseModel):
    """The address of a page to resolve."""

    url: str = Field(min_length=1, max_length=2048)


class Resolved(BaseModel):
    """What the page says about the thing it shows."""

    title: str | None
    canonical_url: str


def create_app(settings: Settings) -> FastAPI:
    """Build the application."""
    app = FastAPI(
        title="Wish With Me item resolver",
        version="1.0.0",
        dependencies=[Depends(require_bearer)],
        # The schema would be the one address that answers without the token.
        openapi_url=None,
    )
    app.state.settings = settings
    app.state.fetcher = fetcher_for(settings)
    app.state.slots = asyncio.Semaphore(settings.max_concurrency)
    app.get("/healthz")(healthz)
    app.post("/resolver/v1/resolve")(resolve)
    return app


async def healthz() -> dict[str, str]:
    """The process answers the holder of the token."""
    return {"status": "ok"}


async def resolve(wanted: Wanted, request: Request) -> Resolved:
    """Fetch and read a page: 403 for a private address, 502 when it cannot be fetched."""
    try:
        async with request.app.state.slots:
            page = await request.app.state.fetcher.fetch(wanted.url)
    except Refused as refused:
        raise HTTPException(status.HTTP_403_FORBIDDEN, str(refused)) from None
    except Unfetchable as failure:
        raise HTTPException(status.HTTP_502_BAD_GATEWAY, str(failure)) from None
    return Resolved(title=title_of(page.html), canonical_url=page.url)


app = create_app(load_settings())
