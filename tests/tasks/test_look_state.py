"""The look script at a server's state: its engine, its records, its locks, its cron jobs."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from fabfile.model.freeze import Freeze
from tests.tasks.place import Place
from tests.unit.backups import backup

PROXY = """\
#!/bin/sh
shown() {
  printf '{"id":"%s","name":"/%s","image":"i","state":"running","health":"","started":"",' "$1" "$1"
  echo '"exit":0,"restarts":0,"labels":{},"networks":{},"ports":{}}'
}
case $1 in
  ps) echo 'proxy web' ;;
  inspect) shown proxy; echo proxy=192.0.2.7; shown web; echo proxy=192.0.2.8 ;;
esac
"""


def test_a_record_that_was_torn_hides_no_other(place: Place) -> None:
    for number, text in enumerate(["{}", '{"id": "torn', ""]):
        folder = place.root / "releases" / str(number)
        folder.mkdir(parents=True)
        (folder / "release.json").write_text(text)
    assert place.look("").releases == ()


def test_the_engine_compose_and_the_engines_disk_are_known(place: Place) -> None:
    facts = place.look("")
    assert (facts.docker, facts.compose) == ("26.1.5", "2.26.1")
    assert facts.storage is not None
    assert facts.storage.mount == "/"


def test_an_engine_that_is_away_is_told_in_its_words(place: Place) -> None:
    (place.folder / "bin/docker").write_text(
        "#!/bin/sh\n[ \"$1\" = info ] || exit 1\nprintf 'engine=\\nstorage=\\ncompose=2.26.1\\n'\n"
        "echo 'Cannot connect to x?y=z. Is it running?' >&2\n"
    )
    facts = place.look("")
    assert facts.docker == "error: Cannot connect to x?y=z. Is it running?"
    assert facts.compose == "2.26.1"


def test_what_the_proxy_loaded_is_asked_at_the_address_it_has_now(place: Place) -> None:
    (place.folder / "bin/docker").write_text(PROXY)
    (place.folder / "bin/curl").write_text('#!/bin/sh\neval "echo \\"\\${$#}\\""\n')
    (place.folder / "bin/curl").chmod(0o755)
    facts = place.look("")
    assert [container.name for container in facts.containers] == ["proxy", "web"]
    assert facts.generation == "http://192.0.2.7:8090/generation"
    assert facts.away == "http://192.0.2.7:8090/away"


@pytest.mark.parametrize(
    ("addresses", "asked"),
    [
        ("10.1.0.2 10.2.0.2 ", "10.1.0.2"),
        (" 10.2.0.2 ", "10.2.0.2"),
        (" ", "127.0.0.1"),
        ("", "127.0.0.1"),
    ],
    ids=["two networks", "one without an address", "the host's network", "no network"],
)
def test_a_proxy_is_asked_at_one_address_whatever_its_networks(
    place: Place, addresses: str, asked: str
) -> None:
    (place.folder / "bin/docker").write_text(
        PROXY.replace("proxy=192.0.2.7", f"'proxy={addresses}'")
    )
    (place.folder / "bin/curl").write_text('#!/bin/sh\necho "$@"\n')
    (place.folder / "bin/curl").chmod(0o755)
    words = f"-s --noproxy * --fail --max-time 2 http://{asked}:8090/generation"
    assert place.look("").generation == words


def test_a_host_without_docker_or_sudo_still_answers(place: Place) -> None:
    (place.folder / "bin/docker").write_text("#!/bin/sh\necho 'permission denied' >&2\nexit 1\n")
    facts = place.look()
    assert facts.docker == "error: permission denied"
    assert facts.sudo is False
    assert facts.containers == ()


def test_the_manifests_of_the_backups_are_read_and_a_torn_one_is_none(place: Place) -> None:
    folder = place.root / "backups"
    folder.mkdir()
    for number in (2, 1):
        (folder / f"db_{number}.sql.zst.json").write_text(backup(number).to_manifest() + "\n")
    (folder / "db_3.sql.zst.json").write_text('{"about":{\n')
    assert place.look("").backups == (backup(1), backup(2))


CRONTAB = """\
#!/bin/sh
[ "$*" = -l ] || exit 1
printf '0 1 * * * /theirs\\n# BEGIN wishwithme\\n%s\\n# END wishwithme\\n0 2 * * * /more\\n' \
  '0 3 * * * /root/operator/job db.backup --quiet'
"""


def test_of_a_crontab_only_our_block_is_seen_with_how_its_jobs_ended(place: Place) -> None:
    assert place.look("").jobs == ()
    program = place.folder / "bin" / "crontab"
    program.write_text(CRONTAB)
    program.chmod(0o755)
    jobs = place.root / "operator" / "jobs"
    jobs.mkdir(parents=True)
    for name, text in {"db.backup": "", "db.backup.failure": "a\nb\n", "db.x.success": ""}.items():
        (jobs / name).write_text(text)
        os.utime(jobs / name, (5, 1_795_420_000))
    (seen,) = place.look("").jobs
    assert (seen.task, seen.when) == ("db.backup", "0 3 * * *")
    assert (seen.since, seen.succeeded, seen.failed) == (1_795_420_000, 0, 1_795_420_000)
    assert seen.why == "a b"


@contextmanager
def held(*words: str | Path) -> Iterator[None]:
    """Hold a lock in the block."""
    script = ["bash", "-c", "echo held; read -r line"]
    holding = subprocess.Popen(
        ["flock", *words, *script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert holding.stdout
    assert holding.stdout.readline() == "held\n"
    yield
    holding.communicate("end\n")


def test_who_holds_the_lock_is_told_while_it_is_held(place: Place) -> None:
    locks = place.root / "locks"
    (locks / "holder").write_text("anna\n")
    (locks / "died").write_text("bert\n")
    seen = place.look("")
    assert (seen.holder, seen.lingering) == ("", "")
    with held("--no-fork", locks), held("--shared", "--close", locks / "step"):
        seen = place.look("")
        assert (seen.holder, seen.lingering) == ("anna", "")


def test_who_died_is_told_while_a_step_goes_on(place: Place) -> None:
    locks = place.root / "locks"
    with held("--shared", "--close", locks / "step"):
        assert place.look("").lingering == "somebody without a name"
        (locks / "died").write_text("bert\n")
        seen = place.look("")
        assert (seen.holder, seen.lingering) == ("", "bert")
        (locks / "holder").write_text("whose server lost its power\n")
        assert place.look("").lingering == "whose server lost its power"
    assert place.look("").lingering == ""


def test_a_freeze_is_seen(place: Place) -> None:
    assert place.look("").freeze is None
    made = Freeze("anna", 1_795_420_000, "a sale")
    (place.root / "locks" / "frozen").write_text(f"{made.to_json()}\n")
    assert place.look("").freeze == made
