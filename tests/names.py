"""The names that the application is served under: those that hosts.ini has, and no second copy."""

from __future__ import annotations

import configparser
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def _domains() -> list[str]:
    """Of the server that has some."""
    parsed = configparser.ConfigParser(interpolation=None, default_section="defaults")
    parsed.read(ROOT / "hosts.ini")
    (named,) = (parsed[name]["domains"] for name in parsed.sections() if "domains" in parsed[name])
    return [name.strip() for name in named.split(",")]


SITE = _domains()[0]
WWW, API = f"www.{SITE}", f"api.{SITE}"
assert {*_domains()} == {SITE, WWW, API}, "domains of hosts.ini: the site's, and its www. and api."
PAGE = f"https://{SITE}"
