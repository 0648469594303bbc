"""docs/tutorial.md, word for word: what somebody types who has a bare host and a project."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from tests.lab.bare import Bare, bare_host
from tests.lab.full import full
from tests.lab.rig import Lab
from tests.lab.rig.files import KEY
from tests.lab.rig.place import ROOT, Place
from tests.lab.terminal import Typed, typed
from tests.package.wheel import PYTHON, build, run

PAGE = (ROOT / "docs/tutorial.md").read_text(encoding="utf-8")
BLOCK = re.compile(r"^```(\w+)(?: (\S+))?\n(.*?)^```$", re.MULTILINE | re.DOTALL)
BY_HAND = 12
"""Commands at most until a project is deployed, with the one that edits hosts.ini."""


class Newcomer:
    """Somebody with a terminal, the page, a repository and a bare host."""

    def __init__(self, lab: Lab, bare: Bare, wheel: Path, folder: Path) -> None:
        self.bare, self.root, home = bare, folder / "shop", folder / "home"
        (home / ".ssh").mkdir(parents=True)
        shutil.copy(lab.folder / KEY, home / ".ssh/id_ed25519")
        self.environment: Mapping[str, str] = {
            "PATH": f"{os.environ['PATH']}{os.pathsep}{Path(PYTHON).parent}",
            "HOME": str(home), "TERM": "dumb", "LANG": "C.UTF-8",
            **{f"GIT_{who}_NAME": "Somebody" for who in ("AUTHOR", "COMMITTER")},
            **{f"GIT_{who}_EMAIL": "somebody@example.org" for who in ("AUTHOR", "COMMITTER")},
        }  # fmt: skip
        self.means = {
            "git+REPOSITORY@TAG": str(wheel),
            "203.0.113.10": f"127.0.0.1\nport = {bare.server.ssh_port}",
        }
        """What the page leaves open, and the port that the lab gives the host."""
        self.typed: list[str] = []
        self._has(lab)

    def _has(self, lab: Lab) -> None:
        """The project, pushed to where the host fetches from."""
        self.root.mkdir()
        run("git", "init", "--quiet", "--initial-branch=tutorial", folder=self.root)
        for _, name, text in BLOCK.findall(PAGE):
            if name and name != "hosts.ini":
                (self.root / name).write_text(text)
        ours = (lab.folder / "hosts.ini").read_text()
        (repository,) = re.findall(r"^repository = (.+)$", ours, re.MULTILINE)
        run("git", "remote", "add", "origin", repository, folder=self.root)
        push = ("git", "remote", "set-url", "--push", "origin", str(lab.folder / "origin.git"))
        run(*push, folder=self.root)
        run("git", "config", "push.default", "current", folder=self.root)
        words = 'git add --all && git commit --quiet -m "A page" && git push --quiet --force'
        assert self.types(words).code == 0
        self.typed.clear()

    def types(self, line: str) -> Typed:
        """A line of the page, on a terminal, in the environment that the page activates."""
        self.typed.append(line)
        for word, meaning in self.means.items():
            line = line.replace(word, meaning)
        words = ["bash", "-c", f"[ ! -e .venv ] || . .venv/bin/activate; {line}"]
        return typed(words, self.root, self.environment, {"[y/N] ": "y"})

    def edits(self, text: str) -> None:
        """Set in hosts.ini what the page sets."""
        self.typed.append("$EDITOR hosts.ini")
        file = self.root / "hosts.ini"
        there = file.read_text()
        for line in text.splitlines():
            key = line.partition(" = ")[0]
            for word, meaning in self.means.items():
                line = line.replace(word, meaning)  # noqa: PLW2901 # what it means here
            there, count = re.subn(rf"^{key} = <.*>$", line, there, flags=re.MULTILINE)
            assert count + (key == "key") >= 1, key
            if not count:
                there = re.sub(r"^key = .*$", line, there, flags=re.MULTILINE)
        assert "<" not in "".join(one for one in there.splitlines() if not one.startswith("#"))
        file.write_text(there)

    @property
    def page(self) -> str:
        return self.bare.server.must(["curl", "-sS", "http://127.0.0.1:8088/"]).strip()


@pytest.fixture
def newcomer(lab: Lab, tmp_path: Path) -> Iterator[Newcomer]:
    worker = os.environ.get("PYTEST_XDIST_WORKER", "gw0")
    place = Place(number=int(worker.removeprefix("gw")) + 1)
    wheel = build(tmp_path / "wheel")
    (tmp_path / "host").mkdir()
    with bare_host(lab, place, tmp_path / "host") as bare:
        yield Newcomer(lab, bare, wheel, tmp_path)


def sections() -> dict[str, list[tuple[str, str, str]]]:
    """Title → the blocks below it: language, file, text."""
    parts = re.split(r"^## (.+)$", PAGE, flags=re.MULTILINE)
    return {
        title: BLOCK.findall(text) for title, text in zip(parts[1::2], parts[2::2], strict=True)
    }


def play(newcomer: Newcomer, title: str) -> list[Typed]:
    """Do what stands in a section, in its order."""
    done: list[Typed] = []
    for language, name, text in sections()[title]:
        if name == "hosts.ini":
            assert [one.shown for one in done if one.code] == []
            newcomer.edits(text)
        elif language == "sh":
            done += [newcomer.types(line) for line in text.splitlines()]
    return done


@full
def test_what_the_tutorial_says_brings_a_bare_host_to_a_proved_deploy_and_back(
    newcomer: Newcomer,
) -> None:
    for title in ("Set it up", "Deploy it"):
        for one in play(newcomer, title):
            assert one.code == 0, one.shown
    assert "verified: runs" in one.shown
    assert newcomer.page == "Hello, visitor 1"
    print(f"typed until the first proved deploy: {len(newcomer.typed)}")
    assert len(newcomer.typed) <= BY_HAND

    *_, changed = play(newcomer, "Change it")
    assert (changed.code, "verified: runs" in changed.shown) == (0, True), changed.shown
    assert newcomer.page == "Good day, visitor 2"

    *_, broken = play(newcomer, "Break it")
    assert (broken.code, "is back at" in broken.shown) == (1, True), broken.shown
    assert newcomer.page == "Good day, visitor 3"

    back, history = play(newcomer, "Go back further")
    assert (back.code, history.code) == (0, 0), back.shown
    assert newcomer.page == "Hello, visitor 4"
    outcomes = re.findall(r"\b(?:verified|failed)\b", history.shown)
    assert ({*outcomes}, outcomes.count("failed")) == ({"verified", "failed"}, 1), history.shown
