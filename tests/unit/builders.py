"""Values for the tests of the model: a small stack, whole unless a test says otherwise."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import Any

from fabfile.model.access.folders import FOLDERS as MODES
from fabfile.model.commit import Commit
from fabfile.model.data.retention import Keep
from fabfile.model.deploy.clashes import clashes
from fabfile.model.deploy.content import Tree
from fabfile.model.deploy.plan import Target, target_of
from fabfile.model.facts import Container, Disk, Facts, Folder
from fabfile.model.hints import Hints, Migration
from fabfile.model.inventory import Server
from fabfile.model.probe import Probe
from fabfile.model.release import VERIFIED, Image, Release
from fabfile.model.stack import Build, Mount, Port, Service, Stack

CHECKOUT = PurePosixPath("/home/ubuntu/app")
ROOT = PurePosixPath("/opt/app")
PROJECT = "app"
OLD = "0" * 39 + "1"
NEW = "0" * 39 + "2"

SERVER = Server(
    name="ubuntu",
    host="192.0.2.7",
    port=22,
    user="ubuntu",
    key=Path("/keys/ubuntu"),
    path=CHECKOUT,
    root=ROOT,
    repository="git://origin/app.git",
    branch="main",
    compose=(PurePosixPath("compose/app.yml"),),
    domains=("app.example",),
    acme_directory="https://acme.example/directory",
    acme_email="",
    allow=(),
    cdn_ranges=(),
    cdn_header="X-Forwarded-For",
    cdn_purge="",
    calls="",
    address="192.0.2.7",
    edge=None,
    settle=30,
    compression="zstd",
    keep=Keep(),
    connection="ssh",
    known_hosts=Path("/keys/known_hosts"),
)

TREE: Tree = {
    "compose/app.yml": ("100644", "c0"),
    "nginx": ("040000", "n"),
    "nginx/nginx.conf": ("100644", "n0"),
    "services": ("040000", "s"),
    "services/api": ("040000", "sa"),
    "services/api/Dockerfile": ("100644", "a0"),
    "services/api/app.py": ("100644", "a1"),
    "services/web": ("040000", "sw"),
    "services/web/Dockerfile": ("100644", "w0"),
    "services/web/index.html": ("100644", "w1"),
}


def service(name: str, **changes: Any) -> Service:
    """A service that runs a pulled image."""
    plain = Service(
        name=name,
        image=f"{name}:1",
        build=None,
        container=f"{PROJECT}-{name}",
        depends_on=(),
        mounts=(),
        ports=(),
        cpus=0,
        config_hash=f"definition-of-{name}",
    )
    return replace(plain, **changes)


def built(name: str, context: str, **changes: Any) -> Service:
    """A service whose image is built from ``services/CONTEXT``."""
    folder = f"{CHECKOUT}/services/{context}"
    spec = {"image": f"app/{context}:current", "build": Build(folder, f"{folder}/Dockerfile")}
    return service(name, **{**spec, **changes})


MIGRATION = Migration(("migrate", "up"), ("migrate", "current"), ("migrate", "target"))
API = Hints(probe=Probe(json={"status": "healthy"}), port=8000, smoke=("ok",), migrate=MIGRATION)

STACK = Stack(
    PROJECT,
    (
        service("db", hints=Hints(keep=True)),
        built("api-1", "api", depends_on=("db",), hints=API),
        built("api-2", "api", depends_on=("db",), hints=API),
        built("web", "web", hints=Hints(probe=Probe(), port=80)),
        service(
            "proxy",
            depends_on=("api-1", "api-2", "web"),
            mounts=(
                Mount("bind", f"{CHECKOUT}/nginx", "/etc/nginx", True),
                Mount("bind", f"{ROOT}/certs", "/etc/certs", True),
            ),
            ports=(Port("", 80, "tcp"), Port("", 443, "tcp")),
            hints=Hints(proxy=True),
        ),
    ),
    (f"{PROJECT}-network",),
    (f"{ROOT}/data/db",),
)

FOLDERS = (
    "data", "data/db", "backups", "releases", "locks", "proxy", "certs", "certs/trust", "build",
    "certs/fullchain.pem", "certs/privkey.pem",
)  # fmt: skip


def commit(identity: str = NEW, **changes: Any) -> Commit:
    """A commit of the tree above."""
    plain = Commit(
        id=identity,
        subject="The subject",
        fault="",
        error="",
        tree=TREE,
        example="",
        log=(),
        resolved="",
        hashes="",
        effective={},
    )
    return replace(plain, **changes)


def target(stack: Stack = STACK, tree: Tree = TREE) -> Target:
    """What a commit of ``tree`` means here."""
    return target_of(SERVER, stack, commit(tree=tree))


def labels_of(project: str, service: str, config_hash: str = "") -> dict[str, str]:
    """What compose writes on the container of a service."""
    return {
        "com.docker.compose.project": project,
        "com.docker.compose.service": service,
        "com.docker.compose.config-hash": config_hash,
        "com.docker.compose.oneoff": "False",
    }


def container(of: Service, image: str, **changes: Any) -> Container:
    """The running, healthy container that ``up`` made of a service."""
    plain = Container(
        id=f"id-of-{of.name}",
        name=of.container,
        image=image,
        state="running",
        health="healthy",
        started="2026-11-23T10:00:00.5Z",
        exit_code=0,
        restarts=0,
        labels=labels_of(PROJECT, of.name, of.config_hash),
        addresses={f"{PROJECT}-network": "172.20.0.2"},
        published=tuple(one for port in of.ports for one in port.choices),
        data=(),
    )
    return replace(plain, **changes)


def image_ids(wanted: Target) -> dict[str, str]:
    """Every image of a target, built and under its stable name, as the engine lists it."""
    made = {}
    for image in wanted.images.values():
        made[image.reference] = made[image.stable] = f"sha256:{image.reference}"
    return made


def release(identity: str = "r1", of: str = OLD, **changes: Any) -> Release:
    """A verified release of the stack above."""
    wanted = target()
    plain = Release(
        id=identity,
        server="ubuntu",
        commit=of,
        subject="Before",
        ref="main",
        who="somebody",
        started=1_000,
        outcome=VERIFIED,
        finished=1_060,
        commits={one.name: of for one in STACK.services},
        images={
            name: Image(image.reference, f"sha256:{image.reference}")
            for name, image in wanted.images.items()
        },
        definitions={one.name: one.config_hash for one in STACK.services},
        configuration=wanted.configuration,
        env_salt="salt",
    )
    return replace(plain, **changes)


def facts(**changes: Any) -> Facts:
    """A server on which the stack runs as it was deployed from ``OLD``."""
    wanted = target()
    images = image_ids(wanted)
    plain = Facts(
        user="ubuntu",
        groups=("ubuntu", "docker"),
        sudo=True,
        now=2_000,
        cpus=4,
        docker="26.1.5",
        compose="2.26.1",
        folders=folders(*(f"{ROOT}/{name}" for name in FOLDERS), str(ROOT), str(CHECKOUT)),
        disks=(Disk("/", 50 << 30, 20 << 30),),
        env_stat=("ubuntu", "600"),
        env="A=1\n",
        certificate="",
        trust="",
        head=OLD,
        edited=(),
        meanwhile=False,
        containers=tuple(
            container(one, images[wanted.images[one.name].reference]) for one in STACK.services
        ),
        images=images,
        networks={f"{PROJECT}-network": PROJECT, "bridge": ""},
        volumes={},
        listening=frozenset({"22/tcp", "80/tcp", "443/tcp"}),
        holder="",
        releases=(release(),),
        generation=wanted.generation,
        commit=None,
    )
    return replace(plain, **changes)


def folders(*paths: str, owner: str = "ubuntu", mode: int = 0) -> Mapping[str, Folder]:
    """Folders as a look finds them; by default with the modes that a deploy gives them."""
    wanted = {name.rpartition("/")[2]: its for name, its in MODES.items()}
    return {
        path: Folder(owner, mode or wanted.get(path.rpartition("/")[2], 0o700), "directory")
        for path in paths
    }


def flat(found: Mapping[str, list[str]]) -> list[str]:
    """The lines of all checks."""
    return [line for lines in found.values() for line in lines]


def stack_problems(seen: Facts, stack: Stack) -> list[str]:
    """Every clash of a stack, whatever check it is of."""
    return flat(clashes(seen, stack))
