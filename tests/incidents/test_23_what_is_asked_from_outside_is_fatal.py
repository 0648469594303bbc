"""The external check failed before TLS was set up; made non-fatal, it never gated nginx again."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.incidents.stories import Fresh, Sick

pytest_plugins = ("tests.lab.deployed", "tests.lab.staged", "tests.incidents.stories")


def test_a_first_deploy_without_a_certificate_passes_its_outside_gate(fresh: Fresh) -> None:
    """What the gate needs is made before it is asked: no pointless way back."""
    assert fresh.deploy.code == 0, fresh.deploy
    steps = fresh.deploy.steps("montreal")
    assert steps.index("certificate self-made") < steps.index("roll nginx") < steps.index("prove")
    assert "going back" not in fresh.deploy.out
    assert "warning" not in fresh.deploy.out


def test_a_red_gate_from_outside_fails_the_deploy(sick: Sick) -> None:
    assert sick.montreal.code == 1
    assert "outside:resolver" in sick.montreal.error.partition(";")[0]
