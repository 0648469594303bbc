"""A runner for tests: it plays a workflow's jobs in their order, each ``run`` in a shell.

It knows what our workflows use: needs, one condition, outputs, inputs, secrets, reusable workflows,
and of actions the checkout (a real clone of a real repository) and setup-python (nothing).
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import yaml

from .bench import git

ROOT = Path(__file__).resolve().parents[2]
OK, RED, LEFT_OUT = "success", "failure", "skipped"
INV = """\
#!{python}
# inv with the tasks of this repository, the fab of the test and the checkout of the job.
import sys
from pathlib import Path

sys.path.insert(0, {root!r})
from invoke import Collection, Program
from scripts.ci import fab
from scripts.ci.tasks import ns

fab.FAB, fab.PROJECT = Path({fab!r}), Path.cwd()
Program(namespace=Collection(ns)).run()
"""
SCRIPT = """\
#!/bin/sh
echo "$(basename "$0") $*" >>{folder}/scripts
! grep -qsx -- "$*" {folder}/red
"""
"""Stands in for scripts/setup and scripts/test: red where the test says so."""


class Place(Protocol):
    """Where a workflow is played."""

    folder: Path
    """Where jobs leave things; ``fab`` in it is the one that is called."""
    checkout: Path
    """The repository that is cloned."""


@dataclass
class Played:
    """How a workflow went."""

    jobs: dict[str, str] = field(default_factory=dict)
    """Job → how it ended; of a called workflow ``caller/job``."""
    outputs: dict[str, str] = field(default_factory=dict)
    log: str = ""

    @property
    def green(self) -> bool:
        return RED not in self.jobs.values()


class Runner:
    """The machine of one run of a workflow."""

    def __init__(
        self, bench: Place, event: Mapping[str, Any], before: Mapping[str, Callable[[], None]]
    ) -> None:
        self._bench = bench
        self._event = event
        """Contexts: ``github``, ``inputs``, ``secrets``."""
        self._before = before
        """Job → what happens just before it begins."""

    def play(self, name: str, inputs: Mapping[str, str] | None = None) -> Played:
        """Play each job of a workflow whose needs are green; ``inputs``: those of a call."""
        text = (ROOT / ".github/workflows" / name).read_text()
        model: dict[Any, Any] = yaml.safe_load(text)
        contexts = {**self._event, **({"inputs": inputs} if inputs is not None else {})}
        played = Played()
        needs: dict[str, dict[str, str]] = {}
        for job, body in model["jobs"].items():
            wanted = [body["needs"]] if "needs" in body else []
            known = {**contexts, "needs": {one: {"outputs": needs[one]} for one in needs}}
            ready = all(played.jobs[one] == OK for one in wanted)
            if not ready or not truth(body.get("if", ""), known):
                played.jobs[job] = LEFT_OUT
                continue
            self._before.get(job, lambda: None)()
            played.jobs[job], needs[job] = self._job(job, body, known, played)
        called = model[True].get("workflow_call") or {}
        known = {**contexts, "jobs": {one: {"outputs": needs[one]} for one in needs}}
        played.outputs = {
            one: filled(output["value"], known) for one, output in called.get("outputs", {}).items()
        }
        return played

    def _job(
        self, job: str, body: Mapping[str, Any], known: dict[str, Any], played: Played
    ) -> tuple[str, dict[str, str]]:
        if "uses" in body:
            given = {key: filled(value, known) for key, value in body["with"].items()}
            below = self.play(Path(body["uses"].split()[0]).name, given)
            played.log += below.log
            played.jobs |= {f"{job}/{one}": state for one, state in below.jobs.items()}
            return (OK if below.green else RED), below.outputs
        steps: dict[str, Any] = {}
        place = Path(tempfile.mkdtemp(dir=self._bench.folder, prefix=f"{job}-")) / "checkout"
        for step in body["steps"]:
            now = {**known, "steps": steps}
            code, outputs, said = self._step(step, body.get("env", {}), now, place)
            played.log += said
            steps[step.get("id", "")] = {"outputs": outputs}
            if code:
                return RED, {}
        named = body.get("outputs", {})
        return OK, {one: filled(text, {**known, "steps": steps}) for one, text in named.items()}

    def _step(
        self, step: Mapping[str, Any], env: Mapping[str, str], known: dict[str, Any], place: Path
    ) -> tuple[int, dict[str, str], str]:
        uses = step.get("uses", "")
        if uses.startswith("actions/checkout@"):
            ref = filled(step["with"].get("ref", "${{ github.sha }}"), known)
            return 0, {"commit": self._checkout(place, ref)}, ""
        if uses:
            assert uses.startswith("actions/setup-python@")
            return 0, {}, ""
        given = {key: filled(text, known) for key, text in {**env, **step.get("env", {})}.items()}
        outputs = place.parent / "outputs"
        outputs.write_text("")
        done = shell(self._bench, step["run"], place, {**given, "GITHUB_OUTPUT": str(outputs)})
        pairs = (line.split("=", 1) for line in outputs.read_text().splitlines())
        return done.returncode, dict(pairs), done.stderr

    def _checkout(self, place: Path, ref: str) -> str:
        git(place.parent, "clone", "-q", str(self._bench.checkout), str(place))
        known = git(place, "rev-parse", "--verify", "-q", f"origin/{ref}") if ref == "main" else ref
        git(place, "checkout", "-q", "--detach", known)
        furnish(self._bench, place)
        return git(place, "rev-parse", "HEAD")


def furnish(bench: Place, place: Path) -> None:
    """The programs that the steps call."""
    fab = str(bench.folder / "fab")
    files = {
        "scripts/setup": SCRIPT.format(folder=bench.folder),
        "scripts/test": SCRIPT.format(folder=bench.folder),
        ".venv/bin/inv": INV.format(python=sys.executable, root=str(ROOT), fab=fab),
    }
    for name, text in files.items():
        file = place / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
        file.chmod(0o755)


def shell(
    bench: Place,
    script: str,
    place: Path,
    environ: Mapping[str, str],
    runner: str = "GITHUB_ACTIONS",
) -> subprocess.CompletedProcess[str]:
    """Run a step's lines as a runner does: in bash, ended by the first that fails."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "HOSTS_INI")}
    summary = {"GITHUB_STEP_SUMMARY": str(bench.folder / "summary.md")}
    given = {**kept, runner: "true", **(summary if runner == "GITHUB_ACTIONS" else {}), **environ}
    words = ["bash", "-e", "-o", "pipefail", "-c", script]
    done = subprocess.run(
        words, cwd=place, env=given, stdin=subprocess.DEVNULL, capture_output=True, check=False
    )
    # A CR stays one: sections of GitLab have it.
    said = (stream.decode() for stream in (done.stdout, done.stderr))
    return subprocess.CompletedProcess(words, done.returncode, *said)


def filled(text: str, contexts: Mapping[str, Any]) -> str:
    """A text with its expressions in place."""
    return re.sub(r"\$\{\{ (.+?) \}\}", lambda found: value(found[1], contexts), str(text))


def value(expression: str, contexts: Mapping[str, Any]) -> str:
    """``a.b.c``, or the first of ``a.b || c.d`` that is there and not empty."""
    for path in expression.split(" || "):
        found: Any = contexts
        for word in path.split("."):
            found = found.get(word, "") if isinstance(found, Mapping) else ""
        if found:
            return str(found)
    return ""


def truth(condition: str, contexts: Mapping[str, Any]) -> bool:
    """``a.b == 'c'``; nothing is true."""
    if not condition:
        return True
    path, _, wanted = condition.partition(" == ")
    return value(path, contexts) == wanted.strip("'")
