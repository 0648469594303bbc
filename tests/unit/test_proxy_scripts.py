"""What tells the proxy where requests go: the scripts, before programs that stand in."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import threading
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path, PurePosixPath

import pytest
from invoke import Context

from fabfile.model.errors import Trouble
from fabfile.remote import proxy
from fabfile.remote.host import Host, Output
from fabfile.remote.proxy import Told

from .builders import ROOT, SERVER, STACK

UPSTREAMS = """\
upstream api {
    least_conn;
    server api-1:8000 resolve max_fails=0;
    server api-2:8000 resolve max_fails=0;
}
upstream web { # its own line:
    server web:80 resolve max_fails=0;
}
"""
SECOND = UPSTREAMS.index("upstream web")
DOCKER = """#!/bin/bash
printf '%s\\n' "$*" >>"$STUBS/docker.log"
case $* in
  inspect*Running*)
    runs=" $RUNNING $(cat "$STUBS/started" 2>/dev/null) "
    [[ $runs = *" ${*: -1} "* ]] && echo true || echo false
    ;;
  inspect*IPAddress*) echo 10.0.0.9 ;;
  inspect*Pid*) echo "${PID:-0}" ;;
  inspect*Health*)
    head -n 1 "$STUBS/states"
    [ "$(wc -l <"$STUBS/states")" = 1 ] || sed -i 1d "$STUBS/states"
    ;;
  exec*'sh -c nginx -t && nginx -s reload')
    [ -z "$REFUSES" ] || { echo "nginx: [emerg] $REFUSES"; exit 1; }
    [ -z "$DEAF" ] || exit 0
    [ -z "$WORKER" ] || kill -USR1 "$WORKER"
    cp "$PROXY"/*.conf "$STUBS/loaded/"
    { cat "$PROXY/upstreams.conf"; echo ==; } >>"$STUBS/loads"
    ;;
  compose*" run "*)
    all=$*
    name=${all#*--name }
    echo "${name%% *}" >>"$STUBS/started"
    ;;
  compose*" up "*)
    [ -z "$WORKER" ] || [ ! -d "/proc/$WORKER" ] || echo early >>"$STUBS/docker.log"
    [ -z "$SICK" ] || { echo 'a dependency failed' >&2; exit 1; }
    ;;
esac
"""
CURL = """#!/bin/bash
case ${*: -1} in
  */epoch) sed -n 's/.*epoch.*return 200 "\\(.*\\)\\\\n".*/\\1/p' "$STUBS/loaded/generation.conf" ;;
  */reach/*) printf 'HTTP/1.1 200 OK\\r\\nX-Reached: %s\\r\\n' "${REACHED:-10.0.0.9:80}" ;;
esac
"""
NEXT = "app-web-next"
WORKER = """
trap 'exec -a "nginx: worker process is shutting down" sleep 0.7' USR1
while :; do read -rt 0.05 <> <(:); done
"""


def program(folder: Path, name: str, text: str) -> None:
    (folder / name).write_text(text)
    (folder / name).chmod(0o755)


def states(folder: Path, *said: str) -> None:
    """What the engine says of a container that comes, look by look; the last one for good."""
    (folder / "states").write_text("".join(f"{one}\n" for one in said))


@pytest.fixture
def stubs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "stubs"
    (folder / "loaded").mkdir(parents=True)
    program(folder, "docker", DOCKER)
    program(folder, "curl", CURL)
    states(folder, "running healthy")
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")
    monkeypatch.setenv("STUBS", str(folder))
    monkeypatch.setenv("RUNNING", "app-web app-api-1 app-proxy")
    return folder


@pytest.fixture
def host(tmp_path: Path, stubs: Path, monkeypatch: pytest.MonkeyPatch) -> Host:
    server = replace(
        SERVER,
        path=PurePosixPath(tmp_path / "checkout"),
        root=PurePosixPath(tmp_path / "root"),
        connection="local",
    )
    (tmp_path / "checkout").mkdir()
    (tmp_path / "checkout/upstreams.conf").write_text(UPSTREAMS[:SECOND])
    (tmp_path / "checkout/more.conf").write_text(UPSTREAMS[SECOND:])
    folder = tmp_path / "root/proxy"
    folder.mkdir(parents=True)
    monkeypatch.setenv("PROXY", str(folder))
    return Host(server, Context())


def told(*missing: str, callers: Sequence[str] = ()) -> Told:
    front = STACK.service("proxy")
    return Told(
        service=replace(
            front, hints=replace(front.hints, upstreams=("upstreams.conf", "more.conf"))
        ),
        generation="0f",
        callers=tuple(callers),
        cdn=("X-Client", "203.0.113.0/24"),
        missing=set(missing),
        reach={"api-1": "http://app-api-1:8000/deep", "web": "http://app-web:80/"},
        running=True,
    )


def written(host: Host, name: str) -> list[str]:
    return Path(host.server.root / "proxy" / f"{name}.conf").read_text().splitlines()


def loads(stubs: Path) -> list[list[str]]:
    """The servers of each load, in order."""
    texts = (stubs / "loads").read_text().split("==\n")[:-1]
    return [
        [line.split()[1].rstrip(";") for line in text.splitlines() if " server " in line]
        for text in texts
    ]


def ran(stubs: Path, *verbs: str) -> list[str]:
    lines = (stubs / "docker.log").read_text().splitlines()
    return [line for line in lines if line.startswith(verbs)]


def test_a_load_says_where_requests_go_whom_to_let_in_and_what_is_loaded(
    host: Host, stubs: Path
) -> None:
    proxy.load(host, told(callers=["10.0.0.1", "10.0.0.2"]))
    assert "\n".join(written(host, "upstreams")) + "\n" == UPSTREAMS
    assert written(host, "allow") == [
        "allow 10.0.0.1;",
        "allow 10.0.0.2;",
        "allow 127.0.0.1;",
        "deny all;",
    ]
    assert written(host, "real-ip") == [
        "set_real_ip_from 203.0.113.0/24;",
        "real_ip_header X-Client;",
        "real_ip_recursive on;",
    ]
    generation, epoch, *reach = written(host, "generation")
    constant = 'location = /{} {{ default_type text/plain; return 200 "{}\\n"; }}'
    assert generation == constant.format("generation", "0f")
    assert epoch.startswith('location = /epoch { default_type text/plain; return 200 "')
    assert reach == [
        (
            "location = /reach/api-1 { set $url http://app-api-1:8000/deep; proxy_pass $url;"
            " add_header X-Reached $upstream_addr always; }"
        ),
        (
            "location = /reach/web { set $url http://app-web:80/; proxy_pass $url;"
            " add_header X-Reached $upstream_addr always; }"
        ),
    ]
    assert written(host, "generation-away") == [constant.format("away", "")]
    modes = {path.stat().st_mode & 0o777 for path in Path(host.server.root / "proxy").iterdir()}
    assert modes == {0o644}


def test_what_is_missing_is_no_name_that_nginx_would_have_to_find(host: Host, stubs: Path) -> None:
    proxy.load(host, told("api-1"))
    assert loads(stubs) == [["api-2:8000", "web:80"]]
    assert "api-1" not in "\n".join(written(host, "generation"))


def test_nobody_is_let_in_anew_where_everybody_is(host: Host, stubs: Path) -> None:
    proxy.load(host, told())
    assert not Path(host.server.root / "proxy/allow.conf").exists()


def test_a_configuration_that_is_refused_leaves_everything_as_it_was(
    host: Host, stubs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Even what is only written: a proxy that starts anew reads it."""
    proxy.load(host, told("api-1"))
    names = ("upstreams", "generation", "generation-away")
    before = [written(host, name) for name in names]
    monkeypatch.setenv("REFUSES", "no host web")
    with pytest.raises(Trouble, match="nginx does not load what was written") as no:
        proxy.load(host, told())
    assert no.value.evidence == ("nginx: [emerg] no host web",)
    assert [written(host, name) for name in names] == before
    assert len(loads(stubs)) == 1


def test_a_twin_is_taken_out_replaced_and_put_back(host: Host, stubs: Path) -> None:
    service = STACK.service("api-1")
    proxied = replace(service, hints=replace(service.hints, port=80))
    note = proxy.roll(host, told(), proxied, twin=True, force=False)
    assert re.fullmatch(r"drained in \d s", note)
    assert loads(stubs) == [["api-2:8000", "web:80"], ["api-1:8000", "api-2:8000", "web:80"]]
    assert [line.rpartition(" up ")[2] for line in ran(stubs, "compose")] == ["-d --no-build api-1"]
    order = [line.split()[0] for line in ran(stubs, "exec", "compose")]
    assert order == ["exec", "compose", "exec"]


def test_a_single_service_has_a_stand_in_while_it_is_replaced(
    host: Host, stubs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    proxy.roll(host, told(), STACK.service("web"), twin=False, force=True)
    assert loads(stubs) == [
        ["api-1:8000", "api-2:8000", f"{NEXT}:80"],
        ["api-1:8000", "api-2:8000", "web:80", f"{NEXT}:80"],
        ["api-1:8000", "api-2:8000", "web:80"],
    ]
    # Its name is found while nginx loads: there is nobody else to ask before a resolver answers.
    lines = re.findall(r"server (app-web-next:80.*);", (stubs / "loads").read_text())
    assert lines == [f"{NEXT}:80 max_fails=0", f"{NEXT}:80 max_fails=0"]
    run, up = ran(stubs, "compose")
    assert run.partition(" run ")[2] == (
        f"-d --no-deps -T --name {NEXT} --label me.wishwith.stand-in=web web"
    )
    assert up.endswith("--force-recreate web")
    assert ran(stubs, "stop", "rm")[-2:] == [f"stop {NEXT}", f"rm {NEXT}"]
    # It comes back after a reboot, too: what is loaded may name it then.
    assert ran(stubs, "update") == [f"update --restart unless-stopped {NEXT}"]


def test_a_stand_in_that_a_died_run_left_serves_on_and_is_dismissed(
    host: Host, stubs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RUNNING", f"app-proxy app-api-1 {NEXT}")
    proxy.roll(host, told(), STACK.service("web"), twin=False, force=False)
    assert loads(stubs) == [
        ["api-1:8000", "api-2:8000", "web:80", f"{NEXT}:80"],
        ["api-1:8000", "api-2:8000", "web:80"],
    ]
    assert ran(stubs, "stop", "rm") == [f"stop {NEXT}", f"rm {NEXT}"]


def test_a_stand_in_that_is_not_healthy_takes_no_request(host: Host, stubs: Path) -> None:
    states(stubs, "running starting", "running unhealthy")
    with pytest.raises(Trouble, match="web did not become healthy"):
        proxy.roll(host, told(), STACK.service("web"), twin=False, force=False)
    assert not (stubs / "loads").exists()
    assert ran(stubs, "rm")[-1] == f"rm -f {NEXT}"
    assert not [line for line in ran(stubs, "compose") if " up " in line]


@pytest.mark.parametrize(
    ("said", "told_of_it"),
    [
        (("running starting", "running unhealthy"), "app-api-1 is running unhealthy"),
        (("running starting", "restarting starting"), "app-api-1 is restarting starting"),
        (("running starting", "exited unhealthy"), "app-api-1 is exited unhealthy"),
        (("",), "app-api-1 is gone"),
    ],
)
def test_a_container_that_does_not_become_healthy_stays_out_of_the_proxy(
    host: Host, stubs: Path, said: Sequence[str], told_of_it: str
) -> None:
    states(stubs, *said)
    with pytest.raises(Trouble, match="api-1 did not become healthy; the end of its log") as no:
        proxy.roll(host, told(), STACK.service("api-1"), twin=True, force=False)
    assert told_of_it in no.value.evidence
    assert loads(stubs) == [["api-2:8000", "web:80"]]
    assert written(host, "generation-away")[0].endswith('return 200 "api-1\\n"; }')


def test_a_container_that_cannot_be_made_stays_out_of_the_proxy(
    host: Host, stubs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SICK", "yes")
    with pytest.raises(Trouble, match="api-1 did not become healthy") as no:
        proxy.roll(host, told(), STACK.service("api-1"), twin=True, force=False)
    assert "a dependency failed" in no.value.evidence
    assert loads(stubs) == [["api-2:8000", "web:80"]]


def test_a_container_has_its_time_to_become_healthy_and_no_more(
    host: Host, stubs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    states(stubs, "running starting", "running starting", "running healthy")
    proxy.roll(host, told(), STACK.service("web"), twin=True, force=False)
    assert loads(stubs)[-1] == ["api-1:8000", "api-2:8000", "web:80"]
    states(stubs, "running starting")
    monkeypatch.setattr(proxy, "HEALTHY", 1)
    with pytest.raises(Trouble, match="web did not become healthy") as no:
        proxy.roll(host, told(), STACK.service("web"), twin=True, force=False)
    assert "app-web is running starting" in no.value.evidence


def test_a_service_that_the_proxy_never_asks_is_only_replaced(host: Host, stubs: Path) -> None:
    service = replace(STACK.service("web"), name="job", container="app-job")
    quiet = replace(service, hints=replace(service.hints, port=0))
    assert proxy.roll(host, told(), quiet, twin=False, force=False) == ""
    assert loads(stubs) == [["api-1:8000", "api-2:8000", "web:80"]]


def test_nginx_is_tried_with_the_commits_files_and_a_copy_of_what_it_is_told() -> None:
    words: list[list[str]] = []

    class Remembering(Host):
        def write(
            self, words_: Sequence[str], *, stdin: str = "", timeout: float = 60, check: bool = True
        ) -> Output:
            words.append(list(words_))
            return Output(0, "")

    tree = PurePosixPath("/opt/app/build/000000000001")
    front = told().service
    proxy.test(
        Remembering(SERVER, Context()), tree, {"web", "app-web"}, told(callers=["10.0.0.1"]), "p:1"
    )
    stage, run = words
    assert stage[4:] == [
        f"{ROOT}/proxy",
        f"{tree}/.proxy",
        f"{tree}/upstreams.conf\n{tree}/more.conf",
        "allow 10.0.0.1;\nallow 127.0.0.1;\ndeny all;",
        "set_real_ip_from 203.0.113.0/24;\nreal_ip_header X-Client;\nreal_ip_recursive on;\n",
    ]
    assert run[:5] == ["docker", "run", "--rm", "--network", "none"]
    assert run[-3:] == ["p:1", "nginx", "-t"]
    mounts = [run[index + 1] for index, word in enumerate(run) if word == "--mount"]
    assert mounts == [
        f"type=bind,source={tree}/nginx,target=/etc/nginx,readonly",
        f"type=bind,source={ROOT}/certs,target=/etc/certs,readonly",
    ]
    names = [run[index + 1] for index, word in enumerate(run) if word == "--add-host"]
    assert names == ["app-web:127.0.0.1", "web:127.0.0.1"]
    assert front.container not in names


@pytest.mark.parametrize("reached", ["10.0.0.8:80"])
def test_a_container_that_the_proxy_does_not_reach_is_no_success(
    host: Host, stubs: Path, monkeypatch: pytest.MonkeyPatch, reached: str
) -> None:
    monkeypatch.setenv("REACHED", reached)
    monkeypatch.setattr(proxy, "ROLL", proxy.ROLL.replace("LOADED=20", "LOADED=1"))
    with pytest.raises(Trouble, match=r"the proxy does not reach web at 10\.0\.0\.9:80$"):
        proxy.roll(host, told(), STACK.service("web"), twin=False, force=False)


def test_a_proxy_that_never_answers_from_what_was_written_has_not_loaded_it(
    host: Host, stubs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A reload that failed is not told."""
    monkeypatch.setenv("DEAF", "yes")
    (stubs / "loaded/generation.conf").write_text("")
    monkeypatch.setattr(proxy, "LOAD", proxy.LOAD.replace("LOADED=20", "LOADED=1"))
    with pytest.raises(Trouble, match="nginx does not load what was written"):
        proxy.load(host, told())


def test_a_service_is_replaced_when_the_workers_from_before_have_gone(
    host: Host, stubs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One that shuts down may still be given a request over a connection that a client kept."""
    program(stubs, "worker", WORKER)
    words = ["nginx: worker process", str(stubs / "worker")]
    worker = subprocess.Popen(words, executable="/bin/bash")
    reaper = threading.Thread(target=worker.wait)
    reaper.start()
    try:
        monkeypatch.setenv("PID", str(os.getpid()))
        monkeypatch.setenv("WORKER", str(worker.pid))
        proxy.roll(host, told(), STACK.service("web"), twin=True, force=False)
    finally:
        worker.kill()
        reaper.join()
    assert "early" not in ran(stubs, "compose", "early")
    assert len(ran(stubs, "compose")) == 1


@pytest.mark.parametrize(("drain", "note"), [(0, r"drained in [01] s"), (2, r"drained in [23] s")])
def test_what_is_under_way_has_as_long_as_it_is_given(
    host: Host, stubs: Path, monkeypatch: pytest.MonkeyPatch, drain: int, note: str
) -> None:
    service = STACK.service("web")
    monkeypatch.setenv("PID", str(os.getpid()))
    with socket.create_server(("127.0.0.2", 0)) as server:
        place = server.getsockname()
        busy = replace(service, hints=replace(service.hints, port=place[1], drain=drain))
        monkeypatch.setenv("REACHED", f"10.0.0.9:{place[1]}")
        with socket.create_connection(place, source_address=("127.0.0.2", 0)):
            said = proxy.roll(host, told(), busy, twin=True, force=False)
    assert re.fullmatch(note, said)
