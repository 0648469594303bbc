"""Fetching with Chromium: for the shops whose pages are made by their scripts."""

import asyncio
import os
import re
from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from urllib.parse import urlsplit

from playwright.async_api import (
    Browser,
    BrowserContext,
    Error,
    Playwright,
    Response,
    Route,
    async_playwright,
)
from playwright.async_api import (
    TimeoutError as TooSlow,
)

from app.fetch import LANGUAGES, MAX_BYTES, MAX_TRAFFIC, Endless, Page, Unfetchable, raise_refusal
from app.guard import Guard
from app.names import chrome
from app.tunnel import Tunnel
from app.upstream import Upstream

# Starts the browser as a user of its own.
UNPRIVILEGED = Path(__file__).with_name("unprivileged.sh")
ARGUMENTS = (
    # Names are looked up by the guard alone.
    "--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1",
    # UDP knows no proxy. Of the last two, each program knows one: Chromium, its headless shell.
    "--disable-quic",
    "--webrtc-ip-handling-policy=disable_non_proxied_udp",
    "--force-webrtc-ip-handling-policy=disable_non_proxied_udp",
)
# What belongs to no page has no way out.
NOWHERE = "http://127.0.0.1:1"
# Neither says what a thing is or costs: an image's address is all that is wanted of it.
LEFT_OUT = frozenset({"image", "media", "font"})
LAUNCH_MS = 30_000
# How long a page's scripts may go on after its text is there.
SETTLE_MS = 10_000
# How long a page may take in all. One that computes without end answers nothing any more.
PAGE_SECONDS = 30.0
CLOSE_SECONDS = 3.0


class BrowserFetcher:
    """One browser for the process, started with the first page and again after it died.

    Each page has a context of its own, so pages share neither cookies nor storage.
    """

    def __init__(
        self,
        program: str,
        headless: bool,
        guard: Guard,
        upstream: Upstream | None = None,
        another_name: bool = False,
    ) -> None:
        self._program = program
        self._headless = headless
        self._guard = guard
        self._upstream = upstream
        self._another_name = another_name
        self._starting = asyncio.Lock()
        self._driver: Playwright | None = None
        self._browser: Browser | None = None

    async def fetch(self, url: str) -> Page:
        """The page after its scripts ran. Raises Refused for a private one, Unfetchable, Endless.

        However it ends, the end of its context ends the processes that ran its scripts.
        """
        async with Tunnel(self._guard, MAX_TRAFFIC, self._upstream) as tunnel:
            try:
                async with self._context(tunnel) as context:
                    return await _in_time(_open(context, url, tunnel))
            except Error as failure:
                raise_refusal(tunnel)
                raise Unfetchable(f"no page to be had: {_reason(failure)}") from None

    async def close(self) -> None:
        """End the browser and its driver, at the latest after a few seconds."""
        browser, self._browser = self._browser, None
        driver, self._driver = self._driver, None
        if browser is not None:
            await _end(browser.close())
        if driver is not None:
            await _end(driver.stop())

    @asynccontextmanager
    async def _context(self, tunnel: Tunnel) -> AsyncIterator[BrowserContext]:
        browser, context = await self._new_context(tunnel)
        try:
            await context.route("**/*", _leave_out)
            yield context
        finally:
            try:
                async with asyncio.timeout(CLOSE_SECONDS):
                    await context.close()
            except (Error, TimeoutError):
                # A browser that cannot close a page is no good for the next one.
                await self._discard(browser)

    async def _new_context(self, tunnel: Tunnel) -> tuple[Browser, BrowserContext]:
        browser = await self._running()
        try:
            return browser, await self._isolated(browser, tunnel)
        except Error:
            # Its driver is gone, and it does not know.
            await self._discard(browser)
        browser = await self._running()
        return browser, await self._isolated(browser, tunnel)

    async def _isolated(self, browser: Browser, tunnel: Tunnel) -> BrowserContext:
        return await browser.new_context(
            proxy={"server": tunnel.url},
            user_agent=chrome(browser.version, another=self._another_name),
            extra_http_headers={"Accept-Language": LANGUAGES},
            accept_downloads=False,
            # A service worker's requests are not seen by the route that leaves images out.
            service_workers="block",
        )

    async def _discard(self, browser: Browser) -> None:
        # Another page may have noticed before, and the browser may be a new one.
        if self._browser is browser:
            await self.close()

    async def _running(self) -> Browser:
        async with self._starting:
            if self._browser is None or not self._browser.is_connected():
                await self.close()
                self._driver = await async_playwright().start()
                self._browser = await self._driver.chromium.launch(
                    executable_path=UNPRIVILEGED,
                    headless=self._headless,
                    proxy={"server": NOWHERE},
                    args=ARGUMENTS,
                    timeout=LAUNCH_MS,
                    # Nothing else of the environment: it holds this service's secrets.
                    env={"BROWSER": self._program, "PATH": os.environ["PATH"], "HOME": "/tmp"},  # noqa: S108
                )
            return self._browser


async def _in_time(opening: Awaitable[Page]) -> Page:
    try:
        async with asyncio.timeout(PAGE_SECONDS):
            return await opening
    except TimeoutError:
        raise Endless(f"the page came to no end within {PAGE_SECONDS:.0f} s") from None


async def _open(context: BrowserContext, url: str, tunnel: Tunnel) -> Page:
    page = await context.new_page()
    statuses: list[int] = []

    def note(answer: Response) -> None:
        # The last one counts: a page that tests its reader is followed by the wanted one.
        if answer.request.is_navigation_request() and answer.frame == page.main_frame:
            statuses.append(answer.status)

    page.on("response", note)
    # No deadline of their own: there is one for the whole page.
    await page.goto(url, wait_until="domcontentloaded", timeout=0)
    with suppress(TooSlow):
        await page.wait_for_load_state("networkidle", timeout=SETTLE_MS)
    html = await page.content()
    if urlsplit(page.url).scheme not in ("http", "https"):
        raise_refusal(tunnel)
        raise Unfetchable("the page went on to no page")
    if not statuses or statuses[-1] >= 400:
        raise_refusal(tunnel)
        raise Unfetchable(f"the answer was {statuses[-1] if statuses else 'none'}")
    return Page(page.url, html[:MAX_BYTES])


async def _end(closing: Awaitable[None]) -> None:
    with suppress(Error, TimeoutError):
        async with asyncio.timeout(CLOSE_SECONDS):
            await closing


async def _leave_out(route: Route) -> None:
    # A page that is gone needs no answer any more.
    with suppress(Error):
        if route.request.resource_type in LEFT_OUT:
            await route.abort()
        else:
            await route.continue_()


def _reason(failure: Error) -> str:
    """The browser's own word for it; the rest of the message quotes addresses."""
    word = re.search(r"net::(ERR_[A-Z_]+)", failure.message)
    return word[1] if word else type(failure).__name__
