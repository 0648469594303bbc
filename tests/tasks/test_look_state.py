"""The look script at a server's state: its engine, its records, its locks, its cron jobs."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path, PurePosixPath

import pytest

from fabfile.model.deploy.preflight import warnings
from fabfile.model.deploy.way_back import retained
from fabfile.model.freeze import Freeze
from tests.tasks.looked_at import Place
from tests.unit.backups import backup
from tests.unit.builders import release

PROXY = """\
#!/bin/sh
shown() {
  printf '{"id":"%s","name":"/%s","image":"i","state":"running","health":"","started":"",' "$1" "$1"
  echo '"exit":0,"restarts":0,"limit":0,"labels":{},"networks":{},"ports":{},"mounts":[]}'
}
case $1 in
  ps) echo 'proxy web' ;;
  inspect) shown proxy; echo proxy=192.0.2.7; shown web; echo proxy=192.0.2.8 ;;
esac
"""


def test_a_record_that_was_torn_hides_no_other_and_is_named(place: Place) -> None:
    torn = {"a": "{}", "b": '{"id": "torn', "c": "", "d": release("other").to_json()}
    whole = {one: release(one).to_json() for one in ("b2", "e")}
    for name, text in {**torn, **whole}.items():
        folder = place.root / "releases" / name
        folder.mkdir(parents=True)
        (folder / "release.json").write_text(text)
    (place.root / "releases" / "f").mkdir()  # of a run that is about to write its record
    seen = place.look("")
    assert [found.id for found in seen.releases] == ["b2", "e"]
    assert seen.unreadable == ("releases/a", "releases/b", "releases/c", "releases/d")
    assert warnings(seen)["records"][0] == (
        "cannot be read, and counts as not there: releases/a, releases/b, releases/c, releases/d"
    )


def test_only_the_last_forty_records_are_read(place: Place) -> None:
    for number in range(45):
        folder = place.root / "releases" / f"r{number:02}"
        folder.mkdir(parents=True)
        (folder / "release.json").write_text(release(f"r{number:02}").to_json())
    assert [found.id for found in place.look("").releases] == [f"r{n:02}" for n in range(5, 45)]


def test_who_names_a_folder_or_a_job_makes_no_other_one(place: Place) -> None:
    """A name may hold what separates fields and lines elsewhere."""
    for name in (
        "a\nb",
        "a|root|777|directory",
        "\n0|directory|root|" + str(place.root / "releases"),
    ):
        (place.root / "data" / name.replace("/", "_")).mkdir(parents=True)
    seen = place.look("").folders
    data = {path: folder for path, folder in seen.items() if path.startswith(f"{place.root}/data/")}
    assert len(data) == 3
    assert {(folder.kind, folder.mode) for folder in data.values()} == {("directory", 0o755)}
    assert not place.look("").has_folder(PurePosixPath(place.root / "releases"))
    jobs = place.root / "operator" / "jobs"
    jobs.mkdir(parents=True)
    program = place.folder / "bin" / "crontab"
    program.write_text(CRONTAB.replace("ROOT", f"0 3 * * * {place.root}"))
    program.chmod(0o755)
    (jobs / "x\ndb.backup.success|99").write_text("")
    (jobs / "db.backup.failure").write_text("\ndb.backup.success|99|\0db.backup.success\x00\u2028")
    (seen_job,) = place.look("").jobs
    assert (seen_job.succeeded, seen_job.why) == (
        0,
        "db.backup.success|99|db.backup.success",
    )


def test_who_names_a_network_or_a_label_makes_no_other_one(place: Place) -> None:
    """As the engine prints them: it escapes line ends, but no line end that only Unicode knows."""
    label = '"x":"\u2028\x85{\\"id\\":1}"'
    (place.folder / "bin/docker").write_text(
        PROXY.replace('"labels":{}', f'"labels":{{{label}}}').replace(
            "esac", """network) printf '%s\\n' '["a|b\\nbridge|app","o\u2028p"]' ;;\nesac"""
        )
    )
    seen = place.look("")
    assert [container.name for container in seen.containers] == ["proxy", "web"]
    assert seen.containers[0].labels == {"x": '\u2028\x85{"id":1}'}
    assert seen.networks == {"a|b\nbridge|app": "o\u2028p"}


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
        (folder / f"{backup(number).name}.json").write_text(backup(number).to_manifest() + "\n")
    (folder / "db_20270003T000000Z.dump.zst.json").write_text('{"about":{\n')
    (folder / "db_20270004T000000Z.dump.zst.json").write_text(backup(1).to_manifest())
    seen = place.look("")
    assert seen.backups == (backup(1), backup(2))
    assert seen.unreadable == (
        "backups/db_20270003T000000Z.dump.zst.json",
        "backups/db_20270004T000000Z.dump.zst.json",
    )


CRONTAB = """\
#!/bin/sh
[ "$*" = -l ] || exit 1
block='# BEGIN wishwithme\\n%s\\n# END wishwithme\\n'
printf "0 1 * * * /theirs\\n${block}0 2 * * * /more\\n$block" \
  'ROOT/operator/job db.backup --quiet' '0 4 * * * /other/operator/job db.prune'
"""


def test_of_a_crontab_only_our_block_is_seen_with_how_its_jobs_ended(place: Place) -> None:
    assert place.look("").jobs == ()
    program = place.folder / "bin" / "crontab"
    program.write_text(CRONTAB.replace("ROOT", f"0 3 * * * {place.root}"))
    program.chmod(0o755)
    jobs = place.root / "operator" / "jobs"
    jobs.mkdir(parents=True)
    for name, text in {"db.backup": "", "db.backup.failure": "a\nb\n", "db.x.success": ""}.items():
        (jobs / name).write_text(text)
        os.utime(jobs / name, (5, 1_795_420_000))
    (seen,) = place.look("").jobs
    assert (seen.task, seen.when) == ("db.backup", "0 3 * * *")
    assert (seen.since, seen.succeeded, seen.failed) == (1_795_420_000, 0, 1_795_420_000)
    assert (seen.why, seen.differs) == ("a b", "")
    installed = f"0 4 * * 0 {place.root}/operator/job db.base\n"
    (place.root / "operator" / "crontab").write_text(installed)
    edited, gone = place.look("").jobs
    assert (edited.task, gone.task) == ("db.backup", "db.base")
    assert "is not the one that was installed" in edited.differs
    assert "is not in the crontab any more" in gone.differs


def test_a_cron_daemon_is_seen_while_it_runs(place: Place, tmp_path: Path) -> None:
    machine = "yes" if daemons() else "no"  # its own one
    daemon = tmp_path / "crond"
    shutil.copy("/bin/sleep", daemon)
    assert place.look("").cron == machine
    with subprocess.Popen([daemon, "60"]) as running:
        assert place.look("").cron == "yes"
        running.kill()
    assert place.look("").cron == machine
    target = place.folder / "bin" / "systemctl"  # systemd-cron has no daemon
    target.write_text('#!/bin/sh\n[ "$*" = "is-active --quiet cron.target" ]\n')
    target.chmod(0o755)
    assert place.look("").cron == "yes"


def daemons() -> list[str]:
    """Cron daemons of this machine; those in its containers have several process ids."""
    found = []
    for file in Path("/proc").glob("[0-9]*/status"):
        with suppress(OSError):
            lines = dict(line.split(":", 1) for line in file.read_text().splitlines())
            if lines["Name"].strip() in ("cron", "crond") and len(lines["NSpid"].split()) == 1:
                found.append(file.parent.name)
    return found


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


@pytest.mark.parametrize(
    "text",
    [
        '{"who": "anna", "since": 1e400, "why": "x"}',
        '{"who": "anna", "since": NaN, "why": "x"}',
        '{"who": "anna", "since": 99999999999999999999, "why": "x"}',
        '{"who": "anna", "since": true, "why": "x"}',
        '{"who": "anna", "since": 1, "since": 2, "why": "x"}',
        '{"who": ["anna"], "since": 1, "why": "x"}',
        '{"who": "anna", "why": "x"}',
        "[" * 100_000,
        "by hand",
        "\n",
    ],
)
def test_who_writes_an_odd_freeze_freezes_and_breaks_nothing(place: Place, text: str) -> None:
    (place.root / "locks" / "frozen").write_text(text)
    found = place.look("").freeze
    assert found == Freeze("somebody", 0, " ".join(text.split()))
    assert str(found).startswith("frozen by somebody: ")


RULES = """#!/bin/sh
[ "$1 $2" = '-n iptables' ] || exit 1
cat <<'END'
-P OUTPUT ACCEPT
-N DOCKER
-N app-guard
-A OUTPUT -j app-guard
-A app-guard -m owner --uid-owner 0 -j RETURN
-A app-guard -d 172.18.0.0/16 -j REJECT --reject-with icmp-port-unreachable
END
"""


def test_networks_and_the_rules_that_close_them_are_seen(place: Place) -> None:
    programs = place.folder / "bin"
    docker = programs / "docker"
    networks = (
        '  "network inspect"*) printf "subnet=app|172.18.0.0/16\\nsubnet=b|172.19.0.0/16\\n" ;;'
    )
    docker.write_text(docker.read_text().replace("esac", f"{networks}\nesac"))
    seen = place.look().reach
    assert seen is not None
    assert (seen.guarded, seen.open("app"), seen.open("b")) == (
        False,
        ["172.18.0.0/16"],
        ["172.19.0.0/16"],
    )
    (programs / "sudo").write_text(RULES)
    seen = place.look().reach
    assert seen is not None
    assert (seen.guarded, seen.open("app"), seen.open("b")) == (True, [], ["172.19.0.0/16"])


def recorded(place: Place, number: int, outcome: str, back_to: str = "") -> str:
    identity = f"20261123T{number:06d}Z-00000001"
    folder = place.root / "releases" / identity
    folder.mkdir(parents=True)
    text = '"outcome":"verified"' if outcome == "failed" else ""
    made = release(identity, outcome=outcome, back_to=back_to, error=text)
    (folder / "release.json").write_text(made.to_json() + "\n")
    return identity


@pytest.mark.parametrize("outcome", ["verified", "accepted", "started"])
def test_what_fails_again_and_again_does_not_push_out_the_releases_that_passed(
    place: Place, outcome: str
) -> None:
    passed = [recorded(place, number, outcome) for number in range(6)]
    failed = [recorded(place, number, "failed") for number in range(10, 60)]
    facts = place.look("")
    assert [one.id for one in facts.releases] == [*passed, *failed[-40:]]
    assert facts.verified is not None
    assert facts.verified.id == passed[-1]
    assert [one.id for one in retained(facts.releases)] == passed[:0:-1]


def test_ways_back_do_not_push_out_the_releases_that_they_went_back_to(place: Place) -> None:
    passed = [recorded(place, number, "accepted") for number in range(6)]
    for number in range(10, 60, 2):
        recorded(place, number, "failed")
        last = recorded(place, number + 1, "verified", back_to=passed[-1])
    facts = place.look("")
    assert facts.verified is not None
    assert facts.verified.id == last
    assert [one.id for one in retained(facts.releases)] == passed[:0:-1]
    assert sorted(one.id for one in facts.releases) == [one.id for one in facts.releases]
