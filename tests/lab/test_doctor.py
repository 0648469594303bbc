from __future__ import annotations
from tests.lab.full import full
from tests.lab.scenes import Scene

pytest_plugins = ("tests.lab.deployed", "tests.lab.staged")


def test_x(scene: Scene) -> None:
    import subprocess

    print(subprocess.run(["cat", scene.operator.hosts_ini], capture_output=True, text=True).stdout)
    ran = scene.operator.fab("doctor", "-v")
    print(ran.out, ran.err, ran.seconds)
    ran = scene.operator.fab("doctor")
    print(ran.out, ran.err, ran.seconds)
    assert 0
