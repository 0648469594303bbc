"""A failure at every step of a deploy: what it says, what it touched, and the way back."""

from __future__ import annotations

import json

import pytest

from fabfile.model.deploy.plan import PREPARING, Kind

from .fakes.application import DATABASE, UBUNTU
from .fakes.certificates import self_made
from .fakes.engine import Container
from .fakes.fleet import Fleet, Ran
from .fakes.machine import ROOT

DEPLOY = "ubuntu.deploy --remove-orphans"
OPEN = ["worktree 00000001", "put apart.json", "put release.json", "keep-env"]
CLOSE = ["put release.json", "put log", "remove-worktree"]
LOAD = ["load-proxy app-proxy"]


@pytest.fixture
def changing(running: Fleet) -> Fleet:
    """A server for which one deploy needs a step of every kind."""
    model = json.loads(json.dumps(UBUNTU))
    model["services"]["cache"] = {
        "image": "cache:1",
        "container_name": "app-cache",
        "volumes": [{"type": "volume", "source": "cache_data", "target": "/data"}],
    }
    model["volumes"]["cache_data"] = {"driver_opts": {"device": "${STATE_ROOT}/data/cache"}}
    model["x-deploy"]["cache"] = {"keep": True}
    model["x-deploy"]["db"]["database"] = DATABASE
    running.ubuntu.rows = {"public.users": 3}
    running.origin.commit(
        "Second",
        {
            "compose/ubuntu.yml": json.dumps(model),
            "services/api/app.py": "api, second version\n",
            "services/api/schema": "002\n",
            "nginx/ubuntu/nginx.conf": "upstreams web api-1 api-2\n",
        },
    )
    machine = running.ubuntu
    machine.engine.images["app/web:current"] = machine.engine.images["app/api:current"]
    machine.engine.place(Container("app-old", "sha256:x", project="app", service="old"))
    del machine.files[f"{ROOT}/certs/privkey.pem"]
    running.montreal.files[f"{ROOT}/certs/fullchain.pem"] = self_made("another")
    return running


STEPS = [
    (Kind.BOOTSTRAP, "make-folders", "bootstrap /opt/app"),
    (Kind.FETCH, "fetch", "fetch 00000002"),
    (Kind.FETCH, "worktree", "fetch 00000002"),
    (Kind.FETCH, "put apart.json", "fetch 00000002"),
    (Kind.CERTIFICATE, "make-certificate", "certificate self-made"),
    (Kind.TRUST, "trust", "trust montreal"),
    (Kind.PULL, "docker pull", "pull cache:1"),
    (Kind.BUILD, "compose build", "build api-1"),
    (Kind.SMOKE, "docker run app/api", "smoke api-1"),
    (Kind.SMOKE, "docker tag app/api passed", "smoke api-1"),
    (Kind.TEST_PROXY, "docker run nginx -t", "test-proxy proxy"),
    (Kind.REVIEW, "docker run app/api migrate target", "review api-1"),
    (Kind.REVIEW, "docker run app/api migrate known", "review api-1"),
    (Kind.REVIEW, "docker exec SELECT revision", "review api-1"),
    (Kind.BACKUP, "backup db_", "backup db"),
    (Kind.BACKUP, "verify db_", "backup db"),
    (Kind.BACKUP, "put db_", "backup db"),
    (Kind.START, "compose up cache", "start cache"),
    (Kind.MIGRATE, "compose run api-1 migrate up", "migrate api-1"),
    (Kind.CHECKOUT, "checkout", "checkout 00000002"),
    (Kind.RETAG, "docker tag app/web", "retag web"),
    (Kind.ROLL, "docker tag app/api current", "roll api-1"),
    (Kind.ROLL, "roll api-1", "roll api-1"),
    (Kind.ROLL, "roll api-2", "roll api-2"),
    (Kind.RELOAD, "load-proxy", "reload proxy"),
    (Kind.REMOVE, "leave-proxy", "remove app-old"),
    (Kind.REMOVE, "remove app-old", "remove app-old"),
]
CUT_OVER = [(pattern, title) for kind, pattern, title in STEPS if kind not in PREPARING]
HARMLESS = [(pattern, title) for kind, pattern, title in STEPS if kind in PREPARING]


def test_a_failure_at_every_kind_of_step_is_told_below() -> None:
    assert {kind for kind, _, _ in STEPS} == set(Kind) - {Kind.DOWNGRADE, Kind.GUARD}


def test_one_deploy_takes_a_step_of_every_kind(changing: Fleet) -> None:
    plan = changing.fab("ubuntu.plan --remove-orphans --json").json
    kinds = {kind.value for kind in Kind if kind not in (Kind.DOWNGRADE, Kind.GUARD)}
    assert {step["kind"] for step in plan[0]["steps"]} == kinds


def failed(fleet: Fleet, pattern: str) -> Ran:
    """A deploy in which the first command that matches fails."""
    fleet.ubuntu.fail(f"^{pattern}", times=1)
    return fleet.fab(DEPLOY)


def serving(fleet: Fleet) -> dict[str, str]:
    """The image that every service of the first release runs."""
    services = fleet.releases("ubuntu")[0].images
    return {
        c.service: c.image for c in fleet.ubuntu.engine.containers.values() if c.service in services
    }


@pytest.mark.parametrize(("pattern", "title"), HARMLESS)
def test_a_failure_while_preparing_touches_nothing_that_runs(
    changing: Fleet, pattern: str, title: str
) -> None:
    engine = changing.ubuntu.engine
    before = {name: c.id for name, c in engine.containers.items()}
    stable = {name: found for name, found in engine.images.items() if name.endswith(":current")}
    ran = failed(changing, pattern)
    assert ran.code == 1
    assert ran.error.endswith("; the running system was not touched")
    assert f"[ubuntu] ✗ {title}" in ran.lines
    assert {name: c.id for name, c in engine.containers.items()} == before
    assert stable.items() <= engine.images.items()
    assert changing.ubuntu.head == changing.origin.commits[0].id
    assert changing.ubuntu.schema == "001"
    assert changing.ubuntu.locks == {}


@pytest.mark.parametrize(("pattern", "title"), HARMLESS[4:])
def test_a_failure_while_preparing_is_recorded_with_its_step(
    changing: Fleet, pattern: str, title: str
) -> None:
    failed(changing, pattern)
    record = changing.releases("ubuntu")[-1]
    assert record.outcome == "failed"
    assert record.error.startswith(f"{title}: ")
    assert (record.steps[-1].title, record.steps[-1].outcome) == (title, "failed")
    assert changing.ubuntu.worktrees == {}


@pytest.mark.parametrize(("pattern", "title"), CUT_OVER)
def test_a_failure_after_the_first_change_goes_back_and_proves_it(
    changing: Fleet, pattern: str, title: str
) -> None:
    first = changing.releases("ubuntu")[0]
    ran = failed(changing, pattern)
    assert ran.code == 1, ran.everything
    assert ran.error.endswith("; ubuntu is back at 00000001, proved")
    assert f"[ubuntu] ✗ {title}" in ran.lines
    assert serving(changing) == {name: image.id for name, image in first.images.items()}
    assert changing.ubuntu.head == first.commit
    assert changing.ubuntu.proxy is not None
    assert changing.ubuntu.proxy.upstreams == ["api-1", "api-2", "web"]
    stable = {name for name in changing.ubuntu.engine.images if name.endswith(":current")}
    for name in stable:
        service = "api-1" if "api" in name else "web"
        assert changing.ubuntu.engine.images[name] == first.images[service].id
    assert changing.ubuntu.worktrees == {}
    assert changing.ubuntu.locks == {}


@pytest.mark.parametrize(("pattern", "title"), CUT_OVER)
def test_the_failure_and_the_way_back_are_two_records(
    changing: Fleet, pattern: str, title: str
) -> None:
    failed(changing, pattern)
    first, broken, back = changing.releases("ubuntu")
    assert (broken.outcome, broken.commit) == ("failed", changing.origin.tip.id)
    assert broken.error.startswith(f"{title}: ")
    assert (back.outcome, back.commit, back.back_to) == ("verified", first.commit, first.id)
    assert {gate.outcome for gate in back.gates} == {"ok"}


@pytest.mark.parametrize(("pattern", "title"), CUT_OVER)
def test_after_the_way_back_the_mended_deploy_goes_all_the_way(
    changing: Fleet, pattern: str, title: str
) -> None:
    failed(changing, pattern)
    ran = changing.fab(DEPLOY)
    assert ran.code == 0, ran.everything
    assert changing.releases("ubuntu")[-1].outcome == "verified"
    with changing.untouched():
        assert changing.fab("ubuntu.deploy").code == 0


BACK = {
    "compose up cache": ["docker tag app/web current"],
    "compose run api-1 migrate up": ["docker tag app/web current"],
    "checkout": ["docker tag app/web current"],
    "docker tag app/web": ["checkout 00000001", "docker tag app/web current"],
    "roll api-1": ["checkout 00000001", "docker tag app/api current"],
    "load-proxy": [
        "stage-proxy",
        "docker run nginx -t",
        "checkout 00000001",
        "docker tag app/api current",
        "roll api-1",
        "docker tag app/api current",
        "roll api-2",
        *LOAD,
    ],
    "roll api-2": [
        "stage-proxy",
        "docker run nginx -t",
        "checkout 00000001",
        "docker tag app/api current",
        "roll api-1",
        *LOAD,
    ],
    "remove app-old": [
        "stage-proxy",
        "docker run nginx -t",
        "checkout 00000001",
        "docker tag app/api current",
        "roll api-1",
        "docker tag app/api current",
        "roll api-2",
        *LOAD,
    ],
}
"""Where a deploy failed → what puts the server back, between the two records."""


@pytest.mark.parametrize("pattern", BACK)
def test_the_way_back_takes_only_the_steps_that_differ(changing: Fleet, pattern: str) -> None:
    failed(changing, pattern)
    did = changing.ubuntu.did
    begin = did.index("restore-env")
    rolled = [line for line in BACK[pattern] if line.startswith("roll")]
    started = [] if pattern == "compose up cache" else ["remove app-cache"]
    watch = ["watch 5 s"] if rolled else []
    assert did[begin:] == [
        "restore-env",
        "fetch 00000001",
        *OPEN,
        *BACK[pattern],
        *started,
        *watch,
        *CLOSE,
    ]


@pytest.mark.parametrize(
    ("path", "text", "title", "words"),
    [
        ("services/web/index.html", "Welcome NEVER HEALTHY", "roll web", "did not become healthy"),
        ("services/web/index.html", "Welcome DIES LATER", "watch 5 s", "healthy, then died"),
        ("services/web/index.html", "Farewell", "prove", "red gates: probe:web, proxy:site"),
        ("services/api/app.py", "PROBE RED", "prove", "red gates: probe:api-1, probe:api-2"),
        ("services/api/app.py", "MIGRATION FAILS", "migrate api-1", "the migration failed"),
        ("nginx/ubuntu/nginx.conf", "upstreams web api-1\nNEVER LOADED\n", "reload proxy", "nginx"),
        ("nginx/ubuntu/nginx.conf", "upstreams web api-1\nOUTSIDE RED\n", "prove", "outside:site"),
    ],
)
def test_what_is_wrong_with_a_commit_is_named_and_the_earlier_release_serves_again(
    running: Fleet, path: str, text: str, title: str, words: str
) -> None:
    first = running.releases("ubuntu")[0]
    schema = {"services/api/schema": "002\n"} if "MIGRATION" in text else {}
    running.origin.commit("Broken", {path: text, **schema})
    ran = running.fab("ubuntu.deploy")
    assert ran.code == 1, ran.everything
    assert words in ran.error
    assert ran.error.endswith("; ubuntu is back at 00000001, proved")
    assert f"[ubuntu] ✗ {title}" in ran.lines
    assert running.releases("ubuntu")[1].error.startswith(f"{title}: ubuntu: ")
    assert serving(running) == {name: image.id for name, image in first.images.items()}
    assert running.fab("ubuntu.health").code == 0


def test_the_end_of_the_log_of_the_container_at_fault_is_shown(running: Fleet) -> None:
    running.origin.commit("Broken", {"services/web/index.html": "Welcome NEVER HEALTHY"})
    ran = running.fab("ubuntu.deploy")
    assert ran.evidence == ["container app-web is unhealthy", "last words of app-web"]


def test_a_red_gate_is_shown_with_the_answer_that_it_got(running: Fleet) -> None:
    running.origin.commit("Broken", {"services/api/app.py": "PROBE RED"})
    evidence = running.fab("ubuntu.deploy").evidence
    assert (
        'probe:api-1: answered 200 with status = "degraded", expected "healthy":'
        ' {"status": "degraded"}' in evidence
    )
    assert "last words of app-api-1" in evidence


def test_services_that_the_failure_did_not_reach_keep_their_containers(running: Fleet) -> None:
    before = {c.service: c.id for c in running.ubuntu.engine.containers.values()}
    running.origin.commit(
        "Broken", {"services/web/index.html": "Welcome NEVER HEALTHY", "README.md": "More\n"}
    )
    running.fab("ubuntu.deploy")
    after = {c.service: c.id for c in running.ubuntu.engine.containers.values()}
    assert {name for name in before if before[name] != after[name]} == {"web"}


def test_the_settings_of_the_release_come_back_with_it(running: Fleet) -> None:
    env = running.ubuntu.env
    path = next(path for path in running.ubuntu.files if path.endswith("/app/.env"))
    running.ubuntu.files[path] = env.replace("MODE=plain", "MODE=fancy")
    running.origin.commit("Broken", {"services/api/app.py": "PROBE RED"})
    assert running.fab("ubuntu.deploy").code == 1
    assert running.ubuntu.env == env


def test_the_schema_stays_where_the_failed_deploy_left_it_and_that_is_said_and_recorded(
    running: Fleet,
) -> None:
    running.origin.commit(
        "Broken", {"services/api/schema": "002\n", "services/web/index.html": "Farewell"}
    )
    ran = running.fab("ubuntu.deploy")
    assert ran.code == 1, ran.everything
    assert running.ubuntu.schema == "002"
    assert running.ubuntu.did.count("compose run api-1 migrate up") == 1
    assert [release.schema for release in running.releases("ubuntu")] == ["001", "002", "002"]
    assert [line for line in ran.lines if "database stays at revision 002" in line]


def test_what_only_the_failed_commit_has_does_not_go_on_running(changing: Fleet) -> None:
    failed(changing, "roll api-2")
    assert "app-cache" not in changing.ubuntu.engine.containers


@pytest.mark.parametrize(
    "change",
    [
        {"services/api/app.py": "MIGRATION FAILS", "services/api/schema": "002\n"},
        {"services/web/index.html": "Welcome NEVER HEALTHY"},
        {"services/web/index.html": "Farewell"},
    ],
)
def test_one_failed_deploy_after_another_goes_back_every_time(
    running: Fleet, change: dict[str, str | None]
) -> None:
    for number in range(3):
        running.origin.commit(f"Broken {number}", {**change, "README.md": f"{number}\n"})
        ran = running.fab("ubuntu.deploy")
        assert ran.code == 1, ran.everything
        assert ran.error.endswith("; ubuntu is back at 00000001, proved")


def test_the_way_back_to_an_accepted_release_waives_what_that_one_waived(running: Fleet) -> None:
    """Its gates are as red as they were when somebody accepted it."""
    running.origin.commit("Accepted", {"services/web/index.html": "Farewell"})
    red = "--waive probe:web --waive proxy:site --waive outside:site"
    assert running.fab(f"ubuntu.deploy {red}").code == 0
    broken = "upstreams api-1 api-2 web\nNEVER LOADED\n"
    running.origin.commit("Broken", {"nginx/ubuntu/nginx.conf": broken})
    ran = running.fab("ubuntu.deploy")
    assert ran.code == 1, ran.everything
    assert ran.error.endswith("; ubuntu is back at 00000002, proved")
    accepted, failed, back = running.releases("ubuntu")[1:]
    assert [one.outcome for one in (accepted, failed, back)] == ["accepted", "failed", "accepted"]
    assert back.waived == accepted.waived == ("probe:web", "proxy:site", "outside:site")
