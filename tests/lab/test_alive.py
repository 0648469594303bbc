"""A build that takes long shows off a terminal that it is under way."""

from __future__ import annotations

import re

import pytest

from tests.lab.full import full
from tests.lab.scenes import Scene

pytest_plugins = ("tests.lab.deployed", "tests.lab.staged")

DOCKERFILE = "services/frontend/Dockerfile"


@full
@pytest.mark.timeout(600)
def test_a_long_build_has_a_line_with_its_last_words_and_its_time(scene: Scene) -> None:
    slow = {DOCKERFILE: lambda text: f"{text}RUN echo 'waits for the test' && sleep 40\n"}
    ran = scene.deploy(scene.change("A slow build", slow))
    assert ran.code == 0, ran
    lines = [line for line in ran.out.splitlines() if "… build frontend " in line]
    assert (
        [re.sub(r"\d+s", "Ns", line.partition(": ")[0]) for line in lines]
        == ["[ubuntu] … build frontend Ns"] * len(lines)
        != []
    )
    assert any("waits for the test" in line for line in lines), lines
