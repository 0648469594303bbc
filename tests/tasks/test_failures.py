"""A failure at every step of a deploy: what it says, what it touched, and the way back."""

from __future__ import annotations

import json

import pytest

from fabfile.model.deploy.plan import PREPARING, Kind

from .fakes.application import DATABASE, UBUNTU
from .fakes.certificates import self_made
from .fakes.engine import Container, Ended
from .fakes.fleet import Fleet, Ran
from .fakes.machine import ROOT

DEPLOY = "ubuntu.deploy --remove-orphans"
OPEN = [
    "put release.json",
    "keep-env",
    "fetch 00000001",
    "worktree 00000001",
    "put apart.json",
]
CLOSE = ["put release.json", "put log", "remove-worktree"]
LOAD = ["load-proxy app-proxy"]


@pytest.fixture
def changing(running: Fleet) -> Fleet:
    """A server for which one deploy needs a step of every kind that one deploy can need."""
    model = json.loads(json.dumps(UBUNTU))
    model["services"]["cache"] = {
        "image": "cache:1",
        "container_name": "app-cache",
        "volumes": [{"type": "volume", "source": "cache_data", "target": "/data"}],
    }
    model["volumes"]["cache_data"] = {"driver_opts": {"device": "${STATE_ROOT}/data/cache"}}
    model["x-deploy"]["cache"] = {"keep": True}
    model["services"]["extra"] = {"image": "cache:1", "container_name": "app-extra"}
    model["services"]["proxy"]["init"] = True
    model["x-deploy"]["db"]["database"] = DATABASE
    running.ubuntu.rows = {"public.users": 3}
    running.origin.commit(
        "Second",
        {
            "compose/ubuntu.yml": json.dumps(model),
            "services/api/app.py": "api, second version\n",
            "services/api/schema": "002\n",
            "nginx/ubuntu/nginx.conf": "upstreams web api\n",
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
    (Kind.HOLD, "hold-proxy", "hold api"),
    (Kind.PULL, "docker pull", "pull cache:1"),
    (Kind.BUILD, "compose build", "build api"),
    (Kind.TEST_PROXY, "docker run nginx -t", "test-proxy proxy"),
    (Kind.REVIEW, "docker run app/api migrate target", "review api"),
    (Kind.REVIEW, "docker run app/api migrate known", "review api"),
    (Kind.REVIEW, "docker exec SELECT revision", "review api"),
    (Kind.SMOKE, "docker run app/api try import", "smoke api"),
    (Kind.SMOKE, "docker tag app/api passed", "smoke api"),
    (Kind.BACKUP, "backup db_", "backup db"),
    (Kind.BACKUP, "verify db_", "backup db"),
    (Kind.BACKUP, "put db_", "backup db"),
    (Kind.UP, "compose up cache", "up cache"),
    (Kind.MIGRATE, "compose run api migrate up", "migrate api"),
    (Kind.CHECKOUT, "checkout", "checkout 00000002"),
    (Kind.RETAG, "docker tag app/web", "retag web"),
    (Kind.ROLL, "compose up extra", "roll extra"),
    (Kind.START, "start-beside", "start api"),
    (Kind.SWITCH, "switch-proxy", "switch api"),
    (Kind.SWITCH, "docker tag app/api current", "switch api"),
    (Kind.RETIRE, "retire", "retire api"),
    (Kind.ROLL, "start-proxy", "roll proxy"),
    (Kind.REMOVE, "leave-proxy", "remove app-old"),
    (Kind.REMOVE, "remove app-old", "remove app-old"),
]
ELSEWHERE = {Kind.CANARY, Kind.DOWNGRADE, Kind.GUARD, Kind.RELOAD}
"""Kinds that such a deploy does not need: what a switch loads is loaded."""
CUT_OVER = [(pattern, title) for kind, pattern, title in STEPS if kind not in PREPARING]
HARMLESS = [(pattern, title) for kind, pattern, title in STEPS if kind in PREPARING]


def test_a_failure_at_every_kind_of_step_is_told_below() -> None:
    assert {kind for kind, _, _ in STEPS} == set(Kind) - ELSEWHERE


def test_one_deploy_takes_a_step_of_every_kind(changing: Fleet) -> None:
    plan = changing.fab("ubuntu.plan --remove-orphans --json").json
    kinds = {kind.value for kind in set(Kind) - ELSEWHERE}
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
    assert [one.title for one in record.steps if one.outcome != "done"] == [title]
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
    assert changing.ubuntu.proxy.upstreams == ["api", "web"]
    stable = {name for name in changing.ubuntu.engine.images if name.endswith(":current")}
    for name in stable:
        service = "api" if "api" in name else "web"
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


TRIED = ["stage-proxy", "docker run nginx -t"]
LOADED = [*TRIED, "checkout 00000001", *LOAD]
SWITCHED = ["switch-proxy 2 api", "docker tag app/api current"]
BESIDE = ["start-beside api", *SWITCHED, "watch 15 s"]
REST = "retire app-api"
BACK = {
    "compose up cache": ["docker tag app/web current", REST],
    "compose run api migrate up": ["docker tag app/web current", REST, "remove app-cache"],
    "checkout": ["docker tag app/web current", REST, "remove app-cache"],
    "docker tag app/web": [
        "checkout 00000001",
        "docker tag app/web current",
        REST,
        "remove app-cache",
    ],
    "compose up extra": ["checkout 00000001", REST, "remove app-cache"],
    "start-beside": ["checkout 00000001", REST, "remove app-cache", "remove app-extra"],
    "switch-proxy": ["checkout 00000001", REST, "remove app-cache", "remove app-extra"],
    "docker tag app/api current": [*LOADED, REST, "remove app-cache", "remove app-extra"],
    "retire": [
        *TRIED,
        "checkout 00000001",
        *SWITCHED,
        REST,
        "remove app-cache",
        "remove app-extra",
    ],
    "start-proxy": [
        "hold-proxy 2 api",
        *TRIED,
        "checkout 00000001",
        *BESIDE,
        REST,
        "remove app-cache",
        "remove app-extra",
    ],
    "remove app-old": [
        "hold-proxy 2 api",
        *TRIED,
        "checkout 00000001",
        *BESIDE,
        REST,
        "start-proxy proxy",
        "remove app-cache",
        "remove app-extra",
        "watch 15 s",
    ],
}
"""Where a deploy failed → what puts the server back, between the two records."""


@pytest.mark.parametrize("pattern", BACK)
def test_the_way_back_takes_only_the_steps_that_differ(changing: Fleet, pattern: str) -> None:
    failed(changing, pattern)
    did = changing.ubuntu.did
    begin = did.index("restore-env")
    assert did[begin:] == ["restore-env", *OPEN, *BACK[pattern], *CLOSE]


def replicas(fleet: Fleet) -> list[str]:
    """The ids of the replicas of the service that is replaced beside."""
    return [one.id for one in fleet.ubuntu.engine.all_of("app", "api")]


UNSWITCHED = CUT_OVER[: [kind for kind, _ in CUT_OVER].index("docker tag app/api current")]


@pytest.mark.parametrize(("pattern", "title"), UNSWITCHED)
def test_a_failure_up_to_the_switch_leaves_the_replicas_that_serve(
    changing: Fleet, pattern: str, title: str
) -> None:
    before = replicas(changing)
    failed(changing, pattern)
    assert replicas(changing) == before
    assert [line for line in changing.ubuntu.did if line.startswith("switch")] == (
        ["switch-proxy 2 api"] if pattern == "switch-proxy" else []
    )


BEHIND_THE_SWITCH = {
    "a name that cannot be given": ({}, "docker tag app/api current"),
    "a death in the watch": ({"services/api/app.py": "DIES LATER"}, ""),
    "a red gate": ({"services/web/index.html": "Farewell"}, ""),
    "a red gate, from outside": ({"nginx/ubuntu/nginx.conf": "upstreams web api\nOUTSIDE RED"}, ""),
}


@pytest.mark.parametrize("what", BEHIND_THE_SWITCH)
def test_a_failure_behind_the_switch_is_taken_back_by_one_load_before_anything_else(
    running: Fleet, what: str
) -> None:
    change, pattern = BEHIND_THE_SWITCH[what]
    before = replicas(running)
    old = running.ubuntu.engine.images["app/api:current"]
    running.origin.commit("Second", {"services/api/app.py": "api, second version\n", **change})
    if pattern:
        running.ubuntu.fail(f"^{pattern}", times=1)
    ran = running.fab("ubuntu.deploy")
    assert ran.code == 1, ran.everything
    assert ran.error.endswith("; ubuntu is back at 00000001, proved")
    assert "[ubuntu] ✓ the former replicas get the requests again" in ran.lines
    did = running.ubuntu.did
    switched = did.index("switch-proxy 2 api")
    back = did.index("switch-proxy 2 api", switched + 1)
    assert {*did[switched + 1 : back]} <= {"docker tag app/api current", "watch 15 s"}
    assert did[back + 1] == f"docker tag {old} current"
    assert did.count("switch-proxy 2 api") == 2
    assert did.count("start-beside api") == 1
    assert replicas(running) == before
    assert running.ubuntu.engine.images["app/api:current"] == old
    assert running.ubuntu.proxy is not None
    assert running.ubuntu.proxy.pinned == {}
    with running.untouched():
        assert running.fab("ubuntu.deploy --ref 00000001").code == 0


def test_a_service_that_is_new_does_not_keep_the_others_from_being_taken_back(
    running: Fleet,
) -> None:
    before = replicas(running)
    model = json.loads(running.origin.tip.files["compose/ubuntu.yml"])
    model["services"]["more"] = model["services"]["api"] | {"image": "app/more:current"}
    model["x-deploy"]["more"] = {"probe": model["x-deploy"]["api"]["probe"]}
    change = {"services/api/app.py": "api, second\n", "services/web/index.html": "Farewell"}
    running.origin.commit("Second", {"compose/ubuntu.yml": json.dumps(model), **change})
    ran = running.fab("ubuntu.deploy")
    assert ran.code == 1, ran.everything
    assert ran.error.endswith("; ubuntu is back at 00000001, proved")
    did = running.ubuntu.did
    assert did[did.index("watch 15 s") + 1].startswith("switch-proxy 2 api")
    assert replicas(running) == before
    assert [one for one in running.ubuntu.engine.containers if "more" in one] == []


def test_where_the_former_replicas_cannot_be_asked_again_the_way_back_does_it(
    running: Fleet,
) -> None:
    before = replicas(running)
    change = {"services/api/app.py": "api, second\n", "services/web/index.html": "Farewell"}
    running.origin.commit("Second", change)
    running.ubuntu.fail_after("^watch", "^switch-proxy")
    ran = running.fab("ubuntu.deploy")
    assert ran.code == 1, ran.everything
    assert "[ubuntu] ✗ the former replicas get the requests again" in ran.lines
    assert ran.error.endswith("; ubuntu is back at 00000001, proved")
    assert replicas(running) == before


@pytest.mark.parametrize("more", ["", " --remove-orphans"])
def test_replicas_that_cannot_be_retired_are_no_reason_to_go_back(
    running: Fleet, more: str
) -> None:
    """Those that were proved serve: the release is verified, and the next command ends it."""
    engine = running.ubuntu.engine
    engine.place(Container("app-old", "sha256:x", project="app", service="old"))
    before = replicas(running)
    running.origin.commit("Second", {"services/api/app.py": "api, second version\n"})
    stuck = Ended(70, err="Error response from daemon\na former replica does not stop\n")
    running.ubuntu.fail("^retire", times=1, ended=stuck)
    ran = running.fab(f"ubuntu.deploy{more}")
    assert ran.code == 0, ran.everything
    assert "[ubuntu] ✗ retire api" in ran.lines
    assert "[ubuntu]   Error response from daemon" in ran.lines
    assert (
        "[ubuntu] warning: retire api: ubuntu: a former replica does not stop; the new replicas"
        " were proved, and the next command retires the former ones"
    ) in ran.lines
    record = running.releases("ubuntu")[-1]
    assert record.outcome == "verified"
    assert ("retire api", "failed") in {(step.title, step.outcome) for step in record.steps}
    assert record.images["api"].id == engine.images["app/api:current"]
    assert (engine.named("app-old") is None) == bool(more)
    assert len(replicas(running)) == 4
    assert "[ubuntu] pending: retire api: 2 that nobody asks" in running.fab("ubuntu.status").lines
    running.forget()
    assert running.fab("ubuntu.deploy").code == 0
    assert [line for line in running.ubuntu.did if "api" in line] == ["retire app-api"]
    assert len(replicas(running)) == 2
    assert not {*replicas(running)} & {*before}
    with running.untouched():
        assert running.fab("ubuntu.deploy").code == 0


@pytest.mark.parametrize(
    ("path", "text", "title", "words"),
    [
        ("services/web/index.html", "Welcome NEVER HEALTHY", "roll web", "did not become healthy"),
        ("services/web/index.html", "Welcome DIES LATER", "watch 15 s", "healthy, then died"),
        ("services/web/index.html", "Farewell", "prove", "red gates: probe:web, proxy:site"),
        ("services/api/app.py", "NEVER HEALTHY", "start api", "a new replica of api did not"),
        (
            "services/api/app.py",
            "DIES LATER",
            "watch 15 s",
            "a new replica of api was healthy, then died",
        ),
        ("services/api/app.py", "PROBE RED", "start api", "the probe of every new replica"),
        ("services/api/app.py", "MIGRATION FAILS", "migrate api", "the migration failed"),
        ("nginx/ubuntu/nginx.conf", "upstreams web api\nNEVER LOADED\n", "reload proxy", "nginx"),
        ("nginx/ubuntu/nginx.conf", "upstreams web api\nOUTSIDE RED\n", "prove", "outside:site"),
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
    assert evidence[-2:] == ["last words of app-api-3", "last words of app-api-4"]


def test_a_red_gate_of_a_replica_shows_the_end_of_its_own_log(running: Fleet) -> None:
    """Of a fault that comes after its first answer."""
    running.origin.commit("Second", {"services/api/app.py": "api, second version\n"})

    def ail() -> None:
        running.ubuntu.engine.containers["app-api-4"].health = "unhealthy"

    running.ubuntu.fail("^watch", goes_on=True, times=1, first=ail)
    ran = running.fab("ubuntu.deploy")
    assert ran.code == 1, ran.everything
    assert ran.error.startswith("ubuntu: red gates: probe:api-2; ubuntu is back at")
    assert ran.evidence == [
        "probe:api-2: container is unhealthy",
        "last words of app-api-4",
    ]


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
    assert running.ubuntu.did.count("compose run api migrate up") == 1
    assert [release.schema for release in running.releases("ubuntu")] == ["001", "002", "002"]
    assert [line for line in ran.lines if "database stays at revision 002" in line]


def test_what_only_the_failed_commit_has_does_not_go_on_running(changing: Fleet) -> None:
    failed(changing, "compose up extra")
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
    broken = "upstreams api web\nNEVER LOADED\n"
    running.origin.commit("Broken", {"nginx/ubuntu/nginx.conf": broken})
    ran = running.fab("ubuntu.deploy")
    assert ran.code == 1, ran.everything
    assert ran.error.endswith("; ubuntu is back at 00000002, proved")
    accepted, failed, back = running.releases("ubuntu")[1:]
    assert [one.outcome for one in (accepted, failed, back)] == ["accepted", "failed", "accepted"]
    assert back.waived == accepted.waived == ("probe:web", "proxy:site", "outside:site")
