"""Showing a plan, the same way for plan, deploy and rollback."""

from __future__ import annotations

import shlex
from collections.abc import Sequence

from ...model.deploy.plan import Plan, Step
from ...ui.console import WARNING, Console

COMPOSE = "docker compose"
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


def show_step(console: Console, server: str, number: int, step: Step) -> None:
    """One step of a dry run, above what it would run."""
    console.line(server, f"  {number:2}. {step.title}", hang=NUMBERED)


def show_command(
    console: Console, server: str, words: Sequence[str], script: str, *, whole: bool
) -> None:
    """What a step would run: its first line, as far as it fits; or ``whole``, with its script."""
    if not whole:
        console.line(server, f"{'':{NUMBERED}}would run: {_brief(words)}", cut=True)
        return
    first, *others = shlex.join(words).splitlines()
    console.line(server, f"{'':{NUMBERED}}would run: {first}")
    for line in (*others, *script.strip().splitlines()):
        console.line(server, f"{'':{NUMBERED + 2}}{line}")


def _brief(words: Sequence[str]) -> str:
    """A command as a person reads it: without what every one of compose's begins with."""
    name, *rest = words
    if name == COMPOSE:
        while rest and rest[0].startswith("-"):
            del rest[:2]
    return " ".join(" ".join((name, *rest)).partition("\n")[0].split())
