"""How replicas start beside others, and how those go: the scripts, before stand-in programs."""

from __future__ import annotations

import os
import re
import shutil
import socket
import threading
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from fabfile.model.errors import Trouble
from fabfile.model.release import KILLED
from fabfile.remote.deploy import beside, compose
from fabfile.remote.host import Host

from .proxying import loads, program, ran, told, workers, written
from .replicating import API, ENGINE, WEB, exist, names, retire, start, starting

pytestmark = pytest.mark.usefixtures("engine")
BEFORE = {"api-id-1": "app-api-1", "web-id-1": "app-web-1", "web-id-2": "app-web-2"}


def test_new_replicas_are_made_of_the_new_image_and_start_under_the_former_name(
    host: Host, stubs: Path
) -> None:
    """So that a plain compose up by hand finds what serves as it wants it."""
    assert start(host, starting(WEB, 4)) == {"web": ["web-id-3", "web-id-4"]}
    verbs = ran(stubs, "tag", "compose", "start")
    assert [line.partition(" up ")[2] or line for line in verbs] == [
        "tag sha256:new app/web:current",
        "--no-start --no-build --no-recreate --scale web=4 web",
        "tag sha256:old app/web:current",
        "start web-id-3 web-id-4",
    ]
    assert ran(stubs, "stop", "rm", "rename", "exec") == []


def test_where_nobody_serves_the_name_keeps_the_new_image(host: Host, stubs: Path) -> None:
    start(host, starting(WEB, 3, served=""))
    assert ran(stubs, "tag") == ["tag sha256:new app/web:current"]


def test_several_services_are_made_at_once_and_wait_side_by_side(host: Host, stubs: Path) -> None:
    found = start(host, starting(WEB, 4), starting(API, 2))
    assert found == {"web": ["web-id-3", "web-id-4"], "api": ["api-id-2"]}
    (made,) = ran(stubs, "compose")
    assert made.endswith("--no-recreate --scale web=4 --scale api=2 web api")


@pytest.mark.parametrize(
    ("at_once", "groups"),
    [
        (0, ["web-id-3 web-id-4 web-id-5"]),
        (1, ["web-id-3", "web-id-4", "web-id-5"]),
        (2, ["web-id-3 web-id-4", "web-id-5"]),
        (9, ["web-id-3 web-id-4 web-id-5"]),
    ],
)
def test_so_many_start_at_once_as_may(
    host: Host, stubs: Path, at_once: int, groups: list[str]
) -> None:
    start(host, starting(WEB, 5, at_once))
    assert ran(stubs, "start") == [f"start {group}" for group in groups]


def test_what_compose_would_copy_is_there_before_a_new_one_starts(
    host: Host, stubs: Path, engine: Path
) -> None:
    web = replace(starting(WEB, 4), copies=b"a tar\x00\xff")
    start(host, web, starting(API, 2))
    held = {one.name: one.read_bytes() for one in stubs.glob("copied-*")}
    assert held == dict.fromkeys(("copied-web-id-3", "copied-web-id-4"), b"a tar\x00\xff")
    said = ran(stubs, "cp", "start web")
    assert [line.split()[0] for line in said] == ["cp", "cp", "start"]


@pytest.mark.parametrize("state", ["running unhealthy", "exited unhealthy", "restarting starting"])
def test_one_that_does_not_become_healthy_ends_all_new_ones_and_shows_its_log(
    host: Host, stubs: Path, engine: Path, monkeypatch: pytest.MonkeyPatch, state: str
) -> None:
    monkeypatch.setenv("BORN_api", state)
    with pytest.raises(Trouble) as no:
        start(host, starting(WEB, 4), starting(API, 2), web=["web-id-1", "web-id-2"])
    assert no.value.message == (
        "ubuntu: a new replica of api did not become healthy; the end of its log is below"
    )
    assert no.value.evidence == (f"api-id-2 is {state}", "the log of api-id-2")
    assert names(engine) == BEFORE
    assert ran(stubs, "stop", "exec", "rename") == []
    removed = {word for line in ran(stubs, "rm") for word in line.split()[2:]}
    assert removed == {"web-id-3", "web-id-4", "api-id-2"}
    assert ran(stubs, "tag")[-2:] == [
        "tag sha256:old app/web:current",
        "tag sha256:old app/api:current",
    ]


def test_where_compose_cannot_make_them_all_is_as_before(
    host: Host, stubs: Path, engine: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SICK", "yes")
    with pytest.raises(Trouble, match="no new replica could be made") as no:
        start(host, starting(WEB, 4))
    assert no.value.evidence == ("no room for it",)
    assert names(engine) == BEFORE
    assert ran(stubs, "start") == []
    assert ran(stubs, "tag")[-1] == "tag sha256:old app/web:current"


def test_a_container_of_another_service_with_a_replicas_name_is_called_otherwise(
    host: Host, stubs: Path, engine: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of a stack that wrote its replicas as a service each; a failure gives the name back."""
    exist(stubs, "other", "web-3", "app-web-3")
    start(host, starting(WEB, 4))
    assert names(engine) == {
        **BEFORE,
        "other": "app-web-3-former",
        "web-id-3": "app-web-3",
        "web-id-4": "app-web-4",
    }
    for one in ("web-id-3", "web-id-4"):
        (engine / one / "service").write_text("gone\n")
        (engine / one / "name").write_text("gone\n")
    (engine / "other/name").write_text("app-web-3\n")
    monkeypatch.setenv("BORN_web", "running unhealthy")
    with pytest.raises(Trouble):
        start(host, starting(WEB, 4))
    assert names(engine)["other"] == "app-web-3"


def test_a_service_with_a_name_of_its_own_has_it_and_a_failure_gives_it_back(
    host: Host, stubs: Path, engine: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of a former layout: a replica of the service in whose place it comes is called so."""
    own = replace(API, name="api-1", container="app-api-1", fixed=True, replicas=1)
    start(host, starting(own, 1, served=""))
    assert names(engine)["api-id-1"] == "app-api-1-former"
    (engine / "api-1-id-1/service").write_text("gone\n")
    (engine / "api-id-1/name").write_text("app-api-1\n")
    monkeypatch.setenv("BORN_api_1", "running unhealthy")
    with pytest.raises(Trouble):
        start(host, starting(own, 1, served=""))
    assert names(engine)["api-id-1"] == "app-api-1"


def test_the_engine_is_heard_for_as_long_as_a_container_may_take(
    host: Host, stubs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(compose, "HEALTHY", 1)
    monkeypatch.setenv("BORN_web", "running starting")
    with pytest.raises(Trouble, match="a new replica of web did not become healthy"):
        start(host, starting(WEB, 3))
    (heard,) = ran(stubs, "events")
    found = re.fullmatch(
        r"events --since (\d+) --until (\d+) --format \. --filter container=web-id-3"
        r" --filter event=health_status --filter event=die",
        heard,
    )
    assert found
    assert int(found[2]) - int(found[1]) == 1


def test_when_one_that_serves_goes_meanwhile_whoever_has_the_name_is_asked(
    host: Host, stubs: Path, engine: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Somebody's compose: the proxy would go on asking who is not there."""
    monkeypatch.setenv("GOES", "web-id-2")
    monkeypatch.setenv("BORN_web", "running starting")
    begun = time.monotonic()
    with pytest.raises(Trouble, match="a replica that served is gone: did somebody run compose"):
        start(host, starting(WEB, 4), web=["web-id-1", "web-id-2"])
    assert time.monotonic() - begun < 60, "the new ones are not waited for any more"
    assert loads(stubs) == [["api-1:8000", "api-2:8000", "web:80"]]


# --- whom the proxy asks


def pinned(host: Host, **pins: Sequence[str]) -> list[str]:
    """The lines of the upstreams that name a server, as the proxy loads them."""
    beside.take_back(host, replace(told(), pins=pins))
    return [line.strip() for line in written(host, "upstreams") if " server " in line]


A, B, C = ("a" * 64, "b" * 64, "c" * 64)


def test_a_pinned_service_is_asked_at_its_containers_alone_and_without_resolve(host: Host) -> None:
    assert pinned(host, web=[A, B]) == [
        "server api-1:8000 resolve max_fails=0;",
        "server api-2:8000 resolve max_fails=0;",
        f"server {A[:12]}:80 max_fails=0;",
        f"server {B[:12]}:80 max_fails=0;",
    ]
    assert "upstream web { # its own line:" in written(host, "upstreams")
    constant = 'location = /pinned { default_type text/plain; return 200 "web A B\\n"; }'
    said = constant.replace("A", A[:12]).replace("B", B[:12])
    assert said in written(host, "generation")


def test_several_services_are_pinned_each_with_its_own(host: Host) -> None:
    assert pinned(host, **{"web": [A], "api-2": [B, C]}) == [
        "server api-1:8000 resolve max_fails=0;",
        f"server {B[:12]}:8000 max_fails=0;",
        f"server {C[:12]}:8000 max_fails=0;",
        f"server {A[:12]}:80 max_fails=0;",
    ]


def test_where_nobody_is_pinned_the_lines_stay(host: Host) -> None:
    assert pinned(host) == [
        "server api-1:8000 resolve max_fails=0;",
        "server api-2:8000 resolve max_fails=0;",
        "server web:80 resolve max_fails=0;",
    ]


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("server web:80 resolve;", "server {}:80;"),
        ("server web:80 max_fails=0 resolve;", "server {}:80 max_fails=0;"),
        ("server web:80 resolve backup;", "server {}:80 backup;"),
        ("server web:80;", "server {}:80;"),
        ("server web-2:80 resolve;", "server web-2:80 resolve;"),
    ],
)
def test_wherever_resolve_stands_it_goes(host: Host, line: str, expected: str) -> None:
    (Path(host.server.path) / "more.conf").write_text(f"upstream web {{\n    {line}\n}}\n")
    assert pinned(host, web=[A])[-1] == expected.format(A[:12])


def test_a_hold_keeps_what_is_loaded_but_for_the_names(host: Host, stubs: Path) -> None:
    """The checkout may already be another commit's."""
    beside.take_back(host, replace(told(), pins={"api-1": [C]}))
    (Path(host.server.path) / "upstreams.conf").write_text("upstream of another commit {}\n")
    held = replace(told(), pins={"api-1": [C], "web": [A, B]}, as_loaded=True)
    beside.hold(host, held)
    assert loads(stubs)[-1] == [f"{C[:12]}:8000", "api-2:8000", f"{A[:12]}:80", f"{B[:12]}:80"]


def test_a_hold_leaves_what_the_proxy_reads_and_adds_what_a_new_release_reads_too(
    host: Host, stubs: Path
) -> None:
    """Between the checkout and the switch nginx may have to start from the new files."""
    beside.hold(host, told(site_names="server_name former;\n"))
    beside.hold(host, told(site_names="server_name new;\n", more_names="server_name more;\n"))
    assert written(host, "site-names") == ["server_name former;"]
    assert written(host, "more-names") == ["server_name more;"]
    beside.switch(host, told(site_names="server_name new;\n"))
    assert written(host, "site-names") == ["server_name new;"]


def test_who_starts_waits_for_the_workers_from_before_the_hold(
    host: Host, stubs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They ask whoever has the name. Meanwhile images are built."""
    monkeypatch.setattr(beside, "START", beside.START.replace("KEPT=0", "KEPT=60"))
    serving = {"web": ["web-id-1", "web-id-2"]}
    with workers(monkeypatch, taking=1.0):
        begun = time.monotonic()
        beside.hold(host, replace(told(), pins=serving))
        assert start(host, starting(WEB, 4), **serving) == {"web": ["web-id-3", "web-id-4"]}
        assert 0.9 < time.monotonic() - begun < 50


@pytest.mark.parametrize("gone", [False, True])
def test_a_switch_that_nginx_refuses_leaves_who_is_asked_or_whoever_has_the_name(
    host: Host, stubs: Path, monkeypatch: pytest.MonkeyPatch, gone: bool
) -> None:
    """Where one who is asked is gone, nginx would not start from the former names."""
    exist(stubs, A[:12], "web", "app-web-7")
    services, before = pinned(host), pinned(host, web=[A])
    if gone:
        shutil.rmtree(stubs / "there" / A[:12])
    monkeypatch.setenv("REFUSES", "host not found")
    exist(stubs, B[:12], "web", "app-web-8")
    with pytest.raises(Trouble, match="nginx does not load what was written"):
        beside.switch(host, replace(told(), pins={"web": [B]}))
    after = [line.strip() for line in written(host, "upstreams") if " server " in line]
    assert after == (services if gone else before)
    assert len(ran(stubs, "exec")) == (4 if gone else 3), "those names are to be loaded too"


def test_nobody_is_asked_who_has_gone_before_the_switch(host: Host, stubs: Path) -> None:
    exist(stubs, A[:12], "web", "app-web-7")
    before = pinned(host, web=[A])
    with pytest.raises(Trouble, match="a new replica is gone: did somebody run compose"):
        beside.switch(host, replace(told(), pins={"web": [B]}))
    assert [line.strip() for line in written(host, "upstreams") if " server " in line] == before


def test_a_switch_waits_for_somebodys_compose_and_a_way_back_does_not(
    host: Host, stubs: Path
) -> None:
    """It may have decided before to take the new ones away."""
    exist(stubs, B[:12], "web", "app-web-8")
    at_work = stubs / "none/cmdline"
    at_work.parent.mkdir()
    at_work.write_bytes(b"docker\0compose\0up\0-d\0")
    beside.take_back(host, replace(told(), pins={"web": [B]}))
    assert at_work.exists()
    threading.Timer(1, at_work.unlink).start()
    beside.switch(host, replace(told(), pins={"web": [B]}))
    assert not at_work.exists()


# --- retiring


@pytest.mark.usefixtures("switched")
def test_the_former_are_stopped_at_once_and_removed_and_the_service_is_named_again(
    host: Host, stubs: Path, engine: Path
) -> None:
    assert retire(host, ["web-id-1", "web-id-2"], ["web-id-3", "web-id-4"]) == ""
    assert [line.partition(" sh ")[0] for line in ran(stubs, "stop", "exec", "rename")] == [
        "stop web-id-1 web-id-2",
        "exec app-proxy",
        "exec app-proxy",
        "rename web-id-3 app-web-1",
        "rename web-id-4 app-web-2",
    ]
    assert ran(stubs, "rm") == ["rm web-id-1 web-id-2"]  # while the proxy loads
    # The bridge: a name that was not loaded starts without an address.
    twins = ["api-1:8000", "api-2:8000"]
    assert loads(stubs) == [[*twins, "web-id-3:80", "web-id-4:80", "web:80"], [*twins, "web:80"]]
    assert "server web:80 resolve max_fails=0;" in (stubs / "loads").read_text()
    assert names(engine) == {
        "api-id-1": "app-api-1",
        "web-id-3": "app-web-1",
        "web-id-4": "app-web-2",
    }


@pytest.mark.parametrize(
    ("leaving", "stay", "called"),
    [
        ([1, 3], [2, 4], {2: 2, 4: 1}),
        ([3, 4], [1, 2], {1: 1, 2: 2}),
        ([1, 2, 3], [4], {4: 1}),
        ([4], [1, 2, 3], {1: 1, 2: 2, 3: 3}),
        ([1], [2, 3, 4], {2: 2, 3: 3, 4: 1}),
        ([], [3, 4, 1, 2], {1: 1, 2: 2, 3: 3, 4: 4}),
    ],
)
@pytest.mark.usefixtures("switched")
def test_those_that_stay_are_counted_from_one_and_no_name_is_given_twice(
    host: Host, engine: Path, leaving: list[int], stay: list[int], called: dict[int, int]
) -> None:
    retire(host, [f"web-id-{n}" for n in leaving], [f"web-id-{n}" for n in stay])
    found = {one: name for one, name in names(engine).items() if one.startswith("web")}
    assert found == {f"web-id-{one}": f"app-web-{number}" for one, number in called.items()}


@pytest.mark.usefixtures("switched")
def test_one_that_had_to_be_killed_is_told(host: Host, engine: Path) -> None:
    (engine / "web-id-2/exit").write_text("137\n")
    assert retire(host, ["web-id-1", "web-id-2"], ["web-id-3", "web-id-4"]) == KILLED


@pytest.mark.usefixtures("switched")
def test_nobody_is_stopped_before_the_workers_of_every_earlier_load_have_left(
    host: Host, stubs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also of a load by an earlier command, as that one wrote down who served before it."""
    monkeypatch.setattr(beside, "RETIRE", beside.RETIRE.replace("KEPT=0", "KEPT=60"))
    stop = "  stop*)\n    for one in $WORKERS; do [ ! -d /proc/$one ] || echo early"
    text = ENGINE.replace("  stop*)", f'{stop} >>"$STUBS/docker.log"; done\n   ')
    program(stubs, "docker", text)
    with workers(monkeypatch, taking=0.5, leaving=1.5):
        beside.switch(host, replace(told(), pins={"web": ["web-id-3", "web-id-4"]}))
        retire(host, ["web-id-1", "web-id-2"], ["web-id-3", "web-id-4"])
    assert ran(stubs, "early") == []
    assert len(ran(stubs, "stop")) == 1


@pytest.mark.usefixtures("switched")
@pytest.mark.parametrize(("drain", "least"), [(0, 0), (2, 1)])
def test_what_is_under_way_has_as_long_as_it_is_given(
    host: Host, monkeypatch: pytest.MonkeyPatch, drain: int, least: int
) -> None:
    monkeypatch.setenv("PID", str(os.getpid()))
    with socket.create_server(("127.0.0.2", 0)) as server:
        place = server.getsockname()
        with socket.create_connection(place, source_address=("127.0.0.2", 0)):
            begun = time.monotonic()
            retire(host, ["web-id-1"], ["web-id-3"], drain=drain, port=place[1])
    assert time.monotonic() - begun > least


@pytest.mark.usefixtures("switched")
def test_what_cannot_be_looked_at_has_as_long_as_it_is_given(
    host: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The engine's processes are not this machine's: nobody can tell that nothing is under way."""
    monkeypatch.setenv("PID", str(1 << 22))  # more than any process id
    begun = time.monotonic()
    retire(host, ["web-id-1"], ["web-id-3"], drain=2)
    assert time.monotonic() - begun > 1


@pytest.mark.usefixtures("switched")
def test_one_that_does_not_stop_is_left_and_so_is_who_is_asked(
    host: Host, stubs: Path, engine: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STUCK", "yes")
    with pytest.raises(Trouble, match="ubuntu: a former replica does not stop"):
        retire(host, ["web-id-1", "web-id-2"], ["web-id-3", "web-id-4"])
    assert len(names(engine)) == 5
    assert ran(stubs, "rm", "exec", "rename") == []


@pytest.mark.usefixtures("switched")
def test_one_that_cannot_be_removed_is_told(
    host: Host, stubs: Path, engine: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The proxy has loaded the names by then: the next command finds what is left."""
    monkeypatch.setenv("KEPT", "yes")
    with pytest.raises(Trouble, match="ubuntu: a former replica cannot be removed"):
        retire(host, ["web-id-1", "web-id-2"], ["web-id-3", "web-id-4"])
    assert len(names(engine)) == 5
    assert len(loads(stubs)) == 2


@pytest.mark.usefixtures("switched")
@pytest.mark.parametrize("gone", [["web-id-1"], ["web-id-1", "web-id-2"]])
def test_a_former_one_that_somebody_took_away_needs_no_stop(
    host: Host, stubs: Path, engine: Path, gone: list[str]
) -> None:
    for one in gone:
        shutil.rmtree(engine / one)
    retire(host, ["web-id-1", "web-id-2"], ["web-id-3", "web-id-4"])
    assert names(engine) == {
        "api-id-1": "app-api-1",
        "web-id-3": "app-web-1",
        "web-id-4": "app-web-2",
    }


@pytest.mark.usefixtures("switched")
def test_nothing_is_removed_where_one_that_is_to_stay_is_gone(
    host: Host, stubs: Path, engine: Path
) -> None:
    (engine / "web-id-3/state").write_text("exited\n")
    with pytest.raises(Trouble, match="a new replica is gone: did somebody run compose"):
        retire(host, ["web-id-1", "web-id-2"], ["web-id-3", "web-id-4"])
    assert ran(stubs, "stop", "rm", "exec", "rename") == []


@pytest.mark.usefixtures("switched")
def test_where_none_that_is_to_stay_is_left_whoever_has_the_name_is_asked(
    host: Host, stubs: Path, engine: Path
) -> None:
    for one in ("web-id-3", "web-id-4"):
        shutil.rmtree(engine / one)
    with pytest.raises(Trouble, match=r"a new replica is gone: .* Nothing was removed"):
        retire(host, ["web-id-1", "web-id-2"], ["web-id-3", "web-id-4"])
    assert loads(stubs) == [["api-1:8000", "api-2:8000", "web:80"]]
    assert ran(stubs, "stop", "rm", "rename") == []


@pytest.mark.usefixtures("switched")
def test_where_all_are_made_anew_while_the_former_end_the_proxy_is_started_again(
    host: Host, stubs: Path, engine: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As compose does with --force-recreate: it does not start while it names one who is gone."""
    monkeypatch.setenv("ANEW", "yes")
    with pytest.raises(Trouble, match=r"a new replica is gone: did somebody run compose\?$"):
        retire(host, ["web-id-1", "web-id-2"], ["web-id-3", "web-id-4"])
    assert ran(stubs, "restart", "exec") == ["restart app-proxy"]
    assert loads(stubs) == [["api-1:8000", "api-2:8000", "web:80"]]


def test_where_nobody_leaves_only_the_names_in_the_proxy_change(host: Host, stubs: Path) -> None:
    assert retire(host, [], ["web-id-1", "web-id-2"]) == ""
    assert len(loads(stubs)) == 2
    assert ran(stubs, "stop", "rm", "rename") == []


def test_where_nobody_is_pinned_one_load_is_enough(host: Host, stubs: Path) -> None:
    beside.retire(host, told(), "app", [(WEB, "web-id-1")], [(WEB, ["web-id-2"])])
    assert loads(stubs) == [["api-1:8000", "api-2:8000", "web:80"]]


@pytest.mark.usefixtures("switched")
def test_where_no_proxy_runs_nothing_is_loaded_or_waited_for(
    host: Host, stubs: Path, engine: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(beside, "RETIRE", beside.RETIRE.replace("KEPT=0", "KEPT=60"))
    begun = time.monotonic()
    retire(host, ["web-id-1", "web-id-2"], ["web-id-3", "web-id-4"], running=False)
    assert time.monotonic() - begun < 50
    assert ran(stubs, "exec") == []
    assert sorted(names(engine)) == ["api-id-1", "web-id-3", "web-id-4"]


@pytest.mark.parametrize("called", ["app-api-1-former", "app-api-1"])
def test_a_service_with_a_name_of_its_own_gets_it_back(
    host: Host, stubs: Path, engine: Path, called: str
) -> None:
    (engine / "api-id-1/name").write_text(f"{called}\n")
    own = replace(API, name="api-1", container="app-api-1", fixed=True, replicas=1)
    beside.retire(host, told(), "app", [], [(own, ["api-id-1"])])
    assert names(engine)["api-id-1"] == "app-api-1"
    assert len(ran(stubs, "rename")) == (called != "app-api-1")
