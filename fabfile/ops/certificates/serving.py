"""Serving: a certificate takes the place of another, and counts when it is served."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from ...model.certificates.certificate import Sighting, is_same, serial
from ...model.errors import STRANDED, Trouble, as_trouble, refused
from ...remote.asking import Asked
from ...remote.certificates import acme, authority, certificates
from ...remote.certificates.certificates import Source
from ...remote.deploy import compose
from ...remote.host import Host
from ...remote.lock import Lock
from ..locking import holder
from ..session import Session
from ..sight import DEPLOYED, Sight, look_at

LOADED = 30
"""Seconds within which nginx must serve what it was told to load."""


def nothing_more() -> None:
    """What is served needs no other proof."""


@dataclass(frozen=True)
class Place:
    """Where a server's certificate is served."""

    sight: Sight
    called: bool
    """Whether other servers call this one: then its authority is its own, private one."""

    @property
    def host(self) -> Host:
        """The server."""
        return self.sight.host

    @property
    def wanted(self) -> Sequence[str]:
        """The names that the certificate must be for."""
        return self.sight.server.domains or (self.sight.server.address,)

    @property
    def source(self) -> Source:
        """Where the certificates stand that the server's authority gave."""
        return authority.source(self.host) if self.called else acme.source(self.host)

    @property
    def proxy(self) -> str:
        """The container that serves the certificate; exit code 2 when the stack has none."""
        target = self.sight.target or self.sight.require()
        if target.stack.proxy is None:
            raise refused(f"{self.host.name}: its stack has no proxy")
        return target.stack.proxy.container

    @property
    def ports(self) -> Sequence[int]:
        """Where the proxy's gates ask over TLS; none: all is in clear."""
        proxy = self.sight.target.stack.proxy if self.sight.target else None
        gates = proxy.hints.gates if proxy else ()
        urls = [urlsplit(one.url.replace("{address}", self.sight.server.place)) for one in gates]
        return sorted({url.port or 443 for url in urls if url.scheme == "https"})

    @property
    def asked(self) -> Asked[Sighting]:
        """What is asked for what is on disk, served and issued."""
        return certificates.asking(self.host.server, self.wanted, self.ports, self.source)

    def see(self) -> Sighting:
        """What is on disk, served and issued now."""
        return certificates.see(self.host, self.wanted, self.ports, self.source)

    def serves(self, pem: str) -> bool:
        """Whether this is the certificate, with its chain, that is served under every name."""
        served = self.see().served.values()
        return bool(served) and all(is_same(one, pem) for one in served)

    def load(self, container: str, pem: str) -> None:
        """Have the proxy load what is on disk; :class:`Trouble` unless it then serves that."""
        output = compose.reload_proxy(self.host, container)
        if not output.ok:
            raise Trouble(f"{self.host.name}: nginx refuses to reload", evidence=output.tail())
        what = f"serving certificate {serial(pem)}"
        self.host.wait(what, lambda: self.serves(pem), LOADED)


def place_of(session: Session, name: str) -> Place:
    """Look at where a server's certificate is served."""
    called = bool(session.inventory.callers_of(name))
    return Place(look_at(session, name, DEPLOYED), called)


def exchange(
    session: Session,
    lock: Lock,
    place: Place,
    pem: str,
    put: Callable[[], None],
    prove: Callable[[], None] = nothing_more,
) -> None:
    """Put a certificate in the place of the former one, load it, see it served, and prove it.

    Whatever fails, the former one is put back and served again (exit code 1), or a person is
    needed (3). ``pem`` is the new one, with its chain.
    """
    host, container = place.host, place.proxy
    former = place.see().pem
    lock.step("install certificate")
    try:
        with session.console.step(host.name, f"install certificate {serial(pem)}"):
            certificates.keep(host)
            put()
        with session.console.step(host.name, "load it, and see it served"):
            place.load(container, pem)
        prove()
    except (Exception, KeyboardInterrupt) as error:  # noqa: BLE001 # even a bug of ours must not stop half way
        _back(session, place, former, error)
    certificates.forget(host)


def put_issued(
    session: Session, place: Place, seen: Sighting, prove: Callable[[], None] = nothing_more
) -> None:
    """Put what the server's authority gave in place; checked before anything is touched."""
    host = place.host
    if wrong := seen.problems_of_issued(place.wanted):
        raise Trouble(f"{host.name}: what was issued cannot be used", evidence=wrong)
    with Lock(host, holder(), though_frozen=True) as lock:
        copy = lambda: certificates.copy(host, place.source)  # noqa: E731
        exchange(session, lock, place, seen.issued, copy, prove)


def _back(session: Session, place: Place, former: str, error: BaseException) -> None:
    """The former certificate, on disk and served; always raises."""
    name = place.host.name
    cause = as_trouble(error)
    evidence = (cause.message, *cause.evidence)
    try:
        with session.console.step(name, f"put certificate {serial(former)} back"):
            certificates.put_back(place.host)
            place.load(place.proxy, former)
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
