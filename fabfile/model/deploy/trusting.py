"""The steps that let the proxy start and services trust: a certificate, and the called server's."""

from __future__ import annotations

from ..certificates.certificate import is_self_made, not_for
from ..facts import Facts
from ..inventory import Server
from .naming import asked_of
from .plan import Kind, Step, Target


def trust_steps(server: Server, target: Target, facts: Facts, called: str) -> list[Step]:
    """``called``: what must be trusted of the server that this one calls, if anything."""
    steps = []
    certs = server.root / "certs"
    if reason := made_anew(server, target, facts):
        steps.append(Step(Kind.CERTIFICATE, "self-made", reason))
    bundle = facts.has_folder(certs / "trust/ca-bundle.pem")
    if server.calls and not (bundle and facts.trust.strip() == called.strip()):
        steps.append(Step(Kind.TRUST, server.calls, _why(server, called)))
    return steps


def made_anew(server: Server, target: Target, facts: Facts) -> str:
    """Why a self-made certificate is made; empty: none is."""
    certs = server.root / "certs"
    if target.stack.proxy is None:
        return ""
    if not all(facts.has_content(certs / name) for name in ("fullchain.pem", "privkey.pem")):
        real = "ssl.issue" if server.domains else "ssl.internal"
        return f"none yet; {real} replaces it by a real one"
    # Callers trust the one that they know: theirs stays.
    missing = [] if target.callers else not_for(facts.certificate, asked_of(target.stack))
    if missing and is_self_made(facts.certificate):
        return f"the one that is there is not for {', '.join(missing)}"
    return ""


def _why(server: Server, called: str) -> str:
    if called:
        return f"the certificate of {server.calls} is new here"
    return f"system authorities only: {server.calls} has no certificate yet"
