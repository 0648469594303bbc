"""Jobs of the application's own, as cron starts them: done, failed, ended by their deadline."""

from __future__ import annotations

import threading

from tests.lab.full import full
from tests.lab.scenes import STACK, Scene
from tests.lab.test_cron import as_cron

pytest_plugins = ("tests.lab.deployed", "tests.lab.staged")

JOBS = """
x-deploy:
  jobs:
    tidy: {service: core-api, schedule: "*/5 * * * *", command: [sh, -c, "echo $$DEBUG; getent hosts redis"]}
    fails: {service: core-api, schedule: "0 4 * * *", command: [sh, -c, "echo why >&2; exit 3"]}
    slow: {service: core-api, schedule: "0 5 * * *", command: [sleep, "4711"], deadline: 15s}
"""  # noqa: E501
MADE = "docker ps -a --format '{{.Names}}' | grep -- -job- || true"


@full
def test_cron_runs_jobs_of_the_application_and_tells_how_they_ended(scene: Scene) -> None:
    commit = scene.change("Jobs", {STACK: lambda text: text.replace("\nx-deploy:\n", JOBS)})
    new = "job app:tidy is not in the crontab: fab cron.install puts it there"
    assert new in scene.deployed(commit).unbroken
    scene.operator.must("cron.install")
    try:
        _run_as_cron(scene)
    finally:
        scene.operator.must("cron.remove")


def _run_as_cron(scene: Scene) -> None:
    assert as_cron(scene, "app:tidy") == (0, "")
    log = scene.ubuntu.must(["cat", "/opt/wishwithme/operator/logs/app:tidy.log"])
    assert "[ubuntu] false\n" in log
    assert " redis\n" in log
    code, mailed = as_cron(scene, "app:fails")
    assert (code, mailed.splitlines()[-2:]) == (
        1,
        ["error: ubuntu: job fails failed with exit code 3", "  why"],
    )
    slow: list[tuple[int, str]] = []
    running = threading.Thread(target=lambda: slow.append(as_cron(scene, "app:slow")))
    running.start()
    waiting = f"until {MADE.removesuffix('|| true')}; do sleep 0.2; done"
    assert scene.ubuntu.must(["timeout", "100", "sh", "-c", waiting]) == "wishwithme-job-slow\n"
    second = scene.operator.fab("cron.run", "slow", "--on", "ubuntu")
    assert (second.code, second.error) == (2, "ubuntu: job slow runs already; nothing was done")
    running.join()
    (ended,) = slow
    assert (ended[0], "job slow did not end within 15 s; it was ended" in ended[1]) == (1, True)
    assert scene.ubuntu.must(["sh", "-c", MADE]) == ""
    seen = {job["task"]: job for job in scene.operator.json("cron.list")["ubuntu"]}
    assert seen["app:tidy"]["succeeded"] > 0
    assert seen["app:fails"]["why"] == "ubuntu: job fails failed with exit code 3"
    told = scene.operator.fab("ubuntu.history", "--all", "--json")
    assert told.out.count('"cron.run"') >= 3
