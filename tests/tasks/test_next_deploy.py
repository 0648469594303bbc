"""Deploys of a server that runs: only what differs is touched."""

from __future__ import annotations

import json
from typing import Any

import pytest

from .fakes.application import FILES, UBUNTU
from .fakes.engine import Container
from .fakes.fleet import Fleet, Ran
from .fakes.machine import CHECKOUT, ROOT

BEGIN = [
    "put release.json",
    "keep-env",
    "fetch 00000002",
    "worktree 00000002",
    "put apart.json",
]
STEPS_OF_THE_PROXY = ("mend-proxy", "hold-proxy", "start-beside", "switch-proxy", "retire")
END = ["put release.json", "put log", "remove-worktree"]
LOAD = ["load-proxy app-proxy"]


def deploy(fleet: Fleet, line: str = "ubuntu.deploy") -> Ran:
    """A deploy that must succeed."""
    ran = fleet.fab(line)
    assert ran.code == 0, ran.everything
    return ran


Ids = dict[str, frozenset[str]]


def containers(fleet: Fleet) -> Ids:
    """The containers of every service of the main server."""
    found: Ids = {}
    for one in fleet.ubuntu.engine.containers.values():
        found[one.service] = found.get(one.service, frozenset()) | {one.id}
    return found


def replaced(fleet: Fleet, before: Ids) -> set[str]:
    """Services whose containers are others now."""
    after = containers(fleet)
    return {name for name in {*before, *after} if before.get(name) != after.get(name)}


def compose(**services: dict[str, Any]) -> dict[str, str | None]:
    """The compose file with changes to some services (``api_1``), as a change of a commit."""
    model = json.loads(json.dumps(UBUNTU))
    for name, changes in services.items():
        model["services"][name.replace("_", "-")] |= changes
    return {"compose/ubuntu.yml": json.dumps(model)}


def test_a_second_deploy_has_nothing_to_do_proves_it_and_changes_nothing(running: Fleet) -> None:
    with running.untouched():
        ran = deploy(running, "deploy")
    assert ran.lines[:2] == [
        "[montreal] nothing to do: worker-1, worker-2, proxy run what 00000001 First says",
        "[ubuntu] nothing to do: db, api, web, proxy run what 00000001 First says",
    ]
    # They are proved side by side: each says it when it is done.
    assert [line for line in ran.lines[2:] if line.startswith("[montreal]")] == [
        "[montreal] ✓ prove (5 gates green)",
        "[montreal] link: https://10.0.0.2:8001/deep answered 200",
    ]
    assert [line for line in ran.lines[2:] if not line.startswith("[montreal]")] == [
        "[ubuntu] ✓ prove (10 gates green)",
        "[ubuntu] link: https://10.0.0.2:8001/deep answered 200",
    ]


def test_the_settings_of_older_releases_are_not_kept(running: Fleet) -> None:
    """Of what runs and of the release before it, where a red proof of the next goes back to."""
    for number in range(3):
        running.origin.commit(f"Page {number}", {"services/web/page.html": f"page {number}\n"})
        deploy(running)
    *_, before, last = releases = running.releases("ubuntu")
    assert len(releases) == 4
    files = running.ubuntu.below(f"{ROOT}/releases")
    kept = [name for name in files if name.endswith("/env")]
    assert sorted(kept) == [f"{before.id}/env", f"{last.id}/env"]
    assert len([name for name in files if name.endswith("/release.json")]) == 4


def test_a_change_of_one_service_replaces_that_one_behind_the_proxy(running: Fleet) -> None:
    before = containers(running)
    running.origin.commit("Second", {"services/web/index.html": "Welcome again\n"})
    ran = deploy(running)
    assert running.ubuntu.did == [
        *BEGIN,
        "compose build web",
        "trim-cache",
        "checkout 00000002",
        "docker tag app/web current",
        "compose up web",
        "load-proxy app-proxy web",
        "watch 15 s",
        *END,
    ]
    assert replaced(running, before) == {"web"}
    assert running.montreal.did == []
    assert "[ubuntu]    4. roll web: services/web: 1 file in 1 commit since 00000001" in ran.lines


def test_replicas_start_beside_those_that_serve_and_one_load_moves_the_requests(
    running: Fleet,
) -> None:
    before = containers(running)
    running.origin.commit("Second", {"services/api/app.py": "api, second version\n"})
    deploy(running)
    did = [*running.ubuntu.did]
    # It goes on beside the build.
    assert len(BEGIN) <= did.index("hold-proxy 2 api") < did.index("docker run app/api try import")
    did.remove("hold-proxy 2 api")
    assert did == [
        *BEGIN,
        "compose build api",
        "trim-cache",
        "docker run app/api try import",
        "docker tag app/api passed",
        "compose run api migrate current",
        "compose run api migrate target",
        "checkout 00000002",
        "start-beside api",
        "switch-proxy 2 api",
        "docker tag app/api current",
        "watch 15 s",
        "retire app-api",
        *END,
    ]
    assert replaced(running, before) == {"api"}
    assert not containers(running)["api"] & before["api"]
    engine = running.ubuntu.engine
    assert [one.name for one in engine.all_of("app", "api")] == ["app-api-1", "app-api-2"]
    assert running.ubuntu.proxy is not None
    assert running.ubuntu.proxy.pinned == {}
    addresses = {engine.containers[name].address for name in ("app-api-1", "app-api-2")}
    assert set(running.ubuntu.proxy.reach["api"]) == addresses


def test_services_in_place_are_replaced_one_after_the_other_and_looked_for_each_before_the_next(
    running: Fleet,
) -> None:
    running.origin.commit("Second", {"services/worker/app.py": "worker, second version\n"})
    deploy(running, "montreal.deploy")
    assert running.montreal.did == [
        *BEGIN,
        "compose build worker-1",
        "trim-cache",
        "docker run app/worker try import",
        "docker tag app/worker passed",
        "checkout 00000002",
        "docker tag app/worker current",
        "compose up worker-1",
        "load-proxy app-proxy worker-1",
        "docker tag app/worker current",
        "compose up worker-2",
        "load-proxy app-proxy worker-2",
        "watch 15 s",
        *END,
    ]
    assert running.montreal.proxy is not None
    assert len(set(running.montreal.proxy.reach["worker-1"])) == 1
    assert running.montreal.proxy.reach["worker-1"] != running.montreal.proxy.reach["worker-2"]


def test_a_pending_migration_runs_once_before_anything_is_replaced(running: Fleet) -> None:
    running.origin.commit("Second", {"services/api/schema": "002\n"})
    deploy(running)
    did = running.ubuntu.did
    assert did.count("compose run api migrate up") == 1
    assert did.index("compose run api migrate up") < did.index("start-beside api")
    assert running.ubuntu.schema == running.releases("ubuntu")[-1].schema == "002"


def test_a_changed_proxy_configuration_is_tried_loaded_and_proved(running: Fleet) -> None:
    before = containers(running)
    running.origin.commit("Second", {"nginx/ubuntu/nginx.conf": "upstreams web api\n"})
    deploy(running)
    assert running.ubuntu.did == [
        *BEGIN,
        "stage-proxy",
        "docker run nginx -t",
        "checkout 00000002",
        *LOAD,
        *END,
    ]
    assert replaced(running, before) == set()
    assert running.ubuntu.proxy is not None
    assert running.ubuntu.proxy.upstreams == ["web", "api"]


def test_a_changed_definition_replaces_the_service_without_a_build(running: Fleet) -> None:
    before = containers(running)
    running.origin.commit("Second", compose(web={"read_only": True}))
    deploy(running)
    assert not [line for line in running.ubuntu.did if "build" in line]
    assert replaced(running, before) == {"web"}


def test_a_changed_setting_replaces_exactly_the_services_that_read_it(running: Fleet) -> None:
    before = containers(running)
    env = f"{CHECKOUT}/.env"
    running.ubuntu.files[env] = running.ubuntu.files[env].replace("MODE=plain", "MODE=fancy")
    ran = deploy(running)
    assert replaced(running, before) == {"web"}
    assert "[ubuntu]    2. roll web: definition or environment changed" in ran.lines


def test_two_new_services_are_both_there_before_the_proxy_loads_a_configuration_with_both(
    running: Fleet,
) -> None:
    model = json.loads(json.dumps(UBUNTU))
    for name in ("shop", "help"):
        model["services"][name] = {**model["services"]["web"], "container_name": f"app-{name}"}
    changes: dict[str, str | None] = {
        "compose/ubuntu.yml": json.dumps(model),
        "nginx/ubuntu/nginx.conf": "upstreams api web shop help\n",
    }
    before = containers(running)
    running.origin.commit("Second", changes)
    deploy(running)
    assert replaced(running, before) == {"shop", "help"}
    assert running.ubuntu.proxy is not None
    assert {"shop", "help"} <= set(running.ubuntu.proxy.upstreams)


def test_three_commits_at_once_are_one_deploy_of_all_of_them(running: Fleet) -> None:
    before = containers(running)
    running.origin.commit("Second", {"services/web/index.html": "Welcome again\n"})
    running.origin.commit("Third", {"nginx/ubuntu/nginx.conf": "upstreams web api\n"})
    running.origin.commit("Fourth", {"README.md": "More\n"})
    deploy(running)
    assert replaced(running, before) == {"web"}
    assert running.ubuntu.did.count("docker run nginx -t") == 1
    assert running.ubuntu.head == running.origin.tip.id


def test_a_revert_takes_the_earlier_image_and_builds_nothing(running: Fleet) -> None:
    first = running.releases("ubuntu")[0].images["web"]
    running.origin.commit("Second", {"services/web/index.html": "Welcome again\n"})
    deploy(running)
    running.origin.commit("Revert", {"services/web/index.html": FILES["services/web/index.html"]})
    running.forget()
    deploy(running)
    assert not [line for line in running.ubuntu.did if "build" in line]
    assert running.releases("ubuntu")[-1].images["web"] == first


def test_the_given_commit_is_deployed_and_not_the_branch(running: Fleet) -> None:
    second = running.origin.commit("Second", {"services/web/index.html": "Welcome again\n"})
    running.origin.commit("Third", {"services/web/index.html": "Welcome thrice\n"})
    deploy(running, f"ubuntu.deploy --ref {second[:8]}")
    assert running.ubuntu.head == second
    assert running.releases("ubuntu")[-1].commit == second


def test_an_undeployed_change_stays_in_the_next_plan(running: Fleet) -> None:
    running.origin.commit("Second", {"services/web/Dockerfile": "BUILD FAILS\n"})
    assert running.fab("ubuntu.deploy").code == 1
    running.origin.commit("Third", {"services/web/Dockerfile": "FROM proxy:1 AS mended\n"})
    before = containers(running)
    deploy(running)
    assert replaced(running, before) == {"web"}


def test_a_service_that_was_stopped_by_hand_is_started_and_the_proxy_reaches_it(
    running: Fleet,
) -> None:
    container = running.ubuntu.engine.containers["app-web"]
    container.state = "exited"
    deploy(running)
    assert container.state == "running"
    assert running.ubuntu.proxy is not None
    assert running.ubuntu.proxy.reach["web"] == (container.address,)


@pytest.mark.parametrize("state", ["restarting", "exited"])
def test_a_proxy_that_names_one_who_is_gone_is_started_before_anything_else(
    running: Fleet, state: str
) -> None:
    """Nobody is answered until then, and the proof asks it."""
    running.ubuntu.engine.containers["app-proxy"].state = state
    running.ubuntu.proxy = None
    running.origin.commit("Second", {"services/api/app.py": "api, second\n"})
    before = containers(running)
    ran = deploy(running, "ubuntu.deploy")
    assert replaced(running, before) == {"api"}
    did = [line for line in running.ubuntu.did if line.split()[0] in STEPS_OF_THE_PROXY]
    assert did[:3] == [
        "mend-proxy app-proxy",
        "start-beside api",
        "switch-proxy 2 api",
    ]
    why = f"container is {state}: it is told who runs, and started"
    assert f"reload proxy: {why}" in ran.everything
    assert running.ubuntu.proxy is not None


def test_a_service_that_was_removed_by_hand_is_made_and_the_proxy_reaches_it(
    running: Fleet,
) -> None:
    del running.ubuntu.engine.containers["app-api-2"]
    before = containers(running)
    deploy(running)
    after = containers(running)["api"]
    assert (len(before["api"]), len(after)) == (1, 2)
    assert before["api"] < after, "the one that was there stays"
    assert running.ubuntu.proxy is not None
    assert (
        running.ubuntu.engine.containers["app-api-2"].address in running.ubuntu.proxy.reach["api"]
    )


def test_edited_files_are_kept_as_a_patch_before_they_are_replaced(running: Fleet) -> None:
    running.ubuntu.edited = {"nginx/ubuntu/nginx.conf": "upstreams web\n"}
    ran = deploy(running)
    (release,) = running.releases("ubuntu")[1:]
    patch = f"{ROOT}/releases/{release.id}/edited.patch"
    assert running.ubuntu.files[patch] == "nginx/ubuntu/nginx.conf"
    assert f"[ubuntu] ✓ checkout 00000001 (what was edited here is kept: {patch})" in ran.lines
    assert "[ubuntu] warning: edited on the server: M nginx/ubuntu/nginx.conf" in ran.lines


def test_an_orphan_is_named_and_removed_only_when_asked_for(running: Fleet) -> None:
    orphan = Container("app-old", "sha256:x", project="app", service="old")
    running.ubuntu.engine.place(orphan)
    ran = deploy(running)
    assert "app-old" in running.ubuntu.engine.containers
    assert (
        "[ubuntu] warning: orphan: app-old is of this project, but not in its stack;"
        " --remove-orphans" in ran.lines
    )
    deploy(running, "ubuntu.deploy --remove-orphans")
    assert "app-old" not in running.ubuntu.engine.containers
    assert running.ubuntu.did.count("remove app-old") == 1


def test_a_stable_name_that_was_moved_by_hand_is_moved_back(running: Fleet) -> None:
    engine = running.ubuntu.engine
    right = engine.images["app/web:current"]
    engine.images["app/web:current"] = engine.images["app/api:current"]
    deploy(running)
    assert engine.images["app/web:current"] == right
    assert "docker tag app/web current" in running.ubuntu.did


def test_a_service_without_a_step_is_as_of_the_deployed_commit(running: Fleet) -> None:
    """A reason counts commits since then; an older one may stand on another branch."""
    running.origin.commit("Second", {"services/web/index.html": "Welcome again\n"})
    deploy(running)
    assert set(running.releases("ubuntu")[-1].commits.values()) == {running.origin.tip.id}


def test_only_one_service_is_deployed_and_the_rest_stays_in_the_next_plan(running: Fleet) -> None:
    before = containers(running)
    running.origin.commit(
        "Second",
        {"services/web/index.html": "Welcome again\n", "services/help/app.py": "help, later\n"},
    )
    running.origin.commit("Third", compose(db={}))
    deploy(running, "ubuntu.deploy --only web")
    assert replaced(running, before) == {"web"}
    assert running.releases("ubuntu")[-1].commits["web"] == running.origin.tip.id
    assert running.releases("ubuntu")[-1].commits["api"] == running.origin.commits[0].id


def test_only_is_refused_when_it_would_leave_a_migration_out(running: Fleet) -> None:
    running.origin.commit(
        "Second", {"services/web/index.html": "Welcome\n\n", "services/api/schema": "002\n"}
    )
    with running.untouched():
        ran = running.fab("ubuntu.deploy --only web")
    assert ran.code == 2
    assert ran.error == "ubuntu: --only web would leave out api, which may migrate"


def test_rebuild_builds_again_and_keeps_the_earlier_image_under_another_name(
    running: Fleet,
) -> None:
    image = running.releases("ubuntu")[0].images["web"]
    deploy(running, "ubuntu.deploy --rebuild")
    engine = running.ubuntu.engine
    assert engine.images[image.tag] != image.id
    assert image.id in engine.images.values()
    assert "compose build --pull --no-cache web" in running.ubuntu.did


def test_a_data_service_is_not_recreated_unasked(running: Fleet) -> None:
    running.origin.commit("Second", compose(db={"image": "db:2"}))
    with running.untouched():
        ran = running.fab("ubuntu.deploy")
    assert ran.code == 2
    assert ran.error == (
        "ubuntu: db is a data service and would be recreated (image db:2); --restart-data allows it"
    )
    before = containers(running)
    deploy(running, "ubuntu.deploy --restart-data")
    assert "db" in replaced(running, before)


def test_a_data_service_that_was_unhealthy_may_be_well_again(running: Fleet) -> None:
    """After a full disk, say: its next probe comes within seconds."""
    database = running.ubuntu.engine.containers["app-db"]
    database.health = "unhealthy"
    running.ubuntu.fail_after(
        "^look", "^look", goes_on=True, first=lambda: setattr(database, "health", "healthy")
    )
    before = containers(running)
    running.origin.commit("Second", {"services/web/index.html": "Welcome again\n"})
    ran = deploy(running)
    assert "[ubuntu] waiting: db is unhealthy" in ran.lines
    assert replaced(running, before) == {"web"}


def test_one_that_stays_unhealthy_is_not_restarted_unasked(running: Fleet) -> None:
    running.ubuntu.engine.containers["app-db"].health = "unhealthy"
    with running.untouched():
        ran = running.fab("ubuntu.deploy")
    assert (ran.code, ran.error) == (
        2,
        (
            "ubuntu: db is a data service and would be recreated (container is unhealthy);"
            " --restart-data allows it"
        ),
    )


def test_after_every_deploy_composes_own_up_would_change_nothing(running: Fleet) -> None:
    """The marker stands where ``up`` of one service replaced another one too."""
    changes: list[dict[str, str | None]] = [
        {"services/web/index.html": "Welcome again\n"},
        {"services/api/app.py": "api, second version\n"},
        compose(web={"read_only": True}),
        {"nginx/ubuntu/nginx.conf": "upstreams web api\n"},
    ]
    for number, change in enumerate(changes):
        running.origin.commit(f"Change {number}", change)
        deploy(running)
    assert not [line for line in running.ubuntu.did if "REPLACED TOO" in line]
    with running.untouched():
        deploy(running)


def test_a_run_that_died_before_the_proxy_loaded_is_noticed(running: Fleet) -> None:
    """What nginx has loaded counts, not what its files say."""
    running.origin.commit("Second", {"nginx/ubuntu/nginx.conf": "upstreams web api\n"})
    running.ubuntu.kill_the_operator_at("load-proxy")
    assert running.fab("ubuntu.deploy").code == -9
    deploy(running)
    assert running.ubuntu.proxy is not None
    assert running.ubuntu.proxy.upstreams == ["web", "api"]


PLUGS = [
    "compose build",
    "hold-proxy",
    "checkout",
    "start-beside",
    "switch-proxy",
    "docker tag",
    "watch",
    "retire",
]


@pytest.mark.parametrize("step", PLUGS)
def test_the_next_deploy_brings_a_uniform_state_after_a_pulled_plug(
    running: Fleet, step: str
) -> None:
    running.origin.commit(
        "Second", {"services/api/app.py": "api, second version\n", "README.md": "More\n"}
    )
    running.ubuntu.kill_the_operator_at(step)
    assert running.fab("ubuntu.deploy").code == -9
    deploy(running)
    images = {c.image for c in running.ubuntu.engine.containers.values() if "api" in c.service}
    assert images == {running.ubuntu.engine.images["app/api:current"]}
    assert running.releases("ubuntu")[-1].outcome == "verified"
    with running.untouched():
        deploy(running)


def test_an_image_that_failed_its_smoke_test_is_refused_by_the_same_command_again(
    running: Fleet,
) -> None:
    """It is there by then: nothing is to be built."""
    running.origin.commit("Broken", {"services/api/app.py": "CRASHES ON IMPORT"})
    for _ in range(2):
        ran = running.fab("ubuntu.deploy")
        assert ran.code == 1
        assert "does not start" in ran.error
    assert "start-beside api" not in running.ubuntu.did


def test_a_service_that_is_stopped_is_no_name_for_the_proxy_until_it_is_back(
    running: Fleet,
) -> None:
    """Nobody answers for its name: nginx could not load it."""
    for name in ("app-worker-1", "app-worker-2"):
        running.montreal.engine.containers[name].state = "exited"
    assert running.fab("montreal.deploy").code == 0
    loads = [words for words in running.montreal.transcript if words[3:4] == ("load-proxy",)]
    assert [(words[12], words[8]) for words in loads] == [
        ("worker-1", "worker-2"),
        ("worker-2", ""),
    ]


def test_replicas_that_are_all_stopped_are_made_anew_and_found_by_their_name(
    running: Fleet,
) -> None:
    for name in ("app-api-1", "app-api-2"):
        running.ubuntu.engine.containers[name].state = "exited"
    before = containers(running)
    deploy(running)
    assert not containers(running)["api"] & before["api"]
    assert [line for line in running.ubuntu.did if "api" in line] == [
        "start-beside api",
        "switch-proxy 2 api",
        "docker tag app/api current",
        "retire app-api",
    ]
    engine = running.ubuntu.engine
    record = running.releases("ubuntu")[-1]
    assert record.images["api"].id == engine.containers["app-api-1"].image


@pytest.mark.parametrize("died", [False, True])
def test_a_new_service_that_depends_on_one_that_changes_is_there_before_the_switch(
    running: Fleet, died: bool
) -> None:
    """The switch loads a configuration that names it, and the proof asks it."""
    model = json.loads(json.dumps(UBUNTU))
    depends = {"api": {"condition": "service_healthy"}}
    shop = {**model["services"]["web"], "container_name": "app-shop", "depends_on": depends}
    model["services"]["shop"] = shop
    running.origin.commit(
        "Second",
        {
            "compose/ubuntu.yml": json.dumps(model),
            "services/api/app.py": "api, second version\n",
            "nginx/ubuntu/nginx.conf": "upstreams api web shop\n",
        },
    )
    if died:
        running.ubuntu.kill_the_operator_at("compose up shop")
        assert running.fab("ubuntu.deploy").code == -9
        running.forget()
    deploy(running)
    did = running.ubuntu.did
    order = ["start-beside api", "compose up shop", "switch-proxy 2 api", "retire app-api"][died:]
    assert [line for line in did if line in order] == [*order]
    assert not [line for line in did if "REPLACED TOO" in line]
    with running.untouched():
        deploy(running)
