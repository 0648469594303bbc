"""What red gates have in common, and so where their cause is likely to be."""

from __future__ import annotations

from collections.abc import Sequence

from ..probe import Verdict

CERTIFICATE = ("certificate verify failed", "SSL certificate problem")


def causes(verdicts: Sequence[Verdict]) -> list[str]:
    """The likely cause and the remedy for red gates, a line each; ``verdicts``: of all gates."""
    green = {one.gate for one in verdicts if one.ok}
    red = [one for one in verdicts if not one.ok]
    if any(one.gate.startswith("probe:") for one in red):
        return []  # a service that is ill explains what is asked through it
    found = []
    for one in red:
        kind, _, name = one.gate.partition(":")
        here = {f"proxy:{name}", f"server:{name}"}
        if any(text in one.why for text in CERTIFICATE):
            found.append(
                f"{one.gate}: who asks does not trust the certificate that is served: see"
                " fab ssl.status"
            )
        elif kind == "outside" and here & green:
            found.append(
                f"{one.gate}: the server answers itself, so look at the way to it: DNS, a firewall"
                " of the server or of its provider, a CDN"
            )
        elif kind == "proxy":
            found.append(
                f"{one.gate}: the services answer at their own addresses, so look at the proxy:"
                " its server_name, its upstreams, its log"
            )
    return found
