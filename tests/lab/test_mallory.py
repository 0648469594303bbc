"""A user of the servers without sudo and without Docker reads, holds and reaches nothing."""

from __future__ import annotations

from tests.lab.malice import attacked, failed, secrets_of
from tests.lab.scenes import PAGE, Scene, titled

pytest_plugins = ("tests.lab.deployed", "tests.lab.staged")


def test_a_local_user_reads_holds_and_reaches_nothing_while_others_work(scene: Scene) -> None:
    servers = [scene.ubuntu, scene.lab.server("montreal")]
    with attacked(servers, secrets_of(scene.lab)) as attacks:
        scene.deployed(scene.change("Attacked", {PAGE: titled("Attacked")}))
        scene.operator.must("db.backup")
        scene.operator.must("db.verify")
        scene.operator.must("ubuntu.rollback", "--yes")
        scene.proves()
    assert failed(attacks) == []
    assert all(attack.tried["network"] > 50 for attack in attacks)
    assert all(attack.tried["files"] > 50 for attack in attacks)
