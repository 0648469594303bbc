"""What the scripts that tell the proxy something do to a simulated server."""

from __future__ import annotations

from collections.abc import Sequence

from fabfile.model.facts import SHORT

from .commands import Command, understand
from .composing import Refused
from .docking import Handler, compose_up
from .engine import Container, Ended
from .machine import Machine
from .proxy import refusal

NOT_LOADED, UNHEALTHY = 70, 71
OWN = 8
"""Words that every one of these scripts is given, before its own."""


def _write(machine: Machine, command: Command, *, rest: bool = False) -> None:
    folder, _, generation, epoch, _, pins, texts, _ = command.words[:OWN]
    constants = {"generation": generation, "epoch": f"{epoch}in", "pinned": "" if rest else pins}
    lines = [
        f'location = /{name} {{ return 200 "{value}\\n"; }}' for name, value in constants.items()
    ]
    machine.files[f"{folder}/generation.conf"] = "\n".join(lines) + "\n"
    for name, _, text in (line.partition(" ") for line in texts.splitlines()):
        machine.files[f"{folder}/{name}"] = text.replace("\\n", "\n")


def _load(machine: Machine, command: Command, *, rest: bool = False) -> Ended:
    container = machine.engine.containers.get(command.words[OWN - 1])
    if container is None:
        return Ended(NOT_LOADED, err="No such container\nnginx does not load what was written")
    names = {c.service for c in machine.engine.containers.values() if c.state == "running"}
    left_out = command.words[4].split()
    refused = refusal(machine.configuration(), {*names, *left_out})
    refused = refused or ("" if rest else _nobody(machine, command))
    if refused or "NEVER LOADED" in machine.configuration():
        return Ended(NOT_LOADED, err=f"{refused}\nnginx does not load what was written")
    _write(machine, command, rest=rest)
    machine.start_proxy(container)
    return Ended()


def _nobody(machine: Machine, command: Command) -> str:
    """Why nginx refuses a name that it is to ask in a service's place; empty when it does not."""
    running = {c.id[:SHORT] for c in machine.engine.containers.values() if c.state == "running"}
    for row in command.words[5].split(";"):
        former, _, new = row.partition("/")
        for one in [*former.split()[1:], *(new.split() if former.strip() else ())]:
            if one not in running:
                return f'nginx: [emerg] host not found in upstream "{one}"'
    return ""


def _up(machine: Machine, words: Sequence[str]) -> Ended:
    try:
        ended = compose_up(machine, understand(tuple(words)), "")
    except Refused as refused:
        return Ended(UNHEALTHY, err=str(refused))
    return Ended(UNHEALTHY, err=ended.err) if ended.code else ended


def stage(_machine: Machine, _command: Command, _stdin: str) -> Ended:
    return Ended()


def load(machine: Machine, command: Command, _stdin: str) -> Ended:
    """Nothing, where it is for a service that nobody asks by its name."""
    service = "".join(command.words[OWN:])
    asked = machine.proxy.upstreams if machine.proxy else []
    return Ended() if service and service not in asked else _load(machine, command)


def mend(machine: Machine, command: Command, _stdin: str) -> Ended:
    machine.engine.containers[command.words[OWN - 1]].state = "running"
    return _load(machine, command)


def start(machine: Machine, command: Command, _stdin: str) -> Ended:
    _write(machine, command)
    service, force = command.words[OWN], command.words[OWN + 3]
    flags = ["--force-recreate"] if force else []
    ended = _up(machine, [*command.words[OWN + 4 :], "up", *flags, service])
    if ended.code == 0 and "NEVER LOADED" in machine.configuration():
        return Ended(NOT_LOADED, err="app-proxy does not answer what it was told")
    return ended


def start_beside(machine: Machine, command: Command, _stdin: str) -> Ended:
    """New containers of several services, each of the image that it names; all of them or none."""
    project, _, _, counts, plans, *compose = command.words[OWN:]
    model = machine.model(understand((*compose, "up")))
    machine.meanwhile = bool(counts)
    made: list[Container] = []
    moved: list[Container] = []
    ended = Ended()
    for line in plans.splitlines():
        service, total, _, stable, image, served, own = line.split()
        if command.words[OWN - 1] and served != "-":
            held = machine.proxy.pinned if machine.proxy else {}
            assert service in held, f"{service} was not held"
        machine.engine.tag(image, stable)
        numbered = [f"{project}-{service}-{number + 1}" for number in range(int(total))]
        for name in numbered if own == "-" else [own]:
            holder = machine.engine.containers.get(name)
            if holder and holder.service != service:
                machine.engine.rename(holder, f"{holder.name}-former")
                moved.append(holder)
        new, ended = machine.engine.beside(model, service, int(total))
        made += new
        machine.engine.tag(image if served == "-" else served, stable)
        if ended.code:
            for one in made:
                del machine.engine.containers[one.name]
            for one in moved:
                machine.engine.rename(one, one.name.removesuffix("-former"))
            machine.meanwhile = False
            sick = f"{ended.err}\na new replica of {service} did not become healthy"
            return Ended(UNHEALTHY, err=sick)
    assert {one.project for one in made} <= {project}
    return Ended(out="".join(f"{one.service} {one.id} {one.address}\n" for one in made))


def give_name(machine: Machine, command: Command, _stdin: str) -> Ended:
    """A service's container gets its own name back from another service's."""
    project, service, name = command.words
    own, holder = machine.engine.of(project, service), machine.engine.containers.get(name)
    if holder is not own:
        machine.note(f"  {name} is {service}'s")
        if holder:
            machine.engine.rename(holder, f"{name}-{holder.id[:SHORT]}")
        if own:
            machine.engine.rename(own, name)
    return Ended()


def _asks(command: Command, container: Container) -> bool:
    return bool(command.words[OWN - 1]) and container.state == "running"


def retire(machine: Machine, command: Command, _stdin: str) -> Ended:
    """Remove who is asked no more, have the services named again, give the names of before."""
    project, _, _, leavers, names = command.words[OWN:]
    engine = machine.engine
    machine.meanwhile = False
    known = {word for text in (leavers, names) for word in text.split()}
    for _, service, *_ in map(str.split, names.splitlines()):
        for found in [*engine.containers.values()]:
            if (found.project, found.service) == (project, service) and found.id not in known:
                del engine.containers[found.name]
    for line in leavers.splitlines():
        leaver = engine.named(line.split()[0])
        assert leaver, "who leaves is not there"
        if machine.proxy and leaver.service in machine.proxy.upstreams and _asks(command, leaver):
            asked = machine.proxy.pinned.get(leaver.service)
            assert asked is not None, f"whoever has the name {leaver.service} is asked"
            tried = machine.proxy.tried
            assert leaver.id[:SHORT] not in {*asked, *tried}, f"{leaver.name} is asked"
        del engine.containers[leaver.name]
    if command.words[OWN - 1] and (ended := _load(machine, command, rest=True)).code:
        return ended
    for line in names.splitlines():
        name, _, *ids = line.split()
        wanted = [name.replace("#", f"{number + 1}") for number in range(len(ids))]
        staying = [one for identity in ids if (one := engine.named(identity))]
        assert len(staying) == len(ids), "who stays is not there"
        free = [name for name in wanted if name not in {one.name for one in staying}]
        for one in staying:
            if one.name not in wanted:
                engine.rename(one, free.pop(0))
    return Ended()


def split(machine: Machine, command: Command, _stdin: str) -> Ended:
    """New replicas get a share of the clients."""
    machine.files.pop(command.words[OWN], None)
    return _load(machine, command)


def watch_sides(machine: Machine, command: Command, _stdin: str) -> Ended:
    """What both sides answered in some seconds; see :attr:`Machine.answers`."""
    word, _, _, _, asked, since, seconds = command.words
    machine.clock += int(seconds)
    running = {c.id[:SHORT] for c in machine.engine.containers.values() if c.state == "running"}
    lines = [f"until {float(since) + int(seconds)}", *machine.answers]
    lines += [] if {*asked.split()} <= running else ["gone"]
    lines += [f"said {machine.files[word].strip()}"] if word in machine.files else []
    return Ended(out="".join(f"{line}\n" for line in lines))


def end_canary(machine: Machine, command: Command, _stdin: str) -> Ended:
    """A word for the run that waits."""
    word, said = command.words
    machine.files[word] = f"{said}\n"
    return Ended()


def purge(machine: Machine, command: Command, stdin: str) -> Ended:
    """The CDN takes one token only."""
    good = 'header = "Authorization: Bearer right-token"' in stdin
    return Ended() if good else Ended(22, err="curl: (22) The requested URL returned error: 403")


BALANCING: dict[str, Handler] = {
    "stage-proxy": stage,
    "load-proxy": load,
    "mend-proxy": mend,
    "hold-proxy": load,
    "switch-proxy": load,
    "split-proxy": split,
    "watch-sides": watch_sides,
    "end-canary": end_canary,
    "date": lambda machine, _command, _stdin: Ended(out=f"{machine.clock}\n"),
    "start-beside": start_beside,
    "retire": retire,
    "give-name": give_name,
    "leave-proxy": stage,
    "idle": stage,
    "start-proxy": start,
    "purge-cdn": purge,
}
