"""What ``docker`` and ``docker compose`` commands do to a simulated server."""

from __future__ import annotations

from collections.abc import Callable

from .commands import Command
from .composing import Refused
from .curling import ask
from .engine import Ended
from .machine import Machine
from .proxy import refusal

Handler = Callable[[Machine, Command, str], Ended]


def docker_pull(machine: Machine, command: Command, _stdin: str) -> Ended:
    return machine.engine.pull(command.words[-1])


def docker_tag(machine: Machine, command: Command, _stdin: str) -> Ended:
    return machine.engine.tag(*command.words)


def docker_run(machine: Machine, command: Command, _stdin: str) -> Ended:
    words = command.words
    if "migrate" in words:
        at = words.index("migrate")
        return _told(machine, machine.engine.find(words[at - 1]), *words[at + 1 :])
    if "nginx" not in words:
        return machine.engine.smoke(words[words.index("/dev/stdin") + 1])
    mounts = [word for word in words if word.startswith("type=bind") and "/nginx/" in word]
    source = mounts[0].split("source=")[1].split(",")[0]
    names = {word.partition(":")[0] for word in words if word.endswith(":127.0.0.1")}
    refused = refusal("".join(machine.content(source).values()), names)
    return Ended(1, err=refused) if refused else Ended()


def docker_logs(machine: Machine, command: Command, _stdin: str) -> Ended:
    there = machine.engine.named(command.words[-1])
    return Ended(0, f"last words of {there.name}\n") if there else Ended(1)


def docker_image_ls(machine: Machine, command: Command, _stdin: str) -> Ended:
    assert command.words[-1] == "label=com.docker.compose.project=app"
    return Ended(0, "".join(f"{identity}\n" for identity in sorted(machine.engine.ours)))


def docker_image_rm(machine: Machine, command: Command, _stdin: str) -> Ended:
    return machine.engine.remove_image(command.words[-1])


def keep_image(machine: Machine, command: Command, _stdin: str) -> Ended:
    identity = machine.engine.find(command.words[0])
    return (
        machine.engine.tag(identity, f"{command.words[0]}-{identity[7:19]}")
        if identity
        else Ended()
    )


def remove(machine: Machine, command: Command, _stdin: str) -> Ended:
    gone = machine.engine.named(command.words[0])
    if gone is None:
        return Ended(1, err="No such container")
    del machine.engine.containers[gone.name]
    return Ended()


def docker_stop(machine: Machine, command: Command, _stdin: str) -> Ended:
    machine.engine.containers[command.words[-1]].state = "exited"
    return Ended()


def docker_start(machine: Machine, command: Command, _stdin: str) -> Ended:
    started = machine.engine.containers[command.words[-1]]
    started.state, started.health = "running", "healthy"
    return Ended()


def docker_inspect(machine: Machine, command: Command, _stdin: str) -> Ended:
    return Ended(0, f"{machine.engine.containers[command.words[-1]].health}\n")


def reload(machine: Machine, command: Command, _stdin: str) -> Ended:
    container = machine.engine.containers.get(command.words[0])
    if container is None:
        return Ended(1, err="No such container")
    names = {c.service for c in machine.engine.containers.values() if c.state == "running"}
    refused = refusal(machine.configuration(), names)
    if refused:
        return Ended(1, err=refused)
    if "NEVER LOADED" not in machine.configuration():
        machine.start_proxy(container)
    return Ended()


def watch(machine: Machine, _command: Command, _stdin: str) -> Ended:
    for container in machine.engine.containers.values():
        if "DIES LATER" in machine.engine.content(container):
            machine.engine.die(container.service)
            return Ended(0, f"{container.service}\n")
    return Ended()


# --- compose


def compose_build(machine: Machine, command: Command, _stdin: str) -> Ended:
    *flags, service = command.words
    spec = machine.model(command).services[service]
    return machine.engine.build(
        spec["image"],
        machine.content(spec["build"]["context"]),
        fresh="--no-cache" in flags,
        labelled="labels" in spec["build"],
    )


def compose_up(machine: Machine, command: Command, _stdin: str) -> Ended:
    model, service = machine.model(command), command.words[-1]
    before = machine.engine.of(model.project, "proxy")
    force, kept = ("--force-recreate" in command.words), ("--no-recreate" in command.words)
    scales = dict(word.split("=")[1:] for word in command.words if word.startswith("--scale="))
    scaled = {name: int(total) for name, total in scales.items()}
    replaced, ended = machine.engine.up(model, service, force=force, kept=kept, scales=scaled)
    beside = [name for name in replaced if name != service]
    if beside:
        machine.note(f"  REPLACED TOO: {' '.join(beside)}")
    after = machine.engine.of(model.project, "proxy")
    if after and (before is None or after.id != before.id):
        machine.start_proxy(after)
    return ended


def compose_run(machine: Machine, command: Command, _stdin: str) -> Ended:
    *words, service = command.words
    model = machine.model(command)
    reference = model.services[service]["image"]
    image = machine.engine.find(reference)
    if not image:
        return Ended(125, err=f"No such image: {reference}")
    if words[0] == "call":
        return call(machine, model.services[service]["environment"]["TOKEN"])
    return _migrate(machine, image, *words[1:])


def call(machine: Machine, token: str) -> Ended:
    """The call to the other server, as the service itself would make it."""
    url = "https://10.0.0.2:8001/deep"
    answered = ask(machine, url, token, machine.trusted, "")
    good = answered.status == 200 and "healthy" in answered.body
    return Ended(0 if good else 1, f"{url} answered {answered.status}{answered.error}\n")


def _told(machine: Machine, image: str, verb: str, *revisions: str) -> Ended:
    """What an image tells of its migrations, without a database."""
    files = machine.engine.contents[image]
    own = files["schema"].strip()
    if verb == "target":
        return Ended(0, f"{own} (head)\n")
    if verb == "known":
        numbers = range(int(own), 0, -1)
        return Ended(0, "".join(f"{number:03} a revision\n" for number in numbers))
    script = files.get(f"{verb}.sql", "")
    if "IRREVERSIBLE" in script:
        return Ended(1, err=f"{revisions[0]} is irreversible\n")
    return Ended(0, script)


def _migrate(machine: Machine, image: str, verb: str, *revisions: str) -> Ended:
    database = machine.engine.of("app", "db")
    if database is None or database.state != "running":
        return Ended(1, err="could not translate host name 'db' to address")
    files = machine.engine.contents[image]
    if machine.schema > files["schema"].strip():
        return Ended(1, err=f"FAILED: Can't locate revision identified by '{machine.schema}'")
    if verb == "current":
        return Ended(0, f"{machine.schema}\n" if machine.schema else "", "INFO context\n")
    if verb == "target":
        return _told(machine, image, verb)
    if "MIGRATION FAILS" in machine.engine.text(image):
        return Ended(1, err="sqlalchemy.exc.ProgrammingError: column exists")
    machine.schema = revisions[0] if verb == "down" else files["schema"].strip()
    return Ended()


def _by_compose(handler: Handler) -> Handler:
    def run(machine: Machine, command: Command, stdin: str) -> Ended:
        try:
            return handler(machine, command, stdin)
        except Refused as refused:
            return Ended(14, err=str(refused))

    return run


ENGINE: dict[str, Handler] = {
    "docker pull": docker_pull,
    "docker tag": docker_tag,
    "docker run": docker_run,
    "docker logs": docker_logs,
    "docker image ls": docker_image_ls,
    "docker image rm": docker_image_rm,
    "keep-image": keep_image,
    "remove": remove,
    "docker stop": docker_stop,
    "docker start": docker_start,
    "docker inspect": docker_inspect,
    "reload": reload,
    "watch": watch,
    "compose build": _by_compose(compose_build),
    "compose up": _by_compose(compose_up),
    "compose run": _by_compose(compose_run),
}
