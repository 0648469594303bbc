"""What the engine says of the lab's containers."""

from __future__ import annotations

import json
from typing import Any

from .docker import LabError, docker, last_line
from .place import Place


def all_of(place: Place) -> dict[str, dict[str, Any]]:
    """Every container of the lab by name, as ``docker inspect`` describes it."""
    ids = docker("ps", "-aq", "--filter", f"label={place.label}").stdout.split()
    listed = json.loads(docker("inspect", *ids).stdout) if ids else []
    return {container["Name"].lstrip("/"): container for container in listed}


def inspect(name: str) -> dict[str, Any]:
    """One container, as ``docker inspect`` describes it."""
    return dict(json.loads(docker("container", "inspect", name).stdout)[0])


def published(name: str) -> dict[int, int]:
    """Port inside → port on 127.0.0.1, also while the container does not run."""
    bindings = inspect(name)["HostConfig"]["PortBindings"] or {}
    return {
        int(port.partition("/")[0]): int(ends[0]["HostPort"]) for port, ends in bindings.items()
    }


def running(name: str) -> None:
    """LabError with the container's last words when it does not run."""
    state = inspect(name)["State"]
    if not state["Running"]:
        logs = docker("logs", "--tail", "5", name, check=False)
        raise LabError(f"{name} {state['Status']}: {last_line(logs.stdout + logs.stderr)}")
