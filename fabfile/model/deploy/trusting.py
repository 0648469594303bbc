"""The steps that let the proxy start and services trust: a certificate, and the called server's."""

from __future__ import annotations

from ..facts import Facts
from ..inventory import Server
from .plan import Kind, Step, Target


def trust_steps(server: Server, target: Target, facts: Facts, called: str) -> list[Step]:
    """``called``: what must be trusted of the server that this one calls, if anything."""
    steps = []
    certs = server.root / "certs"
    there = all(facts.has_content(certs / name) for name in ("fullchain.pem", "privkey.pem"))
    if target.stack.proxy and not there:
        real = "ssl.issue" if server.domains else "ssl.internal"
        reason = f"none yet; {real} replaces it by a real one"
        steps.append(Step(Kind.CERTIFICATE, "self-made", reason))
    bundle = facts.has_folder(certs / "trust/ca-bundle.pem")
    if server.calls and not (bundle and facts.trust.strip() == called.strip()):
        steps.append(Step(Kind.TRUST, server.calls, _why(server, called)))
    return steps


def _why(server: Server, called: str) -> str:
    if called:
        return f"the certificate of {server.calls} is new here"
    return f"system authorities only: {server.calls} has no certificate yet"
