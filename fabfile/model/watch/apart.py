"""What differs between two releases of a server; of ``.env`` the names, never the values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ..release import Release


@dataclass(frozen=True)
class Names:
    """Names of what only one of them has, or both have differently."""

    added: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()

    def __str__(self) -> str:
        kinds = (("added", self.added), ("removed", self.removed), ("changed", self.changed))
        return "; ".join(f"{what}: {', '.join(names)}" for what, names in kinds if names)


@dataclass(frozen=True)
class Apart:
    """What differs, from the one to the other."""

    images: Mapping[str, tuple[str, str]]
    """Service → its image in both; empty: it had none."""
    definitions: Names
    """Services."""
    configuration: Names
    """Services, by the files of the repository that they mount."""
    parts: Names
    """Networks and volumes."""
    env: Names
    env_known: bool
    """Whether the values of ``.env`` can be compared."""
    schema: tuple[str, str] | None
    """Both revisions; None: the same."""
    tools: tuple[tuple[str, str, str], ...]
    """``engine`` and ``compose``: both versions, where they differ."""


def apart(old: Release, new: Release) -> Apart:
    """What differs between two records."""
    alike = bool(old.env_salt) and old.env_salt == new.env_salt
    # Compose's own digest is another one with each version of compose.
    means = alike and old.meanings and new.meanings
    before, after = (old.meanings, new.meanings) if means else (old.definitions, new.definitions)
    env = names(old.env, new.env)
    return Apart(
        images=_images(old, new),
        definitions=names(before, after),
        configuration=names(old.configuration, new.configuration),
        parts=names(old.parts, new.parts),
        env=env if alike else Names(env.added, env.removed),
        env_known=alike,
        schema=None if old.schema == new.schema else (old.schema, new.schema),
        tools=tuple(
            (what, one, other)
            for what, one, other in (
                ("engine", old.engine, new.engine),
                ("compose", old.compose, new.compose),
            )
            if one != other
        ),
    )


def names(old: Mapping[str, str], new: Mapping[str, str]) -> Names:
    """The keys in which two mappings differ."""
    return Names(
        tuple(sorted(new.keys() - old.keys())),
        tuple(sorted(old.keys() - new.keys())),
        tuple(sorted(key for key in old.keys() & new.keys() if old[key] != new[key])),
    )


def _images(old: Release, new: Release) -> dict[str, tuple[str, str]]:
    found = {}
    for service in sorted({*old.images, *new.images}):
        one, other = old.images.get(service), new.images.get(service)
        if (one and one.id) != (other and other.id):
            found[service] = (one.tag if one else "", other.tag if other else "")
    return found
