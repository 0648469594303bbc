"""One server rolled back, the other stayed new: two workflows that knew nothing of each other."""

from __future__ import annotations

from tests.lab.commits import replaced
from tests.lab.full import full
from tests.lab.scenes import HEALTH, Scene
from tests.lab.seen import head

pytest_plugins = ("tests.lab.deployed", "tests.lab.staged")

RESOLVER = "nginx/montreal/refusals.conf"


@full
def test_the_server_that_was_verified_goes_back_with_the_one_that_failed(scene: Scene) -> None:
    """Montreal is deployed and green; then ubuntu, whose API is not well."""
    runs, montreal = scene.runs, scene.lab.server("montreal")
    sick = replaced('        return {"status": "healthy"', '        return {"status": "sick"')
    commit = scene.change("Both", {HEALTH: sick, RESOLVER: lambda text: f"{text}# more\n"})
    ran = scene.operator.fab("deploy", "--ref", commit)
    assert ran.code == 1, ran
    assert ran.error.endswith(f"montreal is back at {runs[:8]}, proved"), ran
    assert (scene.runs, head(montreal)) == (runs, runs)
    outcomes = {
        server: scene.record(commit, server)["outcome"] for server in ("ubuntu", "montreal")
    }
    assert outcomes == {"ubuntu": "failed", "montreal": "failed"}
    for server in ("ubuntu", "montreal"):
        assert scene.operator.fab(f"{server}.health").code == 0
