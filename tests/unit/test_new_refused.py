"""What fab new refuses, and what it leaves alone."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import SimpleNamespace

import pytest

from fabfile.model.errors import Trouble
from fabfile.ops.project.new import new
from fabfile.remote.project import repository
from fabfile.ui.console import Console

from .projects import FLASK, Made, news, texts


def test_a_second_run_changes_nothing_and_says_so(
    made: Made, capsys: pytest.CaptureFixture[str]
) -> None:
    root = made({"compose.yaml": FLASK})
    news(root)
    (root / "hosts.ini").write_text("[mine]\n")
    (root / "proxy/nginx.conf").unlink()
    capsys.readouterr()
    assert news(root) == {}
    assert capsys.readouterr().out == (
        f"no change: {root} is set up already; fab --list shows its tasks\n"
    )


@pytest.mark.parametrize(
    ("files", "compose", "why"),
    [
        ({}, "", "{root} has no compose file; --compose names one that stands elsewhere"),
        (
            {"compose.yaml": FLASK, "docker-compose.yml": FLASK},
            "",
            "{root} has compose.yaml and docker-compose.yml; --compose says which one is deployed",
        ),
        ({}, "none.yaml", "--compose: none.yaml is not a file of {root}"),
        ({"compose.yaml": FLASK}, "../id", "--compose: ../id is not a file of {root}"),
        (
            {"compose.yaml": FLASK, "hosts.ini": "[mine]\n", "fabfile/__init__.py": ""},
            "",
            "{root} has fabfile, hosts.ini already; nothing was written",
        ),
    ],
)
def test_what_cannot_be_set_up_is_one_line_and_nothing_is_written(
    made: Made, files: Mapping[str, str], compose: str, why: str
) -> None:
    root = made(files)
    (root.parent / "id").touch()
    before = texts(root)
    with pytest.raises(Trouble) as trouble:
        new(Console(), root, compose)
    assert (trouble.value.code, trouble.value.message) == (2, why.format(root=root))
    assert texts(root) == before


@pytest.mark.parametrize(
    "text",
    ["services: [", "services: {web: {}}\n", "services: {web: {image: a, volume: b}}\n"],
    ids=["no YAML", "no image", "unknown key"],
)
def test_what_compose_refuses_is_told_in_its_words(made: Made, text: str) -> None:
    root = made({"compose.yaml": text})
    with pytest.raises(Trouble, match=r"^compose\.yaml: compose cannot read it: \S") as trouble:
        new(Console(), root, "")
    assert (trouble.value.code, trouble.value.message.count("\n")) == (2, 0)
    assert [*texts(root)] == ["compose.yaml"]


def test_a_folder_outside_any_repository_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Trouble) as trouble:
        new(Console(), tmp_path, "")
    assert trouble.value.message == f"{tmp_path}: not in a git repository; git init first"


def test_a_machine_without_compose_is_told_so(
    made: Made, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    root = made({"compose.yaml": FLASK})
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/git").symlink_to("/usr/bin/git")
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    with pytest.raises(Trouble, match=r"^docker compose is not installed here;"):
        new(Console(), root, "")


def test_when_one_file_cannot_be_written_none_is_left(tmp_path: Path) -> None:
    (tmp_path / "full").write_text("as it was")
    with pytest.raises(Trouble, match=r"nothing was written$"):
        repository.write(tmp_path, {"a/new": "text", "full/below": "text"}, {".gitignore": ["a"]})
    assert [path.name for path in tmp_path.rglob("*") if path.is_file()] == ["full"]
    (tmp_path / ".gitignore").mkdir()
    with pytest.raises(Trouble):
        repository.write(tmp_path, {"new": "text"}, {".gitignore": ["a"]})
    assert not (tmp_path / "new").exists()
    (tmp_path / ".gitignore").rmdir()
    (tmp_path / ".gitignore").write_text("own")
    with pytest.raises(Trouble):
        repository.write(tmp_path, {}, {".gitignore": ["a"], "full/below": ["b"]})
    assert (tmp_path / ".gitignore").read_text() == "own"


@pytest.mark.parametrize(
    ("remote", "address"),
    [
        ("https://git.example/ops.git", "https://git.example/ops.git"),
        ("git@git.example:team/ops.git", "ssh://git@git.example/team/ops.git"),
        ("ssh://git@git.example:22/ops.git", "ssh://git@git.example:22/ops.git"),
    ],
)
def test_pip_gets_the_collection_from_where_its_clone_came(
    monkeypatch: pytest.MonkeyPatch, remote: str, address: str
) -> None:
    monkeypatch.setattr(
        repository, "git", lambda _root, *words: remote if "remote" in words else "0" * 40
    )
    assert repository.collection() == f"git+{address}@{'0' * 40}"


@pytest.mark.parametrize(
    ("came", "line"),
    [
        (
            '{"url": "https://git.example/ops.git", "vcs_info": {"commit_id": "0a1b"}}',
            "git+https://git.example/ops.git@0a1b",
        ),
        (
            '{"url": "https://files.example/o.whl", "archive_info": {}}',
            "https://files.example/o.whl",
        ),
        ('{"url": "file:///home/me/o.whl", "archive_info": {}}', "wishwithme-ops==1.2"),
        (None, "wishwithme-ops==1.2"),
    ],
    ids=["git", "https", "a file here", "an index"],
)
def test_pip_gets_the_collection_from_where_pip_had_it(
    monkeypatch: pytest.MonkeyPatch, came: str | None, line: str
) -> None:
    installed = SimpleNamespace(version="1.2", read_text=lambda _name: came)
    monkeypatch.setattr(repository, "distribution", lambda _name: installed)
    assert repository.collection() == line
