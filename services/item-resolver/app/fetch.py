"""Fetching a page: over plain HTTP, or a built-in one where the Internet is not to be touched."""

import ssl
from dataclasses import dataclass
from typing import Protocol

import httpx
from w3lib.encoding import html_to_unicode

from app.guard import Guard, Refused
from app.names import firefox
from app.tunnel import Tunnel
from app.upstream import Upstream

MAX_REDIRECTS = 5
# Past any page worth reading; what a browser fetches beside the page (scripts, styles) counts too.
MAX_BYTES = 5_000_000
MAX_TRAFFIC = 30_000_000
TIMEOUT = httpx.Timeout(20.0, connect=15.0)
LANGUAGES = "en,ru;q=0.8"
HEADERS = {
    "Accept": "text/html,application/xhtml+xml",
    "Accept-Language": LANGUAGES,
}
# Every request has a tunnel of its own, so there is nothing to keep a connection for.
LIMITS = httpx.Limits(max_keepalive_connections=0)
STUB = "<html><head><title>Stub page</title></head><body></body></html>"


class Unfetchable(Exception):
    """The page could not be had; the text says why, and never holds the page's address."""


class Endless(Exception):
    """The page did not come to an end in time; the text says how long that is."""


@dataclass(frozen=True)
class Page:
    """A page and the address it finally came from."""

    url: str
    html: str


class Fetcher(Protocol):
    """Something that can fetch a page."""

    async def fetch(self, url: str) -> Page:
        """The page at this address. Raises Refused, Unfetchable or Endless."""

    async def close(self) -> None:
        """End what was started for fetching."""


class StubFetcher:
    """Answers every address with the same page."""

    async def fetch(self, url: str) -> Page:
        """A page without any request made."""
        return Page(url, STUB)

    async def close(self) -> None:
        """Nothing was started."""


class HttpFetcher:
    """One GET with its redirects, all of it through the guard."""

    def __init__(
        self, guard: Guard, upstream: Upstream | None = None, another_name: bool = False
    ) -> None:
        self._guard = guard
        self._upstream = upstream
        self._another_name = another_name
        self._tls = ssl.create_default_context()

    async def fetch(self, url: str) -> Page:
        """The page at this address. Raises Refused for a private one, else Unfetchable."""
        name = firefox(another=self._another_name)
        async with Tunnel(self._guard, MAX_TRAFFIC, self._upstream) as tunnel:
            try:
                # trust_env off: what the environment excepts from a proxy would pass the guard by.
                async with httpx.AsyncClient(
                    proxy=tunnel.url,
                    headers={**HEADERS, "User-Agent": name},
                    timeout=TIMEOUT,
                    verify=self._tls,
                    limits=LIMITS,
                    follow_redirects=True,
                    max_redirects=MAX_REDIRECTS,
                    trust_env=False,
                ) as client:
                    return await _get(client, url)
            except (httpx.HTTPError, httpx.InvalidURL) as failure:
                raise_refusal(tunnel)
                raise Unfetchable(f"no page to be had: {_reason(failure)}") from None

    async def close(self) -> None:
        """Nothing outlives a request."""


def raise_refusal(tunnel: Tunnel) -> None:
    """Raise Refused when the guard is why a page did not come."""
    if tunnel.refusal is not None:
        raise Refused(tunnel.refusal)


async def _get(client: httpx.AsyncClient, url: str) -> Page:
    async with client.stream("GET", url) as answer:
        answer.raise_for_status()
        return Page(str(answer.url), await _read_text(answer))


async def _read_text(answer: httpx.Response) -> str:
    body = bytearray()
    async for chunk in answer.aiter_bytes():
        body += chunk
        if len(body) > MAX_BYTES:
            break
    # The charset stands in the header, in the page, or nowhere: as browsers tell it.
    return html_to_unicode(answer.headers.get("content-type"), bytes(body[:MAX_BYTES]))[1]


def _reason(failure: Exception) -> str:
    if isinstance(failure, httpx.HTTPStatusError):
        return f"the answer was {failure.response.status_code}"
    return type(failure).__name__
