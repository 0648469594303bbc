"""Operate Wish With Me: `fab --list` shows the tasks, `fab --help TASK` what each does.

All of it is imported for every list and every Tab, so a task imports what it does when it runs.
"""

from invoke import Collection

from . import certs, completion, cron, db, fleet, listing, usage, volume
from .command import known_servers
from .servers import server_tasks

usage.refuse_usage_errors()
listing.group_tasks()
completion.complete_values()
ns = Collection(fleet.deploy_task, fleet.plan_task, fleet.status_task, fleet.doctor_task)
for below in (*map(server_tasks, known_servers()), db.ns, volume.ns, certs.ns, cron.ns):
    ns.add_collection(below)
