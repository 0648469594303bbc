"""A 401 counted as healthy: `httpx.get` without `raise_for_status`."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.incidents.stories import Sick

pytest_plugins = ("tests.lab.deployed", "tests.lab.staged", "tests.incidents.stories")


def test_a_deploy_whose_probes_are_answered_401_fails_and_goes_back(sick: Sick) -> None:
    """Probes that lost their token are answered by a resolver which is perfectly alive."""
    assert sick.montreal.code == 1, sick.montreal
    gates = "probe:item-resolver-1, probe:item-resolver-2, outside:resolver"
    assert sick.montreal.error.startswith(f"montreal: red gates: {gates}; ")
    said = 'answered 401, expected 200: {"detail":"wrong token"}'
    for gate in gates.split(", "):
        assert f"{gate}: {said}" in sick.montreal.evidence
    before, after = sick.before["montreal"], sick.after["montreal"]
    assert after["release"]["commit"] == before["release"]["commit"]
    assert after["head"] == before["head"]
