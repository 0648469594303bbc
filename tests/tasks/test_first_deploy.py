"""The first deploy of two servers that have nothing but their ``.env``."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from .fakes import application
from .fakes.engine import Container
from .fakes.fleet import Fleet
from .fakes.machine import CHECKOUT, ROOT
from .shelves import with_database

RECORD = ["put release.json"]
MONTREAL = [
    "make-folders",
    *RECORD,
    "keep-env",
    "fetch 00000001",
    "worktree 00000001",
    "put apart.json",
    "make-certificate",
    "docker pull proxy:1",
    "compose build worker-1",
    "trim-cache",
    "stage-proxy",
    "docker run nginx -t",
    "docker run app/worker try import",
    "docker tag app/worker passed",
    "checkout 00000001",
    "docker tag app/worker current",
    "compose up worker-1",
    "docker tag app/worker current",
    "compose up worker-2",
    "start-proxy proxy",
    "watch 15 s",
    *RECORD,
    "put log",
    "remove-worktree",
]
UBUNTU = [
    "make-folders",
    *RECORD,
    "keep-env",
    "fetch 00000001",
    "worktree 00000001",
    "put apart.json",
    "make-certificate",
    "trust",
    "docker pull db:1",
    "docker pull proxy:1",
    "compose build api",
    "trim-cache",
    "compose build web",
    "trim-cache",
    "stage-proxy",
    "docker run nginx -t",
    "docker run app/api try import",
    "docker tag app/api passed",
    "put stack.json",
    "compose up db",
    "compose run api migrate current",
    "compose run api migrate target",
    "compose run api migrate up",
    "compose run api migrate current",
    "checkout 00000001",
    "docker tag app/web current",
    "compose up web",
    "start-beside api",
    "start-proxy proxy",
    "watch 15 s",
    "trust",
    *RECORD,
    "put log",
    "remove-worktree",
]


def test_every_command_that_changes_a_server_comes_in_its_place(fleet: Fleet) -> None:
    assert fleet.fab("deploy").code == 0
    assert fleet.montreal.did == MONTREAL
    assert fleet.ubuntu.did == UBUNTU


def test_both_are_prepared_before_either_is_cut_over_and_the_called_one_is_first(
    fleet: Fleet,
) -> None:
    fleet.fab("deploy")
    order = fleet.journal.index
    last_prepared = max(
        order("ubuntu: docker run nginx -t"), order("montreal: docker run nginx -t")
    )
    assert last_prepared < order("montreal: checkout 00000001")
    assert order("montreal: remove-worktree") < order("ubuntu: compose up db")


def test_it_ends_with_what_runs_now(fleet: Fleet) -> None:
    shown = fleet.fab("deploy").lines
    tag = fleet.releases("ubuntu")[0].images["api"].tag
    web = fleet.releases("ubuntu")[0].images["web"].tag
    assert shown[-5:] == [
        "[ubuntu]   db: db:1",
        f"[ubuntu]   api: {tag}",
        f"[ubuntu]   web: {web}",
        "[ubuntu]   proxy: proxy:1",
        "[ubuntu] verified: runs 00000001 First",
    ]


def test_every_service_runs_healthy_from_the_checkout_of_that_commit(fleet: Fleet) -> None:
    fleet.fab("deploy")
    for machine, services in (
        (fleet.ubuntu, {"db", "api", "web", "proxy"}),
        (fleet.montreal, {"worker-1", "worker-2", "proxy"}),
    ):
        containers = machine.engine.containers.values()
        assert {container.service for container in containers} == services
        assert {container.state for container in containers} == {"running"}
        assert machine.head == fleet.origin.tip.id
        assert machine.worktrees == {}


def test_the_record_tells_what_was_made_of_the_server(fleet: Fleet) -> None:
    fleet.fab("deploy --ref main")
    (release,) = fleet.releases("ubuntu")
    images = fleet.ubuntu.engine.images
    assert re.fullmatch(r"20270115T0801\d\dZ-00000001", release.id)
    assert (release.outcome, release.commit, release.ref) == (
        "verified", fleet.origin.tip.id, "main",
    )  # fmt: skip
    assert (release.who, release.schema, release.error) == ("somebody (CI run 7)", "001", "")
    assert {name: image.id for name, image in release.images.items()} == {
        name: images[image.tag] for name, image in release.images.items()
    }
    assert set(release.commits.values()) == {fleet.origin.tip.id}
    assert [done.outcome for done in release.steps] == ["done"] * 16
    assert {gate.title for gate in release.gates} == {
        "probe:db",
        "probe:api-1",
        "probe:api-2",
        "probe:web",
        "probe:proxy",
        "proxy:site",
        "proxy:api",
        "outside:site",
        "outside:api",
        "link",
    }
    assert {gate.outcome for gate in release.gates} == {"ok"}


def test_the_settings_are_kept_with_the_release_and_only_their_digests_in_its_record(
    fleet: Fleet,
) -> None:
    fleet.fab("deploy")
    (release,) = fleet.releases("ubuntu")
    folder = f"{ROOT}/releases/{release.id}"
    assert fleet.ubuntu.files[f"{folder}/env"] == fleet.ubuntu.env
    assert sorted(release.env) == [
        "COMPOSE_FILE", "DB_PASSWORD", "MODE", "SALT", "STATE_ROOT", "TOKEN",
    ]  # fmt: skip
    for secret in (application.PASSWORD, application.TOKEN, application.SALT):
        assert secret not in fleet.ubuntu.files[f"{folder}/release.json"]
        assert secret not in fleet.ubuntu.files[f"{folder}/log"]


def test_the_called_server_lets_only_its_caller_in(fleet: Fleet) -> None:
    fleet.fab("deploy")
    assert fleet.montreal.files[f"{ROOT}/proxy/allow.conf"] == (
        "allow 10.0.0.1;\nallow 127.0.0.1;\ndeny all;\n"
    )


def test_the_caller_trusts_the_certificate_that_was_made_meanwhile(fleet: Fleet) -> None:
    fleet.fab("deploy")
    assert fleet.ubuntu.trusted == fleet.montreal.certificate != ""


def test_both_locks_are_free_again_and_every_connection_is_closed(fleet: Fleet) -> None:
    fleet.fab("deploy")
    assert [machine.locks for machine in fleet.machines.values()] == [{}, {}]
    assert len(fleet.connections) == 2


def test_others_are_told_which_step_is_going_on(fleet: Fleet) -> None:
    fleet.fab("deploy")
    assert "migrate api" in fleet.ubuntu.announced
    assert "roll proxy" in fleet.ubuntu.announced


def test_one_server_can_be_deployed_before_the_other_has_anything(fleet: Fleet) -> None:
    ran = fleet.fab("ubuntu.deploy")
    assert ran.code == 0, ran.everything
    assert fleet.montreal.did == []
    (release,) = fleet.releases("ubuntu")
    assert "link" not in [gate.title for gate in release.gates]


def test_the_other_server_is_proved_from_its_caller_once_both_have_a_release(
    fleet: Fleet,
) -> None:
    fleet.fab("ubuntu.deploy")
    ran = fleet.fab("montreal.deploy")
    assert ran.code == 0, ran.everything
    (release,) = fleet.releases("montreal")
    assert {"outside:worker", "link"} <= {gate.title for gate in release.gates}
    assert fleet.ubuntu.trusted == fleet.montreal.certificate


# --- a first deploy that fails

FAILING = [
    ("services/web/Dockerfile", "BUILD FAILS", "build of web", False),
    ("services/api/app.py", "CRASHES ON IMPORT", "does not start", False),
    ("nginx/ubuntu/nginx.conf", "upstreams web\nSYNTAX ERROR\n", "nginx refuses", False),
    ("services/api/app.py", "MIGRATION FAILS", "the migration failed", True),
    ("services/api/app.py", "NEVER HEALTHY", "a new replica of api did not become healthy", True),
    ("services/web/index.html", "Welcome DIES LATER", "web was healthy, then died", True),
    ("services/api/app.py", "PROBE RED", "the probe of every new replica", True),
]


@pytest.mark.parametrize(("path", "text", "words", "began"), FAILING)
def test_a_first_deploy_that_fails_stops_what_it_started_and_keeps_the_data(
    fleet: Fleet, path: str, text: str, words: str, began: bool
) -> None:
    fleet.origin.commit("Second", {path: text})
    ran = fleet.fab("ubuntu.deploy")
    assert ran.code == 1
    assert words in ran.error
    end = "what ubuntu had started is stopped again" if began else "not touched"
    assert ran.error.endswith(end)
    assert fleet.ubuntu.engine.containers == {}
    assert f"{ROOT}/data/db" in fleet.ubuntu.folders
    assert [release.outcome for release in fleet.releases("ubuntu")] == ["failed"]
    assert fleet.ubuntu.worktrees == {}
    assert fleet.ubuntu.locks == {}


@pytest.mark.parametrize(("path", "text", "words", "began"), FAILING)
def test_after_a_failed_first_deploy_the_mended_commit_deploys(
    fleet: Fleet, path: str, text: str, words: str, began: bool
) -> None:
    good = fleet.origin.tip.files[path]
    fleet.origin.commit("Broken", {path: text})
    fleet.fab("deploy")
    fleet.origin.commit("Mended", {path: good})
    ran = fleet.fab("deploy")
    assert ran.code == 0, ran.everything
    for name, machine in fleet.machines.items():
        assert fleet.releases(name)[-1].outcome == "verified"
        assert machine.head == fleet.origin.tip.id


def test_a_first_deploy_that_fails_leaves_alone_what_it_did_not_start(running: Fleet) -> None:
    """Without its records a server that runs looks like one on which nothing was deployed."""
    machine = running.ubuntu
    for path in [path for path in machine.files if path.startswith(f"{ROOT}/releases/")]:
        del machine.files[path]
    before = {c.service: c.id for c in machine.engine.containers.values()}
    running.origin.commit("Broken", {"services/web/index.html": "Welcome NEVER HEALTHY"})
    assert running.fab("ubuntu.deploy").code == 1
    after = {c.service: c.id for c in machine.engine.containers.values()}
    assert {name for name in before if after.get(name) != before[name]} <= {"web"}


def test_what_cannot_be_stopped_after_a_failed_first_deploy_needs_a_person(fleet: Fleet) -> None:
    fleet.origin.commit("Second", {"services/web/index.html": "Welcome NEVER HEALTHY"})
    fleet.ubuntu.fail("remove app-web")
    ran = fleet.fab("ubuntu.deploy")
    assert ran.code == 3
    assert "what ubuntu had started may still run" in ran.error
    assert "app-web: running unhealthy" in ran.evidence


def test_a_server_that_was_verified_and_stopped_again_is_not_said_to_run(fleet: Fleet) -> None:
    """Both or none: the called server's first deploy ends with its caller's."""
    fleet.origin.commit("Second", {"services/web/index.html": "Welcome NEVER HEALTHY"})
    ran = fleet.fab("deploy")
    assert ran.code == 1
    assert ran.error.endswith(
        "; what ubuntu had started is stopped again; what montreal had started is stopped again"
    )
    assert fleet.montreal.engine.containers == {}
    assert [release.passed for release in fleet.releases("montreal")] == [False]


def test_the_checkout_stays_where_it_was_when_nothing_was_cut_over(fleet: Fleet) -> None:
    fleet.origin.commit("Second", {"services/web/Dockerfile": "BUILD FAILS"})
    fleet.fab("ubuntu.deploy")
    assert fleet.ubuntu.head == ""
    assert f"{CHECKOUT}/.git" in fleet.ubuntu.folders


def test_an_empty_database_starts_beside_data_of_others_only_where_somebody_says_so(
    fleet: Fleet,
) -> None:
    fleet.origin.commit("A database", {"compose/ubuntu.yml": with_database()})
    engine = fleet.ubuntu.engine
    theirs = Container("old-db", "sha256:x", project="old", service="db", state="exited")
    engine.place(replace(theirs, data=("old_pg",)))
    engine.volumes["old_files"] = "old"
    found = [
        "old-db of project old has data in old_pg",
        "volume old_files of project old is mounted nowhere",
    ]
    with fleet.untouched():
        ran = fleet.fab("ubuntu.deploy")
    assert (ran.code, ran.error) == (
        2,
        (
            "ubuntu: the database would start empty beside data of others; take that over"
            " (docs/deploy.md), or --waive empty-database deploys all the same"
        ),
    )
    assert ran.evidence == found
    (plan,) = fleet.fab("ubuntu.plan --json").json
    beside = "the database starts empty beside data of others: "
    assert [note for note in plan["notes"] if "beside" in note] == [beside + one for one in found]
    ran = fleet.fab("ubuntu.deploy --waive empty-database")
    assert ran.code == 0, ran.everything
    assert fleet.releases("ubuntu")[-1].outcome == "verified"
    assert fleet.fab("ubuntu.deploy").code == 0
