"""What would steer a terminal, or show a text as what it is not, gets into no field and no log."""

from pathlib import Path
from uuid import uuid4

import pytest
from fastapi.testclient import TestClient

from tests.people import PASSWORD, Person
from tests.servers import StandIn, until
from tests.test_migrations import query
from tests.test_resolution import address, answering

STEERING = [
    *map(chr, [*range(0x20), *range(0x7F, 0xA0)]),
    *"\u061c\u200e\u200f\u2028\u2029\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069",
    "\ud800",
    "\udfff",
]
SAID = "must not contain control characters, line breaks or marks of the writing direction"


def escaped(text: str) -> bytes:
    """A JSON string that any parser takes: half a character cannot be sent otherwise."""
    return "".join(
        letter if " " <= letter < "\x7f" and letter not in '"\\' else f"\\u{ord(letter):04x}"
        for letter in text
    ).encode()


def sent(person: Person, method: str, path: str, template: bytes, text: str) -> tuple[int, str]:
    body = template.replace(b"TEXT", escaped(text))
    header = {"Content-Type": "application/json"}
    answer = person.api.request(method, path, content=body, headers=header)
    return answer.status_code, answer.text


def test_no_field_takes_a_character_that_steers(person: Person) -> None:
    wishlist = person.wishlist()
    item = person.item(wishlist, title="Kite")
    items = f"/wishlists/{wishlist}/items"
    email = f"{uuid4().hex}TEXT@wishwith.test".encode()
    fields = [
        (
            "POST",
            "/auth/register",
            b'{"email": "a@b.test", "password": "12345678", "name": "xTEXT"}',
        ),
        ("POST", "/auth/register", b'{"email": "%s", "password": "12345678", "name": "x"}' % email),
        ("POST", "/auth/login", b'{"email": "%s", "password": "12345678"}' % email),
        ("POST", "/wishlists", b'{"name": "xTEXT"}'),
        ("PATCH", f"/wishlists/{wishlist}", b'{"name": "xTEXT"}'),
        ("POST", items, b'{"title": "xTEXT"}'),
        ("POST", items, b'{"source_url": "https://shop.test/TEXT"}'),
        ("POST", items, b'{"title": "x", "image_url": "https://shop.test/TEXT"}'),
        ("PATCH", f"/items/{item['id']}", b'{"title": "xTEXT"}'),
        ("PATCH", f"/items/{item['id']}", b'{"image_url": "https://shop.test/TEXT"}'),
    ]
    for method, path, template in fields:
        for letter in STEERING:
            status, _ = sent(person, method, path, template, letter)
            assert status == 422, (method, path, template, letter)
    assert SAID in sent(person, "POST", "/wishlists", b'{"name": "xTEXT"}', "\x1b")[1]


@pytest.mark.parametrize("name", ["Ada & Žofie", "Дед Мороз", "👩‍👧 wishes", "رامین می‌خواهد"])
def test_what_people_write_is_taken(person: Person, name: str) -> None:
    assert person.api.post("/wishlists", json={"name": name}).json()["name"] == name


def log_of(database_url: str) -> str:
    (folder,) = query(database_url, "SHOW data_directory")
    return Path(folder, "log").read_text(errors="surrogateescape")


def test_an_address_that_signs_up_twice_reaches_no_log(
    client: TestClient, database_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    """PostgreSQL quotes the value of a duplicate key."""
    mark = uuid4().hex
    for email, wanted in (
        (f"\x1b]0;X\x07{mark}@x.yy", [422, 422]),
        (f"{mark}@x.yy", [201, 409]),
    ):
        body = {"email": email, "password": PASSWORD, "name": "X"}
        answers = [client.post("/api/v1/auth/register", json=body) for _ in range(2)]
        assert [answer.status_code for answer in answers] == wanted
    written = log_of(database_url)
    assert "database system is ready" in written
    assert mark not in written
    assert mark not in caplog.text


def test_a_page_steers_nothing_by_its_title(person: Person, resolver: StandIn) -> None:
    page = {
        "title": "\x1b]0;X\x07\u202eKite\u2069\x9b\x00 and\u2028string\x7f",
        "image_url": "https://shop.test/\u202egpj.exe",
    }
    with answering(resolver, lambda url: (200, page)):
        item = person.item(person.wishlist(), source_url=address())
        until(lambda: person.status(item) == "resolved")
    found = person.api.get(f"/items/{item['id']}").json()
    assert (found["title"], found["image_url"]) == ("]0;XKite and string", None)
