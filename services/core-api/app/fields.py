"""Types of what a client may send: whatever passes here, PostgreSQL takes and a terminal shows."""

import re
import unicodedata
from decimal import Decimal
from typing import Annotated

from pydantic import AfterValidator, Field, HttpUrl, StringConstraints, TypeAdapter
from pydantic_core import PydanticCustomError

from app.text import STEERING

MAX_ADDRESS = 320
MAX_TITLE = 500


def plain(text: str) -> str:
    """The text, once it is known to hold nothing that steers a terminal or a reader."""
    if STEERING.search(text):
        raise PydanticCustomError(
            "steering_character",
            "must not contain control characters, line breaks or marks of the writing direction",
        )
    return text


Plain = AfterValidator(plain)
Name = Annotated[str, StringConstraints(min_length=1, max_length=100), Plain]
ListName = Annotated[str, StringConstraints(min_length=1, max_length=200), Plain]
Title = Annotated[str, StringConstraints(min_length=1, max_length=MAX_TITLE), Plain]
Currency = Annotated[str, StringConstraints(pattern=r"^[A-Z]{3}$")]


def composed(address: str) -> str:
    """The address with every letter in the one form that Unicode prefers."""
    return unicodedata.normalize("NFC", address)


def email_key(address: str) -> str:
    """The same for all addresses that look alike: letters put together or not, wide or small."""
    folded = unicodedata.normalize("NFKC", address).casefold()
    return unicodedata.normalize("NFKC", folded)


def lowered(address: str) -> str:
    """The address in lower case, which may be longer than it was."""
    lower = address.lower()
    if max(map(len, (lower, composed(lower), email_key(lower)))) > MAX_ADDRESS:
        raise ValueError(f"should have at most {MAX_ADDRESS} characters")
    return lower


def web_address(text: str) -> str:
    """The address as it was given, once it is known to be one."""
    if re.search(r"\s", text):
        raise ValueError("a web address holds no blanks")
    TypeAdapter(HttpUrl).validate_python(text)
    return text


def cents(price: Decimal) -> Decimal:
    """The price as the database will tell it: two places, never a negative zero."""
    return abs(price).quantize(Decimal("0.01"))


Email = Annotated[
    str,
    Field(pattern=r"^[^@\s]+@[^@\s]+\.[^@\s]+$", max_length=MAX_ADDRESS),
    Plain,
    AfterValidator(lowered),
]
WebAddress = Annotated[str, Field(max_length=2048), Plain, AfterValidator(web_address)]
Price = Annotated[Decimal, Field(ge=0, max_digits=12, decimal_places=2), AfterValidator(cents)]
