"""CI was green on a failed remote command (appleboy/ssh-action#42, #359)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.lab.commits import replaced
from tests.lab.deployments import refused
from tests.lab.scenes import Scene

if TYPE_CHECKING:
    from tests.incidents.stories import BackendsGone, Fresh, Sick

pytest_plugins = ("tests.lab.deployed", "tests.lab.staged", "tests.incidents.stories")

DOCKERFILE = "services/item-resolver/Dockerfile"


def test_a_command_that_fails_on_the_server_fails_the_command_here(scene: Scene) -> None:
    """With our code, not with the remote one: 1 failed, 2 refused, 3 a person is needed."""
    exits = replaced("EXPOSE 8000\n", "RUN echo the build ends here; exit 77\nEXPOSE 8000\n")
    commit = scene.origin.commit("A build that fails", {DOCKERFILE: exits}, "", "exit-codes")
    ran = scene.operator.fab("montreal.deploy", "--ref", commit)
    assert ran.code == 1
    assert ran.error.startswith("montreal: ")
    assert any("the build ends here" in line for line in ran.evidence), ran


def test_the_codes_of_the_other_scenarios(
    sick: Sick, fresh: Fresh, backends_gone: BackendsGone
) -> None:
    """A red gate is 1 for a deploy and for a look at health, a refusal is 2, success is 0."""
    failed = (sick.ubuntu, sick.montreal, backends_gone.health)
    assert [ran.code for ran in failed] == [1, 1, 1]
    assert fresh.refused.code == 2
    assert [fresh.deploy.code, backends_gone.healed.code] == [0, 0]


def test_a_task_that_does_not_exist_is_an_error(scene: Scene) -> None:
    assert scene.operator.fab("montreal.deploi").code != 0


def test_logs_of_a_service_that_does_not_exist_are_refused(scene: Scene) -> None:
    said = refused(scene.operator.fab("montreal.logs", "--service", "resolver"))
    assert said.startswith("no service 'resolver' in the stack; ")
