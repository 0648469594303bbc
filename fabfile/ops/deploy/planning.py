"""Plan: what a deploy would do, by the same look and decision as the deploy itself."""

from __future__ import annotations

from collections.abc import Sequence

from ...model.deploy.plan import Plan, Wish
from ..session import Session, each, side_by_side
from ..sight import look_at, plan_for
from .building import require_builder
from .reviewing import preview
from .show import show_plan


def plan(session: Session, names: Sequence[str], ref: str, wish: Wish, *, as_json: bool) -> None:
    """Show the plans of servers; exit code 2 when one must not be carried out."""
    called = {session.inventory.server(name).calls for name in names} - {""}
    sights = side_by_side(
        lambda name: look_at(session, name, ref), list(dict.fromkeys([*names, *sorted(called)]))
    )

    def planned(name: str) -> Plan:
        around = sights.get(session.inventory.server(name).calls)
        found = plan_for(sights[name], around, wish)
        require_builder(session, name, found)
        return preview(sights[name], found, wish)[0]

    plans = each(planned, names)
    if as_json:
        session.console.result([found.to_json() for found in plans])
        return
    for found in plans:
        show_plan(session.console, found, sights[found.server].warnings)
