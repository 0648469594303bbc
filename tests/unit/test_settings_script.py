"""The script that checks and replaces an .env, by a real shell; docker only pretends."""

from __future__ import annotations

import os
from dataclasses import replace
from itertools import pairwise
from pathlib import Path, PurePosixPath

import pytest
from invoke import Context

from fabfile.model.errors import REFUSED, Trouble
from fabfile.remote import settings
from fabfile.remote.host import Host

from .builders import SERVER

DOCKER = """\
#!/bin/sh
# docker compose: says what it is asked, and what stands in the settings that it is given.
shift
[ "$1" != version ] || exit 0
[ ! -e "$HOME/dumb" ] || exit 1
echo "$*" >>"$HOME/asked"
case "$*" in
  *reading.yml*)
    printf '{"services": {"reading": {"environment": {"A": "%s"}}}}' "$(sed -n 's/^A=//p' "$4")"
    ;;
  *-q) [ ! -e "$HOME/refuses" ] || { echo "invalid  value" >&2; exit 15; } ;;
  *) printf '[%s]' "$(tail -n 1 "$4")" ;;
esac
"""
WILD = "A='$(touch here);`x`' \"é\"\n"


@pytest.fixture
def host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Host:
    """A checkout on this machine that has an .env and a stack."""
    path, root, programs = tmp_path / "check out", tmp_path / "root", tmp_path / "bin"
    for folder in (path / "compose", root / "releases", programs, tmp_path / "tmp"):
        folder.mkdir(parents=True)
    docker = programs / "docker"
    docker.write_text(DOCKER)
    docker.chmod(0o700)
    monkeypatch.setenv("PATH", f"{programs}:{os.environ['PATH']}")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("TMPDIR", str(tmp_path / "tmp"))
    (path / ".env").write_text("A=1\n")
    (path / ".env").chmod(0o644)
    for file in SERVER.compose:
        (path / file).write_text("services: {}\n")
    server = replace(SERVER, path=PurePosixPath(path), root=PurePosixPath(root), connection="local")
    return Host(server, Context())


def env(host: Host) -> Path:
    return Path(host.server.path) / ".env"


def formers(host: Host) -> list[Path]:
    return sorted(env(host).parent.glob(".env.former-*"))


def left(host: Host) -> list[Path]:
    """What the script left where it works."""
    return [*(env(host).parent.parent / "tmp").iterdir(), *env(host).parent.glob("*.new")]


def mode(path: Path) -> int:
    return path.stat().st_mode & 0o777


def test_a_text_takes_the_place_whole_and_the_former_stays(host: Host) -> None:
    before = os.umask(0)
    try:
        settings.replace(host, "A=1\n", WILD)
    finally:
        os.umask(before)
    assert (env(host).read_text(), mode(env(host))) == (WILD, 0o600)
    (former,) = formers(host)
    assert (former.read_text(), mode(former)) == ("A=1\n", 0o600)
    assert not (env(host).parent / "here").exists()
    assert left(host) == []


def test_the_last_three_former_ones_stay(host: Host) -> None:
    texts = ["A=1\n", "A=2\n", "A=3\n", "A=4\n", "A=5\n", "A=6\n"]
    for before, after in pairwise(texts):
        settings.replace(host, before, after)
    assert [former.read_text() for former in formers(host)] == texts[2:5]


def test_a_first_file_needs_no_folder_and_has_no_history(host: Host) -> None:
    server = replace(host.server, path=host.server.path / "new", root=host.server.root / "new")
    bare = Host(server, Context())
    settings.replace(bare, None, "A=1\n")
    assert (env(bare).read_text(), mode(env(bare)), formers(bare)) == ("A=1\n", 0o600, [])


@pytest.mark.parametrize("before", ["A=2\n", None])
def test_what_somebody_else_wrote_meanwhile_stays(host: Host, before: str | None) -> None:
    with pytest.raises(Trouble, match=r"^ubuntu: somebody else changed \.env meanwhile") as caught:
        settings.replace(host, before, "A=3\n")
    assert caught.value.code == REFUSED
    assert (env(host).read_text(), formers(host), left(host)) == ("A=1\n", [], [])


def test_half_a_text_takes_no_place(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settings, "_size", lambda text: str(len(text) + 1))
    with pytest.raises(Trouble, match=r"^ubuntu: \.env could not be written, and is as it was$"):
        settings.replace(host, "A=1\n", "A=3\n")
    assert (env(host).read_text(), formers(host), left(host)) == ("A=1\n", [], [])


def test_a_link_stays_a_link(host: Host, tmp_path: Path) -> None:
    kept = tmp_path / "kept"
    env(host).rename(kept)
    env(host).symlink_to(kept)
    settings.replace(host, "A=1\n", "A=2\n")
    assert env(host).is_symlink()
    assert kept.read_text() == "A=2\n"


def test_compose_reads_the_text_before_it_takes_the_place(host: Host, tmp_path: Path) -> None:
    assert settings.check(host, "A=new\n", ["A"]) == ({"A": "new"}, "")
    (tmp_path / "refuses").touch()
    assert settings.check(host, "A=new\n", ["A"]) == ({"A": "new"}, "invalid value")
    Path(host.server.stack).unlink()
    assert settings.check(host, "A=new\n", ["A"]) == ({"A": "new"}, "")
    assert (env(host).read_text(), left(host)) == ("A=1\n", [])


def test_without_compose_nothing_is_asked(host: Host, tmp_path: Path) -> None:
    (tmp_path / "bin/docker").write_text("#!/bin/sh\nexit 1\n")
    assert settings.check(host, "A=new\n", ["A"]) == (None, "")


def test_the_stack_is_resolved_with_and_without_a_line(host: Host, tmp_path: Path) -> None:
    env(host).write_text("A=1")
    assert settings.with_and_without(host, "B='x y'\n") == ("[A=1]", "[B='x y']")
    assert (env(host).read_text(), left(host)) == ("A=1", [])
    (tmp_path / "dumb").touch()
    with pytest.raises(Trouble, match=r"^ubuntu: compose cannot read the stack$"):
        settings.with_and_without(host, "B=1\n")


def test_a_stack_of_several_files_is_resolved_of_all(host: Host, tmp_path: Path) -> None:
    files = ("compose/app.yml", "compose/more of it.yml")
    several = replace(host.server, compose=tuple(map(PurePosixPath, files)))
    settings.with_and_without(Host(several, Context()), "B=1\n")
    settings.check(Host(several, Context()), "A=1\n", ["A"])
    asked = (tmp_path / "asked").read_text().splitlines()
    named = " ".join(f"-f {host.server.path / file}" for file in files)
    assert [named in line for line in asked] == [True, True, False, True]
    assert all(f"--project-directory {host.server.path}/compose " in asked[at] for at in (0, 1, 3))
