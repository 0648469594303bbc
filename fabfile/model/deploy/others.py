"""What other compose projects of a server hold, beside which a database would start empty."""

from __future__ import annotations

from ..facts import Container, Facts
from ..image_names import repository
from ..inventory import Server
from ..stack import Stack

EMPTY = "empty-database"
"""Name under which a database that starts empty beside such data can be waived."""
FOLDER = "com.docker.compose.project.working_dir"
"""Label of the folder that compose made a container from."""


def data_beside(stack: Stack, facts: Facts) -> list[str]:
    """The data of others that the stack's database may be thought to take over, a line each.

    Nothing where a release has passed, or where the database has a place that is there already:
    then it does not start empty.
    """
    database = stack.database
    if database is None or facts.verified or facts.container(stack.project, database.name):
        return []
    places = {mount.source for mount in database.mounts if not mount.read_only}
    if not places.union(stack.volume_folders).isdisjoint({*facts.volumes, *facts.folders}):
        return []
    names = {id_: repository(name) for name, id_ in facts.images.items()}

    def alike(container: Container) -> bool:
        same = names.get(container.image) == database.repository
        return same or container.service == database.name

    others = [c for c in facts.containers if c.project != stack.project and c.data]
    mounted = {place for container in facts.containers for place in container.data}
    return [
        *(f"{c.name} of {c.owner} has data in {', '.join(c.data)}" for c in others if alike(c)),
        *(
            f"volume {volume} of project {project} is mounted nowhere"
            for volume, project in facts.volumes.items()
            if project not in ("", stack.project) and volume not in mounted
        ),
    ]


def same_name(server: Server, stack: Stack, facts: Facts) -> list[str]:
    """Whether a first deploy would take another stack of the same name for its own."""
    if facts.releases:
        return []
    ours = str(server.stacks[0].parent)
    folders = {
        folder
        for one in facts.containers
        if one.project == stack.project and (folder := one.labels.get(FOLDER, ours)) != ours
    }
    return [
        f"a stack {stack.project} runs here already, from {folder}, and would be replaced: give"
        " this one another name (name: in its compose file), or take that one down first"
        for folder in sorted(folders)
    ]
