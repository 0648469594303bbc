"""Deploys beside those of the seed's script, Ansible and pyinfra: seconds, requests, failures."""

from __future__ import annotations

import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from http import HTTPStatus
from http.client import HTTPException
from pathlib import Path

import yaml

from tests.lab.commits import Origin
from tests.lab.deployments import Operator
from tests.lab.load import loaded
from tests.lab.rig import Lab, LabError, Server
from tests.lab.rig.output import wait_until
from tests.lab.rig.server import CHECKOUT
from tests.lab.scenes import APP, STACK, Scene, ending
from tests.lab.seen import head, settings_kept
from tests.names import API, SITE

from . import figures as told
from . import report
from .figures import FAR, KINDS, NEAR, Figures
from .proof import script
from .road import Counter, Road, road
from .tools import ROOT, TOOLS, Around, Change, Ours, Tool, install, versions

AGAIN, ONE, BACK = KINDS
AFTER = 10
"""Seconds for which the load goes on after a tool has ended: what it left may still fail."""
EVERY = 0.1
"""Seconds between two of its questions: the proxy answers ten a second of one address."""
STEADY, PATIENCE = 1.0, 90.0
"""Seconds for which the API must answer to be back, and that it may take until then."""
REPLICAS = ["docker", "ps", "-q", "--filter", "label=com.docker.compose.service=core-api"]
"""By the label: whoever recreates a container gives it the name of its number."""
UNWATCHED = "s/^UPDATE_MONITOR=.*/UPDATE_MONITOR=0s/"
"""Nobody else watches for a time after a deploy whether what was replaced stays up."""
SERVER = "docker version -f '{{.Server.Version}}'; docker compose version --short; ssh -V 2>&1"


def run(rounds: int, loads: int) -> None:
    """Measure, and write the section of the page after every round, so that none is lost.

    ``loads``: rounds that end under load.
    """
    install()
    lab = Lab()
    before = os.getloadavg()[0]
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        near = stack.enter_context(road(lab, folder / "near", 0))
        far = stack.enter_context(road(lab, folder / "far", 100))
        print(f"round trips measured: {near.trip:.1f} and {far.trip:.1f} ms", flush=True)
        counter = stack.enter_context(Counter(lab.servers))
        for server in lab.servers.values():
            stack.enter_context(settings_kept(server))
            server.must(["sed", "-i", UNWATCHED, f"{CHECKOUT}/.env"])
        bench = Bench(lab, folder, {NEAR: near, FAR: far}, counter)
        stack.callback(bench.leave)
        for done in bench.measure(rounds, loads):
            report.write("deploys", bench.page(done, min(done, loads), before))


class Bench:
    """The tools by turns, on one pair of servers."""

    def __init__(self, lab: Lab, folder: Path, roads: dict[str, Road], counter: Counter) -> None:
        self.roads, self.counter = roads, counter
        self.ubuntu: Server = lab.server("ubuntu")
        self.operator = Operator(roads[NEAR].hosts_ini)
        self.origin = Origin(lab.folder / "origin.git", folder / "clone")
        self.scene = Scene(lab, self.operator, self.origin)
        proof = folder / "proof.sh"
        text = (ROOT / STACK).read_text(encoding="utf-8")
        model = yaml.safe_load(text.replace("${DOMAIN}", SITE))
        proof.write_text(script(model), encoding="utf-8")
        around = Around(folder / "clone", proof)
        self.tools = [tool(around) for tool in TOOLS]
        self.figures = Figures()

    def measure(self, rounds: int, loads: int) -> Iterator[int]:
        """Every tool in every round, in an order that changes; how many rounds are done."""
        self.operator.must("deploy")
        for number in range(rounds):
            for place in range(len(self.tools)):
                tool = self.tools[(number + place) % len(self.tools)]
                print(f"round {number + 1}: {tool.name}", flush=True)
                self._turn(tool)
                if number < loads:
                    self._under_load(tool)
            yield number + 1

    def leave(self) -> None:
        """Both servers at the base, by our own hand."""
        self.origin.rewind()
        self.operator.fab("deploy")

    def _turn(self, tool: Tool) -> None:
        tool.again(self.roads[NEAR], self.origin.base)
        for way in (NEAR, FAR):
            self._kinds(tool, way)

    def _under_load(self, tool: Tool) -> None:
        change = self._change(self.origin.base)
        for kind in (ONE, BACK):
            with loaded(self.scene) as load:
                self._do(tool, kind, self.roads[NEAR], change)
                time.sleep(AFTER)
            lost = self.figures.lost[tool.name, kind]
            lost.failed += len(load.failed)
            lost.sent += load.requests
            lost.doubled += len(load.doubled)

    def _kinds(self, tool: Tool, way: str) -> None:
        change = self._change(self.origin.base)
        for kind in KINDS:
            self.counter.since()
            seconds = self._do(tool, kind, self.roads[way], change)
            print(f"  {kind}, {way}: {seconds:.1f} s", flush=True)
            self.figures.seconds[tool.name, kind, way].append(seconds)
            self.figures.traffic[tool.name, kind].append(self.counter.since())
            if kind == ONE and isinstance(tool, Ours):
                self.figures.add_steps(way, self.scene.record(change.after)["steps"])

    def _change(self, base: str) -> Change:
        """A commit of the API that nobody has built, on the main branch."""
        edits = {APP: ending(f"MEASURED = {time.time_ns()}")}
        return Change(base, self.origin.commit("Measured", edits, base))

    def _do(self, tool: Tool, kind: str, over: Road, change: Change) -> float:
        """Seconds of one deed of a tool, after which every replica runs what it was to bring."""
        deeds: dict[str, Callable[[], None]] = {
            AGAIN: lambda: tool.again(over, change.before),
            ONE: lambda: tool.deploy(over, change),
            BACK: lambda: tool.back(over, change),
        }
        start = time.monotonic()
        deeds[kind]()
        seconds = time.monotonic() - start
        self.figures.away[tool.name].append(away(self._answers))
        self._require(change.after if kind == ONE else change.before)
        return seconds

    def _answers(self) -> bool:
        """Whether the API is there, through the proxy, with its database."""
        try:
            status, body = self.scene.get(API, "/healthz")
        except (OSError, HTTPException):
            return False
        return status == HTTPStatus.OK and '"healthy"' in body

    def _healthy(self) -> list[str]:
        return self.ubuntu.must([*REPLICAS, "--filter", "health=healthy"]).split()

    def _require(self, commit: str) -> None:
        assert head(self.ubuntu) == commit
        wanted = self.ubuntu.must(["cat", f"{CHECKOUT}/{APP}"])
        # Nothing can be run in one that a tool has left while it starts.
        wait_until(lambda: len(self._healthy()) == 2, "both replicas are healthy", PATIENCE)
        replicas = self.ubuntu.must(REPLICAS).split()
        assert len(replicas) == 2
        for one in replicas:
            assert self.ubuntu.must(["docker", "exec", one, "cat", "app/main.py"]) == wanted

    def page(self, rounds: int, loads: int, before: float) -> str:
        """The text of the section."""
        names = [tool.name for tool in self.tools]
        engine, compose, ssh = self.ubuntu.must(["sh", "-c", SERVER]).splitlines()[:3]
        far = self.roads[FAR].trip
        head = (
            f"{report.machine()} (before: {before:.1f}). Median of {rounds} (range), by turns;"
            f" round trips of {self.roads[NEAR].trip:.1f} and {far:.1f} ms as measured in SSH;"
            f" failures are of {loads} of the rounds. Engine {engine}, compose {compose},"
            f" {ssh.split(',')[0]}; {versions()}; Python {sys.version.split()[0]}."
        )
        tables = [
            told.times(self.figures, names),
            told.requests(self.figures, names, far),
            told.failures(self.figures, {tool.name: tool.checks for tool in self.tools}),
            told.steps(self.figures, Ours.name),
        ]
        return "\n\n".join([head, *tables])


def away(answers: Callable[[], bool], steady: float = STEADY, patience: float = PATIENCE) -> float:
    """Seconds from now until it answers for good; LabError where it does not come back."""
    start = time.monotonic()
    since: float | None = None
    while time.monotonic() - start < patience:
        asked = time.monotonic()
        if not answers():
            since = None
        elif since is None:
            since = asked
        elif asked - since >= steady:
            return since - start
        time.sleep(EVERY)
    raise LabError(f"the API is still away after {patience:g} s")
