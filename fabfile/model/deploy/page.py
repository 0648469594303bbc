"""Whether a page is alive: its own files load under the headers that it is served with.

A page that answers 200 is blank where its policy forbids what it loads, or where that is gone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from html.parser import HTMLParser
from urllib.parse import SplitResult, urljoin, urlsplit

from ..probe import SCRIPT, STYLE, Answer

TYPES: Mapping[str, tuple[str, ...]] = {
    SCRIPT: ("text/javascript", "application/javascript", "application/x-javascript"),
    STYLE: ("text/css",),
}
"""The types that a browser takes for each: it is told to believe what is served (``nosniff``)."""
PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True)
class Resource:
    """A file that a page loads."""

    kind: str
    url: str
    nonce: str = ""


class _Found(HTMLParser):
    def __init__(self, url: str) -> None:
        super().__init__()
        self.base = url
        self.resources: list[Resource] = []

    def handle_starttag(self, tag: str, attrs: Sequence[tuple[str, str | None]]) -> None:
        found = {name: (value or "").strip() for name, value in attrs}
        kind, place = "", ""
        if tag == "base" and found.get("href"):
            self.base = urljoin(self.base, found["href"])
        elif tag == "script":
            kind, place = SCRIPT, found.get("src", "")
        elif tag == "link" and "stylesheet" in found.get("rel", "").lower().split():
            kind, place = STYLE, found.get("href", "")
        if place:
            url = urljoin(self.base, place)
            self.resources.append(Resource(kind, url, found.get("nonce", "")))


def own(url: str, body: str) -> list[Resource]:
    """The scripts and styles of its own site that a page loads, each once."""
    found = _Found(url)
    found.feed(body)
    here = _origin(urlsplit(url))
    mine = [one for one in found.resources if _origin(urlsplit(one.url)) == here]
    return list(dict.fromkeys(mine))


def stillborn(url: str, answer: Answer, kinds: Sequence[str]) -> str:
    """Why a page cannot load these kinds of its own files; empty: it can."""
    found = own(url, answer.body)
    for kind in kinds:
        if kind not in {one.kind for one in found}:
            return f"answered {answer.status}, but the page loads no {kind} of its own"
    policies = answer.headers.get("content-security-policy", "").split(",")
    for one in found:
        for policy in policies:
            if one.kind in kinds and not _allows(policy, one, urlsplit(url)):
                return f"its policy forbids {one.url}: {policy.strip()}"
    return ""


def missing(resource: Resource, answer: Answer) -> str:
    """Why a browser does not take what was answered for a page's file; empty: it does."""
    if answer.status != 200:
        why = f"answered {answer.status}" if answer.status else answer.error or "no answer"
        return f"{resource.url}: {why}"
    served = answer.headers.get("content-type", "").partition(";")[0].strip().lower()
    if served not in TYPES[resource.kind]:
        return f"{resource.url}: is served as {served or 'nothing'}, which is no {resource.kind}"
    return "" if answer.body.strip() else f"{resource.url}: is empty"


def _origin(url: SplitResult) -> tuple[str, str, int | None]:
    return url.scheme, (url.hostname or "").lower(), url.port or PORTS.get(url.scheme)


def _allows(policy: str, resource: Resource, page: SplitResult) -> bool:
    """Whether one policy lets the page load a file, by the rules of CSP 3."""
    directives: dict[str, list[str]] = {}
    for text in policy.split(";"):
        if words := text.split():
            directives.setdefault(words[0].lower(), words[1:])
    names = (f"{resource.kind}-src-elem", f"{resource.kind}-src", "default-src")
    found = [directives[name] for name in names if name in directives]
    if not found:
        return True
    sources = found[0]
    if resource.nonce and f"'nonce-{resource.nonce}'" in sources:
        return True
    if resource.kind == SCRIPT and "'strict-dynamic'" in (source.lower() for source in sources):
        return False
    return any(_matches(source, urlsplit(resource.url), page) for source in sources)


def _matches(source: str, url: SplitResult, page: SplitResult) -> bool:
    if source.lower() == "'self'":
        return _origin(url) == _origin(page)
    if source == "*":
        return url.scheme in PORTS
    if source.endswith(":"):
        return f"{url.scheme}:" == source.lower()
    scheme, mark, rest = source.lower().rpartition("://")
    place = urlsplit(f"//{rest}")
    if (mark and scheme != url.scheme) or not place.hostname:
        return False
    host, _, port = place.netloc.partition(":")
    if not fnmatchcase((url.hostname or "").lower(), host):
        return False
    wanted = {"*", str(_origin(url)[2])} if port else {""}
    path = urlsplit(source if mark else f"//{source}").path
    within = url.path.startswith(path) if path.endswith("/") else path in ("", url.path)
    return (port in wanted or (not port and _origin(url)[2] == PORTS.get(url.scheme))) and within
