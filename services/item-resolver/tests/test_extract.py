"""What is read from a page, and in which order its words are trusted."""

import json
import time
from typing import Any

import pytest

from app.amounts import amount_of, currency_of
from app.extract import Product, read
from app.fetch import Page

URL = "https://shop.test/kettles/1?from=mail"
OPEN_GRAPH = """
<meta property="og:title" content=" A red   kettle ">
<meta property="og:url" content="/kettles/1">
<meta property="og:image" content="/images/1.jpg">
<meta property="product:price:amount" content="1299.90">
<meta property="product:price:currency" content="RUB">
"""
MICRODATA = """
<div itemscope itemtype="https://schema.org/Product">
  <p itemprop="brand" itemscope itemtype="https://schema.org/Brand"><b itemprop="name">Acme</b></p>
  <h1 itemprop="name">A blue kettle</h1><img itemprop="image" src="//cdn.test/2.jpg">
  <p itemprop="review" itemscope itemtype="https://schema.org/Review"><i itemprop="price">1</i></p>
  <div itemprop="offers" itemscope itemtype="https://schema.org/Offer">
    <span itemprop="price">2 500,00</span><meta itemprop="priceCurrency" content="EUR">
  </div>
</div>
"""


def page(html: str) -> Product:
    return read(Page(URL, html))[0]


def ld(*graphs: Any) -> str:
    return "".join(
        f'<script type="application/ld+json">{json.dumps(graph)}</script>' for graph in graphs
    )


def product(**more: Any) -> dict[str, Any]:
    return {"@context": "https://schema.org", "@type": "Product", "name": "A green kettle", **more}


def test_open_graph_alone() -> None:
    assert page(OPEN_GRAPH) == Product(
        "A red kettle",
        "https://shop.test/kettles/1",
        "https://shop.test/images/1.jpg",
        "1299.90",
        "RUB",
    )


def test_microdata_names_the_product_and_not_what_stands_inside_it() -> None:
    assert page(MICRODATA + OPEN_GRAPH) == Product(
        "A blue kettle",
        "https://shop.test/kettles/1",
        "https://cdn.test/2.jpg",
        "2500.00",
        "EUR",
    )


def test_json_ld_is_trusted_most_and_the_rest_fills_its_gaps() -> None:
    offer = {"@type": "Offer", "price": 15, "priceCurrency": "usd"}
    assert page(MICRODATA + OPEN_GRAPH + ld(product(offers=offer))) == Product(
        "A green kettle",
        "https://shop.test/kettles/1",
        "https://cdn.test/2.jpg",
        "15",
        "USD",
    )


@pytest.mark.parametrize(
    ("more", "price", "currency"),
    [
        ({"offers": {"price": "1,299.50", "priceCurrency": "GBP"}}, "1299.50", "GBP"),
        ({"offers": [{"price": "7", "priceCurrency": "EUR"}, {"price": "9"}]}, "7", "EUR"),
        ({"offers": {"lowPrice": 5, "highPrice": 9, "priceCurrency": "EUR"}}, "5", "EUR"),
        ({"offers": {"offers": [{"price": 3, "priceCurrency": "EUR"}]}}, "3", "EUR"),
        (
            {"offers": {"priceSpecification": {"price": 4, "priceCurrency": "PLN"}}},
            "4",
            "PLN",
        ),
        ({"offers": {"price": "990 ₽"}}, "990", "RUB"),
        ({"offers": {"price": "free"}}, "0", None),
        ({"offers": "nothing"}, None, None),
        ({"offers": {"price": True}}, None, None),
        ({"offers": {"price": -5}}, None, None),
        ({"offers": {"price": 1e300}}, None, None),
        ({"offers": {"price": 1e-300}}, "0.0000", None),
        ({"offers": {"price": 0.1 + 0.2}}, "0.3000", None),
        ({"offers": {"price": "1e999"}}, None, None),
        ({}, None, None),
    ],
)
def test_prices_wherever_an_offer_keeps_them(
    more: dict[str, Any], price: str | None, currency: str | None
) -> None:
    found = page(ld(product(**more)))
    assert (found.title, found.price, found.currency) == ("A green kettle", price, currency)


@pytest.mark.parametrize(
    "graph",
    [
        [product()],
        {"@graph": [{"@type": "WebPage"}, product()]},
        {"@type": "WebPage", "mainEntity": product()},
        {"@type": ["Thing", "Product"], "name": "A green kettle"},
        {"@type": "http://schema.org/Product", "name": " A green\nkettle"},
    ],
)
def test_a_product_is_found_wherever_it_stands_in_a_graph(graph: Any) -> None:
    assert page(ld({"@type": "Organization", "name": "Shop"}, graph)).title == "A green kettle"


@pytest.mark.parametrize(
    "image",
    [
        "/3.jpg",
        ["/3.jpg", "/4.jpg"],
        {"@type": "ImageObject", "url": "/3.jpg"},
        [{"contentUrl": "https://shop.test/3.jpg"}],
    ],
)
def test_an_image_in_all_its_forms(image: Any) -> None:
    assert page(ld(product(image=image))).image_url == "https://shop.test/3.jpg"


@pytest.mark.parametrize("image", ["data:image/png;base64,AA", "javascript:x", "http://[", 7, {}])
def test_an_image_that_is_no_web_address_is_none(image: Any) -> None:
    assert page(ld(product(image=image))).image_url in (None, "https://shop.test/kettles/7")


@pytest.mark.parametrize(
    "html",
    [
        "",
        "<script type='application/ld+json'>{not json</script>",
        "<script type='application/ld+json'>" + "[" * 100_000 + "</script>",
        "<script type='application/ld+json'>" + "[" * 500 + "]" * 500 + "</script>",
        "<script type='application/ld+json'>null</script>",
        "\x00<<<>>>",
        "<meta property='og:title'><title></title><link rel=canonical href='mailto:x'>",
    ],
)
def test_a_broken_page_is_read_as_an_empty_one(html: str) -> None:
    assert page(html) == Product(None, URL, None, None, None)


def test_a_base_and_a_canonical_address_are_followed() -> None:
    found = page(
        '<base href="https://cdn.test/x/"><link rel="canonical" href="https://shop.test/k">'
        '<meta name="og:image" content="1.jpg"><title>T</title>'
    )
    assert (found.canonical_url, found.image_url) == (
        "https://shop.test/k",
        "https://cdn.test/x/1.jpg",
    )


def test_no_title_goes_on_for_ever() -> None:
    assert len(page(f"<title>{'a' * 9000}</title>").title or "") == 500


@pytest.mark.parametrize(
    ("text", "amount", "currency"),
    [
        ("1299.90", "1299.90", None),
        ("1.299", "1.299", None),
        ("1 299,90 ₽", "1299.90", "RUB"),
        ("1\u00a0299 руб.", "1299", "RUB"),
        ("€ 1.299,00", "1299.00", "EUR"),
        ("$12.50", "12.50", "USD"),
        ("CHF 20", "20", "CHF"),
        ("25 zł", "25", "PLN"),
        ("990 ₸", "990", "KZT"),
        ("99999999999999", None, None),
        ("", None, None),
        ("call us", None, None),
    ],
)
def test_amounts_as_people_write_them(text: str, amount: str | None, currency: str | None) -> None:
    assert (amount_of(text), currency_of(text)) == (amount, currency)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("RUB", "RUB"),
        (" usd ", "USD"),
        ("RUR", "RUB"),
        ("₽", "RUB"),
        ("руб", "RUB"),
        ("€", "EUR"),
        ("XXX!", None),
        ("", None),
    ],
)
def test_currencies_by_code_and_sign(text: str, code: str | None) -> None:
    assert currency_of(text) == code


def test_a_page_cannot_be_made_to_be_read_without_end() -> None:
    nested = "<i><b itemprop='name price image'>" * 30_000
    begun = time.thread_time()
    page(f"<p itemscope itemtype='/Product'>{nested}")
    assert time.thread_time() - begun < 10


STEERED = "\x1b]0;X\x07\u202eA kettle\u2069\x9b\x00 and\u2028string\x7f\u200f"


@pytest.mark.parametrize(
    "html",
    [
        f"<title>{STEERED}</title>",
        f'<meta property="og:title" content="{STEERED}">',
        ld(product(name=STEERED)),
        f'<p itemscope itemtype="/Product"><b itemprop="name">{STEERED}</b></p>',
    ],
)
def test_a_page_steers_no_terminal_by_its_title(html: str) -> None:
    # Markup has no zero: the parser puts a question mark in a box there.
    assert (page(html).title or "").replace("\ufffd", "") == "]0;XA kettle and string"


@pytest.mark.parametrize("letter", ["\x1b", "\x9b", "\u202e", "\u2066", "\x7f"])
def test_an_address_in_a_page_that_steers_a_terminal_is_none(letter: str) -> None:
    found = page(
        f'<meta property="og:image" content="https://cdn.test/{letter}gpj.exe">'
        f'<link rel="canonical" href="https://shop.test/{letter}x">'
        f'<meta property="product:price:amount" content="1{letter}">'
        f'<meta property="product:price:currency" content="EUR{letter}">'
    )
    assert (found.image_url, found.canonical_url) == (None, URL)
    assert letter not in f"{found.price}{found.currency}"
