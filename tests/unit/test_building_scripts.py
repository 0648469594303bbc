"""The scripts of a builder and of what it sends, run by a real shell with a docker of ours."""

from __future__ import annotations

import hashlib
import json
import os
import stat
import tarfile
from dataclasses import replace
from itertools import chain
from pathlib import Path, PurePosixPath

import pytest
from invoke import Context

from fabfile.model.errors import Trouble
from fabfile.remote.commands.pipe import Local
from fabfile.remote.deploy import building
from fabfile.remote.deploy.building import Packed
from fabfile.remote.host import Host

from .builders import SERVER

DOCKER = """#!/bin/bash
here={here}
case "$1 $2" in
  'version '*) cat "$here/version"; exit "$(cat "$here/code")" ;;
  'compose version') echo 2.40.3 ;;
  'buildx inspect') printf 'Name: default\\nPlatforms: linux/arm64*, linux/amd64\\n' ;;
  'info '*) cat "$here/info" ;;
  'image ls') printf 'sha256:1\\nsha256:2\\nsha256:1\\n' ;;
  'image inspect') printf 'layers=["a","b"]\\nlayers=null\\n' ;;
  'save '*) tar -C "$here/image" -cf - . ;;
  'load '*) cat >"$here/loaded" ;;
  'compose --project-directory')
    env >"$here/environment"; printf '%s\\n' "$@" >"$here/words"
    stat -c %a "$3" "$3/run.sh" "${{3%/tree}}" >"$here/modes"
    cat "$3/run.sh" "${{7}}" >"$here/seen"; exit "$(cat "$here/code")" ;;
esac
"""
LAYERS = ("blobs/one", "blobs/two")
MANIFEST = [{"Config": "blobs/config", "RepoTags": ["app/web:1"], "Layers": [*LAYERS]}]


@pytest.fixture
def host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Host:
    """A machine with a docker that does what the files beside it say."""
    programs, image = tmp_path / "bin", tmp_path / "image"
    programs.mkdir()
    (image / "blobs").mkdir(parents=True)
    for name in ("one", "two", "config"):
        (image / "blobs" / name).write_text(f"{name}\n" * 1000)
    (image / "manifest.json").write_text(json.dumps(MANIFEST))
    (programs / "docker").write_text(DOCKER.format(here=tmp_path))
    (programs / "docker").chmod(0o755)
    (tmp_path / "code").write_text("0")
    (tmp_path / "info").write_text("[]")
    (tmp_path / "version").write_text("linux/arm64\n")
    monkeypatch.setenv("PATH", f"{programs}:/usr/bin:/bin")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("SECRET", "of this machine")
    root = PurePosixPath(tmp_path / "root")
    return Host(replace(SERVER, root=root, connection="local"), Context())


@pytest.fixture
def scratch(tmp_path: Path) -> PurePosixPath:
    return PurePosixPath(tmp_path / "cache/wishwithme/images/1")


def test_an_engine_says_what_it_is_and_which_layers_it_has(host: Host, tmp_path: Path) -> None:
    found = building.know_engine(host, layers=True)
    assert (found.platform, found.error, found.missing) == ("linux/arm64", "", ())
    assert found.platforms == {"linux/arm64", "linux/amd64"}
    assert (found.cache, found.compose) == (PurePosixPath(tmp_path / "cache"), "2.40.3")
    assert (found.zstd, found.in_containerd) == (True, False)
    assert found.chains == {("a",), ("a", "b")}
    (tmp_path / "info").write_text('[["driver-type","io.containerd.snapshotter.v1"]]')
    assert building.know_engine(host).in_containerd
    assert building.know_engine(host).chains == frozenset()


def test_an_engine_that_does_not_answer_says_why(host: Host, tmp_path: Path) -> None:
    (tmp_path / "code").write_text("1")
    (tmp_path / "version").write_text("a line\nCannot connect to the Docker daemon\n")
    found = building.know_engine(host)
    assert (found.platform, found.error) == ("", "Cannot connect to the Docker daemon")


def test_a_build_sees_the_tree_alone_and_leaves_nothing(
    host: Host, tmp_path: Path, scratch: PurePosixPath
) -> None:
    tree = tmp_path / "tree"
    (tree / "web/.git").mkdir(parents=True)
    (tree / "web/run.sh").write_text("#!/bin/sh\n")
    (tree / "web/run.sh").chmod(0o755)
    (tree / "other").write_text("not asked for")
    with building.tree_of(host, PurePosixPath(tree / "web"), ["."]) as stream:
        data = building.chunks(stream)
        output = building.build(host, scratch, "web", '{"stack": "é"}', data, fresh=True)
    assert output.ok, output
    words = (tmp_path / "words").read_text().splitlines()
    assert words[3:] == [
        "--env-file", "/dev/null", "-f", f"{scratch}/stack.json", "build", "--pull", "--no-cache",
        "web",
    ]  # fmt: skip
    assert (tmp_path / "seen").read_text() == '#!/bin/sh\n{"stack": "é"}'
    assert (tmp_path / "modes").read_text().split()[1:] == ["755", "700"]
    assert "SECRET" not in (tmp_path / "environment").read_text()
    assert list(Path(scratch).parent.iterdir()) == []


def test_a_build_that_fails_or_gets_half_a_tree_leaves_nothing(
    host: Host, tmp_path: Path, scratch: PurePosixPath
) -> None:
    (tmp_path / "run.sh").write_text("x" * 100_000)
    with building.tree_of(host, PurePosixPath(tmp_path), ["run.sh"]) as stream:
        whole = b"".join(building.chunks(stream))
    (tmp_path / "code").write_text("17")
    assert building.build(host, scratch, "web", "{}", [whole], fresh=False).code == 17
    (tmp_path / "seen").unlink()
    assert building.build(host, scratch, "web", "{}", [whole[:-20]], fresh=False).code != 0
    assert not (tmp_path / "seen").exists()
    assert list(Path(scratch).parent.iterdir()) == []


def packed(host: Host, scratch: PurePosixPath, *, zstd: bool = True) -> Packed:
    saved = building.save(host, scratch, "app/web:1")
    assert saved
    parts = saved.parts(saved.lacking(("a", "c"), {("a",)}))
    assert parts == ["manifest.json", "blobs/config", "blobs/two"]
    return building.pack(host, scratch, parts, zstd=zstd)


@pytest.mark.parametrize("zstd", [True, False])
def test_what_is_lacking_arrives_and_is_loaded(
    host: Host, tmp_path: Path, scratch: PurePosixPath, zstd: bool
) -> None:
    made = packed(host, scratch, zstd=zstd)
    assert stat.S_IMODE(Path(scratch).stat().st_mode) == 0o700
    assert building.awaiting(host, made, 0) == 0
    with building.sent(host, scratch, made, 0) as stream:
        building.receive(host, made, 0, building.chunks(stream))
    assert building.awaiting(host, made, 0) == made.bytes
    assert building.load(host, made).ok

    with tarfile.open(tmp_path / "loaded") as archive:
        assert archive.getnames() == ["manifest.json", "blobs/config", "blobs/two"]
    assert list(Path(building.arrivals(host)).iterdir()) == []
    building.remove(host, scratch)
    assert list(Path(scratch).parent.iterdir()) == []


def test_the_same_parts_make_the_same_bytes(host: Host, tmp_path: Path) -> None:
    """Also where the engine lays them out with another time."""
    first = packed(host, PurePosixPath(tmp_path / "cache/a"))
    os.utime(tmp_path / "image/blobs/two", (1, 1))
    assert packed(host, PurePosixPath(tmp_path / "cache/b")) == first


def test_a_copy_goes_on_where_it_was_cut(host: Host, scratch: PurePosixPath) -> None:
    made = packed(host, scratch)
    with building.sent(host, scratch, made, 0) as stream:
        data = b"".join(building.chunks(stream))
    assert hashlib.sha256(data).hexdigest() == made.name.partition(".")[0]
    building.awaiting(host, made, 0)
    with pytest.raises(Trouble, match="was cut; the next deploy goes on there"):
        building.receive(host, made, 0, [data[:40]])
    assert building.awaiting(host, made, 0) == 40
    with building.sent(host, scratch, made, 40) as stream:
        building.receive(host, made, 40, building.chunks(stream))
    assert building.load(host, made).ok


def test_what_is_not_what_was_sent_goes(host: Host) -> None:
    made = Packed(f"{'0' * 64}.zst", 4)
    building.awaiting(host, made, 0)
    with pytest.raises(Trouble, match="is not the image that was sent"):
        building.receive(host, made, 0, [b"four"])
    assert building.awaiting(host, made, 0) == 0


def test_another_image_that_was_on_its_way_goes(host: Host) -> None:
    building.awaiting(host, Packed("a.zst", 4), 0)
    with pytest.raises(Trouble):
        building.receive(host, Packed("a.zst", 4), 0, [b"fou"])
    building.awaiting(host, Packed("b.zst", 4), 0)
    assert list(Path(building.arrivals(host)).iterdir()) == []


def test_a_disk_without_room_is_told_before_anything_is_sent(host: Host) -> None:
    with pytest.raises(Trouble, match=r"MiB are free in \S+/build, the image takes 0 MiB and"):
        building.awaiting(host, Packed("a.zst", 4), 1 << 50)


def test_a_disk_that_is_full_keeps_nothing(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    made = Packed("a.zst", 1 << 20)
    building.awaiting(host, made, 0)

    class Narrow(Local):
        """No file may have more than 4 KiB: writing ends with an error, as on a full disk."""

        def __init__(self, line: str) -> None:
            super().__init__(f"ulimit -f 4; {line}")

    monkeypatch.setattr("fabfile.remote.host.Local", Narrow)
    with pytest.raises(Trouble, match="the disk is full; what had come of the image was removed"):
        building.receive(host, made, 0, chain([b"x" * 65536], [b"y" * 65536]))
    assert list(Path(building.arrivals(host)).iterdir()) == []
