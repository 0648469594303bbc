"""Commits in the lab's git remote, made in a clone: the checkout itself is never touched."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path

Edit = Callable[[str], str]
"""What becomes of the text of a file; a new one is empty before."""


class Origin:
    """The lab's git remote, with a clone in which commits are made."""

    def __init__(self, repository: Path, clone: Path) -> None:
        self._clone = clone
        clone.mkdir()
        self._git("clone", "-q", str(repository), ".")
        self.base = self._git("rev-parse", "HEAD")

    def commit(
        self, subject: str, edits: Mapping[str, Edit], on: str = "", branch: str = "main"
    ) -> str:
        """Commit edits of files on top of ``on`` (default: the base) and push; the new commit."""
        self._git("checkout", "-q", "--detach", on or self.base)
        for path, edit in edits.items():
            file = self._clone / path
            file.parent.mkdir(exist_ok=True)
            file.write_text(edit(file.read_text() if file.exists() else ""))
        author = ["-c", "user.name=Somebody", "-c", "user.email=somebody@example.org"]
        self._git("add", "-A")
        self._git(*author, "commit", "-q", "-m", subject)
        self._git("push", "-q", "--force", "origin", f"HEAD:refs/heads/{branch}")
        return self._git("rev-parse", "HEAD")

    def rewind(self) -> None:
        """Let the main branch be the base again."""
        self.point(self.base)

    def point(self, commit: str) -> None:
        """Let the main branch be a commit that was made here."""
        self.name(commit, "main")

    def name(self, commit: str, branch: str) -> None:
        """Let a branch, whatever it is called, be a commit that was made here."""
        self._git("push", "-q", "--force", "origin", f"{commit}:refs/heads/{branch}")

    def unname(self, branch: str) -> None:
        """Remove a branch."""
        self._git("push", "-q", "origin", f":refs/heads/{branch}")

    def _git(self, *words: str) -> str:
        done = subprocess.run(
            ["git", *words], cwd=self._clone, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()


def replaced(old: str, new: str) -> Edit:
    """The edit that replaces a text which stands in the file exactly once."""

    def edit(text: str) -> str:
        assert text.count(old) == 1, f"{old!r} stands there {text.count(old)} times"
        return text.replace(old, new)

    return edit
