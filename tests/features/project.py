"""A small compose project that a feature is written into."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

PYTHON = "python:3.12.11-slim-bookworm"
REDIS = "redis:7.4.6-alpine"
PORT = 8088
NAME = "app"
"""Of the compose project."""
APP = """\
import os, signal, sys, time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

class Page(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        levels = sorted(key for key in os.environ if key.startswith("LEVEL"))
        files = sorted(path for path in Path("/run").glob("*/level*") if path.is_file())
        said = [GREETING, *(f"{key}={os.environ[key]}" for key in levels)]
        said += [path.read_text().strip() for path in files]
        body = "\\n".join(said).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass

signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
if "--once" not in sys.argv:
    ThreadingHTTPServer(("", 5000), Page).serve_forever()
"""
HEALTH = "from urllib.request import urlopen; urlopen('http://127.0.0.1:5000/')"


def app() -> dict[str, Any]:
    """The service that is asked, and changes."""
    return {
        "build": "app",
        "ports": [f"{PORT}:5000"],
        "stop_grace_period": "1s",
        "healthcheck": {
            "test": ["CMD", "python", "-c", HEALTH],
            "interval": "1s",
            "timeout": "5s",
            "start_period": "5s",
        },
    }


def asleep(**more: Any) -> dict[str, Any]:
    """A service that does nothing and is always there."""
    return {"image": PYTHON, "command": ["sleep", "infinity"], "stop_grace_period": "1s", **more}


@dataclass
class Project:
    """The files of a repository, and what its server must have."""

    level: int = 1
    """What the features say; another number is a change of each."""
    root: str = "/opt/app"
    """The state of the server."""
    digest: str = f"redis@sha256:{'d' * 64}"
    """An image that can be had by its digest."""
    services: dict[str, dict[str, Any]] = field(default_factory=lambda: {"app": app()})
    top: dict[str, Any] = field(default_factory=dict)
    """The other sections of the compose file."""
    files: dict[str, str] = field(
        default_factory=lambda: {
            "app/Dockerfile": f'FROM {PYTHON}\nCOPY app.py /\nCMD ["python", "/app.py"]\n',
            "app/.dockerignore": ".git\n",
        }
    )
    others: list[str] = field(default_factory=list)
    """The compose files behind the first one."""
    env: dict[str, str] | None = field(default_factory=lambda: {"KEY": "1"})
    """``.env`` of the server; None: it has none."""
    external: list[str] = field(default_factory=list)
    """``network NAME`` or ``volume NAME`` that somebody else makes."""
    neighbour: bool = False
    """Whether another stack runs on the server."""
    moved: set[str] = field(default_factory=set)
    """The services that another level changes."""
    shown: list[str] = field(default_factory=list)
    """What the app must answer, besides its greeting."""

    @property
    def main(self) -> dict[str, Any]:
        return self.services["app"]

    def says(self, level: str) -> None:
        """The app's answer holds this; another level changes the app."""
        self.shown.append(level)
        self.moved.add("app")

    def depends(self, on: str, condition: str) -> None:
        self.main.setdefault("depends_on", {})[on] = {"condition": condition}

    @property
    def compose(self) -> list[str]:
        """The compose files, in their order."""
        return ["compose.yaml", *self.others]

    def written(self, greeting: str = "Hello") -> Mapping[str, str]:
        """Path → text of every file of the repository."""
        stack = {"name": NAME, "services": self.services, **self.top}
        text = yaml.safe_dump(copy.deepcopy(stack), sort_keys=False)
        source = f'GREETING = "{greeting}"\n{APP}' if greeting else APP
        return {"compose.yaml": text, "app/app.py": source, **self.files}

    def dump(self, model: Mapping[str, Any]) -> str:
        return yaml.safe_dump(model, sort_keys=False)


def put(files: Mapping[str, str], folder: Path) -> None:
    """Write a repository's files."""
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
