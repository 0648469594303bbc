"""What servers use now, and what happened to their containers."""

from __future__ import annotations

import _thread
import json

import pytest

from fabfile.model.errors import Trouble
from fabfile.ops.watch import merging

from .fakes.fleet import Fleet
from .fakes.writing import NOW


def rows(text: str) -> list[list[str]]:
    """The cells of a table, from its head on."""
    return [
        [cell.strip() for cell in line.split("  ") if cell.strip()] for line in text.splitlines()
    ]


def test_stats_show_what_each_container_uses_beside_its_limit(running: Fleet) -> None:
    ran = running.fab("ubuntu.stats")
    assert (ran.code, ran.err) == (0, "")
    assert rows(ran.out) == [
        ["ubuntu"],
        ["container", "cpu", "memory", "net in / out", "pids", "restarts"],
        [
            "app-api-1",
            "12.5%",
            "67.1 MB of 537 MB (12%)",
            "1.5 kB / 2.0 MB",
            "5",
            "2, out of memory",
        ],
        ["app-db", "0.0%", "0 B", "0 B / 0 B", "0", "0"],
    ]
    (first, _) = running.fab("ubuntu.stats --json").json["ubuntu"]
    assert first == {
        "container": "app-api-1",
        "cpu": 12.5,
        "memory": 64 << 20,
        "limit": 512 << 20,
        "received": 1500,
        "sent": 2_000_000,
        "read": 0,
        "written": 3_100_000,
        "processes": 5,
        "restarts": 2,
        "killed": True,
    }


def test_top_shows_the_busiest_processes_first_and_no_arguments(running: Fleet) -> None:
    assert rows(running.fab("ubuntu.top").out)[1:] == [
        ["container", "pid", "user", "cpu", "memory", "age", "program"],
        ["app-api-1", "9", "root", "12.5%", "1.0 MB", "59s", "python 3"],
        ["app-db", "7", "70", "0.5%", "2.1 MB", "1d 1h", "postgres"],
    ]


def test_disk_names_the_command_that_frees_what_nothing_needs(running: Fleet) -> None:
    assert rows(running.fab("ubuntu.disk").out)[1:] == [
        ["what", "size", "reclaimable", "by"],
        ["disk /", "250 B / 1.0 kB, 25%"],
        ["images", "301 MB", "268 MB", "fab ubuntu.prune"],
        ["build cache", "0 B"],
        ["/opt/app/data", "4.1 kB"],
    ]


def test_network_shows_who_is_where_and_what_is_published(running: Fleet) -> None:
    running.ubuntu.measures = "network"
    assert rows(running.fab("ubuntu.network").out)[1:] == [
        ["network", "subnet", "container", "address", "published"],
        ["app_default", "172.20.0.0/16", "app-proxy", "172.20.0.3",
         "80 → 80, 127.0.0.1:5353/udp → 53"],
        ["lonely"],
    ]  # fmt: skip


@pytest.mark.parametrize("task", ["stats", "top", "disk", "network", "events"])
def test_all_servers_answer_and_one_that_is_away_hides_none(task: str, running: Fleet) -> None:
    assert {*running.fab("disk --json").json} == {"ubuntu", "montreal"}
    running.unreachable["montreal"] = Trouble("montreal: no route to host", code=2)
    with running.untouched():
        ran = running.fab(task)
    assert (ran.code, ran.error) == (2, "montreal: no route to host")
    assert "montreal" not in ran.out
    assert ran.out or task == "events"


def event(second: int, action: str, **attributes: str) -> dict[str, object]:
    at = 1796040000 + second
    return {
        "Action": action,
        "Actor": {"ID": "1f", "Attributes": {"name": "app-api-1", **attributes}},
        "timeNano": at * 10**9 + 5,
    }


def test_events_tell_what_happened_but_for_commands_in_containers(running: Fleet) -> None:
    running.ubuntu.happened = [
        event(1, "exec_start: python"),
        event(2, "die", exitCode="137"),
        event(3, "rename", oldName="/app-api-3"),
        event(4, "top"),
    ]
    ran = running.fab("ubuntu.events")
    assert (ran.code, ran.err) == (0, "")
    assert ran.out.splitlines()[1:] == [
        "app-api-1 12:00:02 die (exit code 137)",
        "app-api-1 12:00:03 rename (former name /app-api-3)",
    ]
    assert running.ubuntu.asked_for_logs == [("events", "", "3600s", False)]
    running.fab("ubuntu.events --since 5m --json")
    assert running.ubuntu.asked_for_logs[1] == ("events", "", "300s", False)


def test_events_are_followed_past_a_lost_connection(
    running: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(merging, "AGAIN", 0.01)
    monkeypatch.setattr(merging, "HELD", 0.01)
    ubuntu = running.ubuntu
    ubuntu.happened = [event(1, "start")]
    ubuntu.logging_ends = [
        lambda: ubuntu.happened.append(event(2, "oom")),
        lambda: None,
        _thread.interrupt_main,
    ]
    ran = running.fab("ubuntu.events --follow --json")
    assert ran.code == 0
    assert [json.loads(line)["text"] for line in ran.out.splitlines()] == ["start", "oom"]
    assert ubuntu.asked_for_logs[1] == ("events", "", NOW, True)
