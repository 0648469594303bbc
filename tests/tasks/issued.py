"""Where the certificates of a simulated server stand that an authority gave."""

from __future__ import annotations

from fabfile.model.certificates.certificate import serial

from .fakes.authorities import public
from .fakes.certificates import signed
from .fakes.fleet import Fleet
from .fakes.machine import ROOT

DOMAINS = ("app.example", "api.app.example")
CERTS = f"{ROOT}/certs"
LIVE = f"{ROOT}/acme/live/acme-v02.api.letsencrypt.org"
DAY = 86400


def pass_days(fleet: Fleet, days: int) -> None:
    """Let time go by on every server."""
    for machine in fleet.machines.values():
        machine.clock += days * DAY


def on_disk(fleet: Fleet) -> str:
    """The serial number of what the proxy would load."""
    return serial(fleet.ubuntu.files[f"{CERTS}/fullchain.pem"])


def live(fleet: Fleet) -> str:
    """The serial number of the newest that the authority gave."""
    return serial(fleet.ubuntu.files[f"{LIVE}/fullchain.pem"])


def ones_own(fleet: Fleet) -> str:
    """Put a certificate on disk that is of an authority, but was not asked for by us."""
    chain, key = signed(public(), DOMAINS, 60, fleet.ubuntu.clock)
    fleet.ubuntu.files |= {f"{CERTS}/fullchain.pem": chain, f"{CERTS}/privkey.pem": key}
    return chain
