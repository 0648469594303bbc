"""Types of what a client may send: whatever passes here, PostgreSQL takes."""

import re
from decimal import Decimal
from typing import Annotated

from pydantic import AfterValidator, Field, HttpUrl, StringConstraints, TypeAdapter

MAX_ADDRESS = 320
MAX_TITLE = 500
# PostgreSQL has no character zero.
NO_NUL = r"^[^\x00]+$"

Name = Annotated[str, StringConstraints(min_length=1, max_length=100, pattern=NO_NUL)]
ListName = Annotated[str, StringConstraints(min_length=1, max_length=200, pattern=NO_NUL)]
Title = Annotated[str, StringConstraints(min_length=1, max_length=MAX_TITLE, pattern=NO_NUL)]
Currency = Annotated[str, StringConstraints(pattern=r"^[A-Z]{3}$")]


def lowered(address: str) -> str:
    """The address in lower case, which may be longer than it was."""
    lower = address.lower()
    if len(lower) > MAX_ADDRESS:
        raise ValueError(f"should have at most {MAX_ADDRESS} characters")
    return lower


def web_address(text: str) -> str:
    """The address as it was given, once it is known to be one."""
    if re.search(r"[\x00-\x20\x7f]", text):
        raise ValueError("a web address holds neither blanks nor control characters")
    TypeAdapter(HttpUrl).validate_python(text)
    return text


def cents(price: Decimal) -> Decimal:
    """The price as the database will tell it: two places, never a negative zero."""
    return abs(price).quantize(Decimal("0.01"))


Email = Annotated[
    str,
    Field(pattern=r"^[^@\s\x00]+@[^@\s\x00]+\.[^@\s\x00]+$", max_length=MAX_ADDRESS),
    AfterValidator(lowered),
]
WebAddress = Annotated[str, Field(max_length=2048), AfterValidator(web_address)]
Price = Annotated[Decimal, Field(ge=0, max_digits=12, decimal_places=2), AfterValidator(cents)]
