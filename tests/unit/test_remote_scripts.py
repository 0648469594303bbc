"""The scripts that change a server, run by a real shell on folders of this machine."""

from __future__ import annotations

import os
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path, PurePosixPath

import pytest
from cryptography import x509
from invoke import Context

from fabfile.model.errors import Trouble
from fabfile.remote import git, state
from fabfile.remote.host import Host

from .builders import SERVER, release

RECORD = release("r1")


@pytest.fixture(autouse=True)
def _as_somebody(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", "/dev/null")
    for name in ("AUTHOR", "COMMITTER"):
        monkeypatch.setenv(f"GIT_{name}_NAME", "Somebody")
        monkeypatch.setenv(f"GIT_{name}_EMAIL", "somebody@example.org")


@pytest.fixture
def host(tmp_path: Path) -> Host:
    """A server whose repository has one commit, and whose checkout holds only its settings."""
    origin = tmp_path / "origin"
    commit(origin, "First", "one\n")
    server = replace(
        SERVER,
        path=PurePosixPath(tmp_path / "checkout"),
        root=PurePosixPath(tmp_path / "root"),
        repository=str(origin),
        connection="local",
    )
    made = Host(server, Context())
    state.make_folders(
        made, [str(server.root / name) for name in ("build", "certs/trust", "releases/r1")]
    )
    Path(server.path).mkdir()
    (Path(server.path) / ".env").write_text("A=1\n")
    (Path(server.path) / ".env").chmod(0o600)
    return made


def run(*words: str) -> str:
    return subprocess.run(words, capture_output=True, text=True, check=True).stdout.strip()


def commit(origin: Path, subject: str, text: str) -> str:
    if not origin.exists():
        run("git", "init", "-q", "-b", "main", str(origin))
    (origin / "file").write_text(text)
    run("git", "-C", str(origin), "add", "-A")
    run("git", "-C", str(origin), "commit", "-q", "-m", subject)
    return run("git", "-C", str(origin), "rev-parse", "HEAD")


def origin_of(host: Host) -> Path:
    return Path(host.server.repository)


def head(host: Host) -> str:
    return run("git", "-C", str(host.server.path), "rev-parse", "HEAD")


def mode(path: PurePosixPath) -> int:
    return Path(path).stat().st_mode & 0o777


def deployed(host: Host, text: str) -> str:
    """A commit that was fetched and checked out."""
    identity = commit(origin_of(host), "Next", text)
    git.fetch(host, identity, "r1")
    git.checkout(host, identity, host.server.root / "releases/r1/edited.patch")
    return identity


# --- git


def test_a_fetch_makes_the_clone_and_moves_no_file(host: Host) -> None:
    identity = run("git", "-C", host.server.repository, "rev-parse", "HEAD")
    git.fetch(host, identity, "r1")
    assert sorted(path.name for path in Path(host.server.path).iterdir()) == [".env", ".git"]
    refs = run("git", "-C", str(host.server.path), "rev-parse", "refs/releases/r1")
    assert refs == identity


def test_a_fetch_takes_away_what_a_run_that_died_left(host: Host) -> None:
    """Of another commit, and what was written beside it; the clone forgets the tree."""
    tree = git.worktree(host, deployed(host, "two\n"))
    Path(tree.with_suffix(".apart.json")).write_text("{}")
    other = commit(origin_of(host), "Another", "three\n")
    git.fetch(host, other, "r2")
    assert list(Path(host.server.root / "build").iterdir()) == []
    assert Path(git.worktree(host, other)).is_dir()
    listed = run("git", "-C", str(host.server.path), "worktree", "list").splitlines()
    assert len(listed) == 2


def test_a_commit_that_is_there_already_needs_no_repository(host: Host) -> None:
    identity = deployed(host, "two\n")
    origin_of(host).rename(origin_of(host).with_name("away"))
    git.fetch(host, identity, "r2")
    assert run("git", "-C", str(host.server.path), "rev-parse", "refs/releases/r2") == identity


def test_a_commit_that_the_repository_does_not_have_is_an_error(host: Host) -> None:
    with pytest.raises(Trouble, match=r"^ubuntu: 'fetch .*' failed with exit code"):
        git.fetch(host, "0" * 40, "r1")


def test_a_worktree_holds_exactly_the_commit_and_no_stray_file(host: Host) -> None:
    identity = deployed(host, "two\n")
    (Path(host.server.path) / "stray").write_text("x")
    folder = git.worktree(host, identity)
    assert sorted(path.name for path in Path(folder).iterdir()) == [".git", "file"]
    assert (Path(folder) / "file").read_text() == "two\n"


def test_a_worktree_that_a_died_run_left_is_made_anew(host: Host) -> None:
    identity = deployed(host, "two\n")
    folder = git.worktree(host, identity)
    (Path(folder) / "file").write_text("edited")
    assert git.worktree(host, identity) == folder
    assert (Path(folder) / "file").read_text() == "two\n"
    Path(folder, ".git").unlink()
    git.worktree(host, identity)
    assert (Path(folder) / "file").read_text() == "two\n"


def test_a_worktree_goes_with_what_was_written_beside_it(host: Host) -> None:
    folder = git.worktree(host, deployed(host, "two\n"))
    Path(f"{folder}.apart.json").write_text("{}")
    git.remove_worktree(host, folder)
    assert list(Path(host.server.root / "build").iterdir()) == []


def test_what_died_runs_left_is_pruned_and_nothing_else(host: Host) -> None:
    identity = deployed(host, "two\n")
    git.worktree(host, identity)
    git.prune_worktrees(host)
    assert list(Path(host.server.root / "build").iterdir()) == []
    assert head(host) == identity


def test_a_checkout_moves_to_the_commit_detached_and_keeps_the_settings(host: Host) -> None:
    identity = deployed(host, "two\n")
    assert head(host) == identity
    assert (Path(host.server.path) / "file").read_text() == "two\n"
    assert (Path(host.server.path) / ".env").read_text() == "A=1\n"
    assert run("git", "-C", str(host.server.path), "branch", "--show-current") == ""


def test_edits_are_kept_as_a_patch_that_applies_and_only_its_owner_reads(host: Host) -> None:
    old = deployed(host, "two\n")
    (Path(host.server.path) / "file").write_text("edited by hand\n")
    new = commit(origin_of(host), "Third", "three\n")
    patch = host.server.root / "releases/r1/edited.patch"
    git.fetch(host, new, "r2")
    git.checkout(host, new, patch)
    assert (Path(host.server.path) / "file").read_text() == "three\n"
    assert mode(patch) == 0o600
    git.checkout(host, old, patch.with_name("unused"))
    run("git", "-C", str(host.server.path), "apply", str(patch))
    assert (Path(host.server.path) / "file").read_text() == "edited by hand\n"


def test_without_edits_there_is_no_patch(host: Host) -> None:
    deployed(host, "two\n")
    assert list(Path(host.server.root / "releases/r1").iterdir()) == []


def test_a_file_in_the_way_is_replaced(host: Host) -> None:
    (Path(host.server.path) / "file").write_text("was here before the clone\n")
    deployed(host, "two\n")
    assert (Path(host.server.path) / "file").read_text() == "two\n"


# --- state


def test_folders_that_are_there_stay_as_they_are(host: Host) -> None:
    folder = Path(host.server.root / "build")
    folder.chmod(0o700)
    state.make_folders(host, [str(folder), str(host.server.root / "new folder/below")])
    assert mode(host.server.root / "build") == 0o700
    assert Path(host.server.root / "new folder/below").is_dir()


def test_a_self_made_certificate_is_for_every_name_and_its_key_is_its_owners(host: Host) -> None:
    state.make_certificate(host, ["app.example", "api.app.example", "192.0.2.7"])
    pem = Path(host.server.root / "certs/fullchain.pem").read_bytes()
    certificate = x509.load_pem_x509_certificate(pem)
    assert certificate.subject == certificate.issuer
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == ["app.example", "api.app.example"]
    assert [str(one) for one in names.get_values_for_type(x509.IPAddress)] == ["192.0.2.7"]
    assert mode(host.server.root / "certs/privkey.pem") == 0o600


FULL = """#!/bin/sh
[ "$1" = req ] || exec {real} "$@"
: >privkey.pem.tmp
: >fullchain.pem.tmp
"""


def test_a_certificate_that_a_full_disk_left_empty_is_none(
    host: Host, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As openssl does it: both files are made, nothing is in them, the exit code is 0."""
    openssl = tmp_path / "programs" / "openssl"
    openssl.parent.mkdir()
    openssl.write_text(FULL.format(real=shutil.which("openssl")))
    openssl.chmod(0o755)
    monkeypatch.setenv("PATH", f"{openssl.parent}:{os.environ['PATH']}")
    with pytest.raises(Trouble, match="make-certificate"):
        state.make_certificate(host, ["app.example"])
    assert [path.name for path in Path(host.server.root / "certs").iterdir()] == ["trust"]


def test_trust_is_the_systems_authorities_and_the_called_servers_certificate(host: Host) -> None:
    state.trust(host, "CERTIFICATE\n\n")
    bundle = Path(host.server.root / "certs/trust/ca-bundle.pem")
    assert bundle.read_text().endswith("CERTIFICATE\n")
    assert Path(host.server.root / "certs/trust/peer.pem").read_text() == "CERTIFICATE\n"
    assert mode(host.server.root / "certs/trust/ca-bundle.pem") == 0o644
    assert list(bundle.parent.glob("*.tmp")) == []


def test_the_settings_are_kept_and_come_back_readable_by_their_owner_only(host: Host) -> None:
    (Path(host.server.path) / ".env").chmod(0o644)
    state.keep_env(host, RECORD)
    kept = host.server.root / "releases/r1/env"
    assert (Path(kept).read_text(), mode(kept)) == ("A=1\n", 0o600)
    (Path(host.server.path) / ".env").write_text("A=2\n")
    state.restore_env(host, RECORD)
    assert (Path(host.server.path) / ".env").read_text() == "A=1\n"
    assert mode(host.server.path / ".env") == 0o600


def test_settings_that_are_the_same_are_not_written_again(host: Host) -> None:
    state.keep_env(host, RECORD)
    before = (Path(host.server.path) / ".env").stat().st_ino
    state.restore_env(host, RECORD)
    assert (Path(host.server.path) / ".env").stat().st_ino == before


def test_settings_that_were_never_kept_cannot_come_back_silently(host: Host) -> None:
    with pytest.raises(Trouble, match=r"^ubuntu: 'restore-env .*' failed with exit code 1$"):
        state.restore_env(host, release("r9"))
    assert (Path(host.server.path) / ".env").read_text() == "A=1\n"


def test_a_record_is_written_whole_and_read_by_its_owner_only(host: Host) -> None:
    state.write_release(host, RECORD)
    file = host.server.root / "releases/r1/release.json"
    assert Path(file).read_text() == RECORD.to_json() + "\n"
    assert mode(file) == 0o600


def test_a_log_is_read_back_and_a_missing_one_is_empty(host: Host) -> None:
    state.write_log(host, RECORD, ["one", "two é"])
    assert state.read_log(host, RECORD) == "one\ntwo é\n"
    assert state.read_log(host, release("r9")) == ""
