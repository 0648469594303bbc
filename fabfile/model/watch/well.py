"""What doctor tells of a check that is well: the figures that it judged by, in a few words."""

from __future__ import annotations

from collections.abc import Iterable

from ..access.envfile import parse
from ..deploy.plan import Target
from ..examined import Examined
from ..facts import Facts
from ..inventory import Server


def of_server(server: Server, facts: Facts, seen: Examined) -> dict[str, str]:
    """Check → what is told of the machine and of the way to it."""
    told = {
        "user": f"{facts.user}, in the groups {', '.join(facts.groups)}",
        "sudo": "without a password",
        "folders": "each with its owner and mode",
        "programs": f"all there, curl {facts.curl}" if facts.curl else "all there",
        "engine": facts.docker,
        "engine's kind": _kind(seen),
        "compose": facts.compose,
        "disk": _each(f"{one.mount} has {one.free >> 30} GiB free" for one in facts.disks),
        "clock": "as this machine's",
        "clone": f"at {facts.head[:8]}" if facts.head else "none yet",
        "former .env": f"{len(seen.kept)} kept for a rollback",
        "changes": "none runs, died or failed",
        "records": f"{len(facts.releases)} releases, {len(facts.backups)} backups",
        "cron": f"{len(facts.jobs)} jobs",
    }
    if facts.env_stat:
        told[".env"] = f"{len(parse(facts.env).values)} keys"
    if seen.shell:
        told["login shell"] = seen.shell
    if seen.sessions is not None:
        told["sessions"] = f"{seen.sessions} on a connection"
    if seen.inodes:
        free = (f"{one.mount} can take {one.free} files more" for one in seen.inodes)
        told["inodes"] = _each(free)
    if server.connection == "local":
        return told
    return {**told, "host key": "the pinned one", "login": f"as {server.user} at {server.host}"}


def of_stack(server: Server, facts: Facts, seen: Examined, target: Target) -> dict[str, str]:
    """Check → what is told of what is to run there, and runs."""
    stack = target.stack
    told = {
        "remote": f"{server.branch} is at {facts.commit.id[:8]}" if facts.commit else "",
        "stack": f"{len(stack.services)} services",
        "names": "free, or ours",
        "ports": "free, or ours",
        "cpus": str(facts.cpus),
        "health checks": "all ask as they should",
        "probes": "there is something to ask",
    }
    if facts.reach:
        told["local users"] = "reach no container but at its published ports"
    if seen.memory is not None:
        told["memory"] = f"{seen.memory >> 20} MiB"
    if seen.mtu is not None:
        told["packets"] = f"{seen.device} takes {seen.mtu} bytes"
    if facts.verified:
        told["images"] = "none is old"
    if stack.database:
        last = facts.backups[-1] if facts.backups else None
        told["backup"] = last.name if last else "none is due yet"
    return told


def _kind(seen: Examined) -> str:
    live = {
        True: "containers run on while it is restarted (live-restore)",
        False: "containers stop while it is restarted (no live-restore)",
    }
    return live[seen.live_restore] if seen.live_restore is not None else "of the system"


def _each(texts: Iterable[str]) -> str:
    return ", ".join(texts)
