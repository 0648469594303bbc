"""Probes: one question with an exact expected answer. Judging is pure; asking is not done here."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from .reading import load

SCRIPT, STYLE = "script", "style"
KINDS = (SCRIPT, STYLE)
"""What a page can be asked to load."""
SHOWN = 200
"""Characters of a body that a verdict quotes."""


@dataclass(frozen=True)
class Probe:
    """A GET and the answer it must get.

    ``status`` is the one status that passes (a redirect is not followed). ``json`` are members
    that the body's object must have with exactly these values; ``contains`` is a text in the body.
    ``loads`` are kinds of files (``script``, ``style``) that the page must load from its own site.
    ``bearer`` names the ``.env`` key whose value goes into the Authorization header.
    """

    status: int = 200
    json: Mapping[str, Any] = field(default_factory=dict)
    contains: str = ""
    loads: tuple[str, ...] = ()
    bearer: str = ""


@dataclass(frozen=True)
class Question:
    """A probe with the place where it is asked."""

    name: str
    url: str
    probe: Probe
    connect: str = ""
    """``HOST:PORT`` to connect to instead of the one in ``url``."""
    maintenance: str = field(default="", repr=False)
    """By which word a proxy in maintenance lets it through; empty: it is asked as by anybody."""


@dataclass(frozen=True)
class Answer:
    """What came back. ``status`` 0: no HTTP answer; ``error`` says why."""

    status: int
    body: str = ""
    error: str = ""
    seconds: float = 0.0
    headers: Mapping[str, str] = field(default_factory=dict)
    """By lower-case name."""


@dataclass(frozen=True)
class Verdict:
    """Whether a gate is green, and in one line why not."""

    gate: str
    ok: bool
    why: str
    seconds: float = 0.0


def judge(question: Question, answer: Answer) -> Verdict:
    """Compare an answer with what the probe expects: the exact status first, then the body."""
    why = _fault(question.probe, answer)
    good = f"{answer.status}" + (" deep" if question.probe.json else "")
    return Verdict(question.name, not why, why or good, answer.seconds)


def _fault(probe: Probe, answer: Answer) -> str:
    if answer.status == 0:
        return answer.error or "no answer"
    if answer.status != probe.status:
        return f"answered {answer.status}, expected {probe.status}: {_quote(answer.body)}"
    if probe.contains and probe.contains not in answer.body:
        return f"answered {answer.status} without '{probe.contains}': {_quote(answer.body)}"
    if not probe.json:
        return ""
    try:
        body = load(answer.body)
    except ValueError:
        return f"answered {answer.status}, but the body is not JSON: {_quote(answer.body)}"
    if not isinstance(body, dict):
        return f"answered {answer.status}, but the body is no JSON object: {_quote(answer.body)}"
    for member, wanted in probe.json.items():
        if member not in body:
            return f"answered {answer.status} without '{member}': {_quote(answer.body)}"
        if type(body[member]) is not type(wanted) or body[member] != wanted:
            return (
                f"answered {answer.status} with {member} = {json.dumps(body[member])}, "
                f"expected {json.dumps(wanted)}: {_quote(answer.body)}"
            )
    return ""


def _quote(body: str) -> str:
    text = " ".join(body.split())
    return text if len(text) <= SHOWN else text[:SHOWN] + "…"
