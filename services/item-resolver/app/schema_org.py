"""What a page says in schema.org's words: in JSON-LD scripts and in microdata attributes."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from selectolax.lexbor import LexborHTMLParser, LexborNode

from app.text import without_steering

MAX_TITLE = 500
PRODUCTS = frozenset({"Product", "ProductGroup", "ProductModel", "IndividualProduct", "Book"})
# Where a product's offer keeps its price, itself or one level down.
PRICE_NAMES = ("price", "lowPrice", "minPrice", "highPrice")
DEPTH = 40
# So many places of one property are looked at: nesting makes each as costly as the page is deep.
MAX_PLACES = 200


@dataclass(frozen=True)
class Found:
    """What one way of telling says; blank where it is silent."""

    title: str = ""
    image: str = ""
    price: str = ""
    currency: str = ""


def microdata(tree: LexborHTMLParser) -> Found:
    """The first product marked up in the page's own text; blank when there is none."""
    for product in tree.css("[itemscope][itemtype]"):
        kind = (product.attributes.get("itemtype") or "").rstrip("/").rpartition("/")[2]
        if kind in PRODUCTS:
            return Found(
                title=words(_property(product, "name")),
                image=_property(product, "image"),
                price=_property(product, *PRICE_NAMES),
                currency=_property(product, "priceCurrency"),
            )
    return Found()


def _property(product: LexborNode, *names: str) -> str:
    """A product's property, or its offer's; not that of a review or a brand inside."""
    for name in names:
        for node in product.css(f'[itemprop~="{name}"]')[:MAX_PLACES]:
            if _belongs(node, product) and (value := _value(node)):
                return value
    return ""


def _belongs(node: LexborNode, product: LexborNode) -> bool:
    above = node.parent
    for _ in range(DEPTH):
        if above is None or above.mem_id == product.mem_id:
            return True
        kind = above.attributes.get("itemtype") or ""
        if "itemscope" in above.attributes and not kind.endswith(("Offer", "Specification")):
            return False
        above = above.parent
    return False


def _value(node: LexborNode) -> str:
    for name in ("content", "src", "href"):
        if value := (node.attributes.get(name) or "").strip():
            return value
    return node.text().strip()


def json_ld(tree: LexborHTMLParser) -> Iterator[Found]:
    """Every product in the page's JSON-LD; scripts that are no JSON are skipped."""
    for script in tree.css('script[type="application/ld+json"]'):
        try:
            # Shops break lines inside strings.
            data = json.loads(script.text(), strict=False)
        except (ValueError, RecursionError):
            continue
        for product in _products(data):
            offer = _first_dict(product.get("offers"))
            priced = [offer, *_dicts(offer.get("offers")), *_dicts(offer.get("priceSpecification"))]
            yield Found(
                title=words(_text(product.get("name"))),
                image=_text(product.get("image")),
                price=_first_text(priced, *PRICE_NAMES),
                currency=_first_text([*priced, product], "priceCurrency"),
            )


def _products(data: Any, depth: int = 0) -> Iterator[dict[str, Any]]:
    """Every product in a graph, the outermost first."""
    if depth > DEPTH:
        return
    if isinstance(data, dict):
        kinds = data.get("@type")
        kinds = kinds if isinstance(kinds, list) else [kinds]
        if any(isinstance(kind, str) and kind.rpartition("/")[2] in PRODUCTS for kind in kinds):
            yield data
        data = list(data.values())
    if isinstance(data, list):
        for one in data:
            yield from _products(one, depth + 1)


def _dicts(data: Any) -> list[dict[str, Any]]:
    return [one for one in (data if isinstance(data, list) else [data]) if isinstance(one, dict)]


def _first_dict(data: Any) -> dict[str, Any]:
    return next(iter(_dicts(data)), {})


def _first_text(dicts: list[dict[str, Any]], *names: str) -> str:
    return next(filter(None, (_text(one.get(name)) for one in dicts for name in names)), "")


def _text(data: Any) -> str:
    """A value as text: the first of several, the address of an image object."""
    if isinstance(data, list):
        data = data[0] if data else ""
    if isinstance(data, dict):
        data = data.get("url") or data.get("contentUrl") or data.get("@value") or ""
    is_plain = isinstance(data, str | int | float) and not isinstance(data, bool)
    return str(data).strip() if is_plain else ""


def words(text: str) -> str:
    """A text on one line, cut where no title goes on, without what would steer a terminal."""
    return " ".join(without_steering(text).split())[:MAX_TITLE]
