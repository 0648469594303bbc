"""A git repository on this machine: what stands there, what compose makes of it, new files."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path

from ...model.errors import Trouble, refused
from ...model.project.files import Variable
from ...model.reading import load

NAME = "wishwithme-ops"
"""What pip knows this collection by."""
HERE = Path(__file__)
TEMPLATES = {
    file.name: file.read_text(encoding="utf-8") for file in HERE.with_name("templates").iterdir()
}
COMPOSE_FILES = ("compose.yaml", "compose.yml", "docker-compose.yaml", "docker-compose.yml")
"""Those that compose looks for by itself."""
SHORT = re.compile(r"(?P<host>[^/:]+):(?P<path>[^/].*)")
PATIENCE = 60
"""Seconds that git and compose have for an answer."""


def root_of(folder: Path) -> Path:
    """The repository that a folder is in; exit code 2 when it is in none."""
    if not folder.is_dir():
        raise refused(f"{folder} is not a folder")
    done = _run(["git", "-C", str(folder), "rev-parse", "--show-toplevel"])
    if done.returncode:
        said = _last(done.stderr)
        none = "not a git repository" in said
        raise refused(f"{folder}: not in a git repository; git init first" if none else said)
    return Path(done.stdout.rstrip("\n"))


def git(root: Path, *words: str) -> str:
    """What git answers; empty when it has no answer."""
    done = _run(["git", "-C", str(root), *words])
    return "" if done.returncode else done.stdout


def compose_files(root: Path, given: str) -> tuple[str, ...]:
    """The project's compose files, relative to the repository; exit code 2 unless there is one.

    ``given``: several with commas between them.
    """
    if given:
        return tuple(_file_of(root, name.strip()) for name in given.split(","))
    found = [name for name in COMPOSE_FILES if (root / name).is_file()]
    if not found:
        raise refused(f"{root} has no compose file; --compose names one that stands elsewhere")
    if len(found) > 1:
        raise refused(f"{root} has {' and '.join(found)}; --compose says which one is deployed")
    return (found[0],)


def _file_of(root: Path, name: str) -> str:
    path = (root / name).resolve()
    if not path.is_file() or not path.is_relative_to(root):
        raise refused(f"--compose: {name} is not a file of {root}")
    return str(path.relative_to(root))


def resolved(root: Path, files: Sequence[str]) -> tuple[str, tuple[Variable, ...]]:
    """What compose makes of these files, as JSON, and the variables that it reads.

    Required ones need no value here: the server's ``.env`` has it.
    """
    file = " and ".join(files)
    given = [word for name in files for word in ("-f", str(root / name))]
    compose = [*_compose(), *given, "config", "--format", "json"]
    variables = _variables(file, [*compose, "--variables"])
    missing = {one.name: "1" for one in variables if one.required}
    text = _accepted(file, _run(compose, {**missing, **os.environ}))
    return text, tuple(sorted(variables, key=lambda one: one.name))


def _variables(file: str, words: Sequence[str]) -> list[Variable]:
    """None where compose is older than 2.28 and cannot tell."""
    done = _run(words)
    if "unknown flag" in done.stderr:
        return []
    said = load(_accepted(file, done))
    return [Variable(one["Name"], one["DefaultValue"], one["Required"]) for one in said.values()]


def _compose() -> list[str]:
    if shutil.which("docker") and not _run(["docker", "compose", "version"]).returncode:
        return ["docker", "compose"]
    if program := shutil.which("docker-compose"):
        return [program]
    raise refused("docker compose is not installed here; it is what reads the compose file")


def _accepted(file: str, done: subprocess.CompletedProcess[str]) -> str:
    if done.returncode:
        raise refused(f"{file}: compose cannot read it: {_last(done.stderr)}")
    return done.stdout


def _run(
    words: Sequence[str], environment: Mapping[str, str] = os.environ
) -> subprocess.CompletedProcess[str]:
    try:
        return subprocess.run(
            words,
            env={**environment, "LC_ALL": "C"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=PATIENCE,
            check=False,
        )
    except FileNotFoundError:
        raise refused(f"{words[0]} is not installed here") from None
    except subprocess.TimeoutExpired:
        raise refused(f"{words[0]} does not answer within {PATIENCE} s") from None


def _last(said: str) -> str:
    return (said.strip().splitlines() or ["it does not say why"])[-1]


def collection() -> str:
    """What pip installs the collection by that runs here: a commit or a version of it."""
    try:
        installed = distribution(NAME)
    except PackageNotFoundError:  # it runs in its own repository
        origin = git(HERE.parent, "remote", "get-url", "origin").strip()
        commit = git(HERE.parent, "rev-parse", "HEAD").strip()
        return f"git+{_address(origin) or '<address of its repository>'}@{commit}"
    return _requirement(installed)


def _address(remote: str) -> str:
    """A remote as a URL, which ``git@host:path`` is not."""
    short = SHORT.fullmatch(remote)
    return f"ssh://{short['host']}/{short['path']}" if short else remote


def _requirement(installed: Distribution) -> str:
    """As pip noted where it came from (PEP 610); else the version, which an index has to know."""
    came = json.loads(installed.read_text("direct_url.json") or "{}")
    if "vcs_info" in came:
        return f"git+{came['url']}@{came['vcs_info']['commit_id']}"
    if came.get("url", "").startswith("https://"):
        return str(came["url"])
    return f"{NAME}=={installed.version}"


def present(root: Path, paths: Sequence[str]) -> list[str]:
    """Those that are there already."""
    return [path for path in paths if os.path.lexists(root / path)]


def text_of(file: Path) -> str:
    """The text of a file; empty where there is none. Exit code 2 when it cannot be read."""
    try:
        return file.read_text(encoding="utf-8")
    except FileNotFoundError:
        return ""
    except (OSError, UnicodeDecodeError) as error:
        raise refused(f"{file} cannot be read: {error}") from None


def write(root: Path, files: Mapping[str, str], added: Mapping[str, Sequence[str]]) -> None:
    """Write new files, and add lines to others: all of it, or nothing (exit code 1)."""
    before = {path: text_of(root / path) for path in added}
    begun: list[str] = []
    try:
        for path, text in files.items():
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            with (root / path).open("x", encoding="utf-8") as file:
                begun.append(path)
                file.write(text)
        for path, lines in added.items():
            begun.append(path)
            start = before[path].rstrip("\n")
            text = "".join([f"{start}\n" if start else "", *(f"{line}\n" for line in lines)])
            (root / path).write_text(text, encoding="utf-8")
    except OSError as error:
        for path in begun:
            if before.get(path):
                (root / path).write_text(before[path], encoding="utf-8")
            else:
                (root / path).unlink(missing_ok=True)
        raise Trouble(f"{error.filename}: {error.strerror}; nothing was written") from None
