"""After a run that died the server is made uniform without hand work, and the records tell it."""

from __future__ import annotations

import json

import pytest

from .fakes.application import UBUNTU
from .fakes.engine import Container
from .fakes.fleet import Fleet, Ran
from .fakes.machine import CHECKOUT, ROOT

MORE = json.loads(json.dumps(UBUNTU))
MORE["services"]["extra"] = {"image": "cache:1", "container_name": "app-extra"}
SECOND = {
    "compose/ubuntu.yml": json.dumps(MORE),
    "services/web/index.html": "Welcome again\n",
    "services/api/app.py": "api, second version\n",
    "services/api/schema": "002\n",
    "nginx/ubuntu/nginx.conf": "upstreams web api\n",
}
STEPS = [
    "fetch",
    "compose build",
    "hold-proxy",
    "compose run api migrate up",
    "checkout",
    "docker tag app/web",
    "compose up extra",
    "compose up web",
    "start-beside",
    "switch-proxy",
    "docker tag app/api current",
    "watch",
    "retire",
]
"""Where a deploy may die: at the command that follows."""


@pytest.fixture
def second(running: Fleet) -> Fleet:
    """A second commit waits to be deployed."""
    running.origin.commit("Second", SECOND)
    return running


def die(fleet: Fleet, pattern: str, task: str = "ubuntu.deploy") -> None:
    """The operator is killed at the first command that matches."""
    fleet.ubuntu.kill_the_operator_at(pattern)
    assert fleet.fab(task).code == -9
    fleet.forget()


def uniform(fleet: Fleet, ran: Ran) -> None:
    """What the first release ran serves again, and nothing else."""
    assert ran.code == 0, ran.everything
    first = fleet.releases("ubuntu")[0]
    containers = fleet.ubuntu.engine.containers.values()
    images = {(name, image.id) for name, image in first.images.items()}
    assert {(c.service, c.image) for c in containers} == images
    assert {c.name for c in containers} == {
        *("app-db", "app-api-1", "app-api-2", "app-web", "app-proxy")
    }
    assert fleet.ubuntu.proxy is not None
    assert fleet.ubuntu.proxy.pinned == {}
    assert len(fleet.ubuntu.proxy.reach["api"]) == 2
    assert {(c.state, c.health) for c in containers} == {("running", "healthy")}
    assert fleet.ubuntu.head == first.commit
    assert fleet.ubuntu.worktrees == {}
    assert fleet.ubuntu.locks == {}
    assert not [one for one in fleet.releases("ubuntu") if one.outcome == "running"]
    assert fleet.fab("ubuntu.health").code == 0


@pytest.mark.parametrize("pattern", STEPS)
def test_wherever_a_deploy_died_the_server_is_uniform_again(second: Fleet, pattern: str) -> None:
    die(second, pattern)
    uniform(second, second.fab("ubuntu.recover"))
    with second.untouched():
        again = second.fab("ubuntu.recover")
    assert again.lines == ["[ubuntu] nothing to recover: no run was left half way"]
    assert second.fab("ubuntu.deploy").code == 0


BEHIND = ["hold-proxy", "start-beside", "switch-proxy", "docker tag app/api current", "retire"]


def die_behind(fleet: Fleet, pattern: str, task: str = "ubuntu.deploy") -> None:
    """The operator is killed at once after the first command that matches was done."""
    machine = fleet.ubuntu
    machine.fail(pattern, goes_on=True, times=1, first=lambda: machine.kill_the_operator_at(""))
    assert fleet.fab(task).code == -9
    machine.faults.clear()
    fleet.forget()


def serves(fleet: Fleet) -> None:
    """Whoever is asked runs, and nothing but the proxy's own answers is told of a name."""
    proxy = fleet.ubuntu.proxy
    assert proxy is not None
    asked = proxy.reach["api"]
    running = {c.address for c in fleet.ubuntu.engine.all_of("app", "api") if c.state == "running"}
    assert len(asked) >= 2
    assert {*asked} <= running


@pytest.mark.parametrize("pattern", BEHIND)
def test_wherever_a_deploy_died_behind_a_step_it_serves_and_is_uniform_again(
    second: Fleet, pattern: str
) -> None:
    die_behind(second, f"^{pattern}")
    serves(second)
    uniform(second, second.fab("ubuntu.recover"))


@pytest.mark.parametrize("pattern", BEHIND)
def test_the_same_command_again_ends_what_died_behind_a_step(second: Fleet, pattern: str) -> None:
    die_behind(second, f"^{pattern}")
    ran = second.fab("ubuntu.deploy")
    assert ran.code == 0, ran.everything
    engine = second.ubuntu.engine
    wanted = engine.images["app/api:current"]
    assert {one.image for one in engine.all_of("app", "api")} == {wanted}
    assert [one.name for one in engine.all_of("app", "api")] == ["app-api-1", "app-api-2"]
    starts = [line for line in second.ubuntu.did if line.startswith("start-beside")]
    assert starts == (["start-beside api"] if pattern == "hold-proxy" else [])
    with second.untouched():
        assert second.fab("ubuntu.deploy").code == 0


@pytest.mark.parametrize("pattern", BEHIND)
def test_a_recovery_that_died_too_is_ended_by_the_next(second: Fleet, pattern: str) -> None:
    die_behind(second, "^retire")
    die_behind(second, f"^{pattern}", "ubuntu.recover")
    serves(second)
    uniform(second, second.fab("ubuntu.recover"))


def test_who_was_asked_alone_and_is_gone_since_stops_no_deploy(second: Fleet) -> None:
    die_behind(second, "^start-beside")
    engine = second.ubuntu.engine
    pinned = [one for one in engine.all_of("app", "api") if one.number < 3]
    del engine.containers[pinned[0].name]
    second.origin.commit("Third", {**SECOND, "services/api/app.py": "api, third version\n"})
    ran = second.fab("ubuntu.deploy")
    assert ran.code == 0, ran.everything
    assert len(engine.all_of("app", "api")) == 2
    with second.untouched():
        assert second.fab("ubuntu.deploy").code == 0


def test_the_record_of_who_died_gets_its_end_and_says_at_which_step(second: Fleet) -> None:
    die(second, "start-beside")
    first, died = second.releases("ubuntu")
    assert second.fab("ubuntu.status --json").json["ubuntu"]["last"]["outcome"] == "died"
    shown = second.fab("ubuntu.status").lines
    assert (
        f"[ubuntu] warning: the last deploy {died.id} died;"
        " fab ubuntu.recover brings back what ran before" in shown
    )
    ran = second.fab("ubuntu.recover")
    _, closed, back = second.releases("ubuntu")
    assert (closed.id, closed.outcome) == (died.id, "failed")
    assert closed.error == "died: somebody, at step 'start api'"
    assert closed.finished >= closed.started
    assert (back.outcome, back.back_to) == ("verified", first.id)
    assert {gate.outcome for gate in back.gates} == {"ok"}
    assert f"[ubuntu] {died.id} (00000002 Second) {closed.error}" in ran.lines
    assert ran.lines[-1] == f"[ubuntu] recovered: runs 00000001 {first.subject}, proved"


def test_nothing_to_recover_changes_nothing(running: Fleet) -> None:
    with running.untouched():
        ran = running.fab("ubuntu.recover")
    assert (ran.code, len(ran.lines)) == (0, 1)


def test_a_deploy_that_failed_before_it_touched_anything_is_nothing_to_recover(
    second: Fleet,
) -> None:
    second.ubuntu.fail("compose build", times=1)
    assert second.fab("ubuntu.deploy").code == 1
    with second.untouched():
        assert second.fab("ubuntu.recover").code == 0


@pytest.mark.parametrize("pattern", ["restore-env", "checkout 00000001", "docker tag app/web"])
def test_a_way_back_that_failed_is_gone_again(second: Fleet, pattern: str) -> None:
    second.ubuntu.fail_after("compose up web", pattern)
    second.ubuntu.fail("compose up web", times=1)
    assert second.fab("ubuntu.deploy").code == 3
    second.ubuntu.faults.clear()
    uniform(second, second.fab("ubuntu.recover"))


def test_who_died_between_a_failure_and_the_way_back_left_it_half_way(second: Fleet) -> None:
    second.ubuntu.fail("compose up web", times=1)
    die(second, "restore-env")
    assert second.releases("ubuntu")[-1].outcome == "failed"
    uniform(second, second.fab("ubuntu.recover"))


def test_a_rollback_that_died_is_recovered_too(second: Fleet) -> None:
    assert second.fab("ubuntu.deploy").code == 0
    die(second, "compose up web", "ubuntu.rollback --migrations keep")
    assert second.fab("ubuntu.recover").code == 0
    assert second.ubuntu.head == second.origin.tip.id
    assert second.fab("ubuntu.health").code == 0


def test_a_recovery_that_cannot_prove_itself_needs_a_person(second: Fleet) -> None:
    die(second, "compose up web")
    second.ubuntu.fail("checkout 00000001")
    ran = second.fab("ubuntu.recover")
    assert ran.code == 3, ran.everything
    assert ran.error.startswith(f"GOING BACK TO {second.releases('ubuntu')[0].id} FAILED: ")
    assert "app-db: running healthy" in ran.evidence
    second.ubuntu.faults.clear()
    uniform(second, second.fab("ubuntu.recover"))


@pytest.mark.parametrize("early", ["restore-env", "fetch", "worktree", "put apart.json"])
def test_a_recovery_that_ended_before_it_changed_anything_is_repeated(
    second: Fleet, early: str
) -> None:
    """By then the record of who died has its end, and no steps: nobody could write them."""
    die(second, "^start-beside")
    second.ubuntu.fail(f"^{early}", times=1)
    assert second.fab("ubuntu.recover").code == 3
    uniform(second, second.fab("ubuntu.recover"))


def test_a_rollback_after_a_recovery_that_failed_early_goes_to_the_last_good_one(
    second: Fleet,
) -> None:
    die(second, "^start-beside")
    second.ubuntu.fail("^restore-env", times=1)
    assert second.fab("ubuntu.recover").code == 3
    ran = second.fab("ubuntu.rollback")
    assert ran.code == 0, ran.everything
    assert second.ubuntu.head == second.releases("ubuntu")[0].commit


def test_settings_of_the_died_run_are_kept_beside_its_record(second: Fleet) -> None:
    path = f"{CHECKOUT}/.env"
    before = second.ubuntu.env
    second.ubuntu.files[path] = before.replace("MODE=plain", "MODE=fancy")
    die(second, "start-beside")
    ran = second.fab("ubuntu.recover")
    died = second.releases("ubuntu")[1].id
    kept = f"{ROOT}/releases/{died}/env"
    assert second.ubuntu.env == before
    assert second.ubuntu.files[kept] == before.replace("MODE=plain", "MODE=fancy")
    assert (
        f"[ubuntu] warning: .env comes back too, without what is new in: MODE; kept as {kept}"
        in ran.lines
    )
    assert second.fab("ubuntu.deploy").code == 0
    assert second.ubuntu.files[kept] == before.replace("MODE=plain", "MODE=fancy")


def test_an_orphan_from_before_stays(second: Fleet) -> None:
    second.ubuntu.engine.place(Container("app-old", "sha256:x", project="app", service="old"))
    die(second, "start-beside")
    assert second.fab("ubuntu.recover").code == 0
    names = set(second.ubuntu.engine.containers)
    assert "app-old" in names
    assert "app-extra" not in names


def test_a_first_deploy_that_died_is_deployed_again(fleet: Fleet) -> None:
    fleet.ubuntu.kill_the_operator_at("compose up web")
    assert fleet.fab("ubuntu.deploy").code == -9
    ran = fleet.fab("ubuntu.recover")
    assert (ran.code, ran.error) == (
        2,
        "ubuntu: no release has passed yet; fab ubuntu.deploy makes the first",
    )
    assert fleet.fab("ubuntu.deploy").code == 0


def test_a_step_of_who_died_keeps_everybody_out_until_it_ends(second: Fleet) -> None:
    die(second, "start-beside")
    second.ubuntu.lingering = "somebody, at step 'start api'"
    for task in ("ubuntu.recover", "ubuntu.deploy", "ubuntu.rollback", "ubuntu.prune"):
        with second.untouched():
            ran = second.fab(task)
        assert ran.code == 2, ran.everything
        assert ran.error == (
            "ubuntu: a step of a run that died is still under way: somebody, at step 'start api';"
            " wait for its end"
        )
    seen = second.fab("ubuntu.status --json").json["ubuntu"]
    assert (seen["busy"], seen["lingering"]) == ("", "somebody, at step 'start api'")
    assert seen["last"]["outcome"] == "died"
    assert (
        "[ubuntu] warning: a step of a run that died is still under way:"
        " somebody, at step 'start api'" in second.fab("ubuntu.status").lines
    )
    second.ubuntu.lingering = ""
    uniform(second, second.fab("ubuntu.recover"))


def test_the_next_deploy_takes_away_what_a_run_that_died_had_staged(running: Fleet) -> None:
    """A stack as compose resolved it, with its secrets."""
    running.origin.commit("Second", {"services/api/app.py": "api, second version\n"})
    running.ubuntu.kill_the_operator_at("start-beside")
    assert running.fab("ubuntu.deploy").code == -9
    assert running.ubuntu.below(f"{ROOT}/build")
    running.origin.commit("Third", {"services/api/app.py": "api, third version\n"})
    assert running.fab("ubuntu.deploy").code == 0
    assert running.ubuntu.below(f"{ROOT}/build") == {}
