"""What doctor asks besides what every look asks, by the real script: ``remote/examine.sh``."""

from __future__ import annotations

import os
import pwd
import subprocess
from pathlib import Path

from fabfile.model.watch.glance import parse
from fabfile.remote.watch.glance import SCRIPT
from tests.unit.builders import release

from .looked_at import Place


def test_doctor_sees_more_than_a_look_and_changes_nothing(place: Place) -> None:
    kept = place.root / "releases" / "r1" / "env"
    kept.parent.mkdir(parents=True)
    kept.write_text("A=1\n")
    kept.chmod(0o640)
    before = place.files()
    assert place.look().examined is None
    seen = place.look(closely=True).examined
    assert place.files() == before
    assert seen is not None
    assert seen.shell == pwd.getpwuid(os.getuid()).pw_shell
    assert (seen.security, seen.live_restore) == (
        ("name=seccomp,profile=builtin", "name=userns"),
        True,
    )
    meminfo = Path("/proc/meminfo").read_text(encoding="ascii")
    assert seen.memory == int(meminfo.split()[1]) << 10
    assert seen.networks == {"app": 1500, "small": 1400}
    assert seen.made == {"sha256:aa": 1791594123}
    assert seen.kept == {"r1": "640"}
    assert all(one.free <= one.total for one in seen.inodes)


def test_sshd_is_asked_how_it_reads_its_configuration(place: Place) -> None:
    answer = "case $* in */sshd*) echo maxsessions 3; echo maxstartups 10 ;; *) exit 1 ;; esac"
    place.stand_in("sudo", answer)
    seen = place.look(closely=True).examined
    assert seen is not None
    assert seen.sessions == 3


def test_where_an_engine_does_not_answer_the_rest_is_seen(place: Place) -> None:
    place.stand_in("docker", "exit 1")
    seen = place.look(closely=True).examined
    assert seen is not None
    assert (seen.security, seen.live_restore, seen.networks, seen.made) == ((), None, {}, {})
    assert seen.memory


def test_a_glance_sees_the_last_release_that_passed_and_the_last_one(place: Place) -> None:
    commit = place.commit("First", a="1")
    place.cloned()
    for made in (release("a"), release("b", outcome="failed"), release("c", outcome="failed")):
        folder = place.root / "releases" / made.id
        folder.mkdir(parents=True)
        (folder / "release.json").write_text(made.to_json())
    place.stand_in("docker", """printf '["running","Up (healthy)","%s","False"]\\n' api web""")
    words = [place.checkout, place.root, "@@mark"]
    before = place.files()
    done = subprocess.run(
        ["bash", "-c", SCRIPT, "glance", *map(str, words)],
        env=place.environment,
        capture_output=True,
        text=True,
        check=True,
    )
    assert (place.files(), done.stderr) == (before, "")
    seen = parse(done.stdout, "@@mark")
    assert (seen.head, seen.answers, seen.containers) == (
        commit,
        True,
        {"api": ("",), "web": ("",)},
    )
    assert [one.id for one in seen.releases] == ["a", "c"]
    assert seen.runs == release("a")


def test_a_glance_at_a_bare_host_finds_nothing(place: Place) -> None:
    place.stand_in("docker", "exit 1")
    words = ["bash", "-c", SCRIPT, "glance", str(place.checkout), str(place.root), "@@mark"]
    done = subprocess.run(words, env=place.environment, capture_output=True, text=True, check=True)
    seen = parse(done.stdout, "@@mark")
    assert (seen.head, seen.answers, seen.containers, seen.releases) == ("", False, {}, ())
