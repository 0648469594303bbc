"""What a cell of the fault matrix changes, so that a deploy has the step: a commit, a server."""

from __future__ import annotations

from fabfile.model.deploy.plan import Kind
from tests.lab.commits import Edit
from tests.lab.matrix import BESIDE, Row
from tests.lab.scenes import ending
from tests.lab.seen import STATE

OTHER = "other"
"""The tag of a second proxy image."""
UNDO = """
ALTER TABLE items DROP COLUMN IF EXISTS matrix_{revision};
UPDATE alembic_version SET version_num = '{since:03}';
"""
DRIFTS = {
    Kind.BOOTSTRAP: f"rm -rf {STATE}/build",
    Kind.CERTIFICATE: f"rm {STATE}/certs/fullchain.pem {STATE}/certs/privkey.pem",
    Kind.TRUST: f": >{STATE}/certs/trust/peer.pem",
    Kind.UP: "docker stop wishwithme-redis",
    Kind.RETAG: "docker tag redis:7.4.6-alpine wishwithme/frontend:current",
}
"""Kind of step → what somebody does to the server, so that a deploy has it."""
SCHEMA = (Kind.REVIEW, Kind.SMOKE, Kind.BACKUP, Kind.MIGRATE)


def edits(row: Row, number: int) -> dict[str, Edit]:
    """What a commit changes so that a deploy of it has this step; always something."""
    note = f"# {number}"
    changed: dict[str, Edit] = {"README.md": ending(f"<!-- {number} -->")}
    contexts: tuple[str, ...] = ()
    if row.kind in SCHEMA:
        contexts = ("core-api",)  # what a migration is secured by is of the database
    elif row.kind in (Kind.BUILD, *BESIDE):
        contexts = tuple(row.subject.split(", "))
    for context in contexts:
        file = "nginx.conf" if context == "frontend" else "app/__init__.py"
        changed[f"services/{context}/{file}"] = ending(note)
    if row.kind in (Kind.TEST_PROXY, Kind.RELOAD, Kind.CERTIFICATE):
        changed[f"nginx/{row.server}/upstreams.conf"] = ending(note)
    if changes_proxy_image(row):
        changed[f"compose/docker-compose.{row.server}.yml"] = other_proxy(number)
    return changed


def other_proxy(number: object) -> Edit:
    """The same proxy under another tag."""

    def edit(text: str) -> str:
        before, name, after = text.partition("    container_name: wishwithme-nginx\n")
        assert name
        lines = before.splitlines()
        assert lines[-1].startswith("    image: nginx:")
        return "\n".join([*lines[:-1], f"    image: nginx:{OTHER}-{number}", name + after])

    return edit


PUBLISH = """
registry=$(docker info --format '{{index .RegistryConfig.Mirrors 0}}' | cut -d / -f 3)
docker tag nginx:1.31.3-alpine "$registry/library/$0"
docker push -q "$registry/library/$0"
docker rmi "$registry/library/$0"
"""


def changes_proxy_image(row: Row) -> bool:
    """Whether the step is one of another image for the proxy."""
    return row.kind is Kind.PULL or (row.kind, row.subject) == (Kind.ROLL, "nginx")
