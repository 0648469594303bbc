"""A checkout of main, and a fab that does what a test lays out: what the tasks of a job work on."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path
from typing import Any

from invoke import Context, Exit

from fabfile.model.deploy.plan import Kind, Plan, Step
from scripts.ci.tasks import ns

FAKE = """\
#!/bin/sh
# Stands in for fab: notes how it was called, then does what the test laid out for that task.
cd "{folder}"
echo "$@" >>calls
env | grep -q SSH_KEY_ && echo inherited >>calls
ls ssh >keys
echo "[ubuntu] working" >&2
task=${{2#*.}}
case "$*" in *--number=*) task=releases ;; esac
[ ! -e $task.err ] || cat $task.err >&2
[ ! -e $task.json ] || cat $task.json
[ ! -e $task.code ] || exit $(cat $task.code)
"""


def git(folder: Path, *words: str) -> str:
    who = ("-c", "user.name=somebody", "-c", "user.email=somebody@example.com")
    done = subprocess.run(
        ["git", "-C", str(folder), *who, *words], capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


class Bench:
    """A checkout of main, a hosts.ini, a summary file and a fab that does what a test lays out."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.checkout = folder / "checkout"
        git(folder, "init", "-q", "-b", "main", "checkout")
        self.first = self.commit("docs/deploy.md")
        self.head = self.commit("docs/deploy.md")

    def commit(self, path: str) -> str:
        """The id of a new commit that changes a file."""
        file = self.checkout / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(f"{file.read_text()}more\n" if file.exists() else "first\n")
        git(self.checkout, "add", "-A")
        git(self.checkout, "commit", "-q", "-m", path)
        return git(self.checkout, "rev-parse", "HEAD")

    def commits(self) -> list[str]:
        """The ids of the commits of main, newest first."""
        return git(self.checkout, "rev-list", "main").splitlines()

    def plans(self, *changed: str) -> list[dict[str, Any]]:
        """The plans of all servers for the head: what these run changes, the others only move."""
        moves = (Step(Kind.FETCH, self.head[:8], ""), Step(Kind.CHECKOUT, self.head[:8], ""))
        rolls = (Step(Kind.ROLL, "web", "its image"),)
        found = []
        for server in ("far-away", "third", "ubuntu"):
            steps = (*moves, *rolls) if server in changed else moves
            plan = Plan(server, self.head, "A page", self.first, steps, (), (), ())
            found.append(plan.to_json())
        return found

    def lay(self, **files: Any) -> None:
        for name, content in files.items():
            text = content if isinstance(content, str) else json.dumps(content)
            (self.folder / name.replace("_", ".")).write_text(text)

    @property
    def calls(self) -> list[str]:
        return (self.folder / "calls").read_text().splitlines()

    @property
    def summary(self) -> str:
        return (self.folder / "summary.md").read_text()

    @property
    def keys_left(self) -> list[str]:
        return sorted(file.name for file in (self.folder / "ssh").glob("*"))


def run(task: str, ref: str, server: str = "ubuntu", **more: str) -> int:
    """Call a task as its step does; returns the exit code."""
    try:
        ns[task](Context(), server=server, ref=ref, **more)
    except Exit as ended:
        return ended.code
    return 0


def words_of(bench: Bench) -> list[str]:
    """What fab was asked, without what every call has; looks at what runs are left out."""
    end = f" --ref={bench.head} --json"
    words = [re.sub(r"^--search-root=\S+ ", "", call).removesuffix(end) for call in bench.calls]
    return [one for one in words if one != "status --json"]
