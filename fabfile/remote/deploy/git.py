"""Git on a server: the checkout, and a worktree of exactly the commit that is built."""

from __future__ import annotations

from pathlib import Path, PurePosixPath
from typing import NamedTuple

from ..host import Host
from ..output import Limits

PLAIN = """
set -eu
# What is written is what the commit says, and whoever runs in a container may read it, whatever
# the umask and the configuration of the person are.
umask 022
git() {
  command git -c core.autocrlf=false -c core.eol=lf -c core.safecrlf=false -c core.symlinks=true \\
    -c core.fileMode=true -c core.attributesFile=/dev/null -c core.hooksPath=/dev/null \\
    -c core.sparseCheckout=false -c core.fsmonitor=false -c submodule.recurse=false \\
    -c color.ui=false "$@"
}
"""
"""Begins the scripts whose files are built or mounted."""
SHARED = Path(__file__).with_name("git.sh").read_text(encoding="utf-8")
"""What a look and a change do with git in the same way."""
MEANWHILE = Path(__file__).with_name("meanwhile.sh").read_text(encoding="utf-8")
"""What the stack's file says while old and new replicas stand beside each other."""
CHECKOUT = (
    PLAIN + SHARED + MEANWHILE + Path(__file__).with_name("checkout.sh").read_text(encoding="utf-8")
)
STILL = 60
"""Seconds that it may keep still."""
COMMITS = 200
"""How many commits between two are told."""
LONGEST = 3600
"""Seconds that a fetch may take that goes on: the first one over a slow link."""


def fetch(host: Host, commit: str, release: str) -> None:
    """Bring the commit into the checkout's repository; its files stay as they are.

    One that is there already is not asked for: a rollback needs no remote repository.
    The release gets a ref of its own, so that no garbage collection takes what a rollback needs.
    Trees that a run which died has left go.
    """
    server = host.server
    script = (
        PLAIN
        + SHARED
        + """
checkout=$1 repository=$2 commit=$3 release=$4 build=$5 still=$6 longest=$7
rm -rf "${build:?}"/*
export GIT_TERMINAL_PROMPT=0
[ -d "$checkout" ] || mkdir -p -m 700 "$checkout"
cd "$checkout"
[ -d .git ] || git init -q
unlock .
git remote get-url origin >/dev/null 2>&1 || git remote add origin "$repository"
git remote set-url origin "$repository"
git cat-file -e "$commit^{commit}" 2>/dev/null ||
  fetched "$still" "$longest" .git origin '+refs/heads/*:refs/remotes/origin/*' \\
    '+refs/tags/*:refs/tags/*'
git cat-file -e "$commit^{commit}"
git update-ref "refs/releases/$release" "$commit"
"""
    )
    words = [str(server.path), server.repository, commit, release, str(server.root / "build")]
    words += [str(STILL), str(LONGEST)]
    run = ["bash", "-c", script, "fetch", *words]
    host.write(run, timeout=Limits(LONGEST + STILL, still=2 * STILL))


class Between(NamedTuple):
    """The commits that one commit has and another has not: id and subject, newest first."""

    added: list[tuple[str, str]]
    removed: list[tuple[str, str]]


def between(host: Host, old: str, new: str) -> Between | None:
    """What leads from one commit to another; None: the checkout has not both of them."""
    script = """
set -eu
cd "$1"
git log --left-right --format='%m%H %s' --max-count="$4" "$2...$3" --
"""
    words = [str(host.server.path), old, new, str(COMMITS)]
    output = host.read(["bash", "-c", script, "between", *words], check=False)
    if not output.ok:
        return None
    found = Between([], [])
    for line in output.stdout.splitlines():
        side = found.removed if line.startswith("<") else found.added
        commit, _, subject = line[1:].partition(" ")
        side.append((commit, subject))
    return found


def worktree(host: Host, commit: str) -> PurePosixPath:
    """A clean tree of the commit under ``build/``; returns its folder."""
    folder = host.server.root / "build" / commit[:12]
    script = (
        PLAIN
        + """
cd "$1"
git worktree prune
[ ! -d "$2" ] || git worktree remove --force "$2" 2>/dev/null || rm -rf "$2"
git worktree prune
git worktree add -q --detach --force "$2" "$3^{commit}" # not a branch of such a name
"""
    )
    host.write(
        ["bash", "-c", script, "worktree", str(host.server.path), str(folder), commit], timeout=120
    )
    return folder


def remove_worktree(host: Host, folder: PurePosixPath, *, last: bool = False) -> None:
    """Take the tree away again, and what was written beside it: stacks, with their secrets.

    ``last``: nobody works beside it any more, so what runs that died had written goes too.
    """
    script = 'git -C "$1" worktree remove --force "$2"; rm -f "$2".* ${3:+"${2%/*}"/*.json}'
    words = [str(host.server.path), str(folder), "last" * last]
    host.write(["bash", "-c", script, "remove-worktree", *words], check=False)


def checkout(host: Host, commit: str, folder: PurePosixPath) -> tuple[str, ...]:
    """Move the checkout to the commit; the names of the files that were made in ``folder`` for it.

    Edits of tracked files are kept there as a patch, files in the way that git does not track as an
    archive. ``.env`` is never touched.
    """
    server = host.server
    words = [str(server.path), commit, str(folder), str(server.stack)]
    output = host.write(["bash", "-c", CHECKOUT, "checkout", *words], timeout=120)
    return tuple(output.stdout.split())


def prune_worktrees(host: Host) -> None:
    """Remove the worktrees that a run left behind when it died."""
    script = 'rm -rf "${2:?}"/*; git -C "$1" worktree prune'
    folder = host.server.root / "build"
    host.write(["bash", "-c", script, "prune-worktrees", str(host.server.path), str(folder)])
