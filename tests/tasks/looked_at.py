"""A server's folders, repository and programs below a temporary one, for the look script."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

from fabfile.model.answer import parse
from fabfile.model.facts import Facts
from fabfile.remote.look import script

MARK = "@@mark"
COMPOSE = """\
#!/bin/sh
case "$*" in
  *"config --format json") sed "s/WHO/${INTRUDER:-nobody}/" "$HOME/config" ;;
  *"config --hash"*) echo 'web 1f' ;;
esac
"""
DOCKER = """\
#!/bin/sh
case "$*" in
  "info --format {{.Sec"*) echo '[name=seccomp,profile=builtin name=userns] true' ;;
  "info --format"*) printf 'engine=26.1.5\\nstorage=/\\ncompose=v2.26.1\\n' ;;
  "image ls --digests"*) echo '["sha256:aa","app/web","current","1MB","sha256:d1"]' ;;
  "network ls -q --filter driver"*) echo a1 ;;
  "network inspect"*" a1") printf '["app",""]\\n\\n["small","1400"]\\n' ;;
  "ps -q") echo c1 ;;
  "inspect --format {{.Image}}"*) echo sha256:aa ;;
  "image inspect"*) echo '["sha256:aa","2026-10-10T01:02:03.123456789Z"]' ;;
  "network ls"*) echo '["bridge",""]' ;;
  "volume ls"*) echo '["app_data","app"]' ;;
esac
"""


class Place:
    """A server's folders below a temporary one, its repository, and its programs."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.origin = folder / "origin"
        self.checkout = folder / "checkout"
        self.root = folder / "root"
        for made in (self.origin, self.checkout, self.root / "locks"):
            made.mkdir(parents=True)
        programs = folder / "bin"
        plugins = folder / ".docker/cli-plugins"
        for file, text in {
            programs / "docker": DOCKER,
            programs / "sudo": "#!/bin/sh\nexit 1\n",
            plugins / "docker-compose": COMPOSE,
        }.items():
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text)
            file.chmod(0o755)
        (folder / "config").write_text('{"name": "app"}')
        self.environment = {
            "PATH": f"{programs}:{os.environ['PATH']}",
            "HOME": str(folder),
            "TMPDIR": str(folder),
            "GIT_CONFIG_GLOBAL": "/dev/null",
        }
        for name in ("AUTHOR", "COMMITTER"):
            self.environment[f"GIT_{name}_NAME"] = "Somebody"
            self.environment[f"GIT_{name}_EMAIL"] = "somebody@example.org"
        self.before: list[str] = []
        """What the look is started by."""
        self.git("init", "-q", "-b", "main")

    def git(self, *words: str, where: Path | None = None) -> str:
        done = subprocess.run(
            ["git", "-C", str(where or self.origin), *words],
            env=self.environment,
            capture_output=True,
            text=True,
            check=True,
        )
        return done.stdout.strip()

    def commit(self, subject: str, **files: str) -> str:
        """Change files in a new commit at the origin."""
        return self.commit_files(subject, files)

    def commit_files(self, subject: str, files: dict[str, str]) -> str:
        for path, text in files.items():
            (self.origin / path).parent.mkdir(parents=True, exist_ok=True)
            (self.origin / path).write_text(text)
        self.git("add", "-A")
        self.git("commit", "-q", "--allow-empty", "-m", subject)
        return self.git("rev-parse", "HEAD")

    def cloned(self, *more: str) -> None:
        """Clone the repository into the checkout."""
        there = f"file://{self.origin}"
        self.git("clone", "-q", *more, there, str(self.checkout), where=self.folder)

    def stand_in(self, program: str, text: str) -> None:
        """Another program of this name before the real one, which is ``$REAL``."""
        real = shutil.which(program)
        file = self.folder / "bin" / program
        file.write_text(f"#!/bin/bash\nREAL={real}\n{text}\n")
        file.chmod(0o755)

    def look(
        self,
        ref: str = "main",
        still: int = 20,
        longest: int = 60,
        stacks: str = "compose/app.yml",
        *,
        closely: bool = False,
    ) -> Facts:
        """Look; the repository may keep still and take as long as said, in seconds."""
        words: list[object] = [self.checkout, self.root, self.origin, ref, stacks, MARK]
        words += [still, longest]
        done = subprocess.run(
            [*self.before, "bash", "-c", script(ref, closely=closely), "look", *map(str, words)],
            env=self.environment,
            capture_output=True,
            check=False,
        )
        assert b"\n" not in done.stderr.strip(), done.stderr
        return parse(done.stdout.decode("utf-8", "replace"), MARK, ref)

    def files(self) -> list[tuple[str, float]]:
        """Every file with the time of its last change."""
        return sorted(
            (str(path), path.lstat().st_mtime)
            for path in self.folder.rglob("*")
            if not path.is_relative_to(self.origin)
        )
