"""Which generation of engine the lab's servers run."""

from __future__ import annotations

import pytest

from tests.lab.rig.engines import NEWER, STABLE, SWAPPED, generation_of


def test_the_servers_run_different_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(SWAPPED, raising=False)
    found = [generation_of(name) for name in ("ubuntu", "montreal", "a-third")]
    assert found == [STABLE, NEWER, STABLE]


def test_swapped_each_runs_the_other_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(SWAPPED, "swapped")
    found = [generation_of(name) for name in ("ubuntu", "montreal", "a-third")]
    assert found == [NEWER, STABLE, NEWER]
