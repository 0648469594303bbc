"""A server whose engine, which stands in, knows replicas; and how they start there and go."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from fabfile.model.hints import Update
from fabfile.model.stack import Service
from fabfile.remote.deploy import beside
from fabfile.remote.deploy.beside import Starting
from fabfile.remote.host import Host

from .builders import STACK
from .proxying import program, told

ENGINE = """#!/bin/bash
printf '%s\\n' "$*" >>"$STUBS/docker.log"
there=$STUBS/there all=$* last=${*: -1}
case $all in
  ps*compose.service=*)
    service=${all#*compose.service=} service=${service%% *}
    for one in "$there"/*; do [ "$(cat "$one/service")" != "$service" ] || echo "${one##*/}"; done
    ;;
  ps*name=*)
    name=${all##*name=^/}
    for one in "$there"/*; do [ "$(cat "$one/name")" != "${name%\\$}" ] || echo "${one##*/}"; done
    ;;
  inspect*Restarting*) [ ! -e "$STUBS/restarting" ] || echo true ;;
  inspect*Running*) [[ $(cat "$there/$last/state" 2>/dev/null) == running* ]] && echo true ;;
  inspect*ExitCode*) cat "$there/$last/exit" ;;
  inspect*Health*) cat "$there/$last/state" ;;
  inspect*Labels*) cat "$there/$last/service" ;;
  inspect*.Name*) echo "/$(cat "$there/$last/name")" ;;
  inspect*.Id*) [ ! -d "$there/$last" ] || echo "$last" ;;
  inspect*IPAddress*) echo 10.0.0.9 ;;
  inspect*Pid*) echo "${PID:-0}" ;;
  logs*) echo "the log of $last" ;;
  start*)
    for id in "${@:2}"; do
      service=$(cat "$there/$id/service")
      state=BORN_${service//-/_}
      echo "${!state:-running healthy}" >"$there/$id/state"
    done
    [ -z "$GOES" ] || rm -r "$there/$GOES"
    ;;
  rename*) echo "$3" >"$there/$2/name" ;;
  stop*)
    [ -z "$STUCK" ] || exit 1
    [ -z "$ANEW" ] || { rm -r "$there"/web-id-*; touch "$STUBS/restarting"; }
    for id in "${@:2}"; do [ -d "$there/$id" ] || exit 1; done
    ;;
  rm*)
    [ -z "$KEPT" ] || exit 1
    for id in "${@:2}"; do [ "$id" = -f ] || rm -r "$there/$id"; done
    ;;
  cp*) cat >"$STUBS/copied-${3%:*}" ;;
  restart*)
    rm "$STUBS/restarting"
    cp "$PROXY"/*.conf "$STUBS/loaded/"
    { cat "$PROXY/upstreams.conf"; echo ==; } >>"$STUBS/loads"
    ;;
  exec*reload*)
    [ -z "$REFUSES" ] || { echo "nginx: [emerg] $REFUSES"; exit 1; }
    [ -z "$WORKERS" ] || kill -USR1 $WORKERS
    cp "$PROXY"/*.conf "$STUBS/loaded/"
    { cat "$PROXY/upstreams.conf"; echo ==; } >>"$STUBS/loads"
    ;;
  compose*" up "*)
    cp "$FILE" "$STUBS/meanwhile-$(grep -c ' up ' "$STUBS/docker.log")"
    if [ -n "$INCLUDED" ] && grep -q '^---' "$FILE"; then echo conflict >&2; exit 1; fi
    while [ $# -gt 0 ]; do
      if [ "$1" = --scale ]; then
        service=${2%=*} total=${2#*=}
        there_are=$(grep -lx "$service" "$there"/*/service | wc -l)
        for ((number = there_are + 1; number <= total; number++)); do
          mkdir -p "$there/$service-id-$number"
          echo "$service" >"$there/$service-id-$number/service"
          echo "app-$service-$number" >"$there/$service-id-$number/name"
          echo created >"$there/$service-id-$number/state"
          echo 0 >"$there/$service-id-$number/exit"
          [ -z "$SICK" ] || { echo 'no room for it' >&2; exit 1; }
        done
      fi
      shift
    done
    ;;
esac
"""
"""An engine that knows containers: a folder each, with its service, name, state and exit code."""
STACK_FILE = "services:\n  web: {}\n  api: {}\n"
WEB = replace(STACK.service("web"), container="app-web-1", beside=True, replicas=2)
API = replace(
    STACK.service("api-1"),
    name="api",
    container="app-api-1",
    image="app/api:current",
    beside=True,
    replicas=2,
)


@pytest.fixture
def stack(host: Host, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The stack's file in the checkout."""
    file = Path(host.server.stack)
    file.parent.mkdir()
    file.write_text(STACK_FILE)
    subprocess.run(["git", "init", "-q", str(host.server.path)], check=True)
    monkeypatch.setenv("FILE", str(file))
    return file


@pytest.fixture
def engine(stack: Path, stubs: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two replicas of the page, and one of the API, serve."""
    program(stubs, "docker", ENGINE)
    (stubs / "docker.log").write_text("")
    for name in ("HOLD", "SWITCH", "START", "RETIRE"):
        # No other compose is at work here, whatever runs on this machine.
        script = getattr(beside, name).replace("KEPT=11", "KEPT=0")
        monkeypatch.setattr(beside, name, script.replace("/proc/[0-9]*/cmd", f"{stubs}/none/cmd"))
    for service, number in (("web", 1), ("web", 2), ("api", 1)):
        exist(stubs, f"{service}-id-{number}", service, f"app-{service}-{number}")
    return stubs / "there"


def exist(stubs: Path, identity: str, service: str, name: str, **more: str) -> None:
    """A container of a service is there."""
    folder = stubs / "there" / identity
    folder.mkdir(parents=True)
    said = {"service": service, "name": name, "state": "running healthy", "exit": "0", **more}
    for key, value in said.items():
        (folder / key).write_text(f"{value}\n")


def names(engine: Path) -> dict[str, str]:
    """The container of each id, by its name."""
    return {one.name: (one / "name").read_text().strip() for one in sorted(engine.iterdir())}


def starting(
    service: Service, total: int, at_once: int = 0, served: str = "sha256:old"
) -> Starting:
    hints = replace(service.hints, update=Update(parallelism=at_once))
    return Starting(replace(service, hints=hints), total, "sha256:new", served)


def start(host: Host, *services: Starting, **pins: Sequence[str]) -> Mapping[str, Sequence[str]]:
    found: dict[str, list[str]] = {}
    for one in beside.start(host, replace(told(), pins=pins), "app", services):
        assert one.address == "10.0.0.9"
        found.setdefault(one.service, []).append(one.id)
    return found


def retire(
    host: Host,
    leaving: Sequence[str],
    stay: Sequence[str],
    *,
    drain: int = 0,
    port: int = 80,
    running: bool = True,
) -> str:
    """The page's replicas leave, and those that stay are asked alone until then."""
    page = replace(WEB, hints=replace(WEB.hints, drain=drain, port=port))
    front = replace(told(), pins={"web": stay} if stay else {}, running=running)
    return beside.retire(host, front, "app", [(page, one) for one in leaving], [(page, stay)])


@pytest.fixture
def switched(stubs: Path, engine: Path) -> None:
    for number in (3, 4):
        exist(stubs, f"web-id-{number}", "web", f"app-web-{number}")
