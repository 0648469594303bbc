"""What nginx makes of the built page."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest

from .conftest import API_URL
from .web import Web, serving, tell

FOR_EVER = "public, max-age=31536000, immutable"


def asset(dist: Path, suffix: str) -> str:
    (found,) = (dist / "assets").glob(f"*{suffix}")
    return f"/assets/{found.name}"


def test_the_document_is_the_built_one_and_says_its_name(web: Web, dist: Path) -> None:
    answer = web.get("/")
    assert answer.status == 200
    assert answer.body == (dist / "index.html").read_bytes()
    assert b"<title>Wish With Me</title>" in answer.body


@pytest.mark.parametrize(
    ("path", "kind", "cached"),
    [
        ("/", "text/html; charset=utf-8", "no-cache"),
        ("/index.html", "text/html; charset=utf-8", "no-cache"),
        ("/lists/of/a/person", "text/html; charset=utf-8", "no-cache"),
        ("/config.json", "application/json; charset=utf-8", "no-cache"),
        ("/sw.js", "text/javascript; charset=utf-8", "no-cache"),
        ("/icon.svg", "image/svg+xml", "public, max-age=86400"),
        (
            "/manifest.webmanifest",
            "application/manifest+json; charset=utf-8",
            "public, max-age=86400",
        ),
    ],
)
def test_each_path_says_what_it_is_and_how_long_to_keep_it(
    web: Web, path: str, kind: str, cached: str
) -> None:
    answer = web.get(path)
    assert answer.status == 200
    assert (answer.headers["content-type"], answer.headers["cache-control"]) == (kind, cached)


@pytest.mark.parametrize(("suffix", "kind"), [(".js", "text/javascript"), (".css", "text/css")])
def test_an_asset_is_kept_for_a_year(web: Web, dist: Path, suffix: str, kind: str) -> None:
    answer = web.get(asset(dist, suffix))
    assert (answer.status, answer.headers["cache-control"]) == (200, FOR_EVER)
    assert answer.headers["content-type"] == f"{kind}; charset=utf-8"


def test_an_asset_that_is_gone_is_missing_and_kept_by_nobody(web: Web) -> None:
    answer = web.get("/assets/index-00000000.js")
    assert answer.status == 404
    assert "cache-control" not in answer.headers
    assert b"Wish With Me" not in answer.body


def test_an_asset_travels_compressed(web: Web, dist: Path) -> None:
    path = asset(dist, ".js")
    answer = web.get(path, **{"Accept-Encoding": "gzip"})
    assert answer.headers["content-encoding"] == "gzip"
    assert gzip.decompress(answer.body) == (dist / path[1:]).read_bytes()
    assert answer.headers["vary"] == "Accept-Encoding"


def test_a_document_that_has_not_changed_is_not_sent_again(web: Web) -> None:
    tag = web.get("/").headers["etag"]
    assert web.get("/", **{"If-None-Match": tag}).status == 304


def test_only_the_pages_own_files_run_and_only_the_api_is_asked(web: Web) -> None:
    policy = web.get("/").headers["content-security-policy"]
    rules = dict(rule.split(" ", 1) for rule in policy.split("; "))
    assert rules["default-src"] == "'none'"
    assert (rules["script-src"], rules["style-src"]) == ("'self'", "'self'")
    assert rules["connect-src"] == f"'self' {API_URL}"


def test_the_api_is_where_the_container_was_told(web: Web, tmp_path: Path) -> None:
    assert json.loads(web.get("/config.json").body) == {"api_url": API_URL}
    with serving("http://127.0.0.1:8000", tmp_path) as other:
        assert json.loads(other.get("/config.json").body) == {"api_url": "http://127.0.0.1:8000"}


@pytest.mark.parametrize(
    "address",
    [
        "",
        "api.example.org",
        "https://",
        "ftp://api.example.org",
        "https://api.example.org/",
        "https://api.example.org/v1",
        "https://api.example.org https://evil.example",
        'https://api.example.org"; } evil {',
        "https://api.example.org\nhttps://evil.example",
        "https://api.$host",
    ],
)
def test_a_container_with_a_useless_address_does_not_start(address: str, tmp_path: Path) -> None:
    ran = tell(address, tmp_path)
    assert ran.returncode == 1
    assert ran.stderr.startswith(f"API_URL={address}: an address like https://")
    assert [*tmp_path.iterdir()] == []


def test_a_slash_is_the_address_that_the_page_comes_from(tmp_path: Path) -> None:
    with serving("/", tmp_path) as web:
        assert json.loads(web.get("/config.json").body) == {"api_url": ""}
