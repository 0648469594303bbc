"""A server that operates itself: what its jobs need, and the crontab that starts them."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import Any

from ...model.access.folders import CLOSED
from ...model.errors import Trouble, refused
from ...model.inventory import Server
from ...model.schedule.jobs import local_inventory, program
from ..host import Host
from ..state import make_folders

JOB = Path(__file__).with_name("job.sh").read_text(encoding="utf-8")
FIND = Path(__file__).parent.with_name("python.sh").read_text(encoding="utf-8")
PYTHON = FIND + "find_python\n"
ENVIRONMENT = (
    "#!/bin/sh\n" + FIND + Path(__file__).with_name("environment.sh").read_text(encoding="utf-8")
)
CRONTAB = """
set -o pipefail
export LC_ALL=C
crontab -l | base64 -w 0
"""
CHANGE = """
set -u
export LC_ALL=C
read -r expected
read -r wanted
# Another server of this user may have its block written at the same time.
exec 9<"$HOME"
flock --timeout 30 9
[ "$(crontab -l 2>/dev/null | base64 -w 0)" = "$expected" ] || exit 75
[ -n "$wanted" ] || exec crontab -r
printf '%s' "$wanted" | base64 -d | crontab -
"""
INSTALL = 900
"""Seconds that an environment may take to be made."""
COLLECTION = (
    ("fabfile.py", "fabfile/__init__.py"),
    ("requirements-deploy.txt", "requirements.txt"),
    ("requirements-patchwork.txt",),
)
"""What a commit must have for its tasks to run on a server: one of each."""


def folder(server: Server) -> PurePosixPath:
    """Where all of it stands, outside the checkout."""
    return server.root / "operator"


def log(server: Server, task: str) -> PurePosixPath:
    """Where the runs of a job are told."""
    return folder(server) / "logs" / f"{task}.log"


def require_python(host: Host) -> None:
    """Exit code 2 unless the server can make a virtual environment."""
    if not host.read(["bash", "-c", PYTHON, "find-python"], check=False).ok:
        raise refused(
            f"{host.name}: no Python 3.11 or newer with its venv module on the server;"
            " install it: sudo apt-get install python3-venv"
        )


def crontab(host: Host) -> str:
    """The crontab of the login user, byte for byte; exit code 2 when there can be none."""
    output = host.read(["bash", "-c", CRONTAB, "crontab"], check=False)
    if output.ok:
        return base64.b64decode(output.stdout).decode("utf-8", "surrogateescape")
    said = output.stderr.strip()
    if "no crontab for" in said:
        return ""
    if "not found" in said:
        raise refused(
            f"{host.name}: crontab is not installed on the server; install it:"
            " sudo apt-get install cron"
        )
    if "not allowed" in said:
        raise refused(
            f"{host.name}: {host.server.user or 'this user'} may not use crontab;"
            " see /etc/cron.allow and /etc/cron.deny on the server"
        )
    raise refused(f"{host.name}: the crontab cannot be read", output.errors())


def write_crontab(host: Host, before: str, after: str) -> bool:
    """Put another crontab in the place of ``before``; False when that is not there any more."""
    lines = [_encoded(before), _encoded(after)]
    words = ["bash", "-c", CHANGE, "change-crontab"]
    output = host.write(words, stdin="".join(f"{line}\n" for line in lines), check=False)
    if output.code == 75:
        return False
    if not output.ok:
        raise Trouble(f"{host.name}: crontab refuses", evidence=output.tail())
    return True


def _encoded(text: str) -> str:
    return base64.b64encode(text.encode("utf-8", "surrogateescape")).decode("ascii")


def note(host: Host, block: str) -> bool:
    """Write down what is installed, for later looks to compare with; whether that is news."""
    path = folder(host.server) / "crontab"
    # Somebody else's address, which the block repeats, may be in another encoding.
    text = block.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
    if host.read(["cat", str(path)], check=False).stdout == text:
        return False
    host.put(path, text)
    return True


def forget(host: Host) -> None:
    """Nothing is installed any more."""
    path = str(folder(host.server) / "crontab")
    if host.read(["cat", path], check=False).ok:
        host.write(["rm", "-f", path])


def set_up(host: Host) -> list[str]:
    """Make what the jobs need, where it is not there as it should be; what was changed."""
    at = folder(host.server)
    make_folders(host, dict.fromkeys([str(at), str(at / "jobs"), str(at / "logs")], CLOSED))
    wanted = {
        program(host.server.root): (JOB, "700"),
        at / "environment": (ENVIRONMENT, "700"),
        at / "hosts.ini": (local_inventory(host.server), "600"),
    }
    changed = []
    for path, (text, mode) in wanted.items():
        if host.read(["cat", str(path)], check=False).stdout != text:
            host.put(path, text, mode)
            changed.append(path.name)
    words = ["bash", "-c", 'exec "$@"', "environment", str(at / "environment")]
    output = host.write(words, timeout=INSTALL, check=False)
    if not output.ok:
        what = "the environment of the jobs cannot be made"
        raise Trouble(f"{host.name}: {what}", evidence=output.tail())
    return [*changed, "venv"] if "making" in output.stdout else changed


def begin(host: Host, jobs: Sequence[str]) -> None:
    """From now on these jobs are to succeed: the times of their locks say since when."""
    host.write(["touch", *(str(folder(host.server) / "jobs" / job) for job in jobs)])


def tasks(host: Host) -> list[str]:
    """The tasks of the collection in the server's checkout, as its own environment lists them."""
    fab = [str(folder(host.server) / "venv/bin/fab"), "--search-root", str(host.server.path)]
    words = ["env", "PYTHONDONTWRITEBYTECODE=1", *fab, "--list", "--list-format=json"]
    output = host.read(words)
    try:
        return _names(json.loads(output.stdout), "")
    except ValueError:
        what = "the collection in the checkout does not list its tasks"
        raise Trouble(f"{host.name}: {what}", evidence=output.tail()) from None


def _names(collection: Mapping[str, Any], prefix: str) -> list[str]:
    found = [f"{prefix}{task['name']}" for task in collection["tasks"]]
    for below in collection["collections"]:
        found += _names(below, f"{prefix}{below['name']}.")
    return found
