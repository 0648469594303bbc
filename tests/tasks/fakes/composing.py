"""What the simulated compose makes of a compose file: variables, paths, digests of definitions."""

from __future__ import annotations

import json
import posixpath
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from fabfile.model.deploy.content import digest

VARIABLE = re.compile(r"\$\{(?P<name>\w+)(?::(?P<kind>[-?])(?P<rest>(?:\$\{[^}]*\}|[^}])*))?\}")


class Refused(Exception):
    """Compose ends with an error: its words."""


@dataclass(frozen=True)
class Model:
    """A compose file, resolved as ``docker compose config`` does."""

    raw: dict[str, Any]

    @property
    def project(self) -> str:
        name: str = self.raw["name"]
        return name

    @property
    def services(self) -> dict[str, dict[str, Any]]:
        services: dict[str, dict[str, Any]] = self.raw["services"]
        return services

    def needs(self, service: str) -> list[str]:
        """What a service depends on, deepest first, without itself."""
        found: list[str] = []
        for other in self.services[service].get("depends_on", {}):
            found += [name for name in [*self.needs(other), other] if name not in found]
        return found

    def config_hash(self, service: str) -> str:
        """The digest that containers are labelled with: of all but the build and the number."""
        definition = {k: v for k, v in self.services[service].items() if k != "build"}
        deploy = {k: v for k, v in definition.pop("deploy", {}).items() if k != "replicas"}
        return digest({**definition, "deploy": deploy} if deploy else definition)

    def replicas(self, service: str) -> int:
        """How many containers a service is to have."""
        wanted: int = self.services[service].get("deploy", {}).get("replicas", 1)
        return wanted

    def hashes(self) -> str:
        """``config --hash '*'``."""
        return "".join(f"{name} {self.config_hash(name)}\n" for name in self.services)


def resolve(text: str, env: Mapping[str, str], project_folder: str) -> Model:
    """Resolve a compose file's text with the settings and the folder that paths start from."""
    filled: dict[str, Any] = _filled(json.loads(text), env)
    for service in filled["services"].values():
        build = service.get("build")
        if build:
            build["context"] = _path(build["context"], project_folder)
        for mount in service.get("volumes", ()):
            if mount["type"] == "bind":
                mount["source"] = _path(mount["source"], project_folder)
    return Model(filled)


def read_env(text: str) -> dict[str, str]:
    """An ``.env`` as compose reads plain and single-quoted values."""
    values = {}
    for line in text.splitlines():
        key, equals, value = line.partition("=")
        if equals and not line.startswith("#"):
            values[key] = value[1:-1] if value.startswith("'") else value
    return values


def _path(path: str, folder: str) -> str:
    return posixpath.normpath(posixpath.join(folder, path))


def _filled(value: Any, env: Mapping[str, str]) -> Any:
    if isinstance(value, dict):
        return {key: _filled(item, env) for key, item in value.items()}
    if isinstance(value, list):
        return [_filled(item, env) for item in value]
    if isinstance(value, str):
        return VARIABLE.sub(lambda match: _variable(match, env), value)
    return value


def _variable(match: re.Match[str], env: Mapping[str, str]) -> str:
    value = env.get(match["name"], "")
    if value or match["kind"] is None:
        return value.replace("$", "$$")
    if match["kind"] == "-":
        return VARIABLE.sub(lambda inner: _variable(inner, env), match["rest"])
    raise Refused(f"required variable {match['name']} is missing a value: {match['rest']}")
