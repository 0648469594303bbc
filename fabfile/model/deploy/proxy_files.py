"""What the proxy reads in its folder beside where requests go, as text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from .plan import Target


def allowed(callers: Sequence[str]) -> str:
    """What lets only these addresses in."""
    return "\n".join([*(f"allow {one};" for one in callers), "allow 127.0.0.1;", "deny all;\n"])


def believed(cdn: Sequence[str]) -> str:
    """What makes the proxy believe a CDN, and nobody else, who a client is.

    ``cdn``: the header in which it says so, then its ranges; empty: there is none.
    """
    if not cdn:
        return ""
    header, *ranges = cdn
    rules = [f"set_real_ip_from {one};" for one in ranges]
    return "\n".join([*rules, f"real_ip_header {header};", "real_ip_recursive on;\n"])


def files_for(target: Target) -> dict[str, str]:
    """Name → text of what a deploy has the proxy read beside where requests go."""
    found = {"real-ip.conf": believed(target.cdn)}
    if target.callers:  # nobody is shut out unless somebody is named
        found["allow.conf"] = allowed(target.callers)
    front = target.stack.proxy
    return found | (naming(front.hints.names) if front else {})


def naming(names: Mapping[str, Sequence[str]]) -> dict[str, str]:
    """The files that say which names are served: of each group, and which origins are of it."""
    found = {}
    for group, some in names.items():
        found[f"{group}-names.conf"] = f"server_name {' '.join(some)};\n"
        lines = [f"    https://{name} $http_origin;" for name in some]
        variable = f"${group.replace('-', '_')}_origin"
        whole = [f"map $http_origin {variable} {{", *lines, '    default "";', "}\n"]
        found[f"{group}-origin.conf"] = "\n".join(whole)
    return found
