"""Volumes of a simulated server: what is in one is a text."""

from __future__ import annotations

import json

from .commands import Command
from .docking import Handler
from .engine import Ended
from .machine import Machine


def volumes(machine: Machine, command: Command, _stdin: str) -> Ended:
    files = machine.below(command.words[0])
    manifests = [
        f"{name.removesuffix('.json')} {text}"
        for name, text in sorted(files.items())
        if name.startswith("volume_")
    ]
    return Ended(0, "\n".join([str(machine.clock), *manifests]) + "\n")


def volume(machine: Machine, command: Command, _stdin: str) -> Ended:
    folder, name, container, image, path, *_ = command.words
    there = machine.engine.containers[container]
    assert there.image == image
    if command.words[8] == "yes" and there.state == "running":
        return Ended(76, err=f"container {container} is running\n")
    text = machine.volumes.get(path, "")
    machine.archives[name] = text
    manifest = {
        "about": json.loads(command.words[9]),
        "bytes": len(text),
        "sha256": "ab" * 32,
        "unpacked": 10240,
        "files": len(text.split()),
    }
    machine.files[f"{folder}/{name}.json"] = json.dumps(manifest)
    return Ended(0, json.dumps(manifest) + "\n")


def refill(machine: Machine, command: Command, _stdin: str) -> Ended:
    mode, file, _, _, _, path, *_ = command.words
    aside = f"{path}/.restore-before"
    if mode == "put":
        machine.volumes[aside] = machine.volumes.get(path, "")
        machine.volumes[path] = machine.archives[file.rpartition("/")[2]]
    elif mode == "back":
        machine.volumes[path] = machine.volumes.pop(aside)
    else:
        del machine.volumes[aside]
    return Ended()


VOLUMES: dict[str, Handler] = {"volumes": volumes, "volume": volume, "refill": refill}
