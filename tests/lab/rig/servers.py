"""The lab's servers together: known from ``hosts.ini``, created with all they need, made ready."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor

from . import containers, environment, files, network
from .docker import docker
from .mirror import Mirror
from .output import step
from .place import Place
from .server import Server

FIRST_NUMBER = 11
PORTS = (22, 80, 443, 8001)


def known(place: Place) -> dict[str, Server]:
    """A server for each section of the checkout's ``hosts.ini``; the network must exist."""
    sections = files.sections(place)
    address = {
        name: network.address(place, FIRST_NUMBER + position)
        for position, name in enumerate(sections)
    }
    called_ones = {section.get("calls") for section in sections.values()}
    servers = {}
    for name, section in sections.items():
        settings = {"COMPOSE_FILE": section.get("compose", "")}
        if domains := section.get("domains"):
            settings["DOMAIN"] = domains.partition(",")[0].strip()
        if called := section.get("calls"):
            settings["ITEM_RESOLVER_URL"] = f"https://{address[called]}:8001"
        if name in called_ones:
            settings["SSRF_ALLOWLIST_HOSTS"] = Mirror(place).address  # the shop is at home here
        servers[name] = Server(place, name, address[name], settings)
    return servers


def start(
    place: Place, servers: Mapping[str, Server], images: Mapping[str, str], mirror: Mirror
) -> None:
    """Make every server run, create those that are missing, and wait until all are ready.

    ``images``: the image of each.
    """
    registry = mirror.registry
    missing = [
        server
        for server in servers.values()
        if not containers.revive(place, server.container, images[server.name])
    ]
    if missing:
        with step(f"{' and '.join(server.name for server in missing)} ready"):
            _create(place, missing, images, registry)
            _wait(servers.values(), registry)
    else:
        _wait(servers.values(), registry)
    if environment.has_example(place):
        for server in servers.values():
            server.write_env()


def _wait(servers: Iterable[Server], registry: str) -> None:
    def ready(server: Server) -> None:
        server.wait_ready()
        server.require_mirror(registry)

    with ThreadPoolExecutor() as pool:
        list(pool.map(ready, servers))


def _create(place: Place, servers: list[Server], images: Mapping[str, str], registry: str) -> None:
    some = images[servers[0].name]
    given, dns = powers(some), network.resolvers(some)
    free = iter(network.free_ports(place, len(PORTS) * len(servers)))
    for server in servers:
        # The disk of an earlier container of that name is gone with it.
        docker("volume", "rm", "-f", server.container)
        docker("volume", "create", "--label", place.label, server.container)
        words = ["create", "--name", server.container, "--hostname", server.name, "--init"]
        words += ["--label", place.label, "--network", place.network, "--ip", server.address]
        words += ["-v", f"{server.container}:/lab", *given]
        words += ["-e", f"LAB_MIRROR={registry}", "-e", f"LAB_DNS={dns}"]
        for port in PORTS:
            words += ["-p", f"127.0.0.1:{next(free)}:{port}"]
        docker(*words, images[server.name])
        docker("cp", "-", f"{server.container}:/", stdin=files.identity(place, server.name))
        docker("start", server.container)


def powers(image: str) -> list[str]:
    """What lets an engine run inside; where the machine cannot give all powers, all it can."""
    probe = ["run", "--rm", "--privileged", "--entrypoint", "true", image]
    if docker(*probe, check=False).returncode == 0:
        return ["--privileged"]
    words = ["--cap-add", "ALL", "--cap-drop", "SYS_RESOURCE"]
    words += ["--device-cgroup-rule", "a *:* rwm"]
    for option in ("seccomp", "apparmor", "systempaths"):
        words += ["--security-opt", f"{option}=unconfined"]
    return words
