"""Small answers passed, 200 KB hung for a day: packets of full size were lost on the way."""

from __future__ import annotations

import re

from tests.lab.scenes import Scene

pytest_plugins = ("tests.lab.deployed", "tests.lab.staged")

SECONDS = 25
"""Of a deploy that changes nothing and finds the link dead; it is told within 5 s of silence."""


def test_a_way_that_loses_large_packets_is_one_line_within_seconds(scene: Scene) -> None:
    """In either direction, while every small question is answered."""
    montreal = scene.lab.server("montreal")
    url = f"https://{montreal.address}:8001"
    for server, other, way in (
        (montreal, scene.ubuntu, "back"),
        (scene.ubuntu, montreal, "there"),
    ):
        with server.swallowing(other.address):
            ran = scene.deploy(scene.runs)
        assert (ran.code, ran.error) == (1, "ubuntu: red gates: link"), ran
        (line,) = ran.evidence
        assert line.startswith(f"link: {url}/link: 1 MB {way}: "), ran
        assert line.endswith("timed out; small requests pass: look at the MTU"), ran
        assert ran.seconds < SECONDS, ran
    ran = scene.deploy(scene.runs)
    assert ran.code == 0, ran
    way = r"1 MB in [0-9.]+ s, [0-9.]+ MB/s"
    told = rf"^\[ubuntu\] link: {url}: there {way}; back {way}$"
    assert re.search(told, ran.out, re.MULTILINE), ran
