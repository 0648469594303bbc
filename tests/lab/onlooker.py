"""Follows events as browsers do, and makes some: runs on a server, in the image of the API.

Reads one line of JSON from standard input: the API's address and name, the certificate to trust,
the addresses of the followers. Follows the stream from each of them, says so, and makes items from
one address more until standard input ends. Then it waits until every follower has seen every item,
and prints as JSON what each saw, how often and how late. A follower whose connection breaks does
what an EventSource does: it comes back with `Last-Event-ID`.
"""

from __future__ import annotations

import asyncio
import json
import ssl
import sys
import time
from typing import Any

import httpx  # it stands in that image

PATIENCE = 40.0
"""Seconds after the last item within which a follower must have seen all."""
MAKER = "10.98.0.1"
PAUSE = 0.2
"""Seconds between two items: half of what the proxy's limit lets one address do."""


class Follower:
    """One open stream, opened again whenever it ends."""

    def __init__(self, client: httpx.AsyncClient, token: str) -> None:
        self._client = client
        self._token = token
        self._last = ""
        self.seen: list[tuple[str, float]] = []
        self.opened = 0
        self.cut = 0
        """How often its stream broke off instead of coming to an end."""
        self.ready = asyncio.Event()

    async def follow(self) -> None:
        while True:
            try:
                await self._stream()
            except httpx.RemoteProtocolError:
                self.cut += 1
            except httpx.HTTPError:
                pass
            await asyncio.sleep(0.2)

    async def _stream(self) -> None:
        headers = {"Last-Event-ID": self._last} if self._last else {}
        address = f"/api/v1/events/stream?token={self._token}"
        async with self._client.stream("GET", address, headers=headers) as answer:
            if answer.status_code != 200:
                return
            self.opened += 1
            self.ready.set()
            place, name, data = self._last, "", ""
            async for line in answer.aiter_lines():
                field, _, value = line.partition(": ")
                if field == "id":
                    place = value
                elif field == "event":
                    name = value
                elif field == "data":
                    data = value
                elif not line:
                    self._last = place
                    if name == "items:updated":
                        self.seen.append((json.loads(data)["title"], time.monotonic()))
                    name, data = "", ""


def client(wanted: dict[str, Any], source: str) -> httpx.AsyncClient:
    """A browser at that address: its own connections, the API's real name."""
    trust = ssl.create_default_context(cadata=wanted["trust"])
    # No keep-alive: a connection that a reload has closed would be met by the next request.
    transport = httpx.AsyncHTTPTransport(
        verify=trust, local_address=source, limits=httpx.Limits(max_keepalive_connections=0)
    )
    return httpx.AsyncClient(
        base_url=f"https://{wanted['address']}",
        headers={"Host": wanted["name"]},
        transport=Named(transport, wanted["name"]),
        timeout=httpx.Timeout(10.0, read=60.0),
    )


class Named(httpx.AsyncBaseTransport):
    """Connects to an address and expects the certificate of a name."""

    def __init__(self, inner: httpx.AsyncHTTPTransport, name: str) -> None:
        self._inner = inner
        self._name = name

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        request.extensions["sni_hostname"] = self._name
        return await self._inner.handle_async_request(request)


async def signed_up(maker: httpx.AsyncClient) -> str:
    """A new user's token."""
    person = {"email": f"{time.time_ns()}@example.org", "password": "correct horse", "name": "On"}
    answer = await maker.post("/api/v1/auth/register", json=person)
    answer.raise_for_status()
    return str(answer.json()["access_token"])


async def look_on(wanted: dict[str, Any]) -> dict[str, Any]:
    maker = client(wanted, MAKER)
    token = await signed_up(maker)
    maker.headers["Authorization"] = f"Bearer {token}"
    wishlist = (await maker.post("/api/v1/wishlists", json={"name": "Seen"})).json()["id"]
    followers = {source: Follower(client(wanted, source), token) for source in wanted["followers"]}
    tasks = [asyncio.create_task(follower.follow()) for follower in followers.values()]
    for follower in followers.values():
        await follower.ready.wait()
    print("following", flush=True)

    made: dict[str, float] = {}
    refused = 0
    enough = asyncio.create_task(asyncio.to_thread(sys.stdin.read))
    number = 0
    while not enough.done():
        number += 1
        title = f"item {number}"
        start = time.monotonic()
        try:
            answer = await maker.post(f"/api/v1/wishlists/{wishlist}/items", json={"title": title})
        except httpx.HTTPError:
            refused += 1
        else:
            if answer.status_code == 201:
                made[title] = start
            else:
                refused += 1
        await asyncio.sleep(PAUSE)

    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        if all(made.keys() <= {title for title, _ in f.seen} for f in followers.values()):
            break
        await asyncio.sleep(0.05)
    for task in tasks:
        task.cancel()
    return {
        "made": len(made),
        "refused": refused,
        "followers": {source: told(follower, made) for source, follower in followers.items()},
    }


def told(follower: Follower, made: dict[str, float]) -> dict[str, Any]:
    titles = [title for title, _ in follower.seen]
    lags = sorted(at - made[title] for title, at in follower.seen if title in made)
    return {
        "lost": sorted(made.keys() - set(titles)),
        "doubled": sorted({title for title in titles if titles.count(title) > 1}),
        "opened": follower.opened,
        "cut": follower.cut,
        "lag_median": round(lags[len(lags) // 2], 3) if lags else None,
        "lag_longest": round(lags[-1], 3) if lags else None,
    }


if __name__ == "__main__":
    print(json.dumps(asyncio.run(look_on(json.loads(sys.stdin.readline())))))
