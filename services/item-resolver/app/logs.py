"""Logs as one JSON object per line, each with the id of the request it belongs to."""

import json
import logging
import re
import time
from contextvars import ContextVar
from datetime import UTC, datetime
from uuid import uuid4

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

request_id: ContextVar[str] = ContextVar("request_id", default="")
# An id from outside goes into logs and headers: only a plain one is taken over.
PLAIN_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
# What an address may carry that is nobody else's: a password before the host, all after the path.
SECRET_PARTS = re.compile(r"(\w+://)(?:[^\s/@\"'?#]*@)?([^\s\"'?#]*)([?#][^\s\"']*)?")

log = logging.getLogger("app.requests")


class JsonLines(logging.Formatter):
    """Makes one JSON object of a record; what else stands in `extra={"fields": …}` is added."""

    def format(self, record: logging.LogRecord) -> str:
        """The line, without secrets of addresses."""
        line = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": _without_secrets(record.getMessage()),
        }
        if found := request_id.get():
            line["request_id"] = found
        if record.exc_info:
            line["traceback"] = _without_secrets(self.formatException(record.exc_info))
        # In ASCII: what a stranger wrote steers no terminal that shows the log.
        return json.dumps(line | getattr(record, "fields", {}))


def _without_secrets(text: str) -> str:
    return SECRET_PARTS.sub(r"\1\2", text)


def configure_logs() -> None:
    """Send every record of this process to standard error as a line of JSON."""
    handler = logging.StreamHandler()
    handler.setFormatter(JsonLines())
    logging.basicConfig(level=logging.INFO, handlers=[handler], force=True)
    # uvicorn brings a handler of its own.
    uvicorn = logging.getLogger("uvicorn")
    uvicorn.handlers.clear()
    uvicorn.propagate = True
    # httpx tells every address it asks.
    for name in ("httpx", "httpcore"):
        logging.getLogger(name).setLevel(logging.WARNING)


class RequestLog:
    """Gives every request an id, the proxy's where there is one, and writes one line at its end."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        given = Headers(scope=scope).get("x-request-id", "")
        found = given if PLAIN_ID.fullmatch(given) else uuid4().hex
        request_id.set(found)
        started = time.monotonic()
        status = 500

        async def answer(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                MutableHeaders(scope=message)["X-Request-ID"] = found
            await send(message)

        try:
            await self.app(scope, receive, answer)
        finally:
            fields = {"method": scope["method"], "path": scope["path"], "status": status}
            seconds = round(time.monotonic() - started, 3)
            # Probes ask every few seconds and say nothing new while all is well.
            level = logging.DEBUG if scope["path"] == "/healthz" and status == 200 else logging.INFO
            log.log(level, "request", extra={"fields": {**fields, "seconds": seconds}})
