"""How a cell of the fault matrix is played.

A deploy, the fault in the middle of its step, then one more command; and what must be true of the
servers, of the site and of what was written meanwhile.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from typing import Any

from fabfile.model.deploy.plan import Kind
from tests.lab.commits import Origin
from tests.lab.deployments import SERVERS, Operator
from tests.lab.matrix import BY_HAND, LOST, STOPS, TOLD, Cell, Fault, Row
from tests.lab.matrix_changes import (
    DRIFTS,
    OTHER,
    PUBLISH,
    SCHEMA,
    UNDO,
    changes_proxy_image,
    edits,
)
from tests.lab.matrix_page import RESULTS
from tests.lab.matrix_strikes import is_free, strike
from tests.lab.matrix_trap import Trap
from tests.lab.matrix_visits import Visits, visited
from tests.lab.revisions import revision
from tests.lab.rig import Lab, LabError, Server
from tests.lab.rig.output import wait_until
from tests.lab.rig.server import CHECKOUT
from tests.lab.seen import STATE, head
from tests.names import SITE

WAIT = ("--wait", "2m")
STARTED = 60
"""Seconds within which everything that the engine started anew is healthy."""
BASE = "wishwithme"


@dataclass
class Played:
    """What became of a cell."""

    step: str
    fault: str
    code: int | None
    """Of the command that met the fault; None: it was killed."""
    mended: str
    """The command that made all uniform; empty: none was needed."""
    outage: float = 0.0
    """Seconds in which nobody was answered."""
    asked: int = 0
    failed: int = 0
    rows: int = 0
    seconds: float = 0.0
    passed: bool = False


@dataclass
class Stage:
    """Both servers, traps on them, and the commits that were deployed so far."""

    lab: Lab
    operator: Operator
    """Patient: after a reboot a cold application answers its first questions late."""
    origin: Origin
    tip: str = ""
    schema: int = 0
    """The revision of the database before the cell."""
    number: int = field(default_factory=lambda: int(time.time()))
    """Of the cell: no other one, of no run, makes the same change."""
    traps: dict[str, Trap] = field(default_factory=dict)

    @property
    def ubuntu(self) -> Server:
        return self.lab.server("ubuntu")

    def lower(self, to: int) -> None:
        """Take the schema down to a revision, by hand."""
        for number in range(self.revision, to, -1):
            self.ask_database(UNDO.format(revision=number, since=number - 1))

    def put_right(self) -> None:
        """Both servers at the last commit that was deployed, whatever a cell left; or anew."""
        self.origin.point(self.tip)
        with suppress(LabError):
            self.lower(self.schema)
        if self.operator.fab("deploy", *WAIT).code:
            for name in SERVERS:
                self.lab.server(name).reset()
            self.operator.must("deploy")

    def ask_database(self, query: str) -> str:
        """The answer of PostgreSQL."""
        psql = ["docker", "exec", "-i", "wishwithme-postgres", "psql", "-U", BASE, "-d", BASE]
        return self.ubuntu.must([*psql, "-Atq"], stdin=query).strip()

    @property
    def revision(self) -> int:
        return int(self.ask_database("SELECT version_num FROM alembic_version"))

    def play(self, cell: Cell) -> Played:
        """The whole cell; an assertion says what is not as it must be."""
        start = time.monotonic()
        row, server = cell.row, self.lab.server(cell.row.server)
        self.number += 1
        self.schema = self.revision
        before = {name: head(self.lab.server(name)) for name in SERVERS}
        commit = self.commit(row)
        with visited(self.ubuntu) as visits:
            self.provoke(row)
            self.traps[row.server].set(row.kind, self.title(row, commit))
            target = "deploy" if cell.together else f"{row.server}.deploy"
            running = self.operator.start(target)
            self.traps[row.server].springs(running)
            code = strike(cell.fault, self.lab, self.traps[server.name], running)
            if cell.fault in TOLD:
                self.ended(cell, code, before, commit)
            if cell.fault in LOST:
                self.told(cell, commit)
            if cell.fault in (*STOPS, *BY_HAND):
                wait_until(lambda: visits.answered_since(2), "an answer without a hand", STARTED)
            mended = self.mend(cell, code)
        judged = SERVERS if cell.together else (row.server,)
        self.uniform(judged, {commit, *(before[name] for name in judged)})
        for name in judged:
            self.plain_up_changes_nothing(self.lab.server(name))
        self.kept(visits)
        self.answers(cell, visits)
        if head(server) == commit:
            self.tip = commit
        else:
            self.lower(self.schema)
        return Played(
            str(row),
            cell.fault.value,
            code,
            mended,
            round(visits.outage, 1),
            len(visits.answered) + len(visits.failed),
            len(visits.failed),
            len(visits.written),
            round(time.monotonic() - start, 1),
            passed=True,
        )

    def commit(self, row: Row) -> str:
        """A commit on top of the last one that was deployed, whose deploy has the step."""
        changed = edits(row, self.number)
        if row.kind in SCHEMA:
            changed |= revision(f"matrix_{self.revision + 1}", since=self.revision)
        return self.origin.commit(f"For {row}", changed, self.tip)

    def title(self, row: Row, commit: str) -> str:
        """The title of the step, as others are told it."""
        subject = f"{row.subject}-{self.number}" if row.kind is Kind.PULL else row.subject
        return f"{row.kind.value} {subject or commit[:8]}"

    def provoke(self, row: Row) -> None:
        """What the step needs besides a commit."""
        server = self.lab.server(row.server)
        if row.kind in DRIFTS:
            server.must(["sh", "-ec", DRIFTS[row.kind]], user="ubuntu")
        if changes_proxy_image(row):
            server.must(["sh", "-ec", PUBLISH, f"nginx:{OTHER}-{self.number}"])

    def ended(self, cell: Cell, code: int | None, before: Mapping[str, str], commit: str) -> None:
        """The run itself ended well: everything is as it was; or only the former ones linger."""
        lingers = cell.row.kind is Kind.RETIRE and cell.fault is not Fault.CTRL_C
        assert code == (0 if lingers else 1), f"exit code {code}"
        changed = (SERVERS if cell.together else (cell.row.server,)) if lingers else ()
        heads = {name: head(self.lab.server(name)) for name in SERVERS}
        assert heads == {**before, **dict.fromkeys(changed, commit)}
        if lingers:
            pending = self.operator.json("status")[cell.row.server]["pending"]
            assert any(one.startswith(f"{cell.row.kind.value} ") for one in pending), pending

    def told(self, cell: Cell, commit: str) -> None:
        """The next ``status`` tells the truth of a run that died, once that had a record."""
        last = self.operator.json("status")[cell.row.server]["last"]
        opened = list(Kind).index(cell.row.kind) > list(Kind).index(Kind.FETCH)
        assert (last["outcome"] == "died", last["commit"] == commit) == (opened, opened), last

    def mend(self, cell: Cell, code: int | None) -> str:
        """The one command that makes it uniform; what it is called."""
        if code == 0 and cell.fault not in BY_HAND and cell.row.kind is not Kind.RETIRE:
            return ""
        name = cell.row.server
        if cell.together or cell.row.kind in DRIFTS or code == 0:
            words = ("deploy" if cell.together else f"{name}.deploy", *WAIT)
        else:
            words = (f"{name}.recover", *WAIT)
        ran = self.operator.must(*words)
        print(ran)
        idle = ran.out.count("nothing to do: ") == (len(SERVERS) if cell.together else 1)
        if "nothing to recover" in ran.out or (code == 0 and idle):
            return ""
        assert words[0].endswith("deploy") or cell.fault not in TOLD, ran
        return words[0].rpartition(".")[2]

    def uniform(self, judged: tuple[str, ...], known: set[str]) -> None:
        """Every server of ``judged`` runs one release, proved, and nothing is left of a run."""
        heads = {head(self.lab.server(name)) for name in judged}
        assert len(heads) == 1, heads
        assert heads <= known, heads
        (commit,) = heads
        self.origin.point(commit)
        for name in judged:
            self.started(self.lab.server(name))
        status = self.operator.json("status")
        for name in judged:
            said = status[name]
            assert said["release"]["commit"] == commit, said
            assert said["last"]["outcome"] in ("verified", "failed"), said["last"]
            assert (said["pending"], said["problems"]) == ([], []), said
            assert (said["busy"], said["lingering"]) == ("", ""), said
            wrong = [one for one in said["services"] if not is_well(one)]
            assert not wrong, wrong
            server = self.lab.server(name)
            assert is_free(server)
            assert (name, server.must(["bash", "-c", LEFT]).split()) == (name, [])

    def started(self, server: Server) -> None:
        """Wait for what the engine itself has started anew: that is not healthy at once."""
        starting = ["docker", "ps", "-q", "--filter", "health=starting"]
        wait_until(lambda: not server.must(starting), f"{server.name}: health", STARTED)

    def plain_up_changes_nothing(self, server: Server) -> None:
        """``docker compose up -d`` by hand, once the command has ended."""
        listed = ["docker", "ps", "-aq", "--no-trunc"]
        before = server.must(listed)
        server.must(["bash", "-c", f"cd {CHECKOUT} && docker compose up -d"], user="ubuntu")
        assert server.must(listed) == before

    def kept(self, visits: Visits) -> None:
        """Every row that was acknowledged is there."""
        ids = ", ".join(f"'{one}'" for one in visits.written)
        found = self.ask_database(f"SELECT count(*) FROM wishlists WHERE id IN ({ids})")
        assert int(found) == len(visits.written)

    def answers(self, cell: Cell, visits: Visits) -> None:
        """It answers now; and always did, unless the fault itself stops the server."""
        visits.look(SITE, "/")
        assert visits.answered[-1] > time.monotonic() - 5, visits.failed[-1:]
        stopped = cell.fault in (*STOPS, *BY_HAND) and cell.row.server == "ubuntu"
        if not stopped and not changes_proxy_image(cell.row):
            assert not visits.failed, visits.failed[:5]


LEFT = f"""
docker ps -a --format '{{{{.Names}}}}' | grep -E -- '-migrate$'
ls {STATE}/build
where='{{{{range .NetworkSettings.Networks}}}}{{{{.IPAddress}}}}{{{{end}}}}'
address=$(docker inspect -f "$where" wishwithme-nginx)
curl -s --fail "http://$address:8090/pinned"
find /tmp -maxdepth 1 -user ubuntu -name 'wishwithme-*'
true
"""
"""What a run must not leave: one-off containers, trees, a proxy that names single replicas."""


def is_well(service: Mapping[str, Any]) -> bool:
    """Whether a service runs what was deployed."""
    return (
        service["state"] == "running"
        and service["health"] in ("", "healthy")
        and bool(service["as_deployed"])
    )


def played(stage: Stage, cell: Cell) -> None:
    """Play a cell and write down what became of it; after a failure the servers are put right."""
    passed: Played | None = None
    try:
        passed = stage.play(cell)
    finally:
        result = passed or Played(str(cell.row), cell.fault.value, None, "")
        line = json.dumps(asdict(result))
        with RESULTS.open("a") as file:
            file.write(f"{line}\n")
        print(line)
        if not passed:
            stage.put_right()
