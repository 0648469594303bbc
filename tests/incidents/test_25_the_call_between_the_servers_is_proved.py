"""A broken ITEM_RESOLVER_URL passed every gate: nothing asked from server to server."""

from __future__ import annotations

from tests.lab.scenes import TWINS, Scene

pytest_plugins = ("tests.lab.deployed", "tests.lab.staged")

RESOLVER = "services/item-resolver/app/settings.py"


def test_a_broken_address_stops_the_deploy_of_either_server(scene: Scene) -> None:
    """No other gate is red. The caller goes back, its .env too; the called one never begins."""
    runs, montreal = scene.runs, scene.lab.server("montreal")
    broken = f"https://{montreal.address}:8002"
    why = f"link: {broken}/healthz: [Errno 111] Connection refused"
    commit = scene.change("Another resolver", {RESOLVER: lambda text: f"{text}\n"})
    scene.ubuntu.write_env(ITEM_RESOLVER_URL=broken)
    try:
        called = scene.operator.fab("montreal.deploy", "--ref", commit)
        with scene.comes_back(TWINS):
            caller = scene.deploy(runs)
    finally:
        scene.ubuntu.write_env()
    assert (called.code, called.evidence) == (2, [why]), called
    assert called.error.startswith("montreal: the link from ubuntu is red before anything")
    assert (caller.code, caller.error) == (
        1,
        f"ubuntu: red gates: link; ubuntu is back at {runs[:8]}, proved",
    ), caller
    assert caller.evidence == [why]
