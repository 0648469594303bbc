"""A page that is alive: its own files load under the headers that it is served with."""

from __future__ import annotations

import pytest

from fabfile.model.deploy.page import Resource, missing, own, stillborn
from fabfile.model.probe import SCRIPT, STYLE, Answer

URL = "https://app.example/"
PAGE = """<!doctype html>
<link rel="icon" href="/icon.svg"><LINK REL="preload stylesheet" HREF="assets/a.css">
<script type="module" src="/assets/a.js" nonce="abc"></script>
<script src="https://elsewhere.example/b.js"></script><script>inline()</script>
"""
FORBIDS_ALL = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"


def served(policy: str | None = None, body: str = PAGE) -> Answer:
    headers = {} if policy is None else {"content-security-policy": policy}
    return Answer(200, body, headers=headers)


def test_a_pages_own_scripts_and_styles_are_found_once_each() -> None:
    assert own(URL, PAGE + PAGE) == [
        Resource(STYLE, "https://app.example/assets/a.css"),
        Resource(SCRIPT, "https://app.example/assets/a.js", "abc"),
    ]


def test_a_page_that_names_another_base_loads_from_there() -> None:
    page = '<base href="/deep/"><script src="a.js"></script>'
    assert [one.url for one in own(URL, page)] == ["https://app.example/deep/a.js"]


def test_a_page_that_may_load_nothing_is_blank() -> None:
    assert stillborn(URL, served(FORBIDS_ALL), ["script"]) == (
        f"its policy forbids https://app.example/assets/a.js: {FORBIDS_ALL}"
    )


@pytest.mark.parametrize("kind", ["script", "style"])
def test_a_page_without_a_file_of_its_own_is_not_what_was_built(kind: str) -> None:
    said = f"answered 200, but the page loads no {kind} of its own"
    assert stillborn(URL, served(body="<h1>Welcome</h1>"), [kind]) == said


@pytest.mark.parametrize(
    "policy",
    [
        None,
        "",
        "img-src 'none'",
        "default-src 'self'",
        "default-src 'none'; script-src 'self'; style-src 'self'",
        "default-src 'none'; script-src-elem 'SELF'; style-src *",
        "default-src https:",
        "default-src app.example",
        "default-src https://*.example:443/assets/",
        "default-src app.example:*/assets/a.js https://app.example/assets/a.css",
        "DEFAULT-SRC 'self'; default-src 'none'",
        "style-src 'self'; script-src 'strict-dynamic' 'nonce-abc'",
        "default-src 'self', script-src https:",
    ],
)
def test_a_policy_that_allows_its_files_lets_a_page_live(policy: str | None) -> None:
    assert stillborn(URL, served(policy), ["script", "style"]) == ""


@pytest.mark.parametrize(
    "policy",
    [
        FORBIDS_ALL,
        "default-src",
        "default-src http:",
        "default-src 'self'; script-src 'none'; style-src 'none'",
        "default-src 'self'; script-src-elem 'none'; style-src-elem 'none'",
        "default-src other.example",
        "default-src *.app.example",
        "default-src http://app.example",
        "default-src app.example:8443",
        "default-src https://app.example/other/",
        "style-src 'none'; script-src 'self' 'strict-dynamic' 'nonce-other'",
        "default-src 'self', default-src 'none'",
    ],
)
@pytest.mark.parametrize("kind", ["script", "style"])
def test_a_policy_that_forbids_them_does_not(policy: str, kind: str) -> None:
    assert stillborn(URL, served(policy), [kind]).startswith("its policy forbids https://app.exam")


FILE = Resource(SCRIPT, f"{URL}assets/a.js")
HTML = {"content-type": "text/html"}
JS = {"content-type": "text/javascript; charset=utf-8"}


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (Answer(200, "run()", headers=JS), ""),
        (Answer(404, "gone", headers=JS), "answered 404"),
        (Answer(0, error="refused"), "refused"),
        (Answer(200, "<html>", headers=HTML), "is served as text/html, which is no script"),
        (Answer(200, "run()"), "is served as nothing, which is no script"),
        (Answer(200, " \n", headers=JS), "is empty"),
    ],
)  # fmt: skip
def test_a_file_counts_when_a_browser_would_take_it(answer: Answer, why: str) -> None:
    assert missing(FILE, answer) == (f"{FILE.url}: {why}" if why else "")
