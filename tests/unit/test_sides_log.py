"""What both sides of a canary answered: the script that reads the proxy's log."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from fabfile.model.deploy.comparing import Answers, Sides
from fabfile.model.facts import Split
from fabfile.remote.deploy import sides
from fabfile.remote.deploy.sides import Seen
from fabfile.remote.host import Host

from .proxying import program, told

FORMER, NEW = "0123456789ab", "ba9876543210"
DOCKER = """#!/bin/bash
printf '%s\\n' "$*" >>"$STUBS/docker.log"
case $1 in
  inspect) for id in "${@:4}"; do [ "$id" = "$GONE" ] || echo true; done ;;
  logs) cat "$STUBS/access.log"; echo 'an error of nginx' >&2 ;;
esac
"""
LOADED = f"""\
split_clients $client $side {{
    10% -new;
    * -former;
}}
upstream web {{
    server {FORMER}:80 max_fails=0;
}}
upstream api-former {{
    zone api-former 64k;
    server fedcba987654:8000;
}}
upstream web-former {{
    server {FORMER}:80 max_fails=0;
}}
upstream api-new {{
    server fedcba987654:8000;
}}
upstream web-new {{
    server {NEW}:80 max_fails=0;
}}
"""
SPLIT = replace(
    told(), pins={"web": (f"{FORMER}00",)}, split=Split(10, 1800000000, {"web": (f"{NEW}00",)})
)


@pytest.fixture(autouse=True)
def proxy(host: Host, stubs: Path) -> Path:
    """It has loaded a canary of web; its log is to be written."""
    program(stubs, "docker", DOCKER)
    (Path(host.server.root) / "proxy/upstreams.conf").write_text(LOADED)
    (Path(host.server.root) / "locks").mkdir()
    return stubs


def line(**said: Any) -> dict[str, str]:
    """A line of the log."""
    return {
        "path": "/",
        "status": "200",
        "upstream_seconds": "0.500",
        "upstream_status": "200",
        "header_seconds": "0.020",
        "to": f"web{said.get('side', '-new')}",
        "side": "-new",
        "agent": "curl",
        **said,
    }


def watch(host: Host, stubs: Path, lines: Sequence[object], seconds: int = 0) -> Seen:
    texts = [
        one if isinstance(one, str) else json.dumps(one, separators=(",", ":")) for one in lines
    ]
    (stubs / "access.log").write_text("".join(f"{text}\n" for text in texts))
    return sides.watch(host, SPLIT, "1800000000", seconds)


def test_answers_are_counted_by_side_with_the_time_until_they_began(
    host: Host, proxy: Path
) -> None:
    seen = watch(
        host,
        proxy,
        [
            line(),
            line(header_seconds="0.021"),
            line(side="-former"),
            line(side="-former", upstream_status="503", status="503"),
        ],
    )
    new, former = Answers({20: 1, 21: 1}, 0), Answers({20: 2}, 1)
    assert seen.sides == {"web": Sides(new, former)}
    assert (seen.said, seen.gone) == ("", False)
    assert float(seen.until) > 1800000000 - 86400 * 3650


@pytest.mark.parametrize(
    "other",
    [
        line(side="", to="web"),
        line(to="api-new"),
        line(side="-former", to="web-new"),
        line(upstream_status=""),
        line(upstream_status="-"),
        "nginx: something else",
        line(side="", to="web", agent='"side":"-new","to":"web-new"'),
        line(side="", to="web", path='/"side":"-new"'),
    ],
    ids=str,
)
def test_what_is_no_answer_of_a_side_does_not_count(host: Host, proxy: Path, other: object) -> None:
    """Another upstream, an earlier worker, a client that left first, whatever a client writes."""
    assert watch(host, proxy, [other]).sides == {}


def test_of_several_who_were_asked_the_last_one_counts(host: Host, proxy: Path) -> None:
    several = line(
        upstream_status="502, 200", header_seconds="-, 0.030", upstream_seconds="0.0, 0.030"
    )
    late = line(upstream_status="504", header_seconds="-", upstream_seconds="60.001")
    seen = watch(host, proxy, [several, late])
    assert seen.sides["web"].new == Answers({30: 1, 60001: 1}, 1)


def test_the_log_is_read_for_exactly_the_time_between_two_looks(host: Host, proxy: Path) -> None:
    seen = watch(host, proxy, [])
    (asked,) = [one for one in (proxy / "docker.log").read_text().splitlines() if "logs" in one]
    assert asked == f"logs --since 1800000000 --until {seen.until} app-proxy"


@pytest.mark.parametrize("gone", [FORMER, NEW])
def test_a_replica_that_has_gone_is_told_at_once(
    host: Host, proxy: Path, monkeypatch: pytest.MonkeyPatch, gone: str
) -> None:
    monkeypatch.setenv("GONE", gone)
    assert watch(host, proxy, [line()], seconds=50).gone


def test_a_word_ends_the_wait_and_is_heard_once(host: Host, proxy: Path) -> None:
    sides.end(host, "promote somebody (CI run 7)")
    assert watch(host, proxy, [], seconds=50).said == "promote somebody (CI run 7)"
    sides.heard(host)
    assert watch(host, proxy, []).said == ""
    assert [*Path(host.server.root / "locks").iterdir()] == []
