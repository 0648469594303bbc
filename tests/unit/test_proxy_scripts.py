"""What tells the proxy where requests go: the script, before programs that stand in."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path, PurePosixPath

import pytest
from invoke import Context

from fabfile.model.deploy.proxy_files import allowed, believed, files_for
from fabfile.model.errors import Trouble
from fabfile.remote.deploy import proxy
from fabfile.remote.host import Host
from fabfile.remote.output import Output, Timeout

from .builders import ROOT, SERVER, STACK, target
from .planning import with_service
from .proxying import UPSTREAMS, keep, loads, ran, told, workers, written

CDN = believed(("X-Client", "203.0.113.0/24"))


def test_a_load_says_where_requests_go_whom_to_let_in_and_what_is_loaded(
    host: Host, stubs: Path
) -> None:
    odd = "location ~ \\.php$ { return 404 '100%s\\n'; }\n"
    allow = allowed(["10.0.0.1", "10.0.0.2"])
    proxy.load(host, told(allow=allow, real_ip=CDN, names=odd))
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
    assert written(host, "names") == odd.splitlines()
    generation, epoch, pinned = written(host, "generation")
    constant = 'location = /{} {{ default_type text/plain; return 200 "{}\\n"; }}'
    assert generation == constant.format("generation", "0f")
    assert epoch.startswith('location = /epoch { default_type text/plain; return 200 "')
    assert pinned == constant.format("pinned", "")
    modes = {path.stat().st_mode & 0o777 for path in Path(host.server.root / "proxy").iterdir()}
    assert modes == {0o644}


def test_what_is_missing_is_no_name_that_nginx_would_have_to_find(host: Host, stubs: Path) -> None:
    proxy.load(host, told("api-1"))
    assert loads(stubs) == [["api-2:8000", "web:80"]]


def test_nobody_is_believed_or_shut_out_where_hosts_ini_names_nobody() -> None:
    plain = target(STACK)
    assert files_for(plain) == {"real-ip.conf": ""}
    some = replace(plain, callers=("10.0.0.1",), cdn=("X-Client", "203.0.113.0/24"))
    assert files_for(some) == {
        "allow.conf": "allow 10.0.0.1;\nallow 127.0.0.1;\ndeny all;\n",
        "real-ip.conf": CDN,
    }


def test_the_names_that_are_served_are_written_as_server_name_and_as_origins() -> None:
    front = STACK.service("proxy")
    names = {"site": ("app.example", "www.app.example"), "the-api": ("api.app.example",)}
    stack = with_service("proxy", hints=replace(front.hints, names=names))
    assert files_for(target(stack)) == {
        "real-ip.conf": "",
        "site-names.conf": "server_name app.example www.app.example;\n",
        "site-origin.conf": (
            "map $http_origin $site_origin {\n"
            "    https://app.example $http_origin;\n"
            "    https://www.app.example $http_origin;\n"
            '    default "";\n'
            "}\n"
        ),
        "the-api-names.conf": "server_name api.app.example;\n",
        "the-api-origin.conf": (
            "map $http_origin $the_api_origin {\n"
            "    https://api.app.example $http_origin;\n"
            '    default "";\n'
            "}\n"
        ),
    }


def test_a_configuration_that_is_refused_leaves_everything_as_it_was(
    host: Host, stubs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Even what is only written: a proxy that starts anew reads it."""
    proxy.load(host, told("api-1", names="server_name old;\n"))
    names = ("upstreams", "generation", "names")
    before = [written(host, name) for name in names]
    monkeypatch.setenv("REFUSES", "no host web")
    with pytest.raises(Trouble, match="nginx does not load what was written") as no:
        proxy.load(host, told(names="server_name new;\n"))
    assert no.value.evidence == ("nginx: [emerg] no host web",)
    assert [written(host, name) for name in names] == before
    assert len(loads(stubs)) == 1


def test_a_proxy_that_does_not_run_is_told_whom_to_ask_and_started(host: Host, stubs: Path) -> None:
    proxy.mend(host, replace(told(), pins={"web": ["a" * 64]}))
    asked = [line.split()[1] for line in written(host, "upstreams") if " server " in line]
    assert asked == ["api-1:8000", "api-2:8000", f"{'a' * 12}:80"]
    assert ran(stubs, "restart", "exec") == ["restart app-proxy"]


def test_a_proxy_that_does_not_start_even_so_is_told(
    host: Host, stubs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REFUSES", "no certificate")
    monkeypatch.setattr(proxy, "MEND", proxy.MEND.replace("LOADED=20", "LOADED=1"))
    with pytest.raises(Trouble, match="the proxy does not start"):
        proxy.mend(host, told())


def test_nginx_is_tried_with_the_commits_files_and_a_copy_of_what_it_is_told() -> None:
    words: list[list[str]] = []

    class Remembering(Host):
        def write(
            self,
            words_: Sequence[str],
            *,
            stdin: str = "",
            timeout: Timeout = 60,
            check: bool = True,
        ) -> Output:
            words.append(list(words_))
            return Output(0, "")

    tree = PurePosixPath("/opt/app/build/000000000001")
    front = told().service
    proxy.test(
        Remembering(SERVER, Context()),
        tree,
        {"web", "app-web"},
        told(allow=allowed(["10.0.0.1"]), real_ip=CDN),
        "p:1",
        split=(),
    )
    stage, run = words
    assert stage[4:] == [
        f"{ROOT}/proxy",
        f"{tree}/.proxy",
        f"{tree}/upstreams.conf\n{tree}/more.conf",
        "allow.conf allow 10.0.0.1;\\nallow 127.0.0.1;\\ndeny all;\\n\nreal-ip.conf "
        + CDN.replace("\n", "\\n"),
        "",
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


def test_a_proxy_that_never_answers_from_what_was_written_has_not_loaded_it(
    host: Host, stubs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A reload that failed is not told."""
    monkeypatch.setenv("DEAF", "yes")
    (stubs / "loaded/generation.conf").write_text("")
    monkeypatch.setattr(proxy, "LOAD", proxy.LOAD.replace("LOADED=20", "LOADED=1"))
    with pytest.raises(Trouble, match="nginx does not load what was written"):
        proxy.load(host, told())


def test_what_was_loaded_is_known_to_the_next_command_by_its_time(
    host: Host, stubs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And who served before it."""
    file = Path(host.server.root / "proxy/leaving")
    begun = time.time()
    with workers(monkeypatch, taking=0.1, leaving=600):
        serving = {*os.environ["WORKERS"].split()}
        proxy.load(host, told())
    assert file.stat().st_mtime >= begun - 0.1
    assert {*file.read_text().split()} == serving


def waited(host: Host, ago: int) -> float:
    """Seconds until what an earlier command's load replaced may be removed, ``ago`` after that."""
    proxy.load(host, told())
    then = time.time() - ago
    os.utime(Path(host.server.root / "proxy/leaving"), (then, then))
    begun = time.monotonic()
    proxy.leave(host, told())
    return time.monotonic() - begun


@pytest.mark.parametrize("ago", [0, -3600])
def test_what_an_earlier_load_named_is_left_alone_as_long_as_a_client_keeps_a_connection(
    host: Host, stubs: Path, kept: int, ago: int
) -> None:
    """Of a load by an earlier command, too; and by a clock that was put back since."""
    assert waited(host, ago) > kept - 2  # the clocks of scripts and files count whole seconds


def test_what_was_replaced_long_ago_may_be_removed_at_once(
    host: Host, stubs: Path, kept: int
) -> None:
    assert waited(host, 60) < kept


def test_where_no_proxy_runs_nothing_is_waited_for(host: Host, stubs: Path, kept: int) -> None:
    begun = time.monotonic()
    proxy.leave(host, replace(told(), running=False))
    assert time.monotonic() - begun < kept


@pytest.mark.parametrize(("service", "times"), [("web", 1), ("api-2", 1), ("ap", 0), ("job", 0)])
def test_what_was_replaced_in_place_is_looked_for_again_where_requests_go_to_it(
    host: Host, stubs: Path, service: str, times: int
) -> None:
    proxy.load(host, told(), service)
    written_ = (stubs / "loads").exists()
    assert (len(loads(stubs)) if written_ else 0) == times


@pytest.mark.parametrize("addresses", ["10.0.0.9", "10.0.0.9 10.1.0.9"])
def test_a_proxy_on_two_networks_is_asked_at_one_of_its_addresses(
    host: Host, stubs: Path, monkeypatch: pytest.MonkeyPatch, addresses: str
) -> None:
    monkeypatch.setenv("ADDRESSES", addresses)
    proxy.load(host, told())
    assert {*(stubs / "curl.log").read_text().splitlines()} == {
        "-s --noproxy * --max-time 2 http://10.0.0.9:8090/epoch"
    }


def left(host: Host) -> float:
    """Seconds that a load is waited for."""
    proxy.load(host, told())
    begun = time.monotonic()
    proxy.leave(host, told())
    return time.monotonic() - begun


def test_the_workers_of_every_earlier_load_are_waited_for(
    host: Host, stubs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One that shuts down may still be given a request over a connection that a client kept."""
    keep(monkeypatch, 60)
    with workers(monkeypatch, taking=0.1, leaving=3):
        begun = time.monotonic()
        left(host)
        assert 2.5 < time.monotonic() - begun < 50


def test_a_worker_with_a_long_request_is_waited_for_only_while_a_client_keeps_a_connection(
    host: Host, stubs: Path, monkeypatch: pytest.MonkeyPatch, kept: int
) -> None:
    with workers(monkeypatch, taking=0.1, leaving=600):
        assert kept - 2 < left(host) < 60


def test_workers_that_cannot_be_seen_have_as_long_as_a_client_keeps_a_connection(
    host: Host, stubs: Path, kept: int
) -> None:
    """The engine's processes are not this machine's."""
    assert left(host) > kept - 2
