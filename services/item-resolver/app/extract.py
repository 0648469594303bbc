"""Reading a page: what a wish needs from it.

Shops tell machines about the thing they sell in three ways, here in the order of trust: JSON-LD and
microdata name the product itself, OpenGraph names the page that is shared.
"""

from dataclasses import dataclass
from urllib.parse import urljoin, urlsplit

from selectolax.lexbor import LexborHTMLParser

from app.amounts import amount_of, currency_of
from app.fetch import Page
from app.schema_org import Found, json_ld, microdata, words
from app.text import STEERING

MAX_ADDRESS = 2048


@dataclass(frozen=True)
class Product:
    """What a page says about the thing it shows."""

    title: str | None
    canonical_url: str
    image_url: str | None
    price: str | None
    currency: str | None


def read(page: Page) -> tuple[Product, bool]:
    """What the page says, each part from the most trusted source that has it.

    And whether it names a product to machines; OpenGraph may be about the page alone.
    """
    tree = LexborHTMLParser(page.html)
    products = [*json_ld(tree), microdata(tree)]
    sources = [*products, _open_graph(tree)]
    base = urljoin(page.url, _attribute(tree, "base[href]", "href"))
    images = (web_address(base, source.image) for source in sources)
    price, currency = _price(sources)
    product = Product(
        title=next((source.title for source in sources if source.title), None) or _own_title(tree),
        canonical_url=_canonical(tree, base) or page.url,
        image_url=next(filter(None, images), None),
        price=price,
        currency=currency,
    )
    return product, price is not None or any(source.title for source in products)


def web_address(base: str, address: str) -> str | None:
    """An address in a page made absolute; None when it is none of the web."""
    try:
        absolute = urljoin(base, address.strip()) if address.strip() else ""
        parts = urlsplit(absolute)
        sane = parts.scheme in ("http", "https") and parts.hostname and parts.username is None
    except ValueError:
        return None
    plain = len(absolute) <= MAX_ADDRESS and not STEERING.search(absolute)
    return absolute if sane and plain else None


def _price(sources: list[Found]) -> tuple[str | None, str | None]:
    """Amount and currency of one source: a sum of two sources would be nobody's price."""
    for source in sources:
        if source.price and (amount := amount_of(source.price)):
            return amount, currency_of(source.currency) or currency_of(source.price)
    return None, None


def _own_title(tree: LexborHTMLParser) -> str | None:
    own = tree.css_first("title")
    return words(own.text()) or None if own is not None else None


def _canonical(tree: LexborHTMLParser, base: str) -> str | None:
    link = _attribute(tree, 'link[rel~="canonical"]', "href")
    return web_address(base, link) or web_address(base, _meta(tree, "og:url"))


def _open_graph(tree: LexborHTMLParser) -> Found:
    return Found(
        title=words(_meta(tree, "og:title")),
        image=_meta(tree, "og:image:secure_url", "og:image", "og:image:url", "twitter:image"),
        price=_meta(tree, "product:price:amount", "og:price:amount"),
        currency=_meta(tree, "product:price:currency", "og:price:currency"),
    )


def _meta(tree: LexborHTMLParser, *names: str) -> str:
    for name in names:
        for kind in ("property", "name"):
            if content := _attribute(tree, f'meta[{kind}="{name}"]', "content"):
                return content
    return ""


def _attribute(tree: LexborHTMLParser, selector: str, name: str) -> str:
    for node in tree.css(selector):
        if value := (node.attributes.get(name) or "").strip():
            return value
    return ""
