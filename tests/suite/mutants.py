"""Mutants: small changes that break the code, of which the fast tests should notice each.

``scripts/test --full`` lets mutmut make every mutant of ``model/`` and ``ops/``, runs a sample of
them against the tests of that floor, and fails when too few are noticed. The sample is drawn by the
names' digests: the same code has the same sample, and a small change a similar one.
"""

from __future__ import annotations

import hashlib
import json
import re
import shutil
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from .outcome import ROOT, Outcome, run

TIER = "mutants"
ENVIRONMENT = ".venv-mutants"
LOCKED = ("", "-dev", "-patchwork", "-mutants")


@dataclass(frozen=True)
class Floor:
    """One part of ``fabfile/`` that is broken, and what must notice it."""

    name: str
    tests: str
    """The folder of its tests."""
    sample: int
    """How many mutants are tried."""
    score: int
    """How many of a hundred the tests must notice."""
    smallest: str
    """The one mutant of a first run, which has all made and the time of every test taken."""


MODEL = Floor("model", "tests/unit", 300, 80, "fabfile.model.typed.x_seconds__mutmut_1")
OPS = Floor("ops", "tests/tasks", 100, 80, "fabfile.ops.pointing.x_names_of__mutmut_1")
SETTING = re.compile(r"^(only_mutate|pytest_add_cli_args_test_selection) = .*$", re.MULTILINE)
NOTICED = {"killed", "timeout", "segfault", "suspicious"}
RESULT = re.compile(r"^ +(\S+__mutmut_[0-9]+): (.+)$", re.MULTILINE)


def run_sample() -> Outcome:
    """Break a copy of the checkout in a sample of ways, one after the other."""
    locked = [f"requirements{part}.txt" for part in LOCKED]
    status, said = run("scripts/setup", ENVIRONMENT, *locked)
    if status:
        return Outcome(problem=f"scripts/setup could not make {ENVIRONMENT}", output=said)
    outcomes = [_run_floor(floor) for floor in (MODEL, OPS)]
    return Outcome(
        problem="; ".join(one.problem for one in outcomes if one.problem),
        output="".join(one.output for one in outcomes),
    )


def _run_floor(floor: Floor) -> Outcome:
    with TemporaryDirectory() as place:
        copy = Path(place, "copy")
        copy_checkout(copy)
        configure(copy, floor)
        mutmut = str(ROOT / ENVIRONMENT / "bin/mutmut")
        status, said = run(mutmut, "run", floor.smallest, folder=copy)
        if status:
            return Outcome(problem=f"{floor.name}: mutmut could not begin", output=plain(said))
        names = drawn(floor, _results(mutmut, copy))
        status, said = run(mutmut, "run", *names, folder=copy)
        if status:
            return Outcome(problem=f"{floor.name}: mutmut did not end", output=plain(said))
        results = _results(mutmut, copy)
    return judged(floor, {name: results[name] for name in names})


def _results(mutmut: str, copy: Path) -> dict[str, str]:
    return dict(RESULT.findall(run(mutmut, "results", "--all", "true", folder=copy)[1]))


def configure(copy: Path, floor: Floor) -> None:
    """What mutmut is to break in a copy, and which tests are to notice it."""
    values = {
        "only_mutate": [f"fabfile/{floor.name}/*.py", f"fabfile/{floor.name}/*/*.py"],
        "pytest_add_cli_args_test_selection": [floor.tests],
    }
    file = copy / "pyproject.toml"
    text = SETTING.sub(lambda at: f"{at[1]} = {json.dumps(values[at[1]])}", file.read_text())
    file.write_text(text)


def copy_checkout(copy: Path) -> None:
    """Copy what git tracks or would track, as it is now; mutmut cannot copy a link to nothing."""
    listed = run("git", "ls-files", "-z", "--cached", "--others", "--exclude-standard")[1]
    for name in filter(None, listed.split("\0")):
        source, target = ROOT / name, copy / name
        if source.is_file() or source.is_symlink():
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source, target, follow_symlinks=False)
    shutil.copy2(copy / ".env.example", copy / ".env")


def plain(said: str) -> str:
    """What mutmut said, without the frames of what turns on a terminal."""
    return re.sub(r"[^\n]*\r", "", said)


def drawn(floor: Floor, names: dict[str, str]) -> list[str]:
    """The names of the sample."""
    digests = {name: hashlib.sha256(name.encode()).digest() for name in names}
    return sorted(names, key=digests.__getitem__)[: floor.sample]


def judged(floor: Floor, results: dict[str, str]) -> Outcome:
    """The score, and which mutants nothing noticed."""
    missed = sorted(name for name, result in results.items() if result not in NOTICED)
    score = 100 * (len(results) - len(missed)) / len(results)
    noticed = len(results) - len(missed)
    said = [f"{floor.name}: {noticed} of {len(results)} mutants noticed ({score:.0f} %)"]
    said += [f"  {results[name]:<12} {name}" for name in missed]
    problem = "" if score >= floor.score else f"{said[0]}; {floor.score} % must be"
    return Outcome(problem=problem, output="\n".join([*said, ""]))
