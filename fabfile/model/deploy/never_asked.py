"""What stands in ``x-deploy`` where nobody looks: a release would pass without it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection

from ..hints import START_FIRST
from ..image_names import foreign
from ..stack import Service


def never_asked(services: Collection[Service]) -> list[str]:
    """A line for each."""
    wrong = []
    for one in services:
        for key in ("upstreams", "names", "hold", "maintenance"):
            if getattr(one.hints, key) and not one.hints.proxy:
                wrong.append(f"{key} of {one.name}: it is not the proxy")
        if one.hints.update.order == START_FIRST and not one.beside:
            wrong.append(f"update of {one.name}: {START_FIRST} needs a proxy that moves requests")
        if one.hints.smoke and one.build is None:
            wrong.append(f"smoke of {one.name}: its image is not built here")
        if one.hints.proxy and (kind := foreign(one.image)):
            wrong.append(f"proxy of {one.name}: {kind} is no nginx (docs/proxy.md)")
    gates = Counter(gate.name for one in services for gate in one.hints.gates)
    wrong += [f"gate {name} is there {times} times" for name, times in gates.items() if times > 1]
    for key in ("proxy", "database", "link"):
        names = [one.name for one in services if getattr(one.hints, key)]
        if len(names) > 1:
            wrong.append(f"{key} of {' and '.join(names)}: only one is asked")
    return wrong
