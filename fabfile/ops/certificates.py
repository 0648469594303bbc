"""Certificates: what each server has and serves, for how long; and another one put there."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from ..model.certificate import Sighting, is_self_made, problems_of_pair, serial
from ..model.errors import FAILED, STRANDED, Trouble, refused
from ..remote import certificates, compose
from ..remote.host import Host
from ..remote.lock import Lock
from .deploy import holder
from .run import as_trouble
from .session import Session, side_by_side
from .sight import DEPLOYED, Sight, look_at

LOADED = 30
"""Seconds within which nginx must serve what it was told to load."""


def status(session: Session, *, as_json: bool) -> None:
    """Show the certificate of every server; exit code 1 when something is wrong with one."""
    names = [server.name for server in session.inventory.servers]
    views = side_by_side(lambda name: view(session, name), names)
    if as_json:
        session.console.result(views)
    else:
        for name, found in views.items():
            _show(session, name, found)
    wrong = [f"{name}: {why}" for name, found in views.items() for why in found["problems"]]
    if wrong:
        raise Trouble("certificates need care", code=FAILED, evidence=wrong)


def view(session: Session, name: str) -> dict[str, Any]:
    """One server's certificate, as the stable JSON of ``docs/json.md``."""
    place = _Place(look_at(session, name, DEPLOYED))
    return place.see().view(place.wanted, place.sight.facts.now)


def install(session: Session, name: str, certificate: str, key: str) -> None:
    """Give a server another certificate: checked first, then loaded, then proved by what is served.

    ``name`` may be empty: then it is the only server that has domains. When it is not served, the
    former one is put back and served again (exit code 1), or a person is needed (3).
    """
    name = name or _server_with_domains(session)
    if callers := session.inventory.callers_of(name):
        raise refused(
            f"{name} is called by {callers[0].name}, which trusts its self-made certificate;"
            " that one is made by the deploy"
        )
    pem, secret = _text(certificate), _text(key)
    host = session.host(name)
    with Lock(host, holder()) as lock:
        place = _Place(look_at(session, name, DEPLOYED))
        if wrong := problems_of_pair(pem, secret, place.wanted, place.sight.facts.now):
            raise refused(f"{name}: this certificate cannot be used; nothing was changed", wrong)
        if is_self_made(pem):
            session.console.warn(name, "it is self-made: no browser trusts it")
        if place.serves(serial(pem)) and serial(place.see().pem) == serial(pem):
            session.console.line(name, f"certificate {serial(pem)} is served already")
            return
        former = serial(place.see().pem)
        lock.step("install certificate")
        try:
            with session.console.step(name, f"install certificate {serial(pem)}"):
                certificates.put(host, pem, secret)
            with session.console.step(name, "load it, and see it served"):
                place.load(serial(pem))
        except (Exception, KeyboardInterrupt) as error:  # noqa: BLE001 # even a bug of ours must not stop half way
            _back(session, place, former, error)
        certificates.forget(host)


@dataclass(frozen=True)
class _Place:
    """Where a server's certificate is served."""

    sight: Sight

    @property
    def host(self) -> Host:
        return self.sight.host

    @property
    def wanted(self) -> Sequence[str]:
        """The names that the certificate must be for."""
        return self.sight.server.domains or (self.sight.server.address,)

    def see(self) -> Sighting:
        proxy = self.sight.target.stack.proxy if self.sight.target else None
        gates = proxy.hints.gates if proxy else ()
        urls = [urlsplit(one.url.replace("{address}", self.sight.server.address)) for one in gates]
        ports = sorted({url.port or 443 for url in urls if url.scheme == "https"})
        return certificates.see(self.host, self.wanted, ports)

    def serves(self, number: str) -> bool:
        """Whether this is the certificate that is served under every name."""
        served = self.see().served.values()
        return bool(served) and {serial(pem) for pem in served} == {number}

    def load(self, number: str) -> None:
        """Have nginx load what is on disk; :class:`Trouble` unless it then serves that."""
        proxy = self.sight.require().stack.proxy
        if proxy is None:
            raise refused(f"{self.host.name}: its stack has no proxy")
        output = compose.reload_proxy(self.host, proxy.container)
        if not output.ok:
            raise Trouble(f"{self.host.name}: nginx refuses to reload", evidence=output.tail())
        self.host.wait(f"serving certificate {number}", lambda: self.serves(number), LOADED)


def _back(session: Session, place: _Place, former: str, error: BaseException) -> None:
    """The former certificate, on disk and served; always raises."""
    name = place.host.name
    cause = as_trouble(error)
    evidence = (cause.message, *cause.evidence)
    try:
        with session.console.step(name, f"put certificate {former} back"):
            certificates.put_back(place.host)
            place.load(former)
    except (Exception, KeyboardInterrupt) as second:  # noqa: BLE001 # whatever it is, a person must know
        raise Trouble(
            f"{name}: the new certificate is not served, and putting the former one back failed:"
            f" see certs/ on the server, then fab ssl.status",
            code=STRANDED,
            evidence=(*evidence, as_trouble(second).message),
        ) from None
    raise Trouble(
        f"{name}: the new certificate is not served; the former one is back", evidence=evidence
    ) from None


def _server_with_domains(session: Session) -> str:
    found = [server.name for server in session.inventory.servers if server.domains]
    if len(found) != 1:
        raise refused(f"{len(found)} servers of hosts.ini have domains: name one with --server")
    return found[0]


def _text(file: str) -> str:
    try:
        return Path(file).expanduser().read_text(encoding="ascii")
    except (OSError, UnicodeDecodeError) as error:
        raise refused(f"{file} cannot be read: {error}") from None


def _show(session: Session, name: str, found: Mapping[str, Any]) -> None:
    console = session.console
    if found["ends"] is None:
        console.line(name, "no certificate")
        return
    day = time.strftime("%Y-%m-%d", time.gmtime(found["ends"]))
    issuer = "self-made" if found["self_made"] else f"by {found['issuer']}"
    console.line(name, f"until {day}, {found['days']} days; {issuer}", "bold")
    console.line(name, f"for {', '.join(found['names'])}")
    for place, number in found["served"].items():
        console.line(name, f"{place} serves {number or 'nothing'}")
