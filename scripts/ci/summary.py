"""Job summaries: what a workflow did or would do, as GitHub's Markdown."""

from __future__ import annotations

import html
import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

MEANINGS = {
    1: "failed; nothing was changed, or what was changed is rolled back, proved",
    2: "refused before anything was touched",
    3: "failed, GOING BACK FAILED TOO: a person is needed",
}
"""The exit codes of every task (docs/deploy.md)."""


def of_plan(plan: Mapping[str, Any]) -> str:
    """What a deploy would do to one server, from an entry of ``plan --json``."""
    what = f"{_code(plan['commit'][:8])} {_text(plan['subject'])}"
    lines = [f"## {plan['server']}: plan", ""]
    if plan["steps"]:
        since = f"since {_code(plan['since'][:8])}" if plan["since"] else "the first deploy"
        lines += [f"{what}, {since}", ""]
        rows = [
            (str(number), f"{step['kind']} {step['subject']}".rstrip(), step["reason"])
            for number, step in enumerate(plan["steps"], start=1)
        ]
        lines += _table(("", "step", "why"), rows)
    else:
        lines += [f"Nothing to do: the server runs {what}.", ""]
    if plan["untouched"]:
        lines += [f"**Stays as it is:** {_text(', '.join(plan['untouched']))}", ""]
    if plan["notes"]:
        lines += ["**To know:**", "", *(f"- {_text(note)}" for note in plan["notes"]), ""]
    return "\n".join(lines)


def of_deploy(server: str, release: Mapping[str, Any], gates: Iterable[Mapping[str, Any]]) -> str:
    """What a deploy made of a server, from ``deploy --json`` and the gates of its record."""
    rows = [
        ("release", release["id"]),
        ("commit", f"{release['commit'][:8]} {release['subject']}"),
        ("took", duration(release["seconds"])),
        ("by", release["who"]),
    ]
    asked = [(gate["title"], _is(gate), f"{gate['seconds']:.2f} s", gate["note"]) for gate in gates]
    lines = [f"## {server}: {release['outcome']}", "", *_table(("", ""), rows)]
    return "\n".join([*lines, *_table(("gate", "is", "took", "answer"), asked)])


def of_nothing(server: str) -> str:
    """A deploy of what runs already, which asks every gate all the same."""
    return f"## {server}: nothing to do\n\nThe server runs this commit; every gate is green.\n"


def of_failure(server: str, what: str, code: int, seconds: float, error: Sequence[str]) -> str:
    """How ``what`` failed: the exit code's meaning, and fab's own words and evidence."""
    told = html.escape(
        "\n".join(map(_visible, error)) or "no message; the log of this step has all", quote=False
    )
    meaning = MEANINGS.get(code, f"ended with exit code {code}")
    return (
        f"## {server}: {what} {meaning}\n\n"
        f"Exit code {code} after {duration(seconds)}.\n\n<pre>\n{told}\n</pre>\n"
    )


def duration(seconds: float) -> str:
    """Seconds as a person says them."""
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"


def _is(gate: Mapping[str, Any]) -> str:
    """A red gate of a release that passed was waived by name."""
    return "green" if gate["outcome"] == "ok" else "red, waived"


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    lines = [f"| {' | '.join(head)} |", f"|{'---|' * len(head)}"]
    lines += [f"| {' | '.join(map(_text, row))} |" for row in rows]
    return [*lines, ""]


def _text(text: str) -> str:
    """Words of others (a commit's subject, a server's answer) as words, never as markup."""
    plain = html.escape(_visible(" ".join(text.split())), quote=False)
    return re.sub(r"([\\`*_~\[\]|!#])", r"\\\1", plain)


def _code(text: str) -> str:
    """A commit or id; nothing in it can end the code span."""
    return f"`{_visible(text.replace('`', ''))}`"


def _visible(text: str) -> str:
    """What cannot be seen (controls, changes of direction, halves of a character) by its number."""
    return "".join(
        one if one in " \t" or unicodedata.category(one)[0] not in "CZ" else _number(one)
        for one in text
    )


def _number(one: str) -> str:
    return one.encode("unicode_escape").decode("ascii")
