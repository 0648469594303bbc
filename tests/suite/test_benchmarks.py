"""The benchmarks' own arithmetic: what is counted, what a table says, what is asked as a proof."""

from __future__ import annotations

import os
import subprocess
import time
from pathlib import Path

import pytest
import yaml

from benchmarks import figures as told
from benchmarks import report
from benchmarks.deploys import away
from benchmarks.figures import FAR, KINDS, NEAR, Figures, Lost
from benchmarks.proof import script
from benchmarks.road import Traffic, traffic
from benchmarks.tools import PEERS
from tests.lab.rig import LabError
from tests.lab.rig.server import CHECKOUT
from tests.suite.outcome import ROOT

LOG = """\
Connection from 172.30.1.1 port 40000 on 172.30.1.11 port 22 rdomain ""
Accepted publickey for ubuntu from 172.30.1.1 port 40000 ssh2: ED25519 SHA256:abc
Starting session: command for ubuntu from 172.30.1.1 port 40000 id 0
Starting session: subsystem 'sftp' for ubuntu from 172.30.1.1 port 40000 id 1
Connection from 172.30.1.1 port 40001 on 172.30.1.11 port 22 rdomain ""
Connection closed by 172.30.1.1 port 40001 [preauth]
"""
CERTIFICATE = "/opt/wishwithme/certs/fullchain.pem"
STACK = """
name: one
services:
  api: {deploy: {replicas: 2}}
  page: {}
  rules: {profiles: [rules]}
  proxy: {container_name: one-proxy}
x-deploy:
  api:
    probe: {port: 8000, path: /healthz, status: 200, json: {status: healthy}}
    checks: {events: [python, -c, "print('two words')"]}
    link: {command: [python, -c, call]}
  page:
    probe: {port: 80, path: /, status: 200, contains: Wish (With) Me}
  rules:
    probe: {port: 8080, path: /, status: 200, contains: rules}
  proxy:
    proxy: true
    gates:
      - {name: site, url: "https://app.example/", status: 200, contains: Wish}
"""


def measured() -> Figures:
    """One tool, whose median is 0.7 s more over the long way."""
    figures = Figures()
    for number, kind in enumerate(KINDS):
        figures.seconds["one", kind, NEAR] = [1.0 + number, 9.0 + number, 2.0 + number]
        figures.seconds["one", kind, FAR] = [2.6 + number, 2.7 + number, 2.8 + number]
        figures.traffic["one", kind] = [Traffic(1, 7), Traffic(1, 8), Traffic(1, 7)]
    figures.away["one"] = [0.0, 1.9, 0.4]
    figures.lost["one", "one service"] = Lost(12, 4000, 1)
    figures.lost["one", "rollback"] = Lost(0, 3000)
    for way in (NEAR, FAR):
        for number in range(3):
            commit = f"{number}{len(way)}1b2c3d"
            figures.add_steps(
                way,
                [
                    {"title": f"fetch {commit}", "seconds": 0.0},
                    {"title": "build it", "seconds": 0.5 + number / 10},
                    {"title": "roll it", "seconds": 1.0 + number / 10},
                ],
            )
    return figures


def rows(text: str) -> list[list[str]]:
    return [line.strip("| ").split(" | ") for line in text.splitlines()[2:]]


def test_only_who_was_let_in_counts_as_a_connection_and_every_channel_as_a_command() -> None:
    assert traffic(LOG) == Traffic(connections=1, sessions=2)
    assert str(traffic(LOG) + Traffic(1, 3)) == "5 on 2"


def test_the_seconds_are_told_by_their_median_and_range() -> None:
    [row] = rows(told.times(measured(), ["one"]))
    assert row == [
        "one",
        "2.0 (1.0 to 9.0)",
        "2.7 (2.6 to 2.8)",
        "3.0 (2.0 to 10.0)",
        "3.7 (3.6 to 3.8)",
        "4.0 (3.0 to 11.0)",
        "4.7 (4.6 to 4.8)",
    ]


def test_what_the_way_adds_is_told_in_round_trips() -> None:
    [row] = rows(told.requests(measured(), ["one"], trip=100.0))
    assert row == ["one", "7 on 1; 7", "7 on 1; 7", "7 on 1; 7"]


def test_a_tool_that_was_faster_over_the_long_way_waited_for_no_trip() -> None:
    figures = measured()
    figures.seconds["one", "rollback", FAR] = [1.0]
    assert told.trips(figures, "one", "rollback", 100.0) == 0


def test_a_tool_that_fails_requests_says_of_how_many() -> None:
    [row] = rows(told.failures(measured(), {"one": ("nothing", "none", "no")}))
    assert row == [
        "one",
        "12 of 4000, 1 executed twice",
        "0 of 3000",
        "1.9 s at most",
        "nothing",
        "none",
        "no",
    ]


def test_a_site_that_answers_once_and_is_gone_again_is_not_back() -> None:
    answers = iter([False, True, False, *[True] * 20])
    start = time.monotonic()
    late = away(lambda: next(answers), steady=0.1, patience=5)
    assert 0.06 <= late <= time.monotonic() - start - 0.1


def test_a_site_that_never_answers_is_told() -> None:
    with pytest.raises(LabError, match=r"still away after 0\.1 s"):
        away(lambda: False, patience=0.1)


def test_what_no_step_accounts_for_stands_below_them() -> None:
    assert rows(told.steps(measured(), "one")) == [
        ["fetch", "0.0", "0.0"],
        ["build it", "0.6", "0.6"],
        ["roll it", "1.1", "1.1"],
        ["before, between and after them", "1.3", "2.0"],
    ]


def test_the_proof_asks_every_gate_but_those_of_a_profile() -> None:
    lines = script(yaml.safe_load(STACK)).splitlines()
    asked = """answers '"status": ?"healthy"' "http://$(address "$one"):8000/healthz\""""
    first = """docker exec "${all%%$'\\n'*}" python -c"""
    assert lines[lines.index("project=one") + 1 :] == [
        "all=$(containers api)",
        f"for one in $all; do {asked}; done",
        f"""{first} 'print('"'"'two words'"'"')'""",
        f"{first} call",
        "all=$(containers page)",
        """for one in $all; do answers 'Wish \\(With\\) Me' "http://$(address "$one"):80/"; done""",
        f"answers Wish --resolve app.example:443:127.0.0.1 --cacert {CERTIFICATE} https://app.example/",
    ]


def test_the_proof_of_the_real_stack_is_a_script() -> None:
    stack = ROOT / "compose/docker-compose.ubuntu.yml"
    text = script(yaml.safe_load(stack.read_text()))
    done = subprocess.run(["bash", "-n"], input=text, text=True, capture_output=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert [name in text for name in ("core-api", "frontend")] == [True] * 2


class Seeds:
    """The seed's script between a clone and a server that only writes down what it is told."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.clone = folder, folder / "clone"
        self.clone.mkdir()
        self._git("init", "-q")
        self.before = self.commit("services/core-api/app/main.py")
        for name in ("ssh", "sleep"):
            program = folder / name
            program.write_text(f'#!/bin/sh\necho "{name} $*" >>{folder}/told\n')
            program.chmod(0o755)

    def commit(self, path: str) -> str:
        file = self.clone / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(file.read_text() + "more\n" if file.exists() else "")
        self._git("add", "-A")
        self._git("-c", "user.name=a", "-c", "user.email=a@b", "commit", "-q", "-m", "c")
        return self._git("rev-parse", "HEAD")

    def run(self, verb: str, before: str, after: str) -> list[str]:
        environment = {
            "PATH": f"{self.folder}{os.pathsep}{os.environ['PATH']}",
            "CLONE": str(self.clone),
            "SSH_CONFIG": "config",
        }
        words = [str(PEERS / "seed.sh"), verb, before, after]
        done = subprocess.run(words, env=environment, capture_output=True, text=True, check=False)
        assert (done.returncode, done.stderr) == (0, "")
        told = self.folder / "told"
        lines = told.read_text().splitlines() if told.exists() else []
        return [line.removeprefix(f"ssh -F config ubuntu cd {CHECKOUT} && ") for line in lines]

    def _git(self, *words: str) -> str:
        done = subprocess.run(
            ["git", *words], cwd=self.clone, capture_output=True, text=True, check=True
        )
        return done.stdout.strip()


@pytest.fixture
def seeds(tmp_path: Path) -> Seeds:
    return Seeds(tmp_path)


def test_the_seeds_script_asks_no_server_when_nothing_changed(seeds: Seeds) -> None:
    assert seeds.run("deploy", seeds.before, seeds.before) == []
    elsewhere = seeds.commit("docs/page.md")
    assert seeds.run("deploy", seeds.before, elsewhere) == []


def test_the_seeds_script_deploys_what_changed_step_by_step(seeds: Seeds) -> None:
    *steps, check = seeds.run("deploy", seeds.before, seeds.commit("services/core-api/app/main.py"))
    assert steps == [
        "git pull -q origin main",
        "docker compose build core-api",
        "docker compose run --rm -T core-api alembic upgrade head",
        "docker compose up -d --no-deps core-api",
        "sleep 20",
    ]
    assert check.startswith("for one in $(docker compose ps -q core-api); do docker exec $one ")
    assert "/live" in check


def test_the_seeds_script_goes_back_one_commit_and_checks_nothing(seeds: Seeds) -> None:
    assert seeds.run("rollback", seeds.before, seeds.commit("services/core-api/app/main.py")) == [
        "git reset -q --hard HEAD~1",
        "docker compose build core-api",
        "docker compose up -d --no-deps core-api",
    ]


def test_a_section_of_the_page_is_written_anew_and_the_others_stay(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = tmp_path / "page.md"
    page.write_text(
        "before\n<!-- a: written by inv bench.a -->\nold\n<!-- end of a -->\nafter\n"
        "<!-- b: written by inv bench.b -->\nkept\n<!-- end of b -->\n"
    )
    monkeypatch.setattr(report, "PAGE", page)
    report.write("a", "new")
    assert page.read_text() == (
        "before\n<!-- a: written by inv bench.a -->\n\nnew\n\n<!-- end of a -->\nafter\n"
        "<!-- b: written by inv bench.b -->\nkept\n<!-- end of b -->\n"
    )
    with pytest.raises(ValueError, match="no section 'c'"):
        report.write("c", "new")
