"""Small answers passed, 200 KB hung for a day: packets of full size were lost on the way."""

from __future__ import annotations

import re

import pytest

from tests.lab.full import full
from tests.lab.scenes import Scene

pytest_plugins = ("tests.lab.deployed", "tests.lab.staged")

SECONDS = 30
"""Of a deploy that changes nothing and finds the link dead: 5 s of silence, or 10 s for a way."""


@pytest.mark.parametrize("way", ["back", pytest.param("there", marks=full)])
def test_a_way_that_loses_large_packets_is_one_line_within_seconds(way: str, scene: Scene) -> None:
    """While every small question is answered."""
    ends = (scene.ubuntu, scene.lab.server("montreal"))
    to, by = ends if way == "back" else ends[::-1]
    with by.swallowing(to.address):
        ran = scene.deploy(scene.runs)
    assert (ran.code, ran.error) == (1, "ubuntu: red gates: link"), ran
    (line,) = ran.evidence
    assert line.startswith(f"link: https://{ends[1].address}:8001/link: 1 MB {way}: "), ran
    assert line.endswith("; small requests pass: look at the MTU"), ran
    assert ran.seconds < SECONDS, ran


def test_a_deploy_says_how_fast_the_link_is(scene: Scene) -> None:
    ran = scene.deploy(scene.runs)
    assert ran.code == 0, ran
    way = r"1 MB in [0-9.]+ s, [0-9.]+ MB/s"
    told = rf"^\[ubuntu\] link: https://[0-9.]+:8001: there {way}; back {way}$"
    assert re.search(told, ran.out, re.MULTILINE), ran
