"""Mutants: small changes that break the code, of which the fast tests should notice each.

``scripts/test --full`` lets mutmut make every mutant of ``model/``, runs a sample of them against
``tests/unit``, and fails when too few are noticed. The sample is drawn by the names' digests: the
same code has the same sample, and a small change a similar one.
"""

from __future__ import annotations

import hashlib
import re
import shutil
from pathlib import Path
from tempfile import TemporaryDirectory

from .outcome import ROOT, Outcome, run

TIER = "mutants"
ENVIRONMENT = ".venv-mutants"
LOCKED = ("", "-dev", "-patchwork", "-mutants")
SAMPLE = 300
SCORE = 80
"""How many of a hundred mutants the tests must notice."""
SMALLEST = "fabfile.model.typed.*"
"""What a first run tries, to have every mutant made and every test's time taken."""
NOTICED = {"killed", "timeout", "segfault", "suspicious"}
RESULT = re.compile(r"^ +(\S+__mutmut_[0-9]+): (.+)$", re.MULTILINE)


def run_sample() -> Outcome:
    """Break a copy of the checkout in ``SAMPLE`` ways, one after the other."""
    locked = [f"requirements{part}.txt" for part in LOCKED]
    status, said = run("scripts/setup", ENVIRONMENT, *locked)
    if status:
        return Outcome(problem=f"scripts/setup could not make {ENVIRONMENT}", output=said)
    with TemporaryDirectory() as place:
        copy = Path(place, "copy")
        copy_checkout(copy)
        mutmut = str(ROOT / ENVIRONMENT / "bin/mutmut")
        status, said = run(mutmut, "run", SMALLEST, folder=copy)
        if status:
            return Outcome(problem="mutmut could not begin", output=plain(said))
        names = drawn(dict(RESULT.findall(run(mutmut, "results", "--all", "true", folder=copy)[1])))
        status, said = run(mutmut, "run", *names, folder=copy)
        if status:
            return Outcome(problem="mutmut did not end", output=plain(said))
        results = dict(RESULT.findall(run(mutmut, "results", "--all", "true", folder=copy)[1]))
    return judged({name: results[name] for name in names})


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


def drawn(names: dict[str, str]) -> list[str]:
    """The names of the sample."""
    return sorted(names, key=lambda name: hashlib.sha256(name.encode()).digest())[:SAMPLE]


def judged(results: dict[str, str]) -> Outcome:
    """The score, and which mutants nothing noticed."""
    missed = sorted(name for name, result in results.items() if result not in NOTICED)
    score = 100 * (len(results) - len(missed)) / len(results)
    said = [f"{len(results) - len(missed)} of {len(results)} mutants noticed ({score:.0f} %)"]
    said += [f"  {results[name]:<12} {name}" for name in missed]
    problem = "" if score >= SCORE else f"{said[0]}; {SCORE} % must be"
    return Outcome(problem=problem, output="\n".join([*said, ""]))
