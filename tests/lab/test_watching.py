"""Status is watched on a terminal: a server that goes away is shown so, and comes back."""

from __future__ import annotations

import os
import time

from tests.lab.deployments import FAB
from tests.lab.full import full
from tests.lab.rig import Server
from tests.lab.scenes import Scene
from tests.lab.terminal import window

pytest_plugins = ("tests.lab.deployed", "tests.lab.staged")

ALTERNATE, BACK = "\x1b[?1049h", "\x1b[?1049l"
"""What a terminal is told: another screen, the former one again."""
HIDDEN, CURSOR = "\x1b[?25l", "\x1b[?25h"
"""A cursor that is not seen, one that is."""
SOON = 120


def logins(server: Server) -> int:
    """Connections to the server's sshd that somebody has logged in by."""
    return len(server.must(["sh", "-c", "pgrep -f 'ss[h]d.*: ubuntu@' || true"]).split())


@full
def test_it_goes_on_over_a_server_that_hangs_and_ends_at_once(scene: Scene) -> None:
    bare = {key: os.environ[key] for key in ("PATH", "HOME", "LANG") if key in os.environ}
    environment = {**bare, "HOSTS_INI": str(scene.operator.hosts_ini), "TERM": "xterm-256color"}
    montreal = scene.lab.server("montreal")
    before = logins(montreal)
    words = [str(FAB), "status", "--watch"]
    with window(words, scene.operator.tasks, environment) as shown:
        for name in ("ubuntu", "montreal"):
            shown.until(f"[{name}] ", SOON)
        shown.again("item-resolver", SOON)
        assert logins(montreal) == before + 1
        with montreal.paused():
            shown.again("no answer for ", SOON)
            shown.again("core-api", SOON)  # the other one is looked at all the while
        shown.again("item-resolver", SOON)
        assert logins(montreal) == before + 1
        start = time.monotonic()
        shown.type("\x03")
        assert shown.ended(20).code == 0
    assert time.monotonic() - start < 10
    assert shown.shown.count(ALTERNATE) == shown.shown.count(BACK) == 1
    _, _, left = shown.shown.partition(BACK)
    assert shown.shown.rfind(CURSOR) > shown.shown.rfind(HIDDEN)
    assert "item-resolver" in left
    assert "Traceback" not in left
