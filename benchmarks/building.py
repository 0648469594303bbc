"""Images built elsewhere, beside a build on the server and ``docker save | ssh docker load``.

Each server gets a processor of its own, as two machines have: else a build on one is felt on the
other, whoever builds.
"""

from __future__ import annotations

import configparser
import os
import re
import subprocess
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.lab.commits import Origin
from tests.lab.deployments import Operator, inventory
from tests.lab.load import loaded
from tests.lab.rig import Lab, Server
from tests.lab.rig.docker import docker
from tests.lab.scenes import PAGE, Scene, titled

from . import report

CAME = re.compile(r"✓ build frontend ([\d.]+)s \((?:\d+ of \d+ layers, ([\d.]+) MB)?")
CONTENT = re.compile(r"wishwithme/frontend:[0-9a-f]{16}")
QUIET = 10
"""Seconds for which the site is asked while nothing goes on."""
HERE = "on the server (`builder = server`)"
THERE = "on another server, and sent"
SENT = "of which sent, once it is built"
WHOLE = "`docker save \\| ssh docker load`, once it is built"
IDLE = "nothing"


@dataclass
class Figures:
    """What was measured of one way."""

    seconds: list[float] = field(default_factory=list)
    megabytes: list[float] = field(default_factory=list)
    slow: list[float] = field(default_factory=list)
    """Milliseconds within which the site answered 99 of 100 requests meanwhile."""


def run(rounds: int) -> None:
    """Measure, and write the section of the page."""
    lab = Lab()
    found: dict[str, Figures] = defaultdict(Figures)
    with tempfile.TemporaryDirectory() as name, _apart(lab):
        bench = _Bench(lab, Path(name), found)
        try:
            for number in range(rounds):
                print(f"round {number + 1}", flush=True)
                bench.round()
        finally:
            bench.leave()
    columns = ("the page's image is built", "s", "MB sent", "p99 of the site meanwhile, ms")
    rows = [
        [
            way,
            report.told(one.seconds) if one.seconds else "",
            report.told(one.megabytes) if one.megabytes else "",
            report.told(one.slow, 0),
        ]
        for way, one in found.items()
    ]
    head = f"{report.machine()}. Median of {rounds} (range), by turns; one processor a server."
    report.write("building", f"{head}\n\n{report.table(columns, rows)}")


class _Bench:
    def __init__(self, lab: Lab, folder: Path, found: dict[str, Figures]) -> None:
        self.lab, self.found = lab, found
        there = inventory(lab.hosts_ini, folder / "there", "ubuntu", {"builder": "montreal"})
        self.there, self.here = Operator(there), Operator(lab.hosts_ini)
        origin = Origin(lab.folder / "origin.git", folder / "clone")
        self.scene = Scene(lab, self.here, origin)
        self.here.must("deploy")

    def round(self) -> None:
        self._under_load(IDLE, lambda: time.sleep(QUIET))
        self._deploy(HERE, self.here, self._page())
        page = self._page()
        self._deploy(THERE, self.there, page)
        image = self._forget()
        self._deploy(SENT, self.there, page)
        self._forget()
        self._whole(image)

    def leave(self) -> None:
        """Both servers at the base."""
        self.scene.origin.rewind()
        self.here.must("deploy")

    def _page(self) -> str:
        return self.scene.change("Measured", {PAGE: titled(f"measured {time.time_ns()}")})

    def _deploy(self, way: str, operator: Operator, commit: str) -> None:
        out: list[str] = []
        words = ("ubuntu.deploy", "--ref", commit)
        self._under_load(way, lambda: out.append(operator.must(*words).out))
        came = CAME.search(out[0])
        assert came, out
        self.found[way].seconds.append(float(came[1]))
        if came[2]:
            self.found[way].megabytes.append(float(came[2]))

    def _forget(self) -> str:
        """Go back, and take the image from the server: its builder has it still. Its name."""
        ubuntu = self.lab.server("ubuntu")
        (box,) = [one for one in self.scene.boxes().values() if one.service == "frontend"]
        names = ubuntu.must(["docker", "image", "inspect", "-f", "{{.RepoTags}}", box.image])
        self.here.must("ubuntu.rollback", "--yes")
        ubuntu.must(["docker", "image", "rm", "--force", box.image])
        found = CONTENT.search(names)
        assert found, names
        return found[0]

    def _whole(self, image: str) -> None:
        def send() -> None:
            start = time.monotonic()
            self.found[WHOLE].megabytes.append(self._piped(image) / 1e6)
            self.found[WHOLE].seconds.append(time.monotonic() - start)

        self._under_load(WHOLE, send)
        self.lab.server("ubuntu").must(["docker", "image", "rm", "--force", image])

    def _piped(self, image: str) -> int:
        """Send an image as a person would, from one server to the other; how many bytes it was."""
        save = subprocess.Popen(
            [*self._ssh("montreal"), "docker", "save", image], stdout=subprocess.PIPE
        )
        load = subprocess.Popen(
            [*self._ssh("ubuntu"), "docker", "load", "-q"], stdin=subprocess.PIPE
        )
        assert save.stdout
        assert load.stdin
        size = 0
        while data := save.stdout.read(1 << 18):
            load.stdin.write(data)
            size += len(data)
        load.stdin.close()
        assert (save.wait(), load.wait()) == (0, 0)
        return size

    def _ssh(self, name: str) -> list[str]:
        parsed = configparser.ConfigParser(interpolation=None, default_section="defaults")
        parsed.read(self.lab.hosts_ini)
        section, folder = parsed[name], self.lab.hosts_ini.parent
        options = ["-F", "none", "-o", f"UserKnownHostsFile={folder / 'known_hosts'}"]
        options += ["-i", str(folder / section["key"]), "-p", section["port"]]
        return ["ssh", *options, f"{section['user']}@{section['host']}"]

    def _under_load(self, way: str, deed: Callable[[], object]) -> None:
        print(f"  {way}", flush=True)
        with loaded(self.scene) as load:
            deed()
        self.found[way].slow.append(load.slow * 1000)


@contextmanager
def _apart(lab: Lab) -> Iterator[None]:
    """Let each server have a processor of its own."""

    def give(server: Server, processors: str) -> None:
        docker("update", "--cpuset-cpus", processors, server.container)

    last = (os.cpu_count() or 1) - 1
    try:
        give(lab.server("ubuntu"), "0")
        give(lab.server("montreal"), str(last))
        yield
    finally:
        for server in lab.servers.values():
            give(server, f"0-{last}")
