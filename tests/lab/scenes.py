"""Scenes: what a deploy changed on a server and what it left, told container by container.

Each scene makes its commits on top of what runs, so one pair of servers plays them all; what it
leaves is verified. Helpers only; the fixtures are in ``staged.py``.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from tests.lab.asking import ask
from tests.lab.commits import Edit, Origin
from tests.lab.deployments import Operator, Ran
from tests.lab.rig import Lab, Server
from tests.lab.rig.server import CHECKOUT
from tests.lab.seen import STATE, head
from tests.names import SITE

PAGE = "services/frontend/index.html"
APP = "services/core-api/app/main.py"
HEALTH = "services/core-api/app/health.py"
PROXY = "nginx/ubuntu/site.conf"
STACK = "compose/docker-compose.ubuntu.yml"
REPLICAS = ("core-api-1", "core-api-2")
"""The containers of core-api while nothing is being replaced."""
FRONTEND = "frontend-1"
ALL = ("postgres", "redis", "core-api", "frontend", "nginx")


@dataclass(frozen=True)
class Box:
    """A container as the server's engine tells it."""

    service: str
    """Of the stack; empty where it is none of its."""
    id: str
    image: str
    started: str
    state: str
    health: str
    address: str


@dataclass
class Scene:
    """Both servers verified, and a way to change what ``ubuntu`` is to run."""

    lab: Lab
    operator: Operator
    origin: Origin

    @property
    def ubuntu(self) -> Server:
        return self.lab.server("ubuntu")

    @property
    def runs(self) -> str:
        """The commit that the checkout of ``ubuntu`` stands on."""
        return head(self.ubuntu)

    def patient(self, folder: Path, settle: int = 30) -> Scene:
        """The same, whose gates may take the time that they have by default, or these seconds."""
        inventory = self.operator.inventory(folder / "patient", "defaults", settle=str(settle))
        return replace(self, operator=Operator(inventory))

    def change(self, subject: str, edits: Mapping[str, Edit], on: str = "") -> str:
        """Commit edits on top of ``on`` (default: what runs) and push; the new commit."""
        return self.origin.commit(subject, edits, on or self.runs, "scenes")

    def deploy(self, commit: str, *flags: str) -> Ran:
        """``fab ubuntu.deploy`` of that commit, off a terminal, to its end."""
        return self.operator.fab("ubuntu.deploy", "--ref", commit, *flags)

    def deployed(self, commit: str, *flags: str) -> Ran:
        """The same; it must end verified, and a plain ``up`` by hand changes nothing afterwards."""
        ran = self.deploy(commit, *flags)
        assert ran.code == 0, ran
        assert self.runs == commit
        assert self.outcome(commit) == "verified"
        self.plain_up_changes_nothing()
        return ran

    def plan(self, commit: str, *flags: str, server: str = "ubuntu") -> dict[str, Any]:
        """``fab SERVER.plan --json`` of that commit."""
        plans = self.operator.json(f"{server}.plan", "--ref", commit, *flags)
        assert [plan["server"] for plan in plans] == [server]
        found: dict[str, Any] = plans[0]
        return found

    def record(self, release: str, server: str = "ubuntu") -> dict[str, Any]:
        """``history --show`` of a release, or of the last one of a commit."""
        found: dict[str, Any] = self.operator.json(f"{server}.history", "--show", release)
        return found

    def outcome(self, commit: str) -> str:
        """How the last release of a commit ended, as its record on ``ubuntu`` says."""
        newest = f'grep -lF \'"commit":"{commit}"\' {STATE}/releases/*/release.json | tail -n 1'
        found: str = json.loads(self.ubuntu.must(["sh", "-c", f"cat $({newest})"]))["outcome"]
        return found

    def by_content(self, *services: str) -> dict[str, str]:
        """Subject → reason of the step that starts these beside, for a commit of a file of each."""
        commits, boxes = self.record(self.runs)["commits"], self.boxes().values()
        why = "services/{0}: 1 file in 1 commit since {1}: {2} new beside {2}"
        reasons = []
        for service in services:
            replicas = sum(box.service == service for box in boxes)
            reasons.append(why.format(service, commits[service][:8], replicas))
        return {", ".join(services): "; ".join(reasons)}

    def last(self) -> dict[str, Any]:
        """The newest release of ``ubuntu``."""
        newest: dict[str, Any] = self.operator.json("ubuntu.history", "--number", "1")[0]
        return newest

    def boxes(self) -> dict[str, Box]:
        """Every container of ``ubuntu``, running or not, by its name without the prefix."""
        # A one-off container of a deploy may end between the two commands.
        script = "docker ps -aq | xargs -r docker inspect 2>/dev/null || true"
        found = {}
        for raw in json.loads(self.ubuntu.must(["sh", "-c", script]) or "[]"):
            state, labels = raw["State"], raw["Config"]["Labels"] or {}
            ours = labels.get("com.docker.compose.oneoff") == "False"
            networks = raw["NetworkSettings"]["Networks"].values()
            found[raw["Name"].lstrip("/").removeprefix("wishwithme-")] = Box(
                service=labels["com.docker.compose.service"] if ours else "",
                id=raw["Id"],
                image=raw["Image"],
                started=state["StartedAt"],
                state=state["Status"],
                health=state.get("Health", {}).get("Status", ""),
                address=next((network["IPAddress"] for network in networks), ""),
            )
        return found

    def image(self, name: str) -> str:
        """The id of an image of ``ubuntu``."""
        return self.ubuntu.must(["docker", "image", "inspect", "-f", "{{.Id}}", name]).strip()

    def plain_up_changes_nothing(self) -> None:
        """``docker compose up -d`` by hand in the checkout, as a person would type it."""
        before = self.boxes()
        self.by_hand("docker compose up -d")
        assert self.boxes() == before

    def by_hand(self, script: str) -> str:
        """Somebody at the server's shell, in the checkout; what it printed."""
        done = self.ubuntu.exec(["sh", "-ec", f"cd {CHECKOUT}; {script}"], timeout=240)
        assert done.returncode == 0, done
        return done.stdout

    def asks_database(self, query: str, database: str = "wishwithme") -> str:
        """The answer of PostgreSQL to one statement."""
        psql = ["docker", "exec", "wishwithme-postgres", "psql", "-U", "wishwithme"]
        words = [*psql, "-d", database, "-Atqc", query]
        return self.ubuntu.must(words).strip()

    def get(self, host: str, path: str = "/") -> tuple[int, str]:
        """Status and body that somebody outside gets through the server's published port."""
        answer = ask(self.ubuntu, host, path)
        return answer.status, answer.body

    def proves(self) -> None:
        """Every gate is green now."""
        gates = self.operator.json("ubuntu.health")
        assert [gate for gate in gates if not gate["ok"]] == []

    @contextmanager
    def only_replaces(self, *services: str) -> Iterator[None]:
        """The block replaces every container of these services and leaves the others alone.

        Each has as many as before, and these are called by their number.
        """
        before = self.boxes()
        yield
        after = self.boxes()
        left, right = (
            {name: box for name, box in boxes.items() if box.service not in services}
            for boxes in (before, after)
        )
        assert right == left
        for service in services:
            former = {box.id for box in before.values() if box.service == service}
            new = {name: box.id for name, box in after.items() if box.service == service}
            numbered = {f"{service}-{number}" for number in range(1, len(former) + 1)}
            assert {*new} in ({service}, numbered)
            assert former & {*new.values()} == set()

    @contextmanager
    def comes_back(self) -> Iterator[None]:
        """The block fails, and the release that ran before it serves again, proved.

        Every container is the very same, never restarted.
        """
        commit, before = self.runs, self.boxes()
        page = self.get(SITE)
        yield
        assert (self.runs, self.get(SITE)) == (commit, page)
        assert self.boxes() == before
        self.proves()
        self.plain_up_changes_nothing()


def step_names(record: Mapping[str, Any]) -> list[str]:
    """The kinds and subjects of the steps that a release took."""
    return [step["title"] for step in record["steps"]]


def reasons(plan: Mapping[str, Any], *kinds: str) -> dict[str, str]:
    """Subject → reason of the steps of these kinds."""
    return {step["subject"]: step["reason"] for step in plan["steps"] if step["kind"] in kinds}


def titled(title: str) -> Edit:
    """The page under another title; it says ``Wish With Me`` all the same."""
    return lambda text: re.sub(r"<title>.*</title>", f"<title>Wish With Me: {title}</title>", text)


def after(line: str, more: str) -> Edit:
    """The edit that puts ``more`` below a line which stands in the file exactly once."""

    def edit(text: str) -> str:
        assert text.splitlines().count(line) == 1, f"{line!r} is not there exactly once"
        return text.replace(f"{line}\n", f"{line}\n{more}\n", 1)

    return edit


def answers(path: str, text: str) -> Edit:
    """The proxy's configuration of the site, with an answer of its own at ``path``."""
    line = f'    location = {path} {{ return 200 "{text}"; }}'
    return after("    include health.conf;", line)


def ending(more: str) -> Edit:
    """The edit that adds lines at the end of a file."""
    return lambda text: f"{text}\n{more}\n"
