"""Repositories with a compose project, and what fab new makes of them."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
import yaml

from fabfile.model.deploy import resolved
from fabfile.model.stack import Stack
from fabfile.ops.project.new import new
from fabfile.remote.project import repository
from fabfile.ui.console import Console

TOOLS = Path(sys.executable).parent
FLASK = """\
services:
  web:
    build: .
    ports: ["8000:5000"]
    environment: {KEY: "${KEY:?make one}", MODE: "${MODE:-fast}"}
  redis:
    image: redis:7.4-alpine
    volumes: [data:/data]
volumes: {data: }
"""
STACKS = ("compose.yaml", "compose.deploy.yaml")
Made = Callable[[Mapping[str, str]], Path]


@pytest.fixture
def made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Made:
    """Makes a repository called shop with these files."""
    monkeypatch.setenv("PATH", f"{TOOLS}{os.pathsep}{os.environ['PATH']}")

    def make(files: Mapping[str, str]) -> Path:
        root = tmp_path / "shop"
        root.mkdir()
        git(root, "init", "--quiet", "--initial-branch=trunk")
        git(root, "remote", "add", "origin", "https://git.example/shop.git")
        for name, text in files.items():
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            (root / name).write_text(text)
        git(root, "add", "--all")
        return root

    return make


def git(root: Path, *words: str) -> str:
    done = subprocess.run(["git", *words], cwd=root, capture_output=True, text=True, check=True)
    return done.stdout


def texts(root: Path) -> dict[str, str]:
    listed = git(root, "ls-files", "-z", "--cached", "--others").split("\0")
    return {name: (root / name).read_text() for name in listed if name}


def news(root: Path, compose: str = "") -> dict[str, str]:
    """The files that a project got."""
    before = texts(root)
    new(Console(), root, compose)
    return {name: text for name, text in texts(root).items() if before.get(name) != text}


def stack_of(root: Path, *files: str) -> Stack:
    """As a deploy reads it."""
    return resolved.parse(repository.resolved(root, files or STACKS)[0], "")


def hints(text: str) -> object:
    return yaml.safe_load(text)["x-deploy"]


def used(text: str) -> str:
    """The text with its prepared lines in use."""
    return re.sub(r"^( *)#(?=\S| {2})", r"\1", text, flags=re.MULTILINE)
