"""What is written down about a request, and what never is."""

import json
import logging
import sys
from collections.abc import Iterator
from io import StringIO

import pytest
from fastapi.testclient import TestClient

from app.logs import JsonLines
from tests.conftest import AUTHORIZED, TOKEN, Shop


@pytest.fixture
def written() -> Iterator[StringIO]:
    """All that this service writes down meanwhile."""
    handler = logging.StreamHandler(StringIO())
    handler.setFormatter(JsonLines())
    logging.getLogger("app").addHandler(handler)
    yield handler.stream
    logging.getLogger("app").removeHandler(handler)


def test_a_request_is_one_line_with_the_proxys_id(client: TestClient, written: StringIO) -> None:
    answer = client.post("/nowhere", headers={**AUTHORIZED, "X-Request-ID": "abc-1"})
    assert answer.headers["X-Request-ID"] == "abc-1"
    line = json.loads(written.getvalue())
    assert line.pop("seconds") == pytest.approx(0, abs=1)
    assert line.pop("time")
    assert line == {
        "level": "info",
        "logger": "app.requests",
        "message": "request",
        "request_id": "abc-1",
        "method": "POST",
        "path": "/nowhere",
        "status": 404,
    }


@pytest.mark.parametrize("given", ["", "a b", "x" * 65, '"},{'])
def test_an_id_that_is_no_plain_one_is_replaced(client: TestClient, given: str) -> None:
    answer = client.get("/healthz", headers={**AUTHORIZED, "X-Request-ID": given})
    assert answer.headers["X-Request-ID"] != given
    assert len(answer.headers["X-Request-ID"]) == 32


def test_a_probe_that_is_content_leaves_no_line(client: TestClient, written: StringIO) -> None:
    assert client.get("/healthz", headers=AUTHORIZED).status_code == 200
    assert written.getvalue() == ""


def test_neither_the_token_nor_a_pages_query_is_written_down(
    lenient_client: TestClient, shop: Shop, written: StringIO
) -> None:
    wanted = {"url": f"{shop.url}/missing/path?key=a-secret"}
    answer = lenient_client.post("/resolver/v1/resolve", json=wanted, headers=AUTHORIZED)
    assert answer.status_code == 502
    assert '"host": "127.0.0.1"' in written.getvalue()
    for secret in (TOKEN, "a-secret", "/missing/path"):
        assert secret not in written.getvalue()


def test_an_address_in_a_message_or_a_traceback_loses_its_secrets() -> None:
    try:
        raise RuntimeError("at https://me:pass@shop.test/a?key=value#part, sorry")
    except RuntimeError:
        record = logging.LogRecord(
            "x", logging.ERROR, "", 1, "GET %s?k=v", ("http://a.test/b",), sys.exc_info()
        )
    line = json.loads(JsonLines().format(record))
    assert line["message"] == "GET http://a.test/b"
    assert line["traceback"].endswith("RuntimeError: at https://shop.test/a sorry")


def test_a_line_of_the_log_steers_no_terminal() -> None:
    record = logging.LogRecord("x", logging.INFO, "", 1, "\x1b]0;X\x07 \x9b \u202e \x7f", (), None)
    record.fields = {"host": "\u202eexe.\u0000"}
    line = JsonLines().format(record)
    assert line.isascii()
    assert line.isprintable()
    assert json.loads(line)["message"] == "\x1b]0;X\x07 \x9b \u202e \x7f"
