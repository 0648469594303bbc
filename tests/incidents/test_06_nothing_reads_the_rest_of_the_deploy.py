"""The last half of the deploy never ran, exit code 0: `docker compose run` read it as its stdin."""

from __future__ import annotations

import os
import time

from tests.lab.commits import replaced
from tests.lab.revisions import revision, schema_kept
from tests.lab.scenes import APP, STACK, Scene, ending, step_names

pytest_plugins = ("tests.lab.deployed", "tests.lab.staged")

GREEDY = "[sh, -c, 'cat >/dev/null; {}']"
IMPORT = 'python -c "import app.main"'
LINK = "import json, os, sys, time\n"


def greedy(text: str) -> str:
    """Every command of ours in a container first reads its standard input to the end."""
    for words, line in (
        ("smoke: [python, -c, import app.main]", f"smoke: {GREEDY.format(IMPORT)}"),
        ("run: [alembic, upgrade, head]", f"run: {GREEDY.format('alembic upgrade head')}"),
        ("current: [alembic, current]", f"current: {GREEDY.format('alembic current')}"),
        ("target: [alembic, heads]", f"target: {GREEDY.format('alembic heads')}"),
        (LINK, f"{LINK}          assert sys.stdin.read() == '', 'somebody types'\n"),
    ):
        text = replaced(words, line)(text)
    return text


def test_commands_that_read_their_stdin_find_it_empty_and_ours_stays_unread(scene: Scene) -> None:
    """Smoke test, migration and link; our own stdin is a pipe that holds somebody else's words."""
    commit = scene.change(
        "Greedy commands",
        {STACK: greedy, APP: ending(f"SIX = {time.time_ns()}"), **revision()},
    )
    ours, theirs = os.pipe()
    os.write(theirs, b"docker compose down\n")
    with schema_kept(scene):
        try:
            ran = scene.operator.fab("ubuntu.deploy", "--ref", commit, stdin=ours)
            os.close(theirs)
            left = os.read(ours, 100)
        finally:
            os.close(ours)
        assert ran.code == 0, ran
        assert left == b"docker compose down\n"
        assert "[y/N]" not in ran.out + ran.err
        titles = step_names(scene.record(commit))
        for step in ("smoke core-api", "migrate core-api", "start core-api"):
            assert step in titles
        assert scene.runs == commit
        scene.proves()
