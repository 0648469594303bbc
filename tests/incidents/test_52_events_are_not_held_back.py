"""Events were held back by buffering and compression."""

from __future__ import annotations

from tests.lab.onlooking import followed
from tests.lab.scenes import Scene

pytest_plugins = ("tests.lab.deployed", "tests.lab.staged")

SILENCE = 30
"""Seconds after which the stream says something anyway, and would push out what was held back."""


def test_an_event_comes_through_the_proxy_long_before_anything_else_would_push_it(
    scene: Scene,
) -> None:
    """How long it takes is in docs/benchmarks.md; here it only must not wait for the ping."""
    with followed(scene, ["10.98.1.1", "10.98.2.1"]) as onlooking:
        scene.proves()
    assert onlooking.complete, onlooking
    lags = [seen["lag_longest"] for seen in onlooking.report["followers"].values()]
    assert onlooking.report["made"] > 0
    assert max(lags) < SILENCE / 6, onlooking
