"""The record of a release: opened before the first change, closed with how it ended."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

from ...model.access.envfile import digests, parse
from ...model.deploy.way_back import env_needed, schema_of
from ...model.errors import Trouble
from ...model.facts import Facts
from ...model.probe import Verdict
from ...model.release import (
    ACCEPTED,
    FAILED,
    STARTED,
    VERIFIED,
    Done,
    Image,
    Release,
    identity,
    kept_evidence,
)
from ...remote import state
from ...remote.gathering import Gathering
from ...remote.host import Host
from ..interruption import Interrupted
from ..session import Session, operator
from .decided import Decided


class Record:
    """What one run made of a server, as the server keeps it."""

    def __init__(self, session: Session, decided: Decided) -> None:
        """Nothing is written yet."""
        self.session = session
        self.decided = decided
        self.release = _release(decided)
        self.done: list[Done] = []
        self.verdicts: list[Verdict] = []
        self.opened = False
        """Whether it stands on the server."""

    @property
    def ended(self) -> bool:
        """Whether it has its end."""
        return self.release.finished > 0

    def open(self, host: Host) -> None:
        """Write it, without an end yet, and keep the ``.env`` of now beside it."""
        self.opened = True
        state.write_release(host, self.release)
        self._keep_env(host)

    def passed(
        self, facts: Facts, backup: str, schema: str, clear: Callable[[Host], None]
    ) -> Release:
        """Close it as verified, accepted (a red gate was waived) or started (nothing asked it).

        ``clear``: has what the run leaves for nobody go, in the same round trip.
        """
        red = [verdict for verdict in self.verdicts if not verdict.ok]
        proved = VERIFIED if self.decided.target.stack.proves else STARTED
        return self._close(ACCEPTED if red else proved, facts, backup, schema, clear)

    def failed(
        self,
        facts: Facts,
        backup: str,
        schema: str,
        clear: Callable[[Host], None],
        trouble: Trouble,
        at: str = "",
    ) -> None:
        """Close it as failed, ``at`` this step; empty: at none of this server."""
        prefix = "" if isinstance(trouble, Interrupted) or not at else f"{at}: "
        error = f"{prefix}{trouble.message}"
        self._close(FAILED, facts, backup, schema, clear, error, trouble.evidence)

    def _close(
        self,
        outcome: str,
        facts: Facts,
        backup: str,
        schema: str,
        clear: Callable[[Host], None],
        error: str = "",
        evidence: Sequence[str] = (),
    ) -> Release:
        """Write what runs now, the steps, the gates and the log."""
        redact = self.session.console.redact
        decided = self.decided
        images = {}
        for service in decided.target.stack.services:
            project = decided.target.stack.project
            found = facts.serving(project, service.name) if service.beside else []
            container = next(iter(found), None) or facts.container(project, service.name)
            reference = decided.target.images[service.name].reference
            images[service.name] = Image(reference, container.image if container else "")
        passed = outcome != FAILED
        self.release = self.release.ended(
            outcome,
            facts.now,
            kept=facts.now + decided.plan.keep_old if passed and decided.plan.keeps else 0,
            images=images,
            commits=self._commits(images),
            backup=backup,
            schema=schema or schema_of(decided.sight.facts.releases),
            steps=tuple(replace(one, note=redact(one.note)) for one in self.done),
            gates=tuple(
                Done(v.gate, "ok" if v.ok else "red", round(v.seconds, 3), redact(v.why))
                for v in self.verdicts
            ),
            error=redact(error),
            evidence=kept_evidence([redact(line) for line in evidence]),
        )
        together = Gathering(decided.sight.host)
        state.write_release(together, self.release)
        if not self.opened:
            self.opened = True
            self._keep_env(together)
        state.write_log(together, self.release, self.session.console.log(decided.name))
        clear(together)
        together.done()
        return self.release

    def _keep_env(self, host: Host) -> None:
        state.keep_env(host, self.release, env_needed(self.decided.sight.facts.releases))

    def _commits(self, images: dict[str, Image]) -> dict[str, str]:
        """The commit that each service is as of: where ``--only`` left it out, its last one.

        A service without a step is as of the plan's commit: the comparison found it the same. A way
        back takes the images of a release, and so its commits.
        """
        facts, only = self.decided.sight.facts, self.decided.only
        commit = self.decided.plan.commit
        releases = {release.id: release for release in facts.releases}
        if back := releases.get(self.release.back_to):
            return dict(back.commits)
        kept = facts.verified.commits if facts.verified and only else {}
        return {name: kept.get(name, commit) if name not in only else commit for name in images}


def _release(decided: Decided) -> Release:
    facts, target, plan = decided.sight.facts, decided.target, decided.plan
    stamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(facts.now))
    taken = {release.id for release in facts.releases}
    release_id = identity(stamp, plan.commit)
    while release_id in taken:
        release_id += "b"
    # The same one as before, so that `history --diff` can tell what differs.
    salt = facts.releases[-1].env_salt if facts.releases else ""
    salt = salt or release_id
    return Release(
        id=release_id,
        server=decided.name,
        commit=plan.commit,
        subject=plan.subject,
        ref=decided.ref,
        who=operator(),
        started=facts.now,
        back_to=decided.back_to,
        definitions={service.name: service.config_hash for service in target.stack.services},
        meanings=digests({one.name: one.meaning for one in target.stack.services}, salt),
        engine=facts.docker,
        compose=facts.compose,
        configuration=dict(target.configuration),
        beside=digests(target.beside, salt),
        parts=dict(target.stack.parts),
        env_salt=salt,
        env=digests(parse(facts.env).values, salt),
        plan=tuple(f"{step.title}: {step.reason}" for step in plan.steps),
        waived=decided.waive,
    )


def summary(release: Release) -> Iterable[str]:
    """What runs now, a line per image."""
    by_image: dict[str, list[str]] = {}
    for service, image in release.images.items():
        by_image.setdefault(image.tag, []).append(service)
    return [f"  {', '.join(services)}: {tag}" for tag, services in by_image.items()]
