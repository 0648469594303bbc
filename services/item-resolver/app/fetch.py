"""Fetching a page: over plain HTTP, or a built-in one where the Internet is not to be touched."""

from dataclasses import dataclass
from typing import Protocol

import httpx

from app.guard import require_public
from app.settings import Settings

MAX_REDIRECTS = 5
MAX_BYTES = 5_000_000
TIMEOUT = httpx.Timeout(20.0, connect=5.0)
# Shops answer a plain client with an empty page.
HEADERS = {
    "User-Agent": "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0",
    "Accept": "text/html,application/xhtml+xml",
    "Accept-Language": "en,ru;q=0.8",
}


class Unfetchable(Exception):
    """The page could not be had; the text says why."""


@dataclass(frozen=True)
class Page:
    """A page and the address it finally came from."""

    url: str
    html: str


class Fetcher(Protocol):
    """Something that can fetch a page."""

    async def fetch(self, url: str) -> Page:
        """The page at this address. Raises Refused or Unfetchable."""


class StubFetcher:
    """Answers every address with the same page."""

    async def fetch(self, url: str) -> Page:
        """A page without any request made."""
        return Page(url, "<html><head><title>Stub page</title></head><body></body></html>")


class HttpFetcher:
    """One GET, redirects followed by hand so that each hop is checked before it is made."""

    def __init__(self, allowed_hosts: frozenset[str]) -> None:
        self.allowed_hosts = allowed_hosts

    async def fetch(self, url: str) -> Page:
        """The page at this address. Raises Refused for a private one, else Unfetchable."""
        try:
            # trust_env off: a proxy from the environment would resolve names past the guard.
            async with httpx.AsyncClient(
                headers=HEADERS, timeout=TIMEOUT, trust_env=False
            ) as client:
                return await self._follow(client, httpx.URL(url))
        except (httpx.HTTPError, httpx.InvalidURL) as failure:
            raise Unfetchable(f"no page to be had: {type(failure).__name__}") from failure

    async def _follow(self, client: httpx.AsyncClient, url: httpx.URL) -> Page:
        for _ in range(MAX_REDIRECTS + 1):
            await require_public(url, self.allowed_hosts)
            async with client.stream("GET", url) as answer:
                if answer.next_request is not None:
                    url = answer.next_request.url
                    continue
                answer.raise_for_status()
                return Page(str(url), await read_text(answer))
        raise Unfetchable(f"more than {MAX_REDIRECTS} redirects")


async def read_text(answer: httpx.Response) -> str:
    """The body as text, cut where it grows past any page worth reading."""
    body = bytearray()
    async for chunk in answer.aiter_bytes():
        body += chunk
        if len(body) > MAX_BYTES:
            break
    return body[:MAX_BYTES].decode(answer.encoding or "utf-8", errors="replace")


def fetcher_for(settings: Settings) -> Fetcher:
    """The fetcher that RU_FETCHER_MODE asks for."""
    if settings.ru_fetcher_mode == "stub":
        return StubFetcher()
    return HttpFetcher(settings.allowed_hosts)
