"""The body that comes back: what the link between the servers is tried with."""

import random
from collections.abc import Iterator

from fastapi.testclient import TestClient

from app.main import MAX_ECHO
from tests.conftest import AUTHORIZED

PATH = "/resolver/v1/echo"


def test_a_megabyte_comes_back_as_it_was(client: TestClient) -> None:
    body = random.Random(4).randbytes(1024 * 1024)
    answer = client.post(PATH, content=body, headers=AUTHORIZED)
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, "application/octet-stream")
    assert answer.content == body


def test_the_last_byte_allowed_and_the_first_too_many(client: TestClient) -> None:
    most = client.post(PATH, content=bytes(MAX_ECHO), headers=AUTHORIZED)
    more = client.post(PATH, content=bytes(MAX_ECHO + 1), headers=AUTHORIZED)
    assert (most.status_code, len(most.content)) == (200, MAX_ECHO)
    assert more.status_code == 413


def test_a_body_of_unknown_length_is_not_read_to_its_end(client: TestClient) -> None:
    def endless() -> Iterator[bytes]:
        for _ in range(100):
            yield bytes(64 * 1024)

    assert client.post(PATH, content=endless(), headers=AUTHORIZED).status_code == 413


def test_an_echo_needs_the_token(client: TestClient) -> None:
    assert client.post(PATH, content=b"x").status_code == 401
