"""A real browser behind the guard: what it brings, and where it cannot go."""

import json
import os
import shutil
import signal
import socket
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

import pytest
from fastapi.testclient import TestClient

from app import browser
from app.programs import PROGRAMS, find_program
from tests.conftest import TOKEN, Shop, client_of, resolve

installed = any(shutil.which(name) for name in PROGRAMS["chrome"])
needs_a_browser = pytest.mark.skipif(
    not installed, reason="no Chromium here (Debian: chromium-headless-shell)"
)

MADE_BY_A_SCRIPT = """<title>An empty shell</title><script>
fetch("/data").then(answer => answer.text()).then(text => {
    const product = document.createElement("script");
    product.type = "application/ld+json";
    product.textContent = text;
    document.head.append(product);
});
</script>"""
DATA = {
    "@type": "Product",
    "name": "A kettle made by a script",
    "image": "/kettle.jpg",
    "offers": {"price": 49.5, "priceCurrency": "EUR"},
}


@pytest.fixture(scope="module")
def chromium() -> Iterator[TestClient]:
    """The application with a browser, which all tests share as pages do; 127.0.0.1 is allowed."""
    settings = {"ru_fetcher_mode": "playwright", "ssrf_allowlist_hosts": "127.0.0.1"}
    with client_of(ru_bearer_token=TOKEN, **settings) as client:
        yield client


@needs_a_browser
def test_a_page_made_by_its_script_is_read(chromium: TestClient, shop: Shop) -> None:
    shop.pages |= {"/made": MADE_BY_A_SCRIPT, "/data": json.dumps(DATA)}
    assert resolve(chromium, f"{shop.url}/made") == (
        200,
        {
            "title": "A kettle made by a script",
            "canonical_url": f"{shop.url}/made",
            "image_url": f"{shop.url}/kettle.jpg",
            "price": "49.5",
            "currency": "EUR",
        },
    )


@needs_a_browser
def test_images_are_not_fetched(chromium: TestClient, shop: Shop) -> None:
    shop.pages["/pictures"] = '<title>T</title><img src="/1.jpg"><video src="/2.mp4"></video>'
    assert resolve(chromium, f"{shop.url}/pictures")[0] == 200
    assert shop.asked == ["/pictures"]


@needs_a_browser
@pytest.mark.parametrize("path", ["/missing", "/circle"])
def test_a_page_that_cannot_be_had_is_502(chromium: TestClient, shop: Shop, path: str) -> None:
    assert resolve(chromium, shop.url + path)[0] == 502


@needs_a_browser
def test_pages_share_no_cookies(chromium: TestClient, shop: Shop) -> None:
    assert [resolve(chromium, f"{shop.url}/plain")[0] for _ in range(2)] == [200, 200]
    assert shop.cookies == [None, None]


@needs_a_browser
@pytest.mark.parametrize(
    "escape",
    [
        '<meta http-equiv="refresh" content="0; url={inside}/plain">',
        "<script>location = '{inside}/plain'</script>",
    ],
)
def test_a_page_that_leads_to_a_private_host_is_refused(
    chromium: TestClient, shop: Shop, inside: Shop, escape: str
) -> None:
    shop.pages["/away"] = escape.format(inside=f"http://localhost:{inside.port}")
    assert resolve(chromium, f"{shop.url}/away") == (
        403,
        {"detail": "localhost is a private address"},
    )
    assert inside.asked == []


@needs_a_browser
@pytest.mark.parametrize("host", ["localhost", "[::1]"])
def test_a_redirect_to_a_private_host_is_refused(
    chromium: TestClient, shop: Shop, inside: Shop, host: str
) -> None:
    shop.redirects["/away"] = f"http://{host}:{inside.port}/plain"
    assert resolve(chromium, f"{shop.url}/away")[0] == 403
    assert inside.asked == []


@needs_a_browser
def test_no_part_of_a_page_reaches_a_private_host(
    chromium: TestClient, shop: Shop, inside: Shop
) -> None:
    at = f"localhost:{inside.port}"
    shop.pages["/parts"] = f"""<title>All parts</title>
        <link rel="stylesheet" href="http://{at}/css"><link rel="preconnect" href="http://{at}">
        <link rel="prefetch" href="http://{at}/prefetch"><script src="http://{at}/script"></script>
        <iframe src="http://{at}/plain"></iframe><object data="http://{at}/object"></object>
        <form id="f" target="other" method="post" action="http://{at}/form"></form><script>
        fetch("http://{at}/fetch", {{mode: "no-cors"}});
        navigator.sendBeacon("http://{at}/beacon", "x");
        new WebSocket("ws://{at}/socket");
        new EventSource("http://{at}/events");
        new Worker(URL.createObjectURL(new Blob(["fetch('http://{at}/worker')"])));
        window.open("http://{at}/popup");
        document.getElementById("f").submit();
        </script>"""
    assert resolve(chromium, f"{shop.url}/parts")[1]["title"] == "All parts"
    assert inside.asked == []


@needs_a_browser
def test_no_call_goes_past_the_proxy(chromium: TestClient, shop: Shop) -> None:
    with (
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as packets,
        socket.create_server(("127.0.0.2", 0)) as connections,
    ):
        packets.bind(("127.0.0.2", 0))
        packets.setblocking(False)
        connections.setblocking(False)
        by_udp, by_tcp = (f"127.0.0.2:{ear.getsockname()[1]}" for ear in (packets, connections))
        shop.pages["/call"] = f"""<title>Calling</title><script>
            const turn = {{username: "u", credential: "c", urls: "turn:{by_tcp}?transport=tcp"}};
            const call = new RTCPeerConnection({{iceServers: [{{urls: "stun:{by_udp}"}}, turn]}});
            call.createDataChannel("x");
            call.createOffer().then(offer => call.setLocalDescription(offer));
            new WebTransport("https://{by_udp}/").ready.catch(() => 0);
            // Keeps the page from coming to rest.
            for (const wait of [400, 800, 1200]) setTimeout(() => fetch("/data"), wait);
            </script>"""
        assert resolve(chromium, f"{shop.url}/call")[1]["title"] == "Calling"
        with pytest.raises(BlockingIOError):
            packets.recv(2000)
        with pytest.raises(BlockingIOError):
            connections.accept()


@needs_a_browser
def test_a_browser_that_died_is_started_again(chromium: TestClient, shop: Shop) -> None:
    fetcher = chromium.app.state.fetcher  # type: ignore[attr-defined]
    assert resolve(chromium, f"{shop.url}/plain")[0] == 200

    async def crash() -> None:
        session = await fetcher._browser.new_browser_cdp_session()
        with pytest.raises(browser.Error):
            await session.send("Browser.crash")

    assert chromium.portal is not None
    chromium.portal.call(crash)
    assert resolve(chromium, f"{shop.url}/plain")[0] == 200


class Process(NamedTuple):
    """A process of this machine."""

    pid: int
    parent: int
    command: str
    ticks: int  # of the CPU


def processes() -> Iterator[Process]:
    for status in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):  # a process that ends meanwhile
            fields = status.read_text().rpartition(")")[2].split()
            command = status.with_name("cmdline").read_text()
            ticks = int(fields[11]) + int(fields[12])
            yield Process(int(status.parent.name), int(fields[1]), command, ticks)


def driver_of_this_process() -> int:
    for process in processes():
        if process.parent == os.getpid() and "driver/node" in process.command:
            return process.pid
    raise AssertionError("no driver runs")


def renderers() -> dict[int, int]:
    """The processes that run the scripts of this test's pages, with the ticks they used."""
    everybody = {process.pid: process for process in processes()}

    def ours(process: Process) -> bool:
        while process.parent in everybody:
            process = everybody[process.parent]
            if process.pid == os.getpid():
                return True
        return False

    return {
        pid: process.ticks
        for pid, process in everybody.items()
        if "--type=renderer" in process.command and ours(process)
    }


def browser_pid() -> int:
    driver = driver_of_this_process()
    (pid,) = {process.pid for process in processes() if process.parent == driver}
    return pid


def until(true: Callable[[], bool], seconds: float = 30) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.05)


LOOP = "<title>Endless</title><script>while (1) {}</script>"
ENDLESS = {
    "at once": LOOP,
    "after its text": "<title>Endless</title><script>setTimeout(() => { while (1) {} })</script>",
    "in steps": """<title>Endless</title><script>setInterval(() => {
        const end = performance.now() + 600; while (performance.now() < end) {}
    }, 1)</script><body onload="while (1) {}">""",
    "in questions": "<title>Endless</title><script>while (1) alert(1)</script>",
}
BUSY_BESIDE = {
    "a worker": """<title>Busy</title><script>
        new Worker(URL.createObjectURL(new Blob(["while (1) {}"])))</script>""",
    "a frame": "<title>Busy</title><iframe src='SHOP/loop' sandbox='allow-scripts'></iframe>",
    "another page": """<title>Busy</title><script>
        window.open("SHOP/loop", "", "noopener")</script>""",
}


@needs_a_browser
@pytest.mark.parametrize("kind", ENDLESS)
def test_a_page_that_computes_without_end_is_cut_and_gives_the_processor_back(
    chromium: TestClient, shop: Shop, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    assert resolve(chromium, f"{shop.url}/plain")[0] == 200
    before = browser_pid()
    monkeypatch.setattr(browser, "PAGE_SECONDS", 3)
    shop.pages["/endless"] = ENDLESS[kind]
    begun = time.monotonic()
    assert resolve(chromium, f"{shop.url}/endless") == (
        504,
        {"detail": "the page came to no end within 3 s"},
    )
    assert time.monotonic() - begun < 3 + browser.CLOSE_SECONDS + 10
    until(lambda: renderers() == {})
    monkeypatch.undo()
    assert resolve(chromium, f"{shop.url}/plain")[0] == 200
    # Other users' pages in the same browser lived on.
    assert browser_pid() == before


@needs_a_browser
@pytest.mark.parametrize("kind", BUSY_BESIDE)
def test_what_a_page_leaves_computing_beside_it_ends_with_it(
    chromium: TestClient, shop: Shop, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    monkeypatch.setattr(browser, "PAGE_SECONDS", 15)
    shop.pages |= {"/loop": LOOP, "/busy": BUSY_BESIDE[kind].replace("SHOP", shop.url)}
    assert resolve(chromium, f"{shop.url}/busy")[0] in {200, 504}
    until(lambda: renderers() == {})


@needs_a_browser
def test_a_page_is_resolved_while_endless_ones_of_another_user_have_a_slot(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One after the other, as core-api hands them out: at most half of the slots are theirs."""
    shop.pages["/endless"] = LOOP
    settings = {"ru_fetcher_mode": "playwright", "ssrf_allowlist_hosts": "127.0.0.1"}
    monkeypatch.setattr(browser, "PAGE_SECONDS", 10)
    with (
        client_of(ru_bearer_token=TOKEN, max_concurrency="2", **settings) as client,
        ThreadPoolExecutor() as pool,
    ):
        assert resolve(client, f"{shop.url}/plain")[0] == 200
        endless = pool.submit(resolve, client, f"{shop.url}/endless")
        until(lambda: "/endless" in shop.asked)
        for _ in range(3):
            assert resolve(client, f"{shop.url}/plain")[1]["title"] == "A plain kettle"
            assert not endless.done()
        assert endless.result()[0] == 504


@needs_a_browser
def test_a_driver_that_died_is_started_again(chromium: TestClient, shop: Shop) -> None:
    assert resolve(chromium, f"{shop.url}/plain")[0] == 200
    os.kill(driver_of_this_process(), signal.SIGKILL)
    assert resolve(chromium, f"{shop.url}/plain")[0] == 200


@pytest.mark.parametrize(
    ("channel", "headless", "present", "found"),
    [
        ("chrome", True, {"google-chrome", "chromium-headless-shell"}, "google-chrome"),
        ("chromium", True, {"google-chrome", "chromium-headless-shell"}, "chromium-headless-shell"),
        ("chrome", False, {"chromium", "chromium-headless-shell"}, "chromium"),
    ],
)
def test_the_browser_of_a_channel(
    monkeypatch: pytest.MonkeyPatch, channel: str, headless: bool, present: set[str], found: str
) -> None:
    monkeypatch.setattr(shutil, "which", lambda name: name if name in present else None)
    assert find_program(channel, headless) == found


def test_without_a_browser_the_service_does_not_start(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda name: None)
    with pytest.raises(SystemExit, match=r"^item-resolver cannot start: no browser here: "):
        client_of(ru_bearer_token=TOKEN, ru_fetcher_mode="playwright")
