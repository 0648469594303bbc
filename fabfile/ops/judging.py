"""Judging what probes are answered; of a page that must be alive, its files too."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from ..model.access.envfile import parse
from ..model.deploy import page
from ..model.facts import Facts
from ..model.probe import Answer, Probe, Question, Verdict, judge
from ..remote import http
from ..remote.host import Host

Ask = Callable[[Sequence[Question]], list[Answer]]


def judged_on(host: Host, questions: Sequence[Question], facts: Facts, trust: str) -> list[Verdict]:
    """What is answered to who asks on the server itself; ``trust``: see ``ask_on_server``."""
    env = parse(facts.env).values
    return judged(questions, lambda some: http.ask_on_server(host, some, env, trust))


def judged(questions: Sequence[Question], ask: Ask) -> list[Verdict]:
    """What is answered; of a page that must be alive, what its files are answered, too."""
    verdicts = []
    for question, answer in zip(questions, ask(questions), strict=True):
        verdict = judge(question, answer)
        if verdict.ok and question.probe.loads:
            why = _lifeless(question, answer, ask)
            verdict = replace(verdict, ok=not why, why=why or f"{verdict.why} alive")
        verdicts.append(verdict)
    return verdicts


def _lifeless(question: Question, answer: Answer, ask: Ask) -> str:
    """Why a page that was answered would stay blank; empty: its own files load."""
    kinds = question.probe.loads
    if why := page.stillborn(question.url, answer, kinds):
        return why
    files = [one for one in page.own(question.url, answer.body) if one.kind in kinds]
    asked = [replace(question, url=one.url, probe=Probe()) for one in files]
    found = (page.missing(one, told) for one, told in zip(files, ask(asked), strict=True))
    return next((why for why in found if why), "")
