"""Job summaries: what a workflow did or would do, as GitHub's Markdown."""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from .plain import visible

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


def of_release(release: Mapping[str, Any], record: Mapping[str, Any]) -> str:
    """What became of a release, from ``deploy --json`` and its record, whose gates may lack."""
    rows = [
        ("release", release["id"]),
        ("commit", f"{release['commit'][:8]} {release['subject']}"),
        ("took", duration(release["seconds"] or 0)),
        ("by", release["who"]),
    ]
    if record.get("backup"):
        rows.append(("backup", record["backup"]))
    lines = [f"## {release['server']}: {release['outcome']}", "", *_table(("", ""), rows)]
    return "\n".join([*lines, *_went(record)])


def of_failed(record: Mapping[str, Any]) -> str:
    """How far a release came that failed: its steps and gates."""
    title = f"### {_text(record['server'])}: {_text(record['id'])}, {record['outcome']}"
    return "\n".join([title, "", *_went(record)])


def _went(record: Mapping[str, Any]) -> list[str]:
    """The steps and the gates as they went, with their times."""
    steps = [
        (one["title"], one["outcome"], f"{one['seconds']:.1f} s", one["note"])
        for one in record.get("steps", ())
    ]
    gates = [
        (one["title"], _is(one, record["waived"]), f"{one['seconds']:.2f} s", one["note"])
        for one in record.get("gates", ())
    ]
    return [
        *(_table(("step", "is", "took", "found"), steps) if steps else ()),
        *(_table(("gate", "is", "took", "answer"), gates) if gates else ()),
    ]


def of_nothing(server: str) -> str:
    """A deploy of what runs already, which asks every gate all the same."""
    return f"## {server}: nothing to do\n\nThe server runs this commit; every gate is green.\n"


def of_left(names: Iterable[str]) -> str:
    """Servers that a commit does not change."""
    return (
        f"## {', '.join(names)}: left as it is\n\n"
        "Nothing that runs there differs in this commit; nothing was deployed.\n"
    )


def of_superseded(ref: str, why: str) -> str:
    """A commit that is not deployed because a newer one is there."""
    return f"## superseded\n\n{_code(ref[:8])} is not deployed: {_text(why)}.\n"


def of_failure(server: str, what: str, code: int, seconds: float, error: Sequence[str]) -> str:
    """How ``what`` failed: the exit code's meaning, and fab's own words and evidence."""
    meaning = MEANINGS.get(code, f"ended with exit code {code}")
    return (
        f"## {server}: {what} {meaning}\n\nExit code {code} after {duration(seconds)}.\n\n"
        + _words(error or ["no message; the log of this step has all"])
    )


def of_watched(
    name: str, code: int, seconds: float, found: Sequence[str], error: Sequence[str]
) -> str:
    """What a task of fab that changes nothing found."""
    title = f"## {name}: {f'exit code {code}' if code else 'passed'}"
    lines = [title, "", f"After {duration(seconds)}.", "", *(f"- {_text(one)}" for one in found)]
    lines += [""] if found else []
    return "\n".join([*lines, *([_words(error)] if error else [])])


def duration(seconds: float) -> str:
    """Seconds as a person says them."""
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"


def _is(gate: Mapping[str, Any], waived: Iterable[str]) -> str:
    if gate["outcome"] == "ok":
        return "green"
    return "red, waived" if gate["title"] in waived else "red"


def _words(lines: Iterable[str]) -> str:
    told = html.escape("\n".join(map(visible, lines)), quote=False)
    return f"<pre>\n{told}\n</pre>\n"


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    lines = [f"| {' | '.join(head)} |", f"|{'---|' * len(head)}"]
    lines += [f"| {' | '.join(map(_text, row))} |" for row in rows]
    return [*lines, ""]


def _text(text: str) -> str:
    """Words of others (a commit's subject, a server's answer) as words, never as markup."""
    plain = html.escape(visible(" ".join(text.split())), quote=False)
    return re.sub(r"([\\`*_~\[\]|!#])", r"\\\1", plain)


def _code(text: str) -> str:
    """A commit or id; nothing in it can end the code span."""
    return f"`{visible(text.replace('`', ''))}`"
