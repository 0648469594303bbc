"""Images that one simulated machine builds and another one gets: layers, and what is on its way."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING

from .commands import Command
from .docking import Handler
from .engine import Ended

if TYPE_CHECKING:
    from .machine import Machine

BASE = "sha256:base"
"""The layer that all images have."""


def digests(machine: Machine, identity: str) -> list[str]:
    """The layers of an image: the base, then what it was built from."""
    text = json.dumps(machine.engine.contents[identity], sort_keys=True)
    return [BASE, f"sha256:{hashlib.sha256(text.encode()).hexdigest()}"]


def know_engine(machine: Machine, command: Command, _stdin: str) -> Ended:
    builds = machine.builds
    said = [f"missing={name}" for name in builds.missing]
    said += ["zstd=yes"] if builds.zstd else []
    said += ["cache=/home/somebody/.cache", f"compose={machine.compose}"]
    said += [f"platform={builds.platform}" if builds.platform else "error=Cannot connect"]
    said += [f"platforms={builds.platforms}"]
    said += ["containerd=yes"] if builds.containerd else []
    if command.words[0]:
        layers = (digests(machine, identity) for identity in machine.engine.contents)
        said += [f"layers={json.dumps(each)}" for each in layers]
    return Ended(out="".join(f"{line}\n" for line in said))


def know_image(machine: Machine, command: Command, _stdin: str) -> Ended:
    identity = machine.engine.find(command.words[-1])
    if not identity:
        return Ended(1, err="Error response from daemon: No such image")
    system, _, architecture = machine.builds.made.get(identity, "linux/amd64").partition("/")
    found = {"Id": identity, "Os": system, "Architecture": architecture}
    layers = {"RootFS": {"Layers": digests(machine, identity)}}
    return Ended(out=json.dumps({**found, **layers}) + "\n")


def send_tree(machine: Machine, command: Command, _stdin: str) -> Ended:
    """What stands for an archive is JSON: path → text."""
    tree, *paths = command.words
    files = machine.content(tree).items()
    wanted = {p: t for p, t in files if any(f"{p}/".startswith(f"{one}/") for one in paths)}
    return Ended(out=json.dumps(wanted))


def build_apart(machine: Machine, command: Command, stdin: str) -> Ended:
    scratch, size, service, *flags = command.words
    stack, tree = stdin[: int(size)], json.loads(stdin[int(size) :])
    machine.builds.stack = json.loads(stack)
    definition = machine.builds.stack["services"][service]
    context = definition["build"]["context"].removeprefix(f"{scratch}/tree/")
    content = {p.removeprefix(f"{context}/"): t for p, t in tree.items() if p.startswith(context)}
    ended = machine.engine.build(
        definition["image"], content, fresh="--no-cache" in flags, labelled=True
    )
    if not ended.code:
        identity = machine.engine.images[definition["image"]]
        machine.builds.made[identity] = definition.get("platform", machine.builds.platform)
    return ended


def save_image(machine: Machine, command: Command, _stdin: str) -> Ended:
    scratch, reference = command.words
    identity = machine.engine.find(reference)
    machine.builds.laid[scratch] = reference
    layers = [digest.removeprefix("sha256:") for digest in digests(machine, identity)]
    entry = {"Config": "config", "RepoTags": [reference], "Layers": layers}
    return Ended(out=json.dumps([entry]))


def pack_image(machine: Machine, command: Command, _stdin: str) -> Ended:
    scratch, compression, *parts = command.words
    reference = machine.builds.laid[scratch]
    identity = machine.engine.find(reference)
    made = machine.builds.made.get(identity, "linux/amd64")
    content = machine.engine.contents[identity]
    image = [reference, identity, made, content, digests(machine, identity)]
    text = json.dumps([compression, parts, image])
    machine.builds.laid[scratch] = text
    return Ended(out=f"{len(text)} {hashlib.sha256(text.encode()).hexdigest()} *packed\n")


def send_image(machine: Machine, command: Command, _stdin: str) -> Ended:
    file, start = command.words
    text = machine.builds.laid[file.removesuffix("/packed")]
    return Ended(out=text[int(start) - 1 :])


def await_image(machine: Machine, command: Command, _stdin: str) -> Ended:
    _, name, total, keep = command.words
    arrived = machine.builds.arrived
    machine.builds.arrived = {name: arrived[name]} if name in arrived else {}
    there = len(arrived.get(name, ""))
    if machine.free - (int(total) - there) < int(keep):
        return Ended(78, out=f"{machine.free}\n")
    return Ended(out=f"{there}\n")


def receive_image(machine: Machine, command: Command, stdin: str) -> Ended:
    _, name, total, offset = command.words
    arrived = machine.builds.arrived
    assert len(arrived.get(name, "")) == int(offset)
    arrived[name] = arrived.get(name, "") + stdin
    if machine.builds.room < len(arrived[name]):
        del arrived[name]
        return Ended(78, err="cat: write error: No space left on device")
    if len(arrived[name]) < int(total):
        return Ended(75)
    if hashlib.sha256(arrived[name].encode()).hexdigest() != name.partition(".")[0]:
        del arrived[name]
        return Ended(76)
    return Ended()


def load_image(machine: Machine, command: Command, _stdin: str) -> Ended:
    """As the classic store: it takes from its own images the layers that did not come."""
    name = command.words[0].rpartition("/")[2]
    _, parts, image = json.loads(machine.builds.arrived.pop(name))
    reference, identity, made, content, layers = image
    known = {digest for one in machine.engine.contents for digest in digests(machine, one)}
    come = {f"sha256:{part}" for part in parts} if parts else {*layers}
    if lacking := [digest for digest in layers if digest not in come | known]:
        return Ended(1, err=f"open /var/lib/docker/tmp/{lacking[0]}: no such file or directory")
    if machine.builds.refuses_parts and parts:
        return Ended(1, err="invalid archive")
    machine.engine.images[reference] = machine.builds.arrives_as or identity
    machine.engine.contents[machine.builds.arrives_as or identity] = content
    machine.builds.made[identity] = made
    machine.engine.ours.add(identity)
    return Ended(out=f"Loaded image: {reference}\n")


def push_image(machine: Machine, command: Command, _stdin: str) -> Ended:
    reference, registry = command.words
    if registry not in machine.builds.logged_in:
        return Ended(1, err="no basic auth credentials")
    identity = machine.engine.find(reference)
    content = dict(machine.engine.contents[identity])
    machine.origin.registry[f"{registry}/{reference}"] = (identity, content)
    return Ended()


def pull_image(machine: Machine, command: Command, _stdin: str) -> Ended:
    reference, registry = command.words
    if registry not in machine.builds.logged_in:
        return Ended(1, err="pull access denied")
    identity, content = machine.origin.registry[f"{registry}/{reference}"]
    machine.engine.images[reference] = machine.builds.arrives_as or identity
    machine.engine.contents[machine.builds.arrives_as or identity] = content
    machine.engine.ours.add(identity)
    return Ended()


def remove_scratch(machine: Machine, command: Command, _stdin: str) -> Ended:
    machine.builds.laid.pop(command.words[0], None)
    return Ended()


def forget_arrivals(machine: Machine, _command: Command, _stdin: str) -> Ended:
    machine.builds.arrived = {}
    return Ended()


BUILDING: dict[str, Handler] = {
    "know-engine": know_engine,
    "docker image inspect": know_image,
    "send-tree": send_tree,
    "build-apart": build_apart,
    "save-image": save_image,
    "pack-image": pack_image,
    "send-image": send_image,
    "await-image": await_image,
    "receive-image": receive_image,
    "load-image": load_image,
    "forget-arrivals": forget_arrivals,
    "keep-newest": lambda _machine, _command, _stdin: Ended(),
    "push-image": push_image,
    "pull-image": pull_image,
    "remove-scratch": remove_scratch,
}
