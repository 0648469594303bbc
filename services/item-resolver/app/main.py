"""The application that uvicorn serves: `uvicorn app.main:app`."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import urlsplit

from fastapi import Depends, FastAPI, HTTPException, Request, status
from pydantic import BaseModel, Field

from app.bearer import require_bearer
from app.browser import BrowserFetcher
from app.extract import Product, read
from app.fetch import Endless, Fetcher, HttpFetcher, StubFetcher, Unfetchable
from app.guard import Guard, Refused
from app.logs import RequestLog, configure_logs
from app.model import Model
from app.programs import find_program
from app.settings import Settings, load_settings
from app.slots import Busy, Slots
from app.upstream import Upstream

# The caller gives up after 150 s.
WORK_SECONDS = 60.0
RETRY_SECONDS = 10
ERRORS: dict[int | str, dict[str, Any]] = {
    401: {"description": "Wrong or missing token"},
    403: {"description": "A private address, or none of the web"},
    500: {"description": "This server has no token"},
    502: {"description": "The page cannot be fetched"},
    503: {"description": "Too busy; Retry-After says when to ask again"},
    504: {"description": "The page took too long"},
}

log = logging.getLogger("app.resolve")


class Wanted(BaseModel):
    """The address of a page to resolve."""

    url: str = Field(min_length=1, max_length=2048)


def fetcher_for(settings: Settings, guard: Guard) -> Fetcher:
    """The fetcher that RU_FETCHER_MODE asks for. Raises SystemExit."""
    if settings.ru_fetcher_mode == "stub":
        return StubFetcher()
    upstream = Upstream.of(settings)
    if settings.ru_fetcher_mode == "http":
        return HttpFetcher(guard, upstream, settings.random_ua)
    program = find_program(settings.browser_channel, settings.headless)
    return BrowserFetcher(program, settings.headless, guard, upstream, settings.random_ua)


def create_app(settings: Settings) -> FastAPI:
    """Build the application. Raises SystemExit when it shall have a browser and has none."""
    guard = Guard(settings.allowed_hosts)
    fetcher = fetcher_for(settings, guard)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        yield
        await fetcher.close()

    app = FastAPI(
        title="Wish With Me item resolver",
        version="1.0.0",
        dependencies=[Depends(require_bearer)],
        # The schema would be the one address that answers without the token.
        openapi_url=None,
        lifespan=lifespan,
    )
    app.state.settings = settings
    app.state.guard = guard
    app.state.fetcher = fetcher
    app.state.model = Model(settings) if settings.llm_mode == "live" else None
    app.state.slots = Slots(settings.max_concurrency)
    app.add_middleware(RequestLog)
    app.get("/healthz")(healthz)
    app.post("/resolver/v1/resolve", responses=ERRORS)(resolve)
    return app


async def healthz() -> dict[str, str]:
    """The process answers the holder of the token."""
    return {"status": "ok"}


async def resolve(wanted: Wanted, request: Request) -> Product:
    """Fetch a page and read what it says about the thing it shows."""
    state = request.app.state
    try:
        state.guard.require_web_page(wanted.url)
        # The path and the query may be somebody's secret.
        log.info("resolving", extra={"fields": {"host": urlsplit(wanted.url).hostname}})
        async with state.slots.one(), asyncio.timeout(WORK_SECONDS):
            end = asyncio.get_running_loop().time() + WORK_SECONDS
            page = await state.fetcher.fetch(wanted.url)
            product, named = await asyncio.to_thread(read, page)
            if state.model and not named:
                left = end - asyncio.get_running_loop().time()
                product = await state.model.complete(product, page, left)
            return product
    except Refused as refused:
        raise HTTPException(status.HTTP_403_FORBIDDEN, str(refused)) from None
    except Unfetchable as failure:
        raise HTTPException(status.HTTP_502_BAD_GATEWAY, str(failure)) from None
    except (Busy, asyncio.CancelledError):
        # Cancelled: this service stops, and another replica may have room.
        raise HTTPException(
            status.HTTP_503_SERVICE_UNAVAILABLE,
            "no room for another page now",
            headers={"Retry-After": str(RETRY_SECONDS)},
        ) from None
    except Endless as endless:
        raise HTTPException(status.HTTP_504_GATEWAY_TIMEOUT, str(endless)) from None
    except TimeoutError:
        raise HTTPException(
            status.HTTP_504_GATEWAY_TIMEOUT, f"no page within {WORK_SECONDS:.0f} s"
        ) from None


configure_logs()
app = create_app(load_settings())
