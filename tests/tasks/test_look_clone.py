"""What keeps git from working in a checkout, found by a look: a real git, and bash."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from tests.tasks.looked_at import Place


@pytest.fixture
def clone(place: Place) -> Place:
    """A server whose checkout is a whole clone, looked at by somebody who is not all-powerful."""
    place.commit_files("Second", {"conf/app/one": "1", "services/web/two": "2"})
    place.cloned()
    if os.geteuid() == 0:
        place.before = ["setpriv", "--bounding-set", "-dac_override,-dac_read_search"]
    return place


def found(place: Place) -> set[tuple[str, str]]:
    at = f"{place.checkout}/"
    return {(kind, about.removeprefix(at)) for kind, about in place.look().clone}


def test_nothing_keeps_git_from_working_in_a_clone_as_it_should_be(clone: Place) -> None:
    assert found(clone) == set()
    facts = clone.look()
    assert facts.commit is not None
    assert facts.commit.blocked == ()


@pytest.mark.parametrize(
    "path", ["conf/app", "services", ".git", ".git/objects/info", ".git/refs/heads"]
)
def test_a_folder_that_cannot_be_written_is_found(clone: Place, path: str) -> None:
    (clone.checkout / path).chmod(0o555)
    assert found(clone) == {("unwritable", path)}


@pytest.mark.parametrize("path", [".git/FETCH_HEAD", ".git/logs/HEAD"])
def test_a_file_that_git_writes_in_place_and_cannot_is_found(clone: Place, path: str) -> None:
    clone.git("fetch", "-q", where=clone.checkout)
    (clone.checkout / path).chmod(0o444)
    assert found(clone) == {("unwritable", path)}


def test_a_folder_without_a_tracked_file_is_nobodys_of_git(clone: Place) -> None:
    (clone.checkout / "data").mkdir(mode=0o555)
    assert found(clone) == set()
    clone.commit_files("Third", {"data/schema": "3"})
    facts = clone.look()
    assert facts.commit is not None
    assert facts.commit.blocked == (f"{clone.checkout}/data",)


def test_a_folder_in_the_place_of_a_file_of_the_commit_is_found(clone: Place) -> None:
    (clone.checkout / "local/inner").mkdir(parents=True)
    (clone.checkout / "local/inner").chmod(0o555)
    clone.commit_files("Third", {"local": "3"})
    facts = clone.look()
    assert facts.commit is not None
    assert facts.commit.blocked == (f"{clone.checkout}/local/inner",)


def test_a_shallow_clone_is_found_and_the_commit_is_seen(place: Place) -> None:
    place.commit_files("Second", {"conf/one": "1"})
    identity = place.commit_files("Third", {"conf/one": "2"})
    place.cloned("--depth", "1")
    assert found(place) == {("shallow", "")}
    facts = place.look()
    assert facts.commit is not None
    assert (facts.commit.id, facts.commit.fault) == (identity, "")


def test_a_partial_clone_is_found_and_its_remedy_mends_it(place: Place) -> None:
    place.commit_files("Second", {"conf/one": "1"})
    place.git("config", "uploadpack.allowFilter", "true")
    place.cloned("--filter=blob:none", "--no-checkout")
    assert found(place) == {("partial", "")}
    place.git("fetch", "-q", "--refetch", "--no-filter", where=place.checkout)
    place.git("config", "--unset-all", "remote.origin.promisor", where=place.checkout)
    assert found(place) == set()
    place.origin.rename(place.folder / "elsewhere")
    place.git("checkout", "-q", "main", where=place.checkout)


def test_the_worktree_of_another_clone_is_found(place: Place) -> None:
    place.commit_files("Second", {"conf/one": "1"})
    place.git("worktree", "add", "-q", "--detach", str(place.checkout))
    assert found(place) == {("linked", ".git")}


@pytest.mark.parametrize("name", ["index.lock", "HEAD.lock", "config.lock", "refs/heads/x.lock"])
def test_a_lock_that_a_git_left_is_found(clone: Place, name: str) -> None:
    (clone.checkout / ".git" / name).touch()
    assert found(clone) == {("stale", f".git/{name}")}


def test_a_git_that_is_at_work_is_found(clone: Place) -> None:
    (clone.checkout / ".git/index.lock").touch()
    with subprocess.Popen(
        ["git", "hash-object", "--stdin"],
        cwd=clone.checkout,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as other:
        assert Path(f"/proc/{other.pid}").exists()
        assert ("busy", str(other.pid)) in found(clone)
        other.communicate(b"")
    assert found(clone) == {("stale", ".git/index.lock")}


def test_whether_the_commit_contains_what_the_checkout_stands_on_is_found(clone: Place) -> None:
    def contains(ref: str = "main") -> bool:
        commit = clone.look(ref).commit
        assert commit is not None
        return commit.contains_head

    assert contains()
    clone.git("branch", "-q", "before", "main~")
    later = "commit refs/heads/main\ncommitter A <a@example.org> 2000000000 +0000\ndata 1\nx\n"
    subprocess.run(
        ["git", "-C", clone.origin, "fast-import", "--quiet"],
        input=f"{later}from refs/heads/main^0\n" + later * 200,
        text=True,
        check=True,
    )
    assert contains()
    assert not contains("before")
    clone.git("checkout", "-q", "before")
    clone.commit_files("Mine", {"conf/app/one": "mine"})
    assert not contains("before")
    assert contains("@local:HEAD")


def test_a_server_without_a_checkout_stands_on_nothing(place: Place) -> None:
    facts = place.look()
    assert facts.commit is not None
    assert not facts.commit.contains_head
