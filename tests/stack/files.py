"""The files of the stacks, read as they stand: anchors and merges resolved, variables not."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[2]
SERVERS = ("ubuntu", "montreal")
NAME = r"(?<!\$)\$\{(?P<name>[A-Z_]+)"


def compose(server: str = "") -> dict[str, Any]:
    """The compose file of a server; without a name, the development one."""
    file = f"docker-compose.{server}.yml" if server else "docker-compose.yml"
    model: dict[str, Any] = yaml.safe_load((ROOT / "compose" / file).read_text())
    return model


def text_of(server: str) -> str:
    """A server's compose file without its comments."""
    lines = (ROOT / "compose" / f"docker-compose.{server}.yml").read_text().splitlines()
    return "\n".join(line for line in lines if not line.lstrip().startswith("#"))


def variables(server: str) -> dict[str, set[str]]:
    """Every variable a server's file reads, with what follows its name (`:-default`, `:?why`)."""
    found: dict[str, set[str]] = {}
    for match in re.finditer(NAME + r"(?P<rest>[^}]*)\}", text_of(server)):
        found.setdefault(match["name"], set()).add(match["rest"])
    return found


def every_service() -> Iterator[tuple[str, dict[str, Any]]]:
    """Each service of each file, named `file/service`."""
    for server in ("", *SERVERS):
        for name, service in compose(server)["services"].items():
            yield f"{server or 'development'}/{name}", service


def server_services() -> Iterator[tuple[str, dict[str, Any]]]:
    """Each service of the two servers, named `server/service`."""
    return ((name, one) for name, one in every_service() if not name.startswith("development/"))


def seconds(duration: str) -> float:
    """A duration as compose and nginx write it."""
    number, unit = re.fullmatch(r"(\d+)(ms|s|m|h)", duration).groups()  # type: ignore[union-attr]
    return int(number) * {"ms": 0.001, "s": 1, "m": 60, "h": 3600}[unit]


def nginx(server: str) -> str:
    """All of a server's proxy configuration without its comments, as it is by default."""
    folders = [ROOT / "nginx" / server, ROOT / "nginx/snippets"]
    folders += [ROOT / "nginx/link/https"] if server == "montreal" else []
    texts = [file.read_text() for folder in folders for file in sorted(folder.glob("*.conf"))]
    return re.sub(r"^\s*#.*\n", "", "\n".join(texts), flags=re.MULTILINE)


def directive(server: str, name: str) -> list[str]:
    """The arguments of each use of a directive in a server's proxy."""
    return re.findall(rf"^\s*{name}\s+([^;]+);", nginx(server), flags=re.MULTILINE)
