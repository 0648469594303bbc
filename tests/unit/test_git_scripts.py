"""The checkout's scripts, run by a real shell and a real git on folders of this machine."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path, PurePosixPath

import pytest
from invoke import Context

from fabfile.model.errors import Trouble
from fabfile.remote.deploy import git
from fabfile.remote.host import Host

from .clone import commit, deployed, head, kept_in, mode, origin_of, run


def next_commit(host: Host, **files: str) -> str:
    """A commit that adds files, by their path (two underscores: a folder), and is fetched."""
    for name, text in files.items():
        file = origin_of(host) / name.replace("__", "/")
        file.parent.mkdir(exist_ok=True)
        file.write_text(text)
    identity = commit(origin_of(host), "Next", "next\n")
    git.fetch(host, identity, "r2")
    return identity


def unpacked(host: Host, tmp_path: Path) -> dict[str, str]:
    """What was kept of files that git does not track."""
    folder = tmp_path / "unpacked"
    folder.mkdir()
    run("tar", "-C", str(folder), "-xf", str(kept_in(host) / "untracked.tar"))
    return {
        str(file.relative_to(folder)): str(file.readlink())
        if file.is_symlink()
        else file.read_text()
        for file in sorted(folder.rglob("*"))
        if file.is_symlink() or file.is_file()
    }


def test_a_fetch_makes_the_clone_and_moves_no_file(cloned: Host) -> None:
    identity = run("git", "-C", cloned.server.repository, "rev-parse", "HEAD")
    git.fetch(cloned, identity, "r1")
    assert sorted(path.name for path in Path(cloned.server.path).iterdir()) == [".env", ".git"]
    refs = run("git", "-C", str(cloned.server.path), "rev-parse", "refs/releases/r1")
    assert refs == identity


def test_a_fetch_takes_away_what_a_run_that_died_left(cloned: Host) -> None:
    """Of another commit, and what was written beside it; the clone forgets the tree."""
    tree = git.worktree(cloned, deployed(cloned, "two\n"))
    Path(tree.with_suffix(".apart.json")).write_text("{}")
    other = commit(origin_of(cloned), "Another", "three\n")
    git.fetch(cloned, other, "r2")
    assert list(Path(cloned.server.root / "build").iterdir()) == []
    assert Path(git.worktree(cloned, other)).is_dir()
    listed = run("git", "-C", str(cloned.server.path), "worktree", "list").splitlines()
    assert len(listed) == 2


def test_a_commit_that_is_there_already_needs_no_repository(cloned: Host) -> None:
    identity = deployed(cloned, "two\n")
    origin_of(cloned).rename(origin_of(cloned).with_name("away"))
    git.fetch(cloned, identity, "r2")
    assert run("git", "-C", str(cloned.server.path), "rev-parse", "refs/releases/r2") == identity


def test_a_commit_that_the_repository_does_not_have_is_an_error(cloned: Host) -> None:
    with pytest.raises(Trouble, match=r"^ubuntu: 'fetch .*' failed with exit code"):
        git.fetch(cloned, "0" * 40, "r1")


TELLS = """#!/bin/sh
printf 'Counting: 50%% (1/2)\\rCounting: 100%% (2/2), done.\\n' >&2
printf 'No host key is known\\r\\nHost key verification failed.\\r\\nfatal: no\\n' >&2
exit 128
"""


def test_what_ssh_says_is_kept_and_what_tells_of_progress_is_not(tmp_path: Path) -> None:
    """Lines of ssh end with a carriage return too, before their newline."""
    program(tmp_path / "git", TELLS)
    assert fetched(tmp_path) == (
        128,
        ["No host key is known", "Host key verification failed.", "fatal: no"],
    )


def test_a_fetch_without_room_on_the_disk_ends_with_its_reason(tmp_path: Path) -> None:
    program(tmp_path / "git", "#!/bin/sh\nprintf 'Receiving: 1%%\\r' >&2\nexec sleep 100\n")
    program(tmp_path / "df", "#!/bin/sh\necho disk 1 1 127 1% /tmp\n")
    code, said = fetched(tmp_path)
    assert (code != 0, said) == (True, ["disk /tmp has 127 MiB free, and 128 MiB are needed"])


def program(file: Path, text: str) -> None:
    file.write_text(text)
    file.chmod(0o755)


def fetched(programs: Path) -> tuple[int, list[str]]:
    """Exit code and errors of a fetch by these programs, for which a minute is given."""
    script = f"{git.SHARED}\nfetched 60 60 {programs} origin"
    environment = os.environ | {"PATH": f"{programs}:{os.environ['PATH']}"}
    words = ["bash", "-c", script]
    done = subprocess.run(words, capture_output=True, text=True, env=environment, check=False)
    return done.returncode, done.stderr.splitlines()


def test_a_worktree_holds_exactly_the_commit_and_no_stray_file(cloned: Host) -> None:
    identity = deployed(cloned, "two\n")
    (Path(cloned.server.path) / "stray").write_text("x")
    folder = git.worktree(cloned, identity)
    assert sorted(path.name for path in Path(folder).iterdir()) == [".git", "file"]
    assert (Path(folder) / "file").read_text() == "two\n"


@pytest.fixture
def peculiar(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A person whose umask keeps others out, and whose git rewrites what it checks out."""
    hooks = tmp_path / "hooks"
    hooks.mkdir()
    (hooks / "post-checkout").write_text("#!/bin/sh\necho hooked >file\n")
    (hooks / "post-checkout").chmod(0o755)
    attributes = tmp_path / "attributes"
    attributes.write_text("* text eol=crlf\n")
    config = tmp_path / "gitconfig"
    config.write_text(
        f"[core]\nautocrlf = true\nattributesFile = {attributes}\nhooksPath = {hooks}\n"
        "[color]\nui = always\n"
    )
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(config))
    before = os.umask(0o077)
    yield
    os.umask(before)


def test_a_worktree_is_what_the_commit_says_whatever_the_person_has_set(
    cloned: Host, peculiar: None
) -> None:
    identity = commit(origin_of(cloned), "Next", "two\n")
    git.fetch(cloned, identity, "r1")
    folder = git.worktree(cloned, identity)
    assert Path(folder / "file").read_bytes() == b"two\n"
    assert [mode(path) for path in (folder, folder / "file")] == [0o755, 0o644]


def test_the_checkout_is_what_the_commit_says_whatever_the_person_has_set(
    cloned: Host, peculiar: None
) -> None:
    """Containers mount its files, and not all of them run as that person."""
    identity = commit(origin_of(cloned), "Next", "two\n")
    git.fetch(cloned, identity, "r1")
    git.checkout(cloned, identity, kept_in(cloned))
    file = cloned.server.path / "file"
    assert Path(file).read_bytes() == b"two\n"
    assert mode(file) == 0o644
    Path(file).write_bytes(b"three\n")
    git.checkout(cloned, identity, kept_in(cloned))
    patch = kept_in(cloned) / "edited.patch"
    assert "\x1b" not in Path(patch).read_text()
    assert mode(patch) == 0o600


def test_attributes_of_an_archive_change_nothing_that_is_built(cloned: Host) -> None:
    """``export-ignore`` and ``export-subst`` are for ``git archive``."""
    (origin_of(cloned) / ".gitattributes").write_text("file export-ignore\nnamed export-subst\n")
    (origin_of(cloned) / "named").write_text("$Format:%H$\n")
    folder = git.worktree(cloned, deployed(cloned, "two\n"))
    assert Path(folder / "file").read_text() == "two\n"
    assert Path(folder / "named").read_text() == "$Format:%H$\n"


def test_a_worktree_that_a_died_run_left_is_made_anew(cloned: Host) -> None:
    identity = deployed(cloned, "two\n")
    folder = git.worktree(cloned, identity)
    (Path(folder) / "file").write_text("edited")
    assert git.worktree(cloned, identity) == folder
    assert (Path(folder) / "file").read_text() == "two\n"
    Path(folder, ".git").unlink()
    git.worktree(cloned, identity)
    assert (Path(folder) / "file").read_text() == "two\n"


def test_a_worktree_goes_with_what_was_written_beside_it(cloned: Host) -> None:
    folder = git.worktree(cloned, deployed(cloned, "two\n"))
    Path(f"{folder}.apart.json").write_text("{}")
    other = Path(cloned.server.root / "build" / "other.apart.json")
    other.write_text("{}")
    git.remove_worktree(cloned, folder)
    assert list(Path(cloned.server.root / "build").iterdir()) == [other]


def test_the_last_worktree_goes_with_what_runs_that_died_had_written(cloned: Host) -> None:
    folder = git.worktree(cloned, deployed(cloned, "two\n"))
    Path(cloned.server.root / "build" / "other.stack.json").write_text("{}")
    git.remove_worktree(cloned, folder, last=True)
    assert list(Path(cloned.server.root / "build").iterdir()) == []


def test_what_died_runs_left_is_pruned_and_nothing_else(cloned: Host) -> None:
    identity = deployed(cloned, "two\n")
    git.worktree(cloned, identity)
    git.prune_worktrees(cloned)
    assert list(Path(cloned.server.root / "build").iterdir()) == []
    assert head(cloned) == identity


def test_a_checkout_moves_to_the_commit_detached_and_keeps_the_settings(cloned: Host) -> None:
    identity = deployed(cloned, "two\n")
    assert head(cloned) == identity
    assert (Path(cloned.server.path) / "file").read_text() == "two\n"
    assert (Path(cloned.server.path) / ".env").read_text() == "A=1\n"
    assert run("git", "-C", str(cloned.server.path), "branch", "--show-current") == ""


def test_edits_are_kept_as_a_patch_that_applies_and_only_its_owner_reads(cloned: Host) -> None:
    old = deployed(cloned, "two\n")
    (Path(cloned.server.path) / "file").write_text("edited by hand\n")
    new = commit(origin_of(cloned), "Third", "three\n")
    git.fetch(cloned, new, "r2")
    assert git.checkout(cloned, new, kept_in(cloned)) == ("edited.patch",)
    assert (Path(cloned.server.path) / "file").read_text() == "three\n"
    patch = kept_in(cloned) / "edited.patch"
    assert mode(patch) == 0o600
    git.checkout(cloned, old, cloned.server.root)
    run("git", "-C", str(cloned.server.path), "apply", str(patch))
    assert (Path(cloned.server.path) / "file").read_text() == "edited by hand\n"


@pytest.mark.parametrize(
    "setting",
    ["color.ui always", "diff.noprefix true", "diff.mnemonicPrefix true", "diff.external false"],
)
def test_a_patch_applies_whatever_the_servers_git_is_set_to(cloned: Host, setting: str) -> None:
    old = deployed(cloned, "two\n")
    run("git", "-C", str(cloned.server.path), "config", *setting.split())
    (Path(cloned.server.path) / "file").write_text("edited by hand\n")
    git.checkout(cloned, old, kept_in(cloned))
    patch = str(kept_in(cloned) / "edited.patch")
    run("git", "-C", str(cloned.server.path), "-c", "diff.noprefix=false", "apply", patch)
    assert (Path(cloned.server.path) / "file").read_text() == "edited by hand\n"


def test_what_a_deploy_says_meanwhile_in_the_stacks_file_is_no_edit(cloned: Host) -> None:
    """It was there when that deploy died."""
    old = deployed(cloned, "two\n")
    stack = Path(cloned.server.path, "file")
    cloned = Host(replace(cloned.server, compose=(PurePosixPath("file"),)), Context())
    plain = stack.read_text()
    script = f'{git.MEANWHILE}\nenough "$1" "web replicas 4"'
    run("bash", "-c", script, "enough", str(stack))
    assert stack.read_text() != plain
    assert git.checkout(cloned, old, kept_in(cloned)) == ()
    assert stack.read_text() == plain


def test_without_edits_there_is_no_patch(cloned: Host) -> None:
    deployed(cloned, "two\n")
    assert list(Path(kept_in(cloned)).iterdir()) == []


def test_an_untracked_file_in_the_way_of_the_first_clone_is_kept(
    cloned: Host, tmp_path: Path
) -> None:
    (Path(cloned.server.path) / "file").write_text("was here before the clone\n")
    deployed(cloned, "two\n")
    assert (Path(cloned.server.path) / "file").read_text() == "two\n"
    assert unpacked(cloned, tmp_path) == {"file": "was here before the clone\n"}
    assert mode(kept_in(cloned) / "untracked.tar") == 0o600


def test_an_untracked_file_that_a_commit_adds_is_kept_beside_the_release(
    cloned: Host, tmp_path: Path
) -> None:
    deployed(cloned, "two\n")
    checkout = Path(cloned.server.path)
    (checkout / ".git/info/exclude").write_text("ignored\n")
    for name in ("added", "ignored", "-x", "stays"):
        (checkout / name).write_text(f"{name} of the server\n")
    new = next_commit(cloned, added="1\n", ignored="2\n", **{"-x": "3\n"})
    assert git.checkout(cloned, new, kept_in(cloned)) == ("untracked.tar",)
    assert (checkout / "added").read_text() == "1\n"
    assert (checkout / "stays").read_text() == "stays of the server\n"
    assert unpacked(cloned, tmp_path) == {
        name: f"{name} of the server\n" for name in ("-x", "added", "ignored")
    }


def test_an_untracked_folder_where_a_commit_has_a_file_is_kept(
    cloned: Host, tmp_path: Path
) -> None:
    deployed(cloned, "two\n")
    folder = Path(cloned.server.path) / "conf"
    folder.mkdir()
    (folder / "local").write_text("of the server\n")
    git.checkout(cloned, next_commit(cloned, conf="a file\n"), kept_in(cloned))
    assert folder.read_text() == "a file\n"
    assert unpacked(cloned, tmp_path) == {"conf/local": "of the server\n"}


@pytest.mark.parametrize("kind", ["file", "link"])
def test_an_untracked_file_where_a_commit_has_a_folder_is_kept(
    cloned: Host, tmp_path: Path, kind: str
) -> None:
    """A link above all: through it the commit's files would land elsewhere."""
    deployed(cloned, "two\n")
    outside = tmp_path / "outside"
    outside.mkdir()
    there = Path(cloned.server.path) / "conf"
    if kind == "link":
        there.symlink_to(outside)
    else:
        there.write_text("of the server\n")
    git.checkout(cloned, next_commit(cloned, conf__app="1\n"), kept_in(cloned))
    assert (there / "app").read_text() == "1\n"
    assert list(outside.iterdir()) == []
    expected = str(outside) if kind == "link" else "of the server\n"
    assert unpacked(cloned, tmp_path) == {"conf": expected}


def test_a_commit_that_tracks_the_settings_does_not_replace_them(cloned: Host) -> None:
    deployed(cloned, "two\n")
    new = next_commit(cloned, **{".env": "A=of the repository\n"})
    with pytest.raises(Trouble) as caught:
        git.checkout(cloned, new, kept_in(cloned))
    assert (
        caught.value.evidence[-1]
        == f"commit {new[:8]} tracks .env, where this server's secrets are"
    )
    assert (Path(cloned.server.path) / ".env").read_text() == "A=1\n"


def test_a_commit_that_no_longer_tracks_the_settings_leaves_them(cloned: Host) -> None:
    """The clone of somebody who once tracked it."""
    deployed(cloned, "two\n")
    checkout = str(cloned.server.path)
    run("git", "-C", checkout, "add", "--force", ".env")
    run("git", "-C", checkout, "commit", "-q", "-m", "Tracks it")
    git.checkout(cloned, next_commit(cloned), kept_in(cloned))
    assert (Path(cloned.server.path) / ".env").read_text() == "A=1\n"
    assert (Path(cloned.server.path) / "file").read_text() == "next\n"


@pytest.mark.parametrize("name", ["index", "HEAD", "config", "packed-refs", "refs/releases/r2"])
def test_a_git_that_died_half_way_is_no_obstacle(cloned: Host, name: str) -> None:
    """Its lock and a half-written file."""
    deployed(cloned, "two\n")
    checkout = Path(cloned.server.path)
    (checkout / f".git/{name}.lock").write_bytes(b"DIRC")
    (checkout / "file").write_text("ne")
    git.checkout(cloned, next_commit(cloned), kept_in(cloned))
    assert (checkout / "file").read_text() == "next\n"
    assert run("git", "-C", str(checkout), "status", "--porcelain", "-uno") == ""


def test_a_git_that_is_at_work_is_not_disturbed(cloned: Host, tmp_path: Path) -> None:
    old = deployed(cloned, "two\n")
    checkout = Path(cloned.server.path)
    lock = checkout / ".git/index.lock"
    lock.write_bytes(b"")
    with subprocess.Popen(
        ["git", "hash-object", "--stdin"],
        cwd=checkout,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as other:
        cloned.wait("git runs", lambda: Path(f"/proc/{other.pid}/comm").read_text() == "git\n", 60)
        with pytest.raises(Trouble) as caught:
            git.checkout(cloned, old, kept_in(cloned))
        other.communicate(b"")
    said = f"git is at work in {checkout} (process {other.pid}); wait until it has ended"
    assert caught.value.evidence[-1] == said
    assert lock.exists()
