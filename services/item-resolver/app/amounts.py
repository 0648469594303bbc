"""Prices as pages write them: an amount as a decimal string, a currency as its ISO 4217 code."""

import re
from decimal import Decimal

from price_parser import Price
from price_parser._currencies import CURRENCY_CODES

# More is no price but a number that got in its place, or one that no database column takes.
MAX_AMOUNT = Decimal(10) ** 10
# A longer fraction is a binary number's dust.
PLACES = 4
# A machine's number: its point is a decimal point, also in "1.299".
PLAIN = re.compile(r"-?\d+(\.\d+)?(e[+-]?\d{1,4})?", re.IGNORECASE)
CODES = frozenset(code for code in CURRENCY_CODES if re.fullmatch(r"[A-Z]{3}", code))
# What people write instead of a code; a bare $ is the one it most often is.
SIGNS = {
    "$": "USD",
    "US$": "USD",
    "€": "EUR",
    "£": "GBP",
    "₽": "RUB",
    "₴": "UAH",
    "₸": "KZT",
    "₺": "TRY",
    "₹": "INR",
    "zł": "PLN",
    "Kč": "CZK",
    "CA$": "CAD",
    "C$": "CAD",
    "AU$": "AUD",
    "A$": "AUD",
}
WORDS = {"руб": "RUB", "р.": "RUB", "тг": "KZT", "тенге": "KZT", "грн": "UAH"}
# Codes still found on pages that their money has outlived.
RENAMED = {"RUR": "RUB", "BYR": "BYN", "RMB": "CNY", "NTD": "TWD"}


def amount_of(text: str) -> str | None:
    """The amount in a text such as `1 299,90 ₽`, as `1299.90`; None when there is no sane one."""
    text = text.strip()[:64]
    amount = Decimal(text) if PLAIN.fullmatch(text) else Price.fromstring(text).amount
    if amount is None or not 0 <= amount < MAX_AMOUNT:
        return None
    return format(min(amount, round(amount, PLACES), key=_places), "f")


def _places(amount: Decimal) -> int:
    return -int(amount.as_tuple().exponent)


def currency_of(text: str) -> str | None:
    """The ISO 4217 code that a code, a sign or a priced text stands for; None when unclear."""
    text = text.strip()[:64]
    code = text.upper()
    if code in RENAMED or code in CODES:
        return RENAMED.get(code, code)
    sign = Price.fromstring(text).currency or text
    for start, word_code in WORDS.items():
        if start in text.lower():
            return word_code
    code = RENAMED.get(sign.upper(), sign.upper())
    return SIGNS.get(sign) or (code if code in CODES else None)
