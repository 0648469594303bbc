"""Showing a plan, the same way for plan, deploy and rollback."""

from __future__ import annotations

from collections.abc import Sequence

from ...model.deploy.plan import Plan
from ...ui.console import Console


def show_plan(console: Console, plan: Plan, warnings: Sequence[str]) -> None:
    """The steps with their reasons, what stays, and what a person should know."""
    what = f"{plan.commit[:8]} {plan.subject}"
    if not plan.steps:
        console.line(
            plan.server, f"nothing to do: {', '.join(plan.untouched)} run what {what} says", "bold"
        )
    else:
        since = f"from {plan.since[:8]}" if plan.since else "first deploy"
        console.line(plan.server, f"plan for {what} ({since})", "bold")
        for number, step in enumerate(plan.steps, start=1):
            console.line(plan.server, f"  {number:2}. {step.title}: {step.reason}")
        if plan.untouched:
            console.line(plan.server, f"  stays: {', '.join(plan.untouched)}")
    for note in (*plan.notes, *warnings):
        console.warn(plan.server, note)
