"""A bare host beside the lab's servers: sshd and root's key, no engine, no other user."""

from __future__ import annotations

import configparser
import io
import json
import tarfile
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from types import MappingProxyType

from tests.lab.deployments import Operator
from tests.lab.rig import Lab, Server, network
from tests.lab.rig.docker import docker
from tests.lab.rig.files import KEY
from tests.lab.rig.images import Images
from tests.lab.rig.mirror import Mirror
from tests.lab.rig.output import wait_until
from tests.lab.rig.place import Place
from tests.lab.rig.recipes import RELEASE
from tests.lab.rig.servers import PORTS, powers
from tests.package.wheel import run

NAME = "bare"
NUMBER = 31
"""Last number of its address."""
BRANCH = "bare"
FILES = {
    "compose.yaml": """\
name: site
services:
  web:
    build: .
    ports: ["80:80"]
    environment: {TOKEN: "${TOKEN}"}
    restart: unless-stopped
x-deploy:
  web: {probe: {port: 80, path: /}}
""",
    "Dockerfile": "FROM nginx:1.31.3-alpine\nCOPY index.html /usr/share/nginx/html/\n",
    ".dockerignore": "*\n!index.html\n",
    "index.html": "Hello\n",
    ".env.example": "COMPOSE_FILE=compose.yaml\n# @required @secret @min=32\nTOKEN=\n",
}
"""A small project, which is what the host is to run."""


class Bare:
    """The host, and an operator who knows it alone."""

    def __init__(self, server: Server, operator: Operator) -> None:
        self.server = server
        self.operator = operator

    @property
    def fingerprint(self) -> str:
        """Of its host key, as its own console shows it."""
        words = ["ssh-keygen", "-lf", "/etc/ssh/ssh_host_ed25519_key.pub"]
        return self.server.must(words).split()[1]

    def pin(self) -> None:
        """Believe in its host key, as an operator does who has compared it."""
        self.operator.must("hosts.pin", NAME, "--fingerprint", self.fingerprint)


@contextmanager
def bare_host(
    lab: Lab,
    place: Place,
    folder: Path,
    init: str = "systemd",
    release: str = RELEASE,
    names: Mapping[str, str] = MappingProxyType({}),
    **settings: str,
) -> Iterator[Bare]:
    """A fresh one, which is gone afterwards.

    ``init``: ``systemd``, or ``sshd`` alone. ``release``: Debian's. ``names``: what it finds
    elsewhere than in the DNS, and where. ``settings``: what hosts.ini says of it besides.
    """
    with closing(Images(place)) as images:
        image = images.recipe("bare", {"RELEASE": release}).result()
    server = Server(place, NAME, network.address(place, NUMBER), {})
    words = ["create", "--name", server.container, "--hostname", NAME, "-e", f"LAB_INIT={init}"]
    words += ["--init"] if init == "sshd" else []
    words += ["--label", place.label, "--network", place.network, "--ip", server.address]
    words += ["-v", "/lab", *powers(image), "-e", f"LAB_DAEMON={_daemon(place, image)}"]
    for name, address in names.items():
        words += ["--add-host", f"{name}:{address}"]
    for port, outside in zip(PORTS, network.free_ports(place, len(PORTS)), strict=True):
        words += ["-p", f"127.0.0.1:{outside}:{port}"]
    docker("rm", "-f", "-v", server.container, check=False)
    docker(*words, image)
    remote = lab.folder / "origin.git"
    _publish(remote, folder / "project")
    try:
        docker("cp", "-", f"{server.container}:/", stdin=_keys(lab, folder))
        docker("start", server.container)
        wait_until(server.answers_ssh, "the bare host answers", 30)
        yield Bare(server, Operator(_inventory(lab, server, folder, settings)))
    finally:
        docker("rm", "-f", "-v", server.container)
        run("git", "branch", "--delete", "--force", BRANCH, folder=remote)


def _publish(remote: Path, folder: Path) -> None:
    """The project, where the host fetches from."""
    folder.mkdir()
    for name, text in FILES.items():
        (folder / name).write_text(text)
    run("git", "init", "--quiet", folder=folder)
    run("git", "add", "--all", folder=folder)
    author = ("-c", "user.name=Somebody", "-c", "user.email=somebody@example.org")
    run("git", *author, "commit", "--quiet", "--message", "A site", folder=folder)
    run(
        "git", "push", "--quiet", "--force", str(remote), f"HEAD:refs/heads/{BRANCH}", folder=folder
    )


def _daemon(place: Place, image: str) -> str:
    """What lets its engine pull here; bootstrap must leave it as it is."""
    registry = Mirror(place).registry
    settings = {
        "storage-driver": "overlay2",
        "registry-mirrors": [f"http://{registry}"],
        "insecure-registries": [registry],
        "dns": network.resolvers(image).split(),
    }
    return json.dumps(settings)


def _keys(lab: Lab, folder: Path) -> bytes:
    """Host keys of all kinds that Debian makes, and the operator's key for root, as a tar."""
    members = [("root/.ssh/authorized_keys", lab.folder / f"{KEY}.pub", 0o600)]
    for kind in ("rsa", "ecdsa", "ed25519"):
        name = f"ssh_host_{kind}_key"
        run("ssh-keygen", "-q", "-t", kind, "-N", "", "-f", name, folder=folder)
        members.append((f"etc/ssh/{name}", folder / name, 0o600))
        members.append((f"etc/ssh/{name}.pub", folder / f"{name}.pub", 0o644))
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for target, source, mode in members:
            member = tarfile.TarInfo(target)
            data = source.read_bytes()
            member.size, member.mode = len(data), mode
            archive.addfile(member, io.BytesIO(data))
    return buffer.getvalue()


def _inventory(lab: Lab, server: Server, folder: Path, settings: Mapping[str, str]) -> Path:
    """A ``hosts.ini`` of the bare host alone, with the small project."""
    parsed = configparser.ConfigParser(interpolation=None, default_section="defaults")
    parsed.read(lab.hosts_ini)
    parsed.remove_section("ubuntu")
    parsed.remove_section("montreal")
    parsed[NAME] = {
        "host": "127.0.0.1", "port": str(server.ssh_port), "address": server.address,
        "key": str(lab.folder / KEY), "open_ports": "80",
        "branch": BRANCH, "compose": "compose.yaml", **settings,
    }  # fmt: skip
    file = folder / "hosts.ini"
    with file.open("w") as text:
        parsed.write(text)
    return file
