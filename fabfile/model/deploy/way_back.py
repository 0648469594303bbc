"""The way back: which release a rollback goes to, and whether all that it needs is there."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace

from ..access.envfile import digests
from ..errors import refused
from ..facts import Facts
from ..release import RUNNING, Done, Release
from .content import Wanted
from .plan import PREPARING, Kind, Target

RETAINED = 5
"""How many of the last releases that passed keep their images."""


def retained(releases: Sequence[Release]) -> list[Release]:
    """The releases that a rollback may go to, newest first: those that passed, without repeats."""
    found: list[Release] = []
    for release in reversed(releases):
        if release.passed and not release.back_to:
            found.append(release)
    return found[:RETAINED]


def choose(server: str, releases: Sequence[Release], to: str) -> Release:
    """The release to go back to; exit code 2 when there is none.

    ``to`` is the id of a release or (the start of) a commit; empty: the last one that passed before
    the one that runs, and after a run that died half way the last one that passed. A failed release
    is never a target.
    """
    candidates = [release for release in reversed(releases) if release.passed]
    if to:
        for release in candidates:
            if release.id == to or release.commit.startswith(to):
                return release
        known = ", ".join(release.id for release in candidates) or "none"
        raise refused(f"{server}: no verified release '{to}'; verified: {known}")
    ran = _ran(releases)
    if not ran:
        raise refused(f"{server}: no verified release to go back to")
    if half_way(releases):
        return ran[-1]
    for release in reversed(ran[:-1]):
        # Today's .env stays, so a release of the same commit and images would bring nothing back.
        if (release.commit, release.images) != (ran[-1].commit, ran[-1].images):
            return release
    raise refused(f"{server}: no verified release before {ran[-1].id}")


def _ran(releases: Sequence[Release]) -> list[Release]:
    """The releases that led to the one that runs; a rollback takes away those that it left."""
    ran: list[Release] = []
    by_id = {release.id: release for release in releases}
    for release in releases:
        if not release.passed:
            continue
        if release.back_to:
            back = by_id.get(release.back_to, release)
            ran = ran[: ran.index(back)] if back in ran else ran
            ran.append(back)
        else:
            ran.append(release)
    return ran


def half_way(releases: Sequence[Release]) -> list[Release]:
    """The releases since the last that passed, when one of them may have left the server so.

    That is one that has no end (nobody may be at it), or that failed after its first change.
    """
    since: list[Release] = []
    for release in reversed(releases):
        if release.passed:
            break
        since.insert(0, release)
    return since if any(map(_touched, since)) else []


def _touched(release: Release) -> bool:
    """Without its steps it was closed by another command, which does not know how far it came."""
    preparing = {kind.value for kind in PREPARING}
    kinds = {_kind(step) for step in release.steps}
    return release.outcome == RUNNING or not kinds or not kinds <= preparing


def _kind(step: Done) -> str:
    return step.title.partition(" ")[0]


def env_needed(releases: Sequence[Release]) -> list[str]:
    """The releases whose own ``.env`` must stay on the server.

    That is the last that passed, where a failure goes back to, and the runs that failed since the
    last deploy that passed: what was to be is there alone once a way back has put the other back.
    """
    needed: list[str] = []
    for release in reversed(releases):
        if not release.passed:
            needed.append(release.id)
        elif not release.back_to:
            break
    return [*needed, *[release.id for release in reversed(releases) if release.passed][:1]]


def wants(release: Release, revision: str) -> bool:
    """Whether its record proves that its own images want this revision of the database.

    A deploy without a migrate step, and a way back, leave the schema as they find it.
    """
    migrated = any(_kind(s) == Kind.MIGRATE.value and s.outcome == "done" for s in release.steps)
    return bool(revision) and revision == release.schema and migrated and not release.back_to


def schema_of(releases: Sequence[Release]) -> str:
    """The database's revision, as the newest record knows it; a failed one counts too."""
    return next((release.schema for release in reversed(releases) if release.schema), "")


def backup_known(facts: Facts, known: Collection[str]) -> str:
    """The newest backup that was restored and found equal, of one of these revisions."""
    for backup in reversed(facts.backups):
        if backup.verified and backup.content and backup.content.revision in known:
            return backup.name
    return ""


def unknown_services(release: Release, target: Target) -> list[str]:
    """Services of the stack that the release ran without: a profile of ``.env`` was off then."""
    return sorted(set(target.images) - set(release.images))


def missing_images(release: Release, facts: Facts) -> list[str]:
    """The images of a release that are no longer on the server."""
    present = set(facts.images.values())
    return sorted({image.tag for image in release.images.values() if image.id not in present})


def as_released(target: Target, release: Release, facts: Facts) -> Target:
    """The target with exactly the images that the release ran: nothing is built or pulled."""
    images = {}
    for name, wanted in target.images.items():
        image = release.images[name]
        reference = image.tag if facts.images.get(image.tag) == image.id else image.id
        images[name] = Wanted(name, reference, wanted.stable, None)
    return replace(target, images=images)


def changed_keys(release: Release, values: dict[str, str]) -> list[str]:
    """Keys of ``.env`` whose values are no longer those of the release; never the values."""
    today = digests(values, release.env_salt)
    return sorted(key for key in {*today, *release.env} if today.get(key) != release.env.get(key))
