"""Every request has an id, and leaves one line in the log when it ends."""

import logging
import re
import time
from http import HTTPStatus
from uuid import uuid4

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.logs import request_id

HEADER = "X-Request-ID"
# Asked every few seconds by the container's own health check: told only when something is wrong.
PROBES = {"/live", "/ready", "/healthz"}

log = logging.getLogger(__name__)


def wanted_id(headers: Headers) -> str:
    """The id that the proxy gave the request, or a new one; never something that is no id."""
    given = headers.get(HEADER, "")
    return given if re.fullmatch(r"[A-Za-z0-9._-]{1,64}", given) else uuid4().hex


class RequestLog:
    """The outermost layer but CORS, so that an error of ours, too, is answered with both."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on with its id, and tell how it ended."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        request_id.set(wanted_id(Headers(scope=scope)))
        begun = time.monotonic()
        answered: int | None = None

        async def send_with_id(message: Message) -> None:
            nonlocal answered
            if message["type"] == "http.response.start":
                answered = message["status"]
                MutableHeaders(scope=message)[HEADER] = request_id.get() or ""
            await send(message)

        try:
            await self.app(scope, receive, send_with_id)
        except Exception:
            log.exception("a request failed")
            if answered is not None:
                raise
            failed = JSONResponse(
                {"detail": "something broke here"}, HTTPStatus.INTERNAL_SERVER_ERROR
            )
            await failed(scope, receive, send_with_id)
        finally:
            tell(scope, answered, time.monotonic() - begun)


def tell(scope: Scope, status: int | None, seconds: float) -> None:
    """One line, without the query string: it may hold a token."""
    healthy = scope["path"] in PROBES and status == HTTPStatus.OK
    log.log(
        logging.DEBUG if healthy else logging.INFO,
        "request",
        extra={
            "method": scope["method"],
            "path": scope["path"],
            "status": status,
            "seconds": round(seconds, 4),
        },
    )
