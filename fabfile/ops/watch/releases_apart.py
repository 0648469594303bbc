"""Two releases compared: commits between them, images, definitions, ``.env``, schema."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from ...model.errors import Trouble
from ...model.facts import Facts
from ...model.release import Release
from ...model.watch.apart import Apart, apart
from ...remote.deploy import git
from ...remote.deploy.git import Between
from ..session import Session
from .one_release import find

UNKNOWN = (
    "these two were recorded so that the values of .env cannot be compared:"
    " only keys that came or went are told"
)


def show(
    session: Session,
    seen: Mapping[str, Facts],
    wanted: Sequence[str],
    *,
    as_json: bool,
    as_list: bool,
) -> None:
    """What changed from the first to the second, on each server that has both.

    Exit code 2 where none has.
    """
    found, troubles = {}, []
    for name, facts in seen.items():
        try:
            found[name] = [find(name, facts, one) for one in wanted]
        except Trouble as trouble:
            troubles.append(trouble)
    if not found:
        raise troubles[0]
    views = []
    for name, (old, new) in found.items():
        between = git.between(session.host(name), old.commit, new.commit)
        differs = apart(old, new)
        views.append(_view(name, old, new, differs, between))
        if not as_json:
            session.console.line(name, f"from {_told(old)}", "bold")
            session.console.line(name, f"to   {_told(new)}", "bold")
            for line in _lines(differs, between) or ["nothing differs"]:
                session.console.line(name, line)
    if as_json:
        session.console.result(views if as_list else views[0])


def _told(release: Release) -> str:
    return f"{release.id} {release.subject}"


def _lines(differs: Apart, between: Between | None) -> list[str]:
    return [*_commits(between), *_differences(differs)]


def _commits(between: Between | None) -> Iterator[str]:
    if between is None:
        yield "commits: not known, the checkout has not both of them any more"
        return
    for what, commits in (("commits", between.added), ("commits taken back", between.removed)):
        if commits:
            yield f"{what}: {len(commits)}"
        for commit, subject in commits:
            yield f"  {commit[:8]} {subject}"


def _differences(differs: Apart) -> Iterator[str]:
    for service, (old, new) in differs.images.items():
        yield f"image of {service}: {old or 'none'} → {new or 'none'}"
    for what, names in (
        ("definitions", differs.definitions),
        ("mounted configuration", differs.configuration),
        ("networks and volumes", differs.parts),
        (".env", differs.env),
    ):
        if told := str(names):
            yield f"{what}: {told}"
    if not differs.env_known:
        yield f".env: {UNKNOWN}"
    if differs.schema:
        yield "schema: {} → {}".format(*(one or "none" for one in differs.schema))
    for what, old, new in differs.tools:
        yield f"{what}: {old or 'unknown'} → {new or 'unknown'}"


def _view(
    name: str, old: Release, new: Release, differs: Apart, between: Between | None
) -> dict[str, Any]:
    """As ``docs/json.md`` has it."""
    return {
        "server": name,
        "from": old.id,
        "to": new.id,
        "commits": None if between is None else _named(between.added),
        "taken_back": None if between is None else _named(between.removed),
        "images": {one: _pair(*both) for one, both in differs.images.items()},
        "definitions": asdict(differs.definitions),
        "configuration": asdict(differs.configuration),
        "parts": asdict(differs.parts),
        "env": {**asdict(differs.env), "known": differs.env_known},
        "schema": _pair(*differs.schema) if differs.schema else None,
        "tools": {what: _pair(one, other) for what, one, other in differs.tools},
    }


def _named(commits: Sequence[tuple[str, str]]) -> list[dict[str, str]]:
    return [{"commit": commit, "subject": subject} for commit, subject in commits]


def _pair(old: str, new: str) -> dict[str, str]:
    return {"from": old, "to": new}
