"""Prune: remove what no rollback needs, of what this collection built and nothing else."""

from __future__ import annotations

from ...model.deploy.way_back import RETAINED, retained
from ...model.errors import refused
from ...model.facts import Facts
from ...remote.deploy import building, git, images
from ...remote.lock import Lock
from ..locking import holder
from ..session import Session
from ..sight import DEPLOYED, look_at


def prune(session: Session, name: str, *, dry_run: bool) -> None:
    """Remove our images that neither a container nor one of the last verified releases needs.

    The build cache is cut to its limit, and what had come of an image whose copy was cut goes.
    Volumes are never touched, nor what another compose project of the server has built.
    """
    host = session.host(name)
    with Lock(host, holder(), though_frozen=True):
        sight = look_at(session, name, DEPLOYED)
        if sight.target is None:
            why = "; ".join(sight.problems) or "nothing is deployed"
            raise refused(f"{name}: whose images are ours is unknown: {why}")
        facts = sight.facts
        ours = images.our_images(host, sight.target.stack.project)
        doomed = sorted(set(ours) - needed(facts))
        for identity in doomed:
            names = [tag for tag, found in facts.images.items() if tag != found == identity]
            title = f"remove image {', '.join(names) or identity[:19]}"
            if dry_run:
                session.console.line(name, f"would {title}")
                continue
            with session.console.step(name, title):
                images.remove_image(host, identity)
        if not dry_run:
            git.prune_worktrees(host)
            building.forget_arrivals(host)
            images.trim_cache(host)
        session.console.line(
            name,
            f"{len(doomed)} images to remove, {len(ours) - len(doomed)} kept for what runs and the"
            f" last {RETAINED} verified releases",
        )


def needed(facts: Facts) -> set[str]:
    """Ids of the images that a container runs or a retained release needs."""
    kept = {container.image for container in facts.containers}
    for release in retained(facts.releases):
        kept.update(image.id for image in release.images.values())
    return kept
