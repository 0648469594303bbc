"""The process as a container runs it: a stop ends it in time, also with work in flight."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

from tests.conftest import AUTHORIZED, TOKEN, Shop

GRACE = 1


def wait_until(happened: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not happened():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def answers(port: int) -> bool:
    with socket.socket() as caller:
        return caller.connect_ex(("127.0.0.1", port)) == 0


@pytest.fixture
def service(shop: Shop) -> Iterator[tuple[subprocess.Popen[bytes], str]]:
    """The process, listening, and its address."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "app", "app.main:app", "--port", str(port)]
    process = subprocess.Popen(
        [*command, "--timeout-graceful-shutdown", str(GRACE), "--no-access-log"],
        cwd=Path(__file__).parents[1],
        env={**os.environ, "RU_BEARER_TOKEN": TOKEN, "SSRF_ALLOWLIST_HOSTS": "127.0.0.1"},
        stderr=subprocess.DEVNULL,
    )
    wait_until(lambda: answers(port))
    yield process, f"http://127.0.0.1:{port}"
    process.kill()
    process.wait()


def test_an_idle_service_stops_at_once(service: tuple[subprocess.Popen[bytes], str]) -> None:
    process, _ = service
    process.send_signal(signal.SIGTERM)
    assert process.wait(5) == 0


def test_work_in_flight_is_given_its_grace_and_no_more(
    service: tuple[subprocess.Popen[bytes], str], shop: Shop
) -> None:
    process, address = service

    wanted = {"url": f"{shop.url}/held"}
    asking = ThreadPoolExecutor().submit(
        httpx.post, f"{address}/resolver/v1/resolve", json=wanted, headers=AUTHORIZED, timeout=10
    )
    wait_until(lambda: bool(shop.asked))
    began = time.monotonic()
    process.send_signal(signal.SIGTERM)
    assert process.wait(10) == 0
    assert GRACE <= time.monotonic() - began < GRACE + 4
    assert (asking.result().status_code, asking.result().headers["Retry-After"]) == (503, "10")
