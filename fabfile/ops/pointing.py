"""Whether the names of a site lead to its server, as this machine finds them."""

from __future__ import annotations

from collections.abc import Iterable
from urllib.parse import urlsplit

from ..model.deploy.plan import Target
from ..model.inventory import Inventory, Server


def names_of(target: Target) -> list[str]:
    """The names that the gates ask for."""
    hints = (service.hints for service in target.stack.services)
    urls = (gate.url for one in hints for gate in one.gates if "{address}" not in gate.url)
    return sorted({urlsplit(url).hostname or "" for url in urls})


def astray(inventory: Inventory, server: Server, names: Iterable[str]) -> dict[str, str]:
    """Each name that does not lead to the server, and what to say of it.

    None where ``hosts.ini`` says how the site is reached: by ``edge``, through a CDN, or by its
    callers alone.
    """
    called = inventory.callers_of(server.name)
    if server.edge or server.cdn_ranges or called or not server.outside:
        return {}
    from ..remote.outside import addresses_of

    own = addresses_of(server.outside)
    found = {}
    for name in names if own else ():
        addresses = addresses_of(name)
        if not addresses & own:
            leads = f"points at {', '.join(sorted(addresses))}" if addresses else "has no address"
            found[name] = (
                f"{name} {leads}, and not at {server.outside}: its gates ask that from outside; set"
                " its DNS record, or say in hosts.ini how it is reached (edge, cdn_ranges)"
            )
    return found
