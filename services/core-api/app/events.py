"""The stream of events that a browser keeps open."""

from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import Annotated

import jwt
from fastapi import APIRouter, Header, HTTPException, Query, Request, status
from fastapi.responses import StreamingResponse

from app.auth import signing_key
from app.streams import Event, Streams, TooMany, place
from app.tokens import bearer_of

router = APIRouter(prefix="/api/v1/events", tags=["events"])

# How soon a browser comes back after the end of a stream, in milliseconds.
RETRY = 1000
# How soon to ask again when there are too many, in seconds.
LATER = 30
UNBUFFERED = {"Cache-Control": "no-cache, no-transform", "X-Accel-Buffering": "no"}


def written(event: Event) -> str:
    """The event as the wire has it. Its data is JSON, so one line."""
    if event.name is None:
        return f"retry: {RETRY}\nid: {event.id}\n\n"
    return f"id: {event.id}\nevent: {event.name}\ndata: {event.data}\n\n"


@router.get(
    "/stream",
    response_class=StreamingResponse,
    responses={200: {"content": {"text/event-stream": {}}}},
)
async def stream(
    request: Request,
    token: Annotated[str, Query(min_length=1)],
    last_event_id: Annotated[str | None, Query()] = None,
    header: Annotated[str | None, Header(alias="Last-Event-ID")] = None,
) -> StreamingResponse:
    """The user's events as they happen, and before them those after Last-Event-ID.

    The token stands in the query because a browser's EventSource sends no header of ours. A place
    that is none of ours means from now on. A stream asks the database nothing, and holds none of
    its connections.
    """
    try:
        user_id, until = bearer_of(token, signing_key())
    except (jwt.InvalidTokenError, ValueError):
        raise HTTPException(status.HTTP_401_UNAUTHORIZED, "sign in first") from None
    streams: Streams = request.app.state.streams
    # Before the answer begins: what happens from then on is the client's, whatever ends the stream.
    here = await streams.beginning(user_id, place(header) or place(last_event_id))
    events = streams.follow(user_id, here, until)
    try:
        first = await anext(events)
    except TooMany:
        raise HTTPException(
            status.HTTP_429_TOO_MANY_REQUESTS,
            "too many streams are open",
            headers={"Retry-After": str(LATER)},
        ) from None

    async def lines() -> AsyncIterator[str]:
        async with aclosing(events):
            yield written(first)
            async for event in events:
                yield written(event)

    return StreamingResponse(lines(), media_type="text/event-stream", headers=UNBUFFERED)
