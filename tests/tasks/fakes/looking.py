"""What the look script answers on a simulated server."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

from .commands import Command
from .composing import Model, Refused, read_env, resolve
from .engine import Container, Ended
from .machine import CHECKOUT, ROOT, Machine
from .origin import Commit, tree_lines

BLOCK = re.MULTILINE | re.DOTALL


def look(machine: Machine, command: Command, _stdin: str) -> Ended:
    """One look, section by section."""
    checkout, root, _repository, ref, compose, mark, *_limits = command.words
    assert (checkout, root) == (CHECKOUT, ROOT)
    machine.clock += 1
    sections = [*_server(machine), *(_commit(machine, ref, compose) if ref else []), ("end", "")]
    return Ended(0, "".join(f"\n{mark} {name}\n{text}" for name, text in sections))


def _server(machine: Machine) -> Iterator[tuple[str, str]]:
    engine = machine.engine
    host = {
        "user": machine.user,
        "now": machine.clock,
        "cpus": machine.cpus,
        "groups": f"{machine.user} docker",
        "sudo": "yes" if machine.sudo else "no",
    }
    yield "host", "".join(f"{key}={value}\n" for key, value in host.items())
    yield from _examined(machine)
    yield "docker", f"{engine.version}\n"
    yield "compose_version", "error: none\n" if "error" in engine.version else machine.compose
    yield "memory", machine.memory
    places = sorted({*machine.folders, *machine.files})
    modes = {place: machine.modes.get(place, "700") for place in places}
    yield "folders", "".join(f"{modes[place]}|directory|ubuntu|{place}\0" for place in places)
    yield "disk", f"/dev/vda1 {50 << 30} 0 {machine.free} 1% /\n" * 3
    there = f"{CHECKOUT}/.env" in machine.files
    yield "env_stat", f"{machine.env_stat}\n" if there else ""
    here = machine.commits.get(machine.head)
    yield "example_here", here.files.get(".env.example", "") if here else ""
    yield "env", machine.env
    yield "certificate", machine.certificate
    yield "trust", machine.trusted
    git = f"{CHECKOUT}/.git" in machine.folders
    yield "head", f"{machine.head}\n" if git else ""
    yield "edited", "".join(f" M {path}\0" for path in machine.edited) if git else ""
    yield "meanwhile", "yes\n" if machine.meanwhile else ""
    yield "clone", machine.clone
    yield "containers", "".join(f"{_inspect(c)}\n" for c in engine.containers.values())
    rows = (
        [identity, name.rpartition(":")[0], name.rpartition(":")[2], "100MB", "<none>"]
        for name, identity in engine.images.items()
    )
    yield "images", "".join(f"{json.dumps(row)}\n" for row in rows)
    yield "networks", "".join(f"{json.dumps(row)}\n" for row in engine.networks.items())
    yield "volumes", "".join(f"{json.dumps(one)}\n" for one in engine.volumes.items())
    ports = machine.listening.union(*(c.ports for c in engine.containers.values()))
    yield "listening", "".join(f"tcp 0: 00000000:{port:04X} 00000000:0000 0A 0\n" for port in ports)
    if machine.reach:
        yield "reach", machine.reach
    yield "holder", machine.locks.get("locks", "")
    yield "lingering", machine.lingering
    yield "frozen", machine.files.get(f"{ROOT}/locks/frozen", "")
    yield "maintenance", machine.files.get(f"{ROOT}/locks/maintenance", "")
    releases = machine.releases().items()
    yield "releases", "".join(f"{name}\0{text}\0" for name, text in releases)
    manifests = machine.below(f"{ROOT}/backups").items()
    yield (
        "backups",
        "".join(f"{name}\0{text}\0" for name, text in manifests if name.startswith("db_")),
    )
    block = re.search(r"^# BEGIN wishwithme\n.*^# END wishwithme\n", machine.crontab or "", BLOCK)
    yield "crontab", f"{ROOT}\n{block[0] if block else ''}"
    yield "installed", machine.files.get(f"{ROOT}/operator/crontab", "")
    yield "cron", machine.cron
    stamps = machine.stamps.items()
    yield "jobs", "".join(f"{name}\0{at}\0{text}\n\0" for name, (at, text) in stamps)
    running = machine.engine.of("app", "proxy")
    answers = machine.proxy and running and machine.proxy.container == running.id
    for name in ("generation", "pinned"):
        yield name, f"{machine.proxy.constant(name)}\n" if machine.proxy and answers else ""


def glance(machine: Machine, command: Command, _stdin: str) -> Ended:
    """What one line of many needs."""
    checkout, root, mark = command.words
    assert (checkout, root) == (CHECKOUT, ROOT)
    containers = machine.engine.containers.values()
    status = {"healthy": "Up 3 hours (healthy)", "unhealthy": "Up 3 hours (unhealthy)"}
    rows = [[c.state, status.get(c.health, "Up"), c.service, "False"] for c in containers]
    error = "error\n" if "error" in machine.engine.version else ""
    records = list(machine.releases().items())
    passed = [(name, text) for name, text in records if '"outcome":"verified"' in text]
    last = sorted({*passed[-1:], *records[-1:]}, reverse=True)
    sections = [
        ("containers", error or "".join(f"{json.dumps(row)}\n" for row in rows)),
        ("head", f"{machine.head}\n" if machine.head else ""),
        ("holder", machine.locks.get("locks", "")),
        ("frozen", machine.files.get(f"{ROOT}/locks/frozen", "")),
        ("maintenance", machine.files.get(f"{ROOT}/locks/maintenance", "")),
        (
            "releases",
            "".join(f"{n}\0{t}\0" for n, t in last),
        ),
        ("end", ""),
    ]
    return Ended(0, "".join(f"\n{mark} {name}\n{text}" for name, text in sections))


def _examined(machine: Machine) -> Iterator[tuple[str, str]]:
    """What doctor asks besides."""
    seen = machine.examined
    said = {name: getattr(seen, name) for name in ("shell", "sessions", "socket", "memory", "mtu")}
    yield "examined", "".join(f"{key}={value}\n" for key, value in said.items()) + "device=eth0\n"
    yield "kind", f"[{seen.security}] {seen.live}\n"
    yield "inodes", f"/dev/vda1 3000000 0 {seen.inodes} 1% /\n" * 2
    sizes = dict.fromkeys(machine.engine.networks, seen.network_mtu)
    yield "network_mtu", "".join(f"{json.dumps(row)}\n" for row in sizes.items())
    made = {c.image: seen.made for c in machine.engine.containers.values()}
    yield "made", "".join(f"{json.dumps(row)}\n" for row in made.items())
    kept = (name for name in machine.below(f"{ROOT}/releases") if name.endswith("/env"))
    yield "kept", "".join(f"{name.removesuffix('/env')}\0{seen.kept_mode}\0" for name in kept)


def _inspect(container: Container) -> str:
    project = {
        "com.docker.compose.project": container.project,
        "com.docker.compose.service": container.service,
        "com.docker.compose.config-hash": container.config_hash,
        "com.docker.compose.container-number": str(container.number),
        "com.docker.compose.oneoff": "False",
    }
    return json.dumps(
        {
            "id": container.id,
            "name": f"/{container.name}",
            "image": container.image,
            "state": container.state,
            "health": container.health,
            "started": "2027-01-15T08:00:00Z",
            "exit": 0,
            "restarts": container.restarts,
            "limit": container.limit,
            "labels": project if container.project else {},
            "networks": {"app-network": {"IPAddress": container.address}},
            "ports": {f"{port}/tcp": [{"HostPort": str(port)}] for port in container.ports},
            "mounts": [[name, f"/volumes/{name}", True] for name in container.data],
        }
    )


def _commit(machine: Machine, ref: str, compose: str) -> Iterator[tuple[str, str]]:
    commit = _find(machine, ref)
    if isinstance(commit, str):
        yield "commit", f"{commit}\n"
        return
    yield "commit", f"commit {commit.id}\n"
    history = [entry.id for entry in machine.origin.history(commit)]
    yield "contains", "head\n" if machine.head in history else ""
    yield "tree", "".join(f"{line}\0" for line in tree_lines(commit))
    yield "blocked", ""
    yield "example", commit.files.get(".env.example", "")
    yield "author", "Ann Author\n"
    entries = (
        f"\0{entry.id}\0{entry.subject}\0"
        + ("\n" if entry.changed else "")
        + "".join(f"{path}\0" for path in entry.changed)
        for entry in machine.origin.history(commit)
    )
    yield "log", "".join(entries)
    yield "filtered", ""
    model = _model(machine, commit, compose)
    if isinstance(model, str):
        yield "resolved", f"error: {model}"
        yield "unset", ""
        yield "hashes", ""
    else:
        yield "resolved", json.dumps(model.raw)
        yield "unset", ""
        yield "hashes", model.hashes()
    values = {key: value.replace("$", "$$") for key, value in read_env(machine.env).items()}
    reading = {"services": {"reading": {"environment": values}}}
    yield "effective", json.dumps(reading)


def _find(machine: Machine, ref: str) -> Commit | str:
    """The wanted commit, or the line that says why there is none."""
    if ref.startswith("@local:"):
        name = ref.removeprefix("@local:")
        found = machine.commits.get(machine.head if name == "HEAD" else name)
        return found or f"unknown {name}"
    if not machine.origin.reachable:
        return "error fatal: unable to connect to origin"
    return machine.origin.find(ref) or f"unknown {ref}"


def _model(machine: Machine, commit: Commit, compose: str) -> Model | str:
    try:
        text = commit.files[compose]
        return resolve(text, read_env(machine.env), f"{CHECKOUT}/compose")
    except KeyError:
        return f"open {compose}: no such file or directory"
    except Refused as refused:
        return str(refused)
