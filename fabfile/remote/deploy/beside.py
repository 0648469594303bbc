"""Replacing services beside: new replicas next to the old, one load of the proxy between them."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ...model.errors import Trouble
from ...model.framing import lines_of
from ...model.release import KILLED
from ...model.stack import Service
from ..host import Host
from .compose import compose_words, patience_with
from .git import MEANWHILE
from .proxy import LIBRARY, UNHEALTHY, Told, refused_load

HEALTH = Path(__file__).with_name("healthy.sh").read_text(encoding="utf-8")
COMPOSING = Path(__file__).with_name("composing.sh").read_text(encoding="utf-8")
START, RETIRE = (
    LIBRARY
    + HEALTH
    + COMPOSING
    + MEANWHILE
    + Path(__file__).with_name(name).read_text(encoding="utf-8")
    for name in ("beside.sh", "retire.sh")
)
HOLD = LIBRARY + "load held\n"
SWITCH = (
    LIBRARY
    + COMPOSING
    + """
alone
serve "$pins" || die 70 'a new replica is gone: did somebody run compose?'
load switched
"""
)
TAKE_BACK = LIBRARY + "load switched\n"
REPLACING = 600
"""Seconds that starting or retiring may take beside what the containers themselves take."""


@dataclass(frozen=True)
class Started:
    """A new replica that is healthy."""

    service: str
    id: str
    address: str
    """Empty: it has none."""


@dataclass(frozen=True)
class Starting:
    """New replicas of one service."""

    service: Service
    total: int
    """How many containers it has while they run beside the former ones."""
    image: str
    """The image that they get."""
    served: str
    """The image that serves until requests are switched; empty: none does."""
    copies: bytes = field(default=b"", repr=False)
    """A tar of what compose would copy into each; may hold secrets."""


def hold(host: Host, told: Told) -> None:
    """Have the proxy name who serves; who starts beside them waits for its former workers."""
    _loaded(host, told, HOLD, "hold-proxy")


def switch(host: Host, told: Told) -> None:
    """Have the proxy give the requests to the containers that ``told`` names.

    Not while somebody's compose is at work, which may take them away, nor where one has gone.
    """
    _loaded(host, told, SWITCH, "switch-proxy")


def take_back(host: Host, told: Told) -> None:
    """The same at once: those who have the requests answer worse than anybody."""
    _loaded(host, told, TAKE_BACK, "switch-proxy")


def start(host: Host, told: Told, project: str, starting: Sequence[Starting]) -> list[Started]:
    """Start new replicas beside, until they are healthy. When one fails, none of them is left."""
    plans = [
        f"{one.service.name} {one.total} {one.service.hints.update.parallelism}"
        f" {one.service.image} {one.image} {one.served or '-'}"
        f" {one.service.container if one.service.fixed else '-'}"
        for one in starting
    ]
    counts = [
        f"{one.service.name} {one.service.counted} {one.total}"
        for one in starting
        if one.total != one.service.replicas
    ]
    patience = max(patience_with(one.service) for one in starting)
    words = told.words(
        host,
        START,
        "start-beside",
        project,
        str(patience),
        str(host.server.stack),
        "\n".join(counts),
        "\n".join(plans),
    )
    most = max(one.total for one in starting)
    copies = [
        f"{one.service.name} {b64encode(one.copies).decode()}\n" for one in starting if one.copies
    ]
    output = host.write(
        [*words, *compose_words(host)],
        stdin="".join(copies),
        timeout=REPLACING + most * patience,
        check=False,
    )
    if output.code == UNHEALTHY:
        *log, last = lines_of(output.stderr) or [""]
        raise Trouble(f"{host.name}: {last}; the end of its log is below", evidence=log[-16:])
    if not output.ok:
        raise refused_load(host, output)
    return [Started(*line.split(" ")) for line in lines_of(output.stdout)]


def retire(
    host: Host,
    told: Told,
    project: str,
    leaving: Sequence[tuple[Service, str]],
    names: Sequence[tuple[Service, Sequence[str]]],
) -> str:
    """Remove replicas once nobody asks them, and have the proxy name the services; a note.

    ``leaving``: each with its service. ``names``: each service with the ids of those that stay; who
    else is there of it goes as well.
    """
    lines = "\n".join(" ".join([_names(service), service.name, *ids]) for service, ids in names)
    ids = "\n".join(f"{one} {service.hints.port} {service.hints.drain}" for service, one in leaving)
    stack = str(host.server.stack)
    words = told.words(host, RETIRE, "retire", project, stack, KILLED, ids, lines)
    longest = max((service.hints.drain for service, _ in leaving), default=0)
    output = host.write(words, timeout=REPLACING + longest, check=False)
    if not output.ok:
        raise refused_load(host, output)
    return "; ".join(lines_of(output.stdout))


def _names(service: Service) -> str:
    """What its containers are called: a name, or with ``#`` for the number."""
    return service.container if service.fixed else f"{service.container.removesuffix('1')}#"


def _loaded(host: Host, told: Told, script: str, name: str) -> None:
    output = host.write(told.words(host, script, name), check=False)
    if not output.ok:
        raise refused_load(host, output)
