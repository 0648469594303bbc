"""The scripts that pack a volume and put its files back, with an engine of a few lines."""

from __future__ import annotations

import os
import subprocess
from dataclasses import replace
from pathlib import Path, PurePosixPath

import pytest
from invoke import Context

from fabfile.model.data.volume import VolumeBackup
from fabfile.model.errors import FAILED, REFUSED, STRANDED, Trouble
from fabfile.model.hints import Volume
from fabfile.remote.data import volumes
from fabfile.remote.data.volumes import Shared
from fabfile.remote.host import Host

from .builders import SERVER

DOCKER = """\
#!/bin/bash
# Inside is outside: what is told to a container is done here.
printf '%s\\n' "$1 ${2%%-*}" >>"$STUBS/log"
case $1 in
  inspect)
    case $* in
      *Health*) cat "$STUBS/state" 2>/dev/null || echo 'true healthy' ;;
      *) echo "${RUNNING:-true}" ;;
    esac ;;
  info) echo "$STUBS" ;;
  stop) shift; [ -z "${STUCK:-}" ] ;;
  start) eval "${STARTING:-true}" ;;
  logs) echo 'out of memory' ;;
  run)
    until [ "$1" = --entrypoint ]; do shift; done
    program=$2
    shift 3
    "$program" "$@"
    code=$?
    [ "$program" != tar ] || eval "${READING:-true}"
    exit $code ;;
  exec) shift 2; exec "$@" ;;
esac
"""
BACKUP = VolumeBackup(
    "volume_cache_20270001T000000Z.tar.gz", 5, "ubuntu", "cache", "/data", "by hand", "", "", "me"
)


@pytest.fixture
def stubs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "stubs"
    folder.mkdir()
    (folder / "docker").write_text(DOCKER)
    (folder / "docker").chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")
    monkeypatch.setenv("STUBS", str(folder))
    scratch = tmp_path / "tmp"
    scratch.mkdir()
    monkeypatch.setenv("TMPDIR", str(scratch))
    return folder


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """What is in the volume: a hidden file, a folder, a link, and names and modes that surprise."""
    made = tmp_path / "data"
    (made / "a folder").mkdir(parents=True)
    (made / "a folder/one").write_text("1")
    (made / ".hidden").write_text("2")
    (made / "link").symlink_to("nowhere")
    (made / "-x").write_text("3")
    (made / "--help").mkdir()
    (made / "--help").chmod(0o2770)
    (made / "a folder/one").chmod(0o640)
    return made


@pytest.fixture
def host(stubs: Path, tmp_path: Path) -> Host:
    (tmp_path / "backups").mkdir()
    server = replace(SERVER, root=PurePosixPath(tmp_path), connection="local", compression="gzip")
    return Host(server, Context())


def shared(data: Path, **how: object) -> Shared:
    return Shared(Volume(str(data), **how), "sha256:aa", ("app-cache", "app-twin"))  # type: ignore[arg-type]


def picture(folder: Path) -> dict[str, str]:
    """Every entry: its kind and mode, and what is in it."""
    found = {}
    for path in sorted(folder.rglob("*")):
        kind = path.readlink() if path.is_symlink() else ""
        text = path.read_text() if path.is_file() else ""
        found[str(path.relative_to(folder))] = f"{kind} {path.lstat().st_mode:o} {text}"
    return found


def names(host: Host) -> list[str]:
    return sorted(path.name for path in Path(host.server.root / "backups").iterdir())


def take(host: Host, data: Path, **how: object) -> VolumeBackup:
    return volumes.take(host, shared(data, **how), BACKUP)


def refusal(host: Host, data: Path, **how: object) -> tuple[int, str]:
    """Exit code and words of a backup that is not made, which leaves nothing behind."""
    with pytest.raises(Trouble) as caught:
        take(host, data, **how)
    assert names(host) == []
    assert list((Path(host.server.root) / "tmp").iterdir()) == []
    return caught.value.code, caught.value.message


# --- take


def test_a_backup_stands_with_its_manifest_and_only_its_owner_reads_it(
    host: Host, data: Path
) -> None:
    before = picture(data)
    made = take(host, data)
    folder = Path(host.server.root) / "backups"
    assert names(host) == [BACKUP.name, f"{BACKUP.name}.json"]
    assert {path.stat().st_mode & 0o777 for path in folder.iterdir()} == {0o600}
    words = ["sha256sum", str(folder / BACKUP.name)]
    assert subprocess.check_output(words, text=True).split()[0] == made.sha256
    assert (made.files, made.bytes) == (4, (folder / BACKUP.name).stat().st_size)
    assert volumes.shelf(host).backups == (made,)
    assert picture(data) == before
    with pytest.raises(Trouble, match="is there already"):
        take(host, data)
    assert volumes.shelf(host).backups == (made,)


def test_files_that_change_while_they_are_read_are_no_backup(
    host: Host, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("READING", f"echo more >>'{data}/.hidden'")
    assert refusal(host, data) == (
        FAILED,
        f"ubuntu: no backup was made: the files in {data} change while they are read",
    )


def test_files_that_hold_still_at_the_second_try_are_one(
    host: Host, data: Path, monkeypatch: pytest.MonkeyPatch, stubs: Path
) -> None:
    once = f"[ -e '{stubs}/once' ] || {{ touch '{stubs}/once'; echo more >>'{data}/.hidden'; }}"
    monkeypatch.setenv("READING", once)
    assert take(host, data).files == 4


def test_a_dump_is_what_its_command_writes_and_counts_only_when_that_ends_well(
    host: Host, data: Path
) -> None:
    tar = ("tar", "-c", "-C", f"{data}/a folder", ".")
    failing = ("sh", "-c", "echo 'no log' >&2; exit 3")
    code, said = refusal(host, data, dump=failing)
    assert (code, said) == (FAILED, "ubuntu: no backup was made: tar ended with 3: no log")
    for cut in (512, 700):
        dump = ("sh", "-c", f"tar -c -C '{data}' . | head -c {cut}")
        assert refusal(host, data, dump=dump) == (
            FAILED,
            "ubuntu: no backup was made: the archive has no end",
        )
    assert "the archive cannot be read: " in refusal(host, data, dump=("true",))[1]
    assert take(host, data, dump=tar).files == 1


def test_what_must_not_run_must_not_run_and_what_must_does(
    host: Host, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert refusal(host, data, stopped=True) == (
        REFUSED,
        (
            "ubuntu: no backup was made: container app-cache is running, and its files are whole"
            " only when it is not: docker stop app-cache"
        ),
    )
    monkeypatch.setenv("RUNNING", "false")
    assert refusal(host, data, dump=("true",))[1].endswith("app-cache is not running")
    assert take(host, data, stopped=True).files == 4


def test_a_full_disk_is_found_before(host: Host, data: Path, stubs: Path) -> None:
    (stubs / "df").write_text("#!/bin/sh\necho Avail; echo 1048576\n")
    (stubs / "df").chmod(0o755)
    assert refusal(host, data)[0] == REFUSED


# --- put, back, keep


def test_a_backup_takes_the_place_of_all_that_is_there_and_the_former_files_go_when_told(
    host: Host, data: Path, stubs: Path
) -> None:
    before, made = picture(data), take(host, data)
    changed(data)
    after = picture(data)
    (stubs / "log").unlink()
    volumes.put(host, shared(data), made)
    there = picture(data)
    aside = {name for name in there if name.startswith(".restore-before")}
    assert {name: there[name] for name in there.keys() - aside} == before
    assert len(aside) == len(after) + 1
    did = (stubs / "log").read_text().split("\n")
    assert did.index("stop app") < len(did) - 1 - did[::-1].index("start app")
    volumes.forget(host, shared(data), made)
    assert picture(data) == before


def changed(data: Path) -> None:
    """Other files than those of the backup."""
    (data / ".hidden").write_text("later")
    (data / "a folder/one").unlink()
    (data / "new").write_text("new")
    (data / "link").unlink()


def test_what_was_put_is_taken_out_again(host: Host, data: Path) -> None:
    made = take(host, data)
    changed(data)
    after = picture(data)
    volumes.put(host, shared(data), made)
    volumes.put_back(host, shared(data), made)
    assert picture(data) == after
    volumes.put_back(host, shared(data), made)
    assert picture(data) == after


@pytest.mark.parametrize(
    ("starting", "why"),
    [
        ("[ -e $STUBS/state ] && rm $STUBS/state || echo false >$STUBS/state",
         "app-cache ended: out of memory"),
        ("[ ! -d {data}/.restore-before ] || {{ echo 'no such image' >&2; exit 1; }}",
         "no such image"),
    ],
)  # fmt: skip
def test_services_that_do_not_start_with_it_get_the_former_files_back(
    host: Host, data: Path, monkeypatch: pytest.MonkeyPatch, starting: str, why: str
) -> None:
    made = take(host, data)
    changed(data)
    after = picture(data)
    monkeypatch.setenv("STARTING", starting.format(data=data))
    with pytest.raises(Trouble) as caught:
        volumes.put(host, shared(data), made)
    assert (caught.value.code, caught.value.message) == (
        FAILED,
        f"ubuntu: the backup was not restored: {why}; the former files are back",
    )
    assert picture(data) == after


def test_when_not_even_that_works_a_person_is_needed(
    host: Host, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = take(host, data)
    monkeypatch.setenv("STARTING", "exit 1")
    with pytest.raises(Trouble) as caught:
        volumes.put(host, shared(data), made)
    assert caught.value.code == STRANDED
    with pytest.raises(Trouble) as caught:
        volumes.put_back(host, shared(data), made)
    assert caught.value.code == STRANDED


def test_an_archive_that_was_changed_touches_nothing(host: Host, data: Path, stubs: Path) -> None:
    made = take(host, data)
    file = Path(host.server.root) / "backups" / BACKUP.name
    file.write_bytes(file.read_bytes()[:-1] + b"x")
    before = picture(data)
    (stubs / "log").write_text("")
    with pytest.raises(Trouble, match="its digest differs") as caught:
        volumes.put(host, shared(data), made)
    assert (caught.value.code, picture(data)) == (FAILED, before)
    assert (stubs / "log").read_text() == ""


STEPS = ("mkdir .restore-part", "each aside", "mv .restore-part .restore-before",
         "up .restore-incoming")  # fmt: skip


@pytest.mark.parametrize("step", range(5))
def test_a_run_that_died_at_any_step_is_put_right_by_the_next_one(
    host: Host, data: Path, step: int
) -> None:
    made = take(host, data)
    changed(data)
    after = picture(data)
    text = volumes.REFILL
    whole = "; ".join(STEPS)
    assert whole in text
    # In the midst of moving aside, too: the first entry is moved, then it dies.
    done = [*STEPS[:1], "aside new"] if step == 4 else STEPS[:step]
    dying = text.replace(whole, "; ".join([*done, "kill -KILL $$; exit 1"]))
    words = ["bash", "-c", dying, "refill", "put", f"{host.server.root}/backups/{made.name}"]
    words += [made.sha256, "0", "sha256:aa", str(data), "label", "5", "app-cache"]
    subprocess.run(words, capture_output=True, check=False, timeout=30, start_new_session=True)
    volumes.put_back(host, shared(data), made)
    assert picture(data) == after
