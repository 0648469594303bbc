"""A server whose docker and curl stand in, and what a proxy there is told."""

from __future__ import annotations

import os
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path, PurePosixPath

import pytest
from invoke import Context

from fabfile.remote.deploy import proxy
from fabfile.remote.deploy.proxy import Told
from fabfile.remote.host import Host

from .builders import SERVER, STACK

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
  inspect*IPAddress*) printf '%s\\n' ${ADDRESSES:-10.0.0.9} ;;
  inspect*Pid*) echo "${PID:-0}" ;;
  exec*'sh -c nginx -t && nginx -s reload')
    [ -z "$REFUSES" ] || { echo "nginx: [emerg] $REFUSES"; exit 1; }
    [ -z "$DEAF" ] || exit 0
    [ -z "$WORKERS" ] || kill -USR1 $WORKERS
    cp "$PROXY"/*.conf "$STUBS/loaded/"
    { cat "$PROXY/upstreams.conf"; echo ==; } >>"$STUBS/loads"
    ;;
  restart*) [ -n "$REFUSES" ] || cp "$PROXY"/*.conf "$STUBS/loaded/" ;;
esac
"""
CURL = """#!/bin/bash
printf '%s\\n' "$*" >>"$STUBS/curl.log"
case ${*: -1} in
  */epoch) sed -n 's/.*epoch.*return 200 "\\(.*\\)\\\\n".*/\\1/p' "$STUBS/loaded/generation.conf" ;;
esac
"""
ENV = """#!/bin/bash
while [[ $1 == -i || $1 == *=* ]]; do shift; done
exec "$@"
"""
"""Lets the stand-ins have what a test tells them: compose is started in an empty environment."""


def program(folder: Path, name: str, text: str) -> None:
    (folder / name).write_text(text)
    (folder / name).chmod(0o755)


@pytest.fixture
def stubs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "stubs"
    (folder / "loaded").mkdir(parents=True)
    program(folder, "docker", DOCKER)
    program(folder, "curl", CURL)
    program(folder, "env", ENV)
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")
    monkeypatch.setenv("STUBS", str(folder))
    monkeypatch.setattr(proxy, "LEAVE", proxy.LEAVE.replace("KEPT=11", "KEPT=0"))
    return folder


def keep(monkeypatch: pytest.MonkeyPatch, seconds: int) -> int:
    """Clients keep connections for so many seconds."""
    monkeypatch.setattr(proxy, "LEAVE", proxy.LEAVE.replace("KEPT=0", f"KEPT={seconds}"))
    return seconds


@pytest.fixture
def kept(stubs: Path, monkeypatch: pytest.MonkeyPatch) -> int:
    return keep(monkeypatch, 3)


TAKING, LEAVING = "nginx: worker process", "nginx: worker process is shutting down"
WORKER = """
trap 'exec -a "nginx: worker process is shutting down" sleep $0' USR1
while :; do read -rt 0.05 <> <(:); done
"""


@contextmanager
def workers(monkeypatch: pytest.MonkeyPatch, **lasting: float) -> Iterator[None]:
    """Workers of the proxy by title, and how many seconds after a reload each ends."""
    titles = {"taking": TAKING, "leaving": LEAVING}
    running = [
        subprocess.Popen([titles[title], "-c", WORKER, str(seconds)], executable="/bin/bash")
        for title, seconds in lasting.items()
    ]
    reapers = [threading.Thread(target=one.wait) for one in running]
    for reaper in reapers:
        reaper.start()
    try:
        monkeypatch.setenv("PID", str(os.getpid()))
        monkeypatch.setenv("WORKERS", " ".join(str(one.pid) for one in running))
        yield
    finally:
        for one, reaper in zip(running, reapers, strict=True):
            one.kill()
            reaper.join()


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


def told(*missing: str, **files: str) -> Told:
    """``files``: by name, without its end, with _ for -."""
    front = STACK.service("proxy")
    return Told(
        service=replace(
            front, hints=replace(front.hints, upstreams=("upstreams.conf", "more.conf"))
        ),
        generation="0f",
        files={f"{name.replace('_', '-')}.conf": text for name, text in files.items()},
        missing=set(missing),
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
