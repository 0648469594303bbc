"""The wheel, built once for all tests of a process, and a place where it is installed."""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
PYTHON = sys.executable


def run(
    *words: str | Path, folder: Path = ROOT, code: int = 0, **environment: str
) -> subprocess.CompletedProcess[str]:
    """Run a program off a terminal; it ends with ``code``."""
    bare = {key: os.environ[key] for key in ("PATH", "HOME", "LANG") if key in os.environ}
    done = subprocess.run(
        list(map(str, words)),
        cwd=folder,
        env={**bare, **environment},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == code, done.stdout + done.stderr
    return done


def build(folder: Path) -> Path:
    """Build the wheel of this checkout with what is installed here, without an index."""
    run(PYTHON, "-m", "hatchling", "build", "--target", "wheel", "--directory", folder)
    (made,) = folder.glob("*.whl")
    return made


@dataclass(frozen=True)
class Installed:
    """An environment that has the wheel; what it depends on is that of the tests' own."""

    folder: Path

    @classmethod
    def make(cls, wheel: Path, folder: Path) -> Installed:
        """Install it as pip does, in a moment: what it needs is on the path already."""
        run(PYTHON, "-m", "venv", "--without-pip", folder)
        made = cls(folder)
        words = ("install", "--quiet", "--no-index", "--no-deps", "--no-compile")
        run(PYTHON, "-m", "pip", "--python", made.program("python"), *words, wheel)
        ours = sysconfig.get_path("purelib")
        place = sysconfig.get_path("purelib", vars={"base": str(folder)})
        Path(place, "dependencies.pth").write_text(f"{ours}\n")
        return made

    def program(self, name: str) -> Path:
        return self.folder / "bin" / name

    def fab(
        self, folder: Path, *words: str, code: int = 0, **environment: str
    ) -> subprocess.CompletedProcess[str]:
        """Run fab in another repository."""
        fab: Sequence[str | Path] = (self.program("python"), "-m", "fabric")
        return run(*fab, *words, folder=folder, code=code, **environment)
