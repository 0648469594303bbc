"""The judges: third-party tools that read this repository's files and say what is wrong with them.

A judge is a function that returns its findings, empty when it has none. It raises
``NothingToJudge`` when the repository holds no file for it. A judge that is not installed is a
finding, never a silent skip.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from fnmatch import fnmatch
from functools import cache
from pathlib import Path
from typing import Any

from .judged_files import compose_settings, container_tree

ROOT = Path(__file__).resolve().parents[2]
TOOLS = Path(sys.executable).parent


class NothingToJudge(Exception):
    """No file of this kind stands in the repository; the message names the kind."""


@dataclass(frozen=True)
class Verdict:
    """What one judge said: its findings, or why it had nothing to look at."""

    judge: str
    findings: str
    seconds: float
    idle: str = ""

    def __str__(self) -> str:
        word = "FOUND" if self.findings else f"skipped: {self.idle}" if self.idle else "clean"
        return f"[lint] {self.judge:<18} {word} {self.seconds:.1f}s"


def verdicts() -> Iterator[Verdict]:
    """Ask every judge, as many at once as there are cores, and hand out the verdicts as listed."""
    with ThreadPoolExecutor(max_workers=os.cpu_count()) as pool:
        yield from pool.map(_ask, JUDGES.items())


def _ask(named: tuple[str, Callable[[], str]]) -> Verdict:
    name, judge = named
    start = time.monotonic()
    idle = findings = ""
    try:
        findings = judge()
    except NothingToJudge as nothing:
        idle = str(nothing)
    except Exception as broken:  # noqa: BLE001 - a judge that breaks has not acquitted anybody
        findings = f"{type(broken).__name__}: {broken}"
    return Verdict(name, findings, time.monotonic() - start, idle)


def _tool(*words: str | Path) -> str:
    """Run a tool of this environment; its whole output is a finding unless it exits with 0.

    It sees no variable of ours, so that a compose file cannot be saved by one. The tools stand
    first on its PATH, because actionlint asks the shellcheck that it finds there.
    """
    name, *arguments = map(str, words)
    if not (TOOLS / name).exists():
        return f"{name} is not installed here; run scripts/setup"
    done = subprocess.run(
        [str(TOOLS / name), *arguments],
        cwd=ROOT,
        env={"PATH": f"{TOOLS}{os.pathsep}{os.environ['PATH']}", "HOME": str(Path.home())},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    return "" if done.returncode == 0 else done.stdout.strip() or f"exit {done.returncode}"


@cache
def _files() -> tuple[Path, ...]:
    """Return every file that git tracks or would track, as a path from the root."""
    words = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    return tuple(Path(name) for name in sorted(set(listed.split("\0"))) if (ROOT / name).is_file())


def _matching(*patterns: str) -> list[Path]:
    """Choose files by name, or from the root where the pattern holds a folder."""

    def chosen(file: Path, pattern: str) -> bool:
        return fnmatch(str(file) if "/" in pattern else file.name, pattern)

    found = [file for file in _files() if any(chosen(file, pattern) for pattern in patterns)]
    if not found:
        raise NothingToJudge(f"no {' or '.join(patterns)} yet")
    return found


def _shell_files() -> list[Path]:
    return [file for file in _files() if file.suffix == ".sh" or _names_a_shell(ROOT / file)]


def _names_a_shell(file: Path) -> bool:
    with file.open("rb") as content:
        first = content.readline(64)
    return first.startswith(b"#!") and first.split()[-1].endswith((b"/sh", b"bash"))


def _floors() -> str:
    if not (ROOT / "fabfile" / "__init__.py").exists():
        raise NothingToJudge("no fabfile/ yet")
    return _tool("lint-imports", "--no-logo")


def _compose_schema() -> str:
    files = _matching("compose/*.yml", "compose.yaml")
    return _tool("check-jsonschema", "--builtin-schema", "vendor.compose-spec", *files)


def _compose_config() -> str:
    """Let compose itself read each file, with the settings that it would have."""
    findings = []
    for file in _matching("compose/*.yml"):
        with compose_settings(ROOT, file) as settings:
            words = ("docker-compose", "--env-file", settings, "-f", file, "config", "--quiet")
            findings.append(_tool(*words))
    return "\n".join(filter(None, findings))


def _workflows() -> list[Path]:
    return _matching(WORKFLOWS)


def _read_as(configuration: Path) -> list[dict[str, str]]:
    """The settings that a configuration is read with: each of those that have a folder."""
    modes = sorted(folder.name for folder in (ROOT / "nginx/waf").glob("*"))
    schemes = sorted(folder.name for folder in (ROOT / "nginx/link").glob("*"))
    if modes and configuration.match("nginx/ubuntu/*"):
        return [{"waf_mode": mode} for mode in modes]
    if schemes and configuration.match("nginx/montreal/*"):
        return [{"scheme": scheme} for scheme in schemes]
    return [{}]


WORKFLOWS, UPDATES = ".github/workflows/*.yml", ".github/dependabot.yml"
WAF = ("services/waf/etc/blocking.conf", "services/waf/etc/detection.conf")


def _each_nginx(judge: Callable[[Path], str]) -> Callable[[], str]:
    """Make a judge of one configuration a judge of all; it reads copies, we name our files."""

    def judge_all() -> str:
        findings = []
        for configuration in _matching("nginx/*/nginx.conf", "services/*/nginx.conf", *WAF):
            for settings in _read_as(configuration):
                with container_tree(ROOT, configuration, **settings) as copy:
                    said = judge(copy).replace(str(copy.parent), str(configuration.parent))
                    said = said.replace(f"{copy.parents[1]}/wishwithme", "nginx")
                findings += [f"{configuration}: {said}"] if said else []
        return "\n".join(findings)

    return judge_all


def _gixy(configuration: Path) -> str:
    # Left out: advice on speed.
    return _tool("gixy", "--skips", "try_files_is_evil_too", configuration)


def _crossplane(configuration: Path) -> str:
    """Every directive, its arguments and its place.

    Its own strict mode takes the lines of a ``map`` for directives. One that is newer than its
    list, or of a module, says so on its own line: ``# crossplane: of nginx 1.25.1``.
    """
    import crossplane  # noqa: PLC0415 - missing, it is a finding of this judge, not the end of all

    parsed = crossplane.parse(str(configuration), comments=True)
    errors = [f"{error['file']}:{error['line']}: {error['error']}" for error in parsed["errors"]]
    unknown = (
        f'{file["file"]}:{line}: unknown directive "{name}"'
        for file in parsed["config"]
        for name, line in _unknown(file["parsed"], frozenset(crossplane.analyzer.DIRECTIVES))
    )
    return "\n".join([*errors, *unknown])


def _unknown(block: list[dict[str, Any]], known: frozenset[str]) -> Iterator[tuple[str, int]]:
    waived = {
        line["line"] for line in block if line.get("comment", "").startswith(" crossplane: of ")
    }
    for line in block:
        if line["directive"] not in {*known, "#"} and line["line"] not in waived:
            yield line["directive"], line["line"]
        if line["directive"] not in ("geo", "map", "split_clients", "types"):
            yield from _unknown(line.get("block", []), known)


JUDGES: dict[str, Callable[[], str]] = {
    "mypy": lambda: _tool("mypy"),
    "ruff": lambda: _tool("ruff", "check", "--quiet", "--output-format=concise", "."),
    "ruff format": lambda: _tool("ruff", "format", "--quiet", "--diff", "."),
    "import-linter": _floors,
    "shellcheck": lambda: _tool("shellcheck", *_shell_files()),
    "yamllint": lambda: _tool("yamllint", "--strict", *_matching("*.yml", "*.yaml", ".yamllint")),
    "compose schema": _compose_schema,
    "compose config": _compose_config,
    "hadolint": lambda: _tool("hadolint", "--no-color", *_matching("Dockerfile", "*.Dockerfile")),
    "crossplane": _each_nginx(_crossplane),
    "gixy": _each_nginx(_gixy),
    "workflow schema": lambda: _tool(
        "check-jsonschema", "--builtin-schema", "vendor.github-workflows", *_workflows()
    ),
    "update schema": lambda: _tool(
        "check-jsonschema", "--builtin-schema", "vendor.dependabot", *_matching(UPDATES)
    ),
    "gitlab schema": lambda: _tool(
        "check-jsonschema", "--builtin-schema", "vendor.gitlab-ci", *_matching("*gitlab-ci.yml")
    ),
    "actionlint": lambda: _tool("actionlint", *_workflows()),
    "zizmor": lambda: _tool(
        "zizmor", "--offline", "--pedantic", "--quiet", *_matching(WORKFLOWS, UPDATES)
    ),
}
