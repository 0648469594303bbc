"""What others write in a commit, on a server or in a shell decides nothing there."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from tests.lab.full import full
from tests.lab.rig.server import Server
from tests.lab.scenes import PAGE, Scene, titled
from tests.lab.seen import untouched

pytest_plugins = ("tests.lab.deployed", "tests.lab.staged")

BASHRC = "/home/ubuntu/.bashrc"
PRINTS = "set -x; echo hi; echo LOCKED in turn; echo oh >&2; printf 'no end'"


@contextmanager
def printing(server: Server) -> Iterator[None]:
    """The user's shell prints whenever it starts."""
    script = 'cp -p "$1" "$1.kept" 2>/dev/null; printf "%s\\n" "$2" >"$1"'
    server.exec(["bash", "-c", script, "x", BASHRC, PRINTS]).check_returncode()
    try:
        yield
    finally:
        put_back = 'rm -f "$1"; [ ! -e "$1.kept" ] || mv "$1.kept" "$1"'
        server.exec(["bash", "-c", put_back, "x", BASHRC]).check_returncode()


@full
def test_who_writes_a_commits_subject_does_not_choose_what_is_deployed(scene: Scene) -> None:
    """Nor who calls a branch like the commit, on a server whose shell prints at every start."""
    former = scene.runs
    evil = scene.change("Evil", {PAGE: titled("evil")})
    forged = [f"commit={evil}", f"commit {evil}", "error=no", f"{evil} Another"]
    subject = "".join(
        f"{separator}{line}"
        for separator in ("Fix a typo", "\v", "\f", "\x1c", "\x1e", "\x85", "\u2028", "\r")
        for line in forged
    )
    commit = scene.change(subject, {PAGE: titled("wanted")}, on=former)
    scene.origin.name(evil, commit)
    assert scene.plan(commit)["commit"] == commit
    network = ["docker", "network", "create", "--label", "x=a\u2028b", "odd|network"]
    scene.ubuntu.exec(network).check_returncode()
    try:
        with printing(scene.ubuntu):
            scene.deployed(commit)
            scene.operator.must("db.backup")
    finally:
        scene.ubuntu.exec(["docker", "network", "rm", "odd|network"])
        scene.origin.unname(commit)
    record = scene.record(commit)
    assert (record["commit"], record["subject"]) == (commit, subject)
    assert "wanted" in scene.ubuntu.exec(["cat", f"/home/ubuntu/wish-with-me-codex/{PAGE}"]).stdout


def test_a_shell_that_runs_nothing_is_no_missing_docker(scene: Scene) -> None:
    def login(program: str) -> None:
        words = ["usermod", "--shell", program, "ubuntu"]
        scene.ubuntu.exec(words, user="root").check_returncode()

    login("/usr/sbin/nologin")
    try:
        with untouched(scene.ubuntu):
            ran = scene.operator.fab("ubuntu.plan")
    finally:
        login("/bin/bash")
    assert ran.code == 2
    line, evidence = ran.err.splitlines()
    assert evidence == "  This account is currently not available."
    assert line == (
        "error: ubuntu: the command was not run: the login shell of ubuntu ended with exit code 1"
        " before it; is it nologin, does sshd_config have a ForceCommand, does ~/.bashrc end it?"
    )
