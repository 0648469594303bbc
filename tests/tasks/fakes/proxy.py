"""The simulated proxy: what it has loaded, whom it reaches, and what everybody else is answered."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from urllib.parse import urlsplit

from fabfile.model.facts import SHORT

from .engine import Container, Engine

PROOF = "8090"


@dataclass(frozen=True)
class Answered:
    """An HTTP answer; status 0: nobody answers."""

    status: int
    body: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    error: str = ""


NOBODY = Answered(0, error="Failed to connect: connection refused")
HEALTHY, DEGRADED = ({"status": word} for word in ("healthy", "degraded"))


@dataclass
class Proxy:
    """What nginx has in its memory since it was started or reloaded."""

    container: str
    configuration: str
    proof: str
    allowed: tuple[str, ...]
    reach: Mapping[str, tuple[str, ...]]
    """Service → the addresses that it asks, as it resolved them then."""
    maintenance: str = ""
    """What it reads of maintenance; empty: there is none."""

    def constant(self, name: str) -> str:
        """A constant that the loaded configuration answers with."""
        found = re.search(rf'location = /{name} .*return 200 "([^"]*)\\n"', self.proof)
        return found[1] if found else ""

    @property
    def pinned(self) -> Mapping[str, list[str]]:
        """Service → the containers that alone are asked, by the start of their ids."""
        rows = (row.partition("/")[0].split() for row in self.constant("pinned").split(";"))
        return {row[0]: row[1:] for row in rows if row}

    @property
    def tried(self) -> list[str]:
        """The containers that get a share of the clients, likewise; none: there is no canary."""
        rows = self.constant("pinned").split(";")
        return [one for row in rows[1:] for one in row.partition("/")[2].split()]

    @property
    def upstreams(self) -> list[str]:
        """The services that it hands requests to."""
        return self.configuration.partition("upstreams ")[2].partition("\n")[0].split()


def refusal(configuration: str, names: set[str]) -> str:
    """Why nginx refuses a configuration; empty when it does not."""
    if "SYNTAX ERROR" in configuration:
        return 'nginx: [emerg] unknown directive "SYNTAX"'
    for name in Proxy("", configuration, "", (), {}).upstreams:
        if name not in names:
            return f'nginx: [emerg] host not found in upstream "{name}"'
    return ""


def loaded(
    engine: Engine, container: Container, configuration: str, files: Mapping[str, str]
) -> Proxy:
    """What nginx has after it was started or reloaded with these files."""
    allow = re.findall(r"allow ([^;]+);", files.get("allow.conf", ""))
    maintenance = "" if "NO MAINTENANCE" in configuration else files.get("maintenance.conf", "")
    proxy = Proxy(
        container.id, configuration, files.get("generation.conf", ""), tuple(allow), {}, maintenance
    )
    addresses: dict[str, tuple[str, ...]] = {}
    for one in engine.containers.values():
        pinned = proxy.pinned.get(one.service)
        if one.state == "running" and (pinned is None or one.id[:SHORT] in pinned):
            addresses[one.service] = (*addresses.get(one.service, ()), one.address)
    return replace(proxy, reach=addresses)


def directly(engine: Engine, proxy: Proxy | None, url: str, token: str) -> Answered:
    """A question on a container's own address."""
    parts = urlsplit(url)
    container = next((c for c in engine.containers.values() if c.address == parts.hostname), None)
    if container is None or container.state != "running":
        return NOBODY
    if str(parts.port) == PROOF:
        return _proof(engine, proxy, container, parts.path)
    return _service(engine, container, parts.path, token)


def through(
    engine: Engine, proxy: Proxy | None, url: str, token: str, caller: str, let_in: str = ""
) -> Answered:
    """A question to the proxy, from the server itself or from ``caller``.

    ``let_in``: the word by which maintenance lets somebody in.
    """
    running = engine.of("app", "proxy")
    if proxy is None or running is None or running.id != proxy.container:
        return NOBODY
    if "OUTSIDE RED" in proxy.configuration and caller != "127.0.0.1":
        return Answered(502, "<h1>502 Bad Gateway</h1>")
    if proxy.allowed and caller not in proxy.allowed:
        return Answered(403, "<h1>403 Forbidden</h1>")
    if proxy.maintenance and f'"{let_in}"' not in proxy.maintenance:
        return Answered(503, "away")
    path = urlsplit(url).path
    backends = [name for name in proxy.upstreams if (name == "web") == (path == "/")]
    by_address = {c.address: c for c in engine.containers.values() if c.address}
    for name in backends:
        for address in proxy.reach.get(name, ()):
            if address in by_address:
                return _service(engine, by_address[address], path, token)
    return Answered(502, "<h1>502 Bad Gateway</h1>")


def _proof(engine: Engine, proxy: Proxy | None, container: Container, path: str) -> Answered:
    if proxy is None or proxy.container != container.id:
        return NOBODY
    kind = path.removeprefix("/")
    if kind in ("generation", "epoch", "pinned"):
        value = proxy.constant(kind)
        return Answered(200, f"{value}\n") if value else Answered(404)
    return Answered(404)


def _service(engine: Engine, container: Container, path: str, token: str) -> Answered:
    text = engine.content(container)
    if path == "/":
        return Answered(200, text)
    if "worker" in text and token != container.environment.get("TOKEN"):
        return Answered(401, json.dumps({"detail": "who are you?"}))
    return Answered(200, json.dumps(DEGRADED if "PROBE RED" in text else HEALTHY))
