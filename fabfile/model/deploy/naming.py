"""The names that gates ask the proxy for, and whether hosts.ini and the certificate know them."""

from __future__ import annotations

from collections.abc import Mapping
from ipaddress import ip_address
from urllib.parse import urlsplit

from ..certificates.certificate import is_readable, is_self_made, not_for
from ..facts import Facts
from ..inventory import Server
from ..stack import Stack


def name_problems(server: Server, facts: Facts, stack: Stack, key: str) -> list[str]:
    """Why a gate would find no certificate for the name that it asks.

    ``key``: of ``.env``, which the stack has its names from; empty: of none.
    """
    asked = asked_of(stack)
    certified = is_readable(facts.certificate) and not is_self_made(facts.certificate)
    # Without domains, somebody's own certificate says which names it is for.
    unknown = [] if certified and not server.domains else sorted({*asked} - {*server.domains})
    if unknown:
        gates = ", ".join(dict.fromkeys(gate for name in unknown for gate in asked[name]))
        there = f"domains = {', '.join(server.domains)}" if server.domains else "no domains"
        where = f"{key} in {server.path}/.env" if key else f"the gates in {server.compose_file}"
        problem = (
            f"gates ask {', '.join(unknown)} ({gates}), but hosts.ini has {there} for"
            f" [{server.name}]; set {where}, or domains: both must name your site"
        )
        return [problem]
    if certified and (uncovered := not_for(facts.certificate, asked)):
        problem = (
            f"the certificate is not for {', '.join(uncovered)}: once these names lead to this"
            " server, fab ssl.issue (one of your own: fab ssl.install), then deploy"
        )
        return [problem]
    return []


def asked_of(stack: Stack) -> Mapping[str, list[str]]:
    """Domain name → the gates that ask the proxy for it over TLS."""
    found: dict[str, list[str]] = {}
    for gate in stack.proxy.hints.gates if stack.proxy else ():
        url = urlsplit(gate.url)
        name = url.hostname or ""
        if url.scheme == "https" and "{" not in name and not _is_address(name):
            found.setdefault(name, []).append(gate.name)
    return found


def _is_address(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True
