"""What the engine says of the lab's containers."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from .docker import LabError, docker, last_line
from .output import say, wait_until
from .place import Place

FREEZE_DEADLINE = 30

Description = dict[str, Any]


def all_of(place: Place) -> dict[str, Description]:
    """Every container of the lab by name, as ``docker inspect`` describes it."""
    # By name: what is built or tried out for a moment carries the label of its image too.
    ours = ("--filter", f"label={place.label}", "--filter", f"name={place.name('')}")
    names = docker("ps", "-a", *ours, "--format", "{{.Names}}").stdout.split()
    listed = json.loads(docker("container", "inspect", *names).stdout) if names else []
    return {container["Name"].lstrip("/"): container for container in listed}


def published(name: str) -> dict[int, int]:
    """Port inside → port on 127.0.0.1, also while the container does not run."""
    bindings = _inspect(name)["HostConfig"]["PortBindings"] or {}
    return {
        int(port.partition("/")[0]): int(ends[0]["HostPort"]) for port, ends in bindings.items()
    }


def require_running(name: str) -> None:
    """LabError with the container's last words when it does not run."""
    state = _inspect(name)["State"]
    if not state["Running"]:
        logs = docker("logs", "--tail", "5", name, check=False)
        raise LabError(f"{name} {state['Status']}: {last_line(logs.stdout + logs.stderr)}")


def revive(place: Place, name: str, image: str) -> bool:
    """Make the container run if it is there and of this image; an outdated one is removed.

    Returns whether it runs now.
    """
    found = all_of(place).get(name)
    if found is None:
        return False
    if found["Config"]["Image"] != image:
        say(f"{found['Config']['Hostname']} is made anew: it is to have another image")
        docker("rm", "-f", "-v", name)
        return False
    if found["State"]["Paused"]:
        docker("unpause", name)
    elif not found["State"]["Running"]:
        docker("start", name)
    return True


@contextmanager
def frozen(name: str) -> Iterator[None]:
    """Stop every process of a container for the length of the block: it is there, and silent.

    Under a version 1 control group runc looks a thousand times whether all of them stand still,
    then thaws them and fails (runc, cgroups/fs/freezer.go): on a busy machine that is too soon
    for a container with hundreds of processes, so the engine is asked again.
    """

    def stands_still() -> bool:
        return docker("pause", name, check=False).returncode == 0

    wait_until(stands_still, f"{name} stood still", FREEZE_DEADLINE)
    try:
        yield
    finally:
        docker("unpause", name)


def remove_all(place: Place) -> None:
    """Remove every container of the lab, with the volumes that have no name."""
    if ids := docker("ps", "-aq", "--filter", f"label={place.label}").stdout.split():
        docker("rm", "-f", "-v", *ids, timeout=120)


def _inspect(name: str) -> Description:
    return dict(json.loads(docker("container", "inspect", name).stdout)[0])
