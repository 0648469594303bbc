"""Showing a plan, the same way for plan, deploy and rollback."""

from __future__ import annotations

from collections.abc import Sequence

from ...model.deploy.plan import Plan
from ...ui.console import WARNING, Console

NUMBERED = 6
"""Columns of a step's number."""


def show_plan(console: Console, plan: Plan, warnings: Sequence[str]) -> None:
    """The steps with their reasons, what stays, and what a person should know; 100 columns."""
    what = f"{plan.commit[:8]} {plan.subject}"
    if not plan.steps:
        told = f"nothing to do: {', '.join(plan.untouched)} run what {what} says"
        console.line(plan.server, told, "bold", hang=2)
    else:
        since = f"from {plan.since[:8]}" if plan.since else "first deploy"
        console.line(plan.server, f"plan for {what} ({since})", "bold", hang=2)
        for number, step in enumerate(plan.steps, start=1):
            told = f"  {number:2}. {step.title}: {step.reason}"
            console.line(plan.server, told, hang=NUMBERED)
        if plan.untouched:
            console.line(plan.server, f"  stays: {', '.join(plan.untouched)}", hang=NUMBERED)
    for note in (*plan.notes, *warnings):
        console.warn(plan.server, note, hang=len(WARNING))
