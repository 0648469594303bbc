"""Operate compose stacks: `fab --list` shows the tasks, `fab --help TASK` what each does.

All of it is imported for every list and every Tab, so a task imports what it does when it runs.
Installed as a package it is called ``wishwithme_ops``; a ``fabfile.py`` elsewhere takes its tasks
from there (docs/own-project.md).
"""

from invoke import Collection

from . import certs, cron, db, fleet, new, usage, volume
from .command import FOLDER, folder_of, known_servers
from .servers import server_tasks


def namespace(fabfile: str) -> Collection:
    """The tasks for a fabfile, which gives its own ``__file__``; ``hosts.ini`` is in its folder."""
    folder = folder_of(fabfile)
    usage.end_usage_errors_as_refused(folder)
    of_all = (fleet.deploy_task, fleet.plan_task, fleet.status_task, fleet.doctor_task)
    made = Collection(*of_all, new.new_task)
    for below in (*map(server_tasks, known_servers(folder)), certs.ns, db.ns, volume.ns, cron.ns):
        made.add_collection(below)
    made.configure({FOLDER: str(folder)})
    return made


if __name__ == "fabfile":  # fab found it in this repository
    ns = namespace(__file__)
