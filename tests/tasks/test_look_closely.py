"""What doctor asks besides what every look asks, by the real script: ``remote/examine.sh``."""

from __future__ import annotations

import os
import pwd
from pathlib import Path

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
