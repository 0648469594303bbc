"""Operate compose stacks: `fab --list` shows the tasks, `fab --help TASK` what each does.

All of it is imported for every list and every Tab, so a task imports what it does when it runs.
Installed as a package it is called ``wishwithme_ops``; a ``fabfile.py`` elsewhere takes its tasks
from there (docs/own-project.md).
"""

import sys

from invoke import Collection

if __name__ == "fabfile":  # fab found it in this repository
    # Invoke has the language compile all of it for every command, whatever a person has set.
    sys.dont_write_bytecode = bool(sys.flags.dont_write_bytecode)

from . import (
    certs,
    completion,
    cron,
    db,
    env,
    fleet,
    hosts,
    listing,
    maintenance,
    naming,
    new,
    usage,
    volume,
)
from .command import FOLDER, folder_of, known_servers
from .measuring import looking_tasks
from .servers import server_tasks


def namespace(fabfile: str) -> Collection:
    """The tasks for a fabfile, which gives its own ``__file__``; ``hosts.ini`` is in its folder."""
    FOLDER.set(folder_of(fabfile))
    usage.refuse_usage_errors()
    naming.tell_named()
    listing.group_tasks()
    completion.complete_values()
    of_all = (
        fleet.deploy_task,
        fleet.plan_task,
        fleet.status_task,
        fleet.doctor_task,
        fleet.bootstrap_task,
        fleet.run_task,
        *looking_tasks(),
    )
    made = Collection(*of_all, new.new_task)
    for below in (
        *map(server_tasks, known_servers()),
        db.ns,
        volume.ns,
        certs.ns,
        maintenance.ns,
        cron.ns,
        env.ns,
        hosts.ns,
    ):
        made.add_collection(below)
    return made


if __name__ == "fabfile":
    ns = namespace(__file__)
