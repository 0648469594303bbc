"""The application that uvicorn serves: `uvicorn app.main:app`."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI
from fastapi.middleware.cors import CORSMiddleware

from app import auth, events, health, items, wishlists
from app.backends import Backends
from app.errors import answer_errors
from app.lifecycle import beside, told_of_the_stop, unless
from app.logs import log_as_json
from app.relay import relay
from app.request_log import HEADER, RequestLog
from app.settings import Settings, load_settings
from app.streams import Streams
from app.worker import Worker


def create_app(settings: Settings) -> FastAPI:
    """Build the application; its connections live as long as it does."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        stopping = asyncio.Event()
        backends = Backends.connect(settings)
        streams = Streams(backends.redis, stopping)
        app.state.stopping, app.state.backends, app.state.streams = stopping, backends, streams
        works = {
            "relay": lambda: unless(stopping, relay(backends)),
            "listener": lambda: unless(stopping, streams.listen()),
            "worker": Worker(settings, backends, stopping).run,
        }
        with told_of_the_stop(stopping.set):
            async with beside(works, stopping):
                yield
            await backends.close()

    app = FastAPI(
        title="Wish With Me",
        version="1.0.0",
        debug=settings.debug,
        # The pages /docs and /redoc go with it: all of that is for whoever works on this.
        openapi_url="/openapi.json" if settings.debug else None,
        lifespan=lifespan,
    )
    answer_errors(app)
    app.add_middleware(RequestLog)
    # The one owner of CORS headers: the proxy in front adds none.
    app.add_middleware(
        CORSMiddleware,
        allow_origins=settings.allowed_origins,
        allow_methods=["GET", "POST", "PUT", "PATCH", "DELETE"],
        allow_headers=["Authorization", "Content-Type", "Last-Event-ID"],
        expose_headers=[HEADER, "Retry-After"],
    )
    for part in (health, auth, wishlists, items, events):
        app.include_router(part.router)
    return app


log_as_json(load_settings().debug)
app = create_app(load_settings())
