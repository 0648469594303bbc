"""Compose and the engine on a server: words only; nothing is decided here."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path, PurePosixPath
from types import MappingProxyType

from ...model.deploy.content import moved, named
from ...model.deploy.plan import Target
from ...model.errors import Trouble
from ...model.framing import lines_of
from ...model.reading import load
from ...model.stack import Service
from ..host import Host
from ..output import Output

CLEAN = Path(__file__).with_name("clean.sh").read_text(encoding="utf-8")
"""The one environment in which compose is started, by a look and by a change."""
BUILD = 1800
"""Seconds that building an image may take."""
HEALTHY = 120
"""Seconds that a container may take until it is healthy, where its check leaves it no more."""
COMPLETE = 600
"""Seconds that a service which ends by itself may take."""


def compose_words(host: Host, *more: str, file: PurePosixPath | None = None) -> list[str]:
    """``docker compose`` on the server's stack, with its ``.env``.

    ``file``: the stack of a commit that is not checked out yet; None: that of the checkout.
    """
    server = host.server
    return [
        "bash",
        "-c",
        f'{CLEAN}clean docker compose "$@"',
        "docker compose",
        "--project-directory",
        str(server.stacks[0].parent),
        "--env-file",
        str(server.path / ".env"),
        *(word for one in ((file,) if file else server.stacks) for word in ("-f", str(one))),
        *more,
    ]


def stage_apart(host: Host, tree: PurePosixPath, target: Target) -> PurePosixPath:
    """Write a commit's stack for builds and one-off containers, beside its tree; returns the file.

    Its paths are those of the tree, its images are named by content. It holds what the services get
    of ``.env``, and goes with the tree.
    """
    model = moved(load(target.resolved), host.server.path, tree, target.tree)
    for name, wanted in target.images.items():
        model["services"][name] = named(model["services"][name], wanted)
    path = tree.with_suffix(".apart.json")
    host.put(path, json.dumps(model))
    return path


def stage_stack(host: Host, tree: PurePosixPath, target: Target) -> PurePosixPath:
    """Write a commit's stack for containers that stay, before it is checked out."""
    path = tree.with_suffix(".stack.json")
    host.put(path, target.resolved)
    return path


def build(host: Host, apart: PurePosixPath, service: str, *, fresh: bool = False) -> Output:
    """Build the image of one service from the commit's tree, under its content tag.

    ``fresh``: pull the bases again and use no cache.
    """
    flags = ["--pull", "--no-cache"] if fresh else []
    words = compose_words(host, "build", *flags, service, file=apart)
    return host.write(words, timeout=BUILD, check=False)


def smoke(host: Host, service: Service, reference: str) -> Output:
    """Start a new image once."""
    return apart(host.write, service, reference, service.hints.smoke, 60)


def apart(
    run: Callable[..., Output],
    service: Service,
    reference: str,
    words: Sequence[str],
    timeout: float,
) -> Output:
    """Run words in an image with the service's environment, without a network or a volume.

    ``run``: the host's ``read`` or ``write``.
    """
    environment = _lines(service.environment)
    once = ["docker", "run", "--rm", "--network", "none", "--env-file", "/dev/stdin", reference]
    return run([*once, *words], stdin=environment or "\n", timeout=timeout, check=False)


def run_once(
    host: Host, apart: PurePosixPath | None, service: str, words: Sequence[str], timeout: float
) -> Output:
    """Run words in a one-off container of a service, on the stack's network."""
    return host.write(one_off_words(host, apart, service, words), timeout=timeout, check=False)


def inside(container: str, words: Sequence[str], options: Sequence[str] = ()) -> list[str]:
    """The command that runs words in a running container."""
    return ["docker", "exec", *options, container, *words]


def ask_inside(
    host: Host,
    container: str,
    words: Sequence[str],
    timeout: float,
    environment: Mapping[str, str] = MappingProxyType({}),
) -> Output:
    """Run words that change nothing in a running container, with another environment."""
    more = ["--env-file", "/dev/stdin"] if environment else []
    once = inside(container, words, more)
    return host.read(once, stdin=_lines(environment), timeout=timeout, check=False)


def _lines(environment: Mapping[str, str]) -> str:
    """An environment as the engine reads it: secrets come by standard input."""
    return "".join(f"{key}={value}\n" for key, value in environment.items())


def one_off_words(
    host: Host, apart: PurePosixPath | None, service: str, words: Sequence[str], name: str = ""
) -> list[str]:
    """The words that do so. ``name``: of the container, where somebody must find it again."""
    named = ["--name", name] if name else []
    more = ["run", "--rm", "--no-deps", "-T", *named, service, *words]
    return compose_words(host, *more, file=apart)


def patience_with(service: Service) -> int:
    """Seconds that its container may take until it is healthy: its start period, and some more."""
    return max(HEALTHY, int(service.start_period) + HEALTHY // 2)


def up(
    host: Host,
    service: Service,
    *,
    stack: PurePosixPath | None = None,
    force: bool = False,
    scales: Mapping[str, int] = MappingProxyType({}),
) -> None:
    """Create or replace one service's container and wait until it is healthy.

    ``stack``: of :func:`stage_stack`; None: the stack of the checkout. ``scales``: how many
    containers what it depends on has; they stay as they are.

    Not ``--no-deps``: compose before 2.30 then labels the container with another digest of its
    definition, and the next plain ``up -d`` replaces it again. What it depends on is converged
    before it, so that only this one changes.
    """
    patience = patience_with(service)
    words = ["up", "-d", "--no-build", "--wait", "--wait-timeout", str(patience)]
    words += ["--force-recreate"] if force else []
    if scales:
        words += ["--no-recreate", *(f"--scale={name}={total}" for name, total in scales.items())]
    output = host.write(
        compose_words(host, *words, service.name, file=stack), timeout=patience + 60, check=False
    )
    if not output.ok:
        raise unhealthy(host, service, output.tail(3))


def complete(host: Host, service: Service, *, force: bool = False) -> None:
    """Run a service that ends by itself, and wait until it has ended with 0.

    One that may run on has done so when it has run for as long as it is watched.
    """
    words = ["up", "-d", "--no-build", *(["--force-recreate"] if force else []), service.name]
    host.write(compose_words(host, *words), timeout=HEALTHY + 60)
    longest = service.hints.update.monitor if service.lasts else COMPLETE
    waited = host.write(["docker", "wait", service.container], timeout=longest, check=False)
    if service.lasts and waited.code == 124:
        return
    code = waited.stdout.strip()
    if code == "0" or (waited.ok and not code):  # a host that cannot write gives no answer
        return
    how = f"ended with {code}" if waited.ok else f"did not end within {COMPLETE} s"
    raise Trouble(
        f"{host.name}: {service.name} {how}; the end of its log is below",
        evidence=last_lines(host, service.container),
    )


def unhealthy(host: Host, service: Service, said: Sequence[str]) -> Trouble:
    """A container that did not become healthy: what was said, and the end of its log."""
    return Trouble(
        f"{host.name}: {service.name} did not become healthy; the end of its log is below",
        evidence=(*said, *last_lines(host, service.container)),
    )


def give_name(host: Host, project: str, service: Service) -> None:
    """Let a service's container have the name that the compose file gives it.

    A container of another service that has it is called so no longer; nobody but people notices.
    """
    script = """
label=label=com.docker.compose
own=$(docker ps -aq --filter "$label.project=$1" --filter "$label.service=$2" \
  --filter "$label.oneoff=False" | head -n 1)
holder=$(docker ps -aq --filter "$label.project=$1" --filter "name=^/$3\\$")
[ "$holder" != "$own" ] || exit 0
# By its id: its own may be called "former" since a deploy that failed.
[ -z "$holder" ] || docker rename "$holder" "$3-$holder" || exit 1
[ -z "$own" ] || docker rename "$own" "$3"
"""
    words = ["bash", "-c", script, "give-name", project, service.name, service.container]
    host.write(words)


def remove(host: Host, container: str) -> None:
    """Stop and remove a container that is no longer in the stack."""
    script = 'docker stop "$1" && docker rm "$1"'
    host.write(["bash", "-c", script, "remove", container], timeout=120)


def start_again(host: Host, container: str, patience: int) -> None:
    """Stop a container, by SIGKILL where it does not end, and start it: then it must be healthy.

    While it is stopped no name leads to it, so neither the proxy nor another service asks it.
    """
    host.write(["docker", "stop", "-t", "10", container], timeout=60)
    host.write(["docker", "start", container], timeout=60)
    words = ["docker", "inspect", "--format", "{{.State.Health.Status}}", container]
    healthy = "healthy\n"
    host.wait(f"{container} healthy", lambda: host.read(words).stdout == healthy, patience)


def first_death(host: Host, project: str, seconds: int) -> str:
    """Watch for ``seconds``; the service whose container died first, or nothing.

    Since this moment, not since its second began: the container that was replaced just now died
    then.
    """
    script = """
timeout "$2" docker events --since "$(date +%s.%N)" --filter type=container --filter event=die \
  --filter "label=com.docker.compose.project=$1" --filter label=com.docker.compose.oneoff=False \\
  --format '{{index .Actor.Attributes "com.docker.compose.service"}}' | head -n 1
"""
    words = ["bash", "-c", script, "watch", project, str(seconds)]
    return host.read(words, timeout=seconds + 10, check=False).stdout.strip()


def reload_proxy(host: Host, container: str) -> Output:
    """Test the mounted configuration in the running container, then tell nginx to load it.

    Never by ``docker kill --signal HUP``: the engine takes any ``kill`` for a stop by hand, and
    does not start that container again after a reboot.
    """
    script = """docker exec "$1" sh -c 'nginx -t && nginx -s reload'"""
    return host.write(["bash", "-c", script, "reload", container], timeout=60, check=False)


def last_lines(host: Host, container: str, lines: int = 15) -> tuple[str, ...]:
    """The end of a container's log, errors included."""
    words = ["docker", "logs", "--tail", str(lines), container]
    output = host.read(words, check=False)
    return tuple(lines_of(f"{output.stdout}{output.stderr}")[-lines:])
