"""A broken ITEM_RESOLVER_URL passed every gate: nothing asked from server to server."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from tests.lab.full import full
from tests.lab.scenes import Scene

pytest_plugins = ("tests.lab.deployed", "tests.lab.staged")

RESOLVER = "services/item-resolver/app/settings.py"


@contextmanager
def broken(scene: Scene) -> Iterator[str]:
    """The caller asks at a port where nobody listens; what its gate says of that."""
    url = f"https://{scene.lab.server('montreal').address}:8002"
    scene.ubuntu.write_env(ITEM_RESOLVER_URL=url)
    try:
        yield f"link: {url}/healthz: [Errno 111] Connection refused"
    finally:
        scene.ubuntu.write_env()


def test_the_called_server_is_not_deployed_while_its_caller_calls_another_place(
    scene: Scene,
) -> None:
    """No deploy of it could mend that, and none could be proved."""
    commit = scene.change("Another resolver", {RESOLVER: lambda text: f"{text}\n"})
    with broken(scene) as why:
        ran = scene.operator.fab("montreal.deploy", "--ref", commit)
    assert (ran.code, ran.evidence) == (2, [why]), ran
    assert ran.error.startswith("montreal: the link from ubuntu is red before anything"), ran


@full
def test_a_deploy_that_breaks_the_call_goes_back(scene: Scene) -> None:
    """No other gate is red, and the .env comes back too."""
    runs = scene.runs
    with broken(scene) as why, scene.comes_back():
        ran = scene.deploy(runs)
    assert (ran.code, ran.error) == (
        1,
        f"ubuntu: red gates: link; ubuntu is back at {runs[:8]}, proved",
    ), ran
    assert ran.evidence == [why]
