"""The application that uvicorn serves: `uvicorn app.main:app`."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI
from fastapi.middleware.cors import CORSMiddleware

from app import auth, health
from app.backends import Backends
from app.settings import Settings, load_settings


def create_app(settings: Settings) -> FastAPI:
    """Build the application; its connections live as long as it does."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        app.state.backends = Backends.connect(settings)
        yield
        await app.state.backends.close()

    app = FastAPI(title="Wish With Me", version="1.0.0", debug=settings.debug, lifespan=lifespan)
    # The one owner of CORS headers: the proxy in front adds none.
    app.add_middleware(
        CORSMiddleware,
        allow_origins=settings.allowed_origins,
        allow_methods=["GET", "POST", "PUT", "PATCH", "DELETE"],
        allow_headers=["Authorization", "Content-Type", "Last-Event-ID"],
    )
    app.include_router(health.router)
    app.include_router(auth.router)
    return app


app = create_app(load_settings())
