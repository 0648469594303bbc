"""A client waited 90 s for work of 120 s: caller, proxy and work give up in the wrong order."""

from __future__ import annotations

import re

from tests.lab.rig import Server
from tests.lab.scenes import Scene

pytest_plugins = ("tests.lab.deployed", "tests.lab.staged")

CALLER = "import app.resolver as caller; print(caller.DEADLINE.read)"
WORK = (
    "import app.main as resolver, app.slots as slots;"
    " print(resolver.WORK_SECONDS + slots.WAIT_SECONDS)"
)


def test_what_runs_on_both_servers_gives_up_from_the_inside_out(scene: Scene) -> None:
    montreal = scene.lab.server("montreal")

    def said(server: Server, container: str, code: str) -> float:
        words = ["docker", "exec", f"wishwithme-{container}", "python", "-c", code]
        return float(server.must(words))

    caller = said(scene.ubuntu, "core-api-1", CALLER)
    work = said(montreal, "item-resolver-1", WORK)
    loaded = montreal.must(["docker", "exec", "wishwithme-nginx", "nginx", "-T"])
    (proxy,) = re.findall(r"proxy_read_timeout (\d+)s;", loaded)
    assert caller > float(proxy) > work
