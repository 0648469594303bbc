"""Asks the item resolver what a page is about."""

import re
from dataclasses import dataclass
from decimal import Decimal
from typing import Annotated, Any

import httpx
from pydantic import AfterValidator, BaseModel, BeforeValidator, TypeAdapter, ValidationError

from app.fields import MAX_TITLE, Currency, Price, Title, WebAddress
from app.settings import Settings
from app.text import without_steering

# The resolver works for up to 60 s; the connection is there at once or not at all.
DEADLINE = httpx.Timeout(180, connect=10)
# The page, not the moment, is the reason: asking again would get the same answer.
FINAL = {400, 403, 413, 422}


class Refused(Exception):
    """The resolver will never resolve this address."""


class Unavailable(Exception):
    """No answer this time. A busy resolver is well, and says how many seconds to wait."""

    def __init__(
        self, reason: str, *, busy: bool = False, slow: bool = False, after: int = 0
    ) -> None:
        super().__init__(reason)
        self.busy = busy
        self.slow = slow
        self.after = after


def or_nothing(kind: Any) -> BeforeValidator:
    """What the kind takes, and None instead of anything else: a page may say what it likes."""
    adapter = TypeAdapter(kind)

    def take(value: Any) -> Any:
        try:
            return adapter.validate_python(value)
        except ValidationError:
            return None

    return BeforeValidator(take)


def title(text: str) -> str:
    """The title as an item can have it."""
    return TypeAdapter(Title).validate_python(without_steering(text).strip()[:MAX_TITLE])


class Page(BaseModel):
    """What a page says it is about."""

    title: Annotated[str, AfterValidator(title)]
    image_url: Annotated[str | None, or_nothing(WebAddress)] = None
    price: Annotated[Decimal | None, or_nothing(Price)] = None
    currency: Annotated[str | None, or_nothing(Currency)] = None


@dataclass(frozen=True)
class Resolver:
    """The other server's service, as the settings name it."""

    settings: Settings

    async def resolve(self, url: str) -> Page:
        """What the page is about. Raises Refused or Unavailable."""
        bearer = f"Bearer {self.settings.item_resolver_token.get_secret_value()}"
        endpoint = f"{self.settings.item_resolver_url.rstrip('/')}/resolver/v1/resolve"
        try:
            # A client of its own: a certificate that was renewed meanwhile is trusted at once.
            async with httpx.AsyncClient(timeout=DEADLINE) as client:
                answer = await client.post(
                    endpoint, json={"url": url}, headers={"Authorization": bearer}
                )
        except (httpx.HTTPError, httpx.InvalidURL) as failure:
            raise Unavailable(type(failure).__name__) from failure
        if answer.status_code in FINAL:
            raise Refused(f"answered {answer.status_code}")
        if answer.status_code != httpx.codes.OK:
            after = answer.headers.get("Retry-After", "")
            raise Unavailable(
                f"answered {answer.status_code}",
                busy=answer.status_code == httpx.codes.SERVICE_UNAVAILABLE,
                slow=answer.status_code == httpx.codes.GATEWAY_TIMEOUT,
                after=int(after) if re.fullmatch(r"[0-9]{1,4}", after) else 0,
            )
        try:
            return Page.model_validate_json(answer.content)
        except ValidationError as failure:
            raise Refused("answered what no item can hold") from failure
