"""A real receiver of webhooks gets one message for each outcome, and never a secret."""

from __future__ import annotations

import io
import os
import signal
import socket
import sys
from collections.abc import Iterator

import pytest

from fabfile.remote import notifying
from tests.receiver import Receiver, receiving

from .fakes.application import PASSWORD, TOKEN
from .fakes.engine import Ended
from .fakes.fleet import Fleet, Ran
from .fakes.machine import CHECKOUT, ROOT, Machine

REAL = socket.socket, socket.getaddrinfo
"""Before conftest.py took them away."""
WHO = "by somebody (CI run 7), by hand"


@pytest.fixture
def receiver(monkeypatch: pytest.MonkeyPatch) -> Iterator[Receiver]:
    monkeypatch.setattr(socket, "socket", REAL[0])
    monkeypatch.setattr(socket, "getaddrinfo", REAL[1])
    with receiving() as made:
        yield made


@pytest.fixture
def telling_fleet(filled: Fleet, receiver: Receiver) -> Fleet:
    """Both servers tell the receiver."""
    for machine in filled.machines.values():
        name(machine, receiver.url)
    return filled


def name(machine: Machine, urls: str) -> None:
    """Have the server's .env name these addresses."""
    machine.files[f"{CHECKOUT}/.env"] = f"{machine.env}NOTIFY_URLS='{urls}'\n"


def ended(fleet: Fleet, line: str, code: int = 0) -> Ran:
    ran = fleet.fab(line)
    assert ran.code == code, ran.everything
    return ran


def commit(fleet: Fleet, subject: str, page: str = "Welcome again\n") -> str:
    return fleet.origin.commit(subject, {"services/web/index.html": page})[:8]


def without_times(message: str) -> list[str]:
    return [line.rpartition(", ")[0] or line for line in message.splitlines()]


def test_a_deploy_is_told_once_with_commit_author_and_who(
    telling_fleet: Fleet, receiver: Receiver
) -> None:
    made = commit(telling_fleet, "Second")
    ended(telling_fleet, "deploy")
    (message,) = receiver.messages()
    title, *lines = message.splitlines()
    assert title == "montreal, ubuntu: deploy done" or title == "ubuntu: deploy done"
    assert lines[:2] == [f"{made} Second", "author: Ann Author"]
    assert lines[2].startswith(f"{WHO}, ")
    assert lines[2].endswith(" s")
    assert len(lines) == 3


def test_a_deploy_that_fails_is_told_with_why_and_the_last_lines(
    telling_fleet: Fleet, receiver: Receiver
) -> None:
    commit(telling_fleet, "Broken", "Welcome NEVER HEALTHY")
    ran = ended(telling_fleet, "ubuntu.deploy", 1)
    (_, _, body) = receiver.got[0]
    assert (body["title"], body["type"]) == ("ubuntu: deploy failed", "failure")
    lines = body["message"].splitlines()
    assert lines[3] == f"error: {ran.error}"
    assert lines[4:] == [f"  {line}" for line in ran.evidence[-10:]]
    assert len(receiver.got) == 1


def test_one_that_needs_a_person_says_so(telling_fleet: Fleet, receiver: Receiver) -> None:
    commit(telling_fleet, "Broken", "Farewell")
    telling_fleet.ubuntu.fail_after("watch", "restore-env")
    ended(telling_fleet, "ubuntu.deploy", 3)
    assert receiver.titles == ["ubuntu: deploy FAILED, a person is needed"]


def test_a_rollback_and_a_canary_are_told(telling_fleet: Fleet, receiver: Receiver) -> None:
    telling_fleet.origin.commit("Second", {"services/api/app.py": "api, second version\n"})
    ended(telling_fleet, "ubuntu.deploy --canary 10% --for 10s")
    ended(telling_fleet, "ubuntu.rollback")
    assert receiver.titles == ["ubuntu: canary done", "ubuntu: rollback done"]


def test_what_is_refused_or_had_nothing_to_do_is_not_told(
    telling_fleet: Fleet, receiver: Receiver
) -> None:
    ended(telling_fleet, "ubuntu.deploy")
    receiver.messages()
    ended(telling_fleet, "ubuntu.deploy")
    ended(telling_fleet, "ubuntu.deploy --ref nothing", 2)
    ended(telling_fleet, "ubuntu.freeze --why sale")
    ended(telling_fleet, "ubuntu.deploy", 2)
    assert receiver.got == []


def test_the_same_trouble_is_told_once_and_its_end_once(
    telling_fleet: Fleet, receiver: Receiver
) -> None:
    fault = telling_fleet.ubuntu.fail("^backup ")
    for _ in range(3):
        ended(telling_fleet, "db.backup", 1)
    (message,) = receiver.messages()
    assert message.startswith("ubuntu: db.backup failed\n")
    fault.times = 0
    ended(telling_fleet, "db.backup")
    assert receiver.titles == ["ubuntu: db.backup is well again"]
    ended(telling_fleet, "db.backup")
    ended(telling_fleet, "db.verify")
    assert receiver.titles[1:] == ["ubuntu: db.backup done", "ubuntu: db.verify done"]


def test_a_task_that_flaps_is_told_at_each_change(
    telling_fleet: Fleet, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WISHWITHME_JOB", "db.prune")
    for _ in range(3):
        fault = telling_fleet.ubuntu.fail("^backups")
        ended(telling_fleet, "db.prune", 1)
        ended(telling_fleet, "db.prune", 1)
        fault.times = 0
        ended(telling_fleet, "db.prune")
        ended(telling_fleet, "db.prune")
    assert receiver.titles == ["ubuntu: db.prune failed", "ubuntu: db.prune is well again"] * 3
    assert "by schedule" in receiver.messages()[0]


def test_by_hand_only_some_tasks_are_told(telling_fleet: Fleet, receiver: Receiver) -> None:
    ended(telling_fleet, "ubuntu.prune")
    telling_fleet.ubuntu.fail("^backups", times=1)
    ended(telling_fleet, "db.prune", 1)
    assert receiver.got == []


def test_a_job_that_cron_ends_is_told(
    telling_fleet: Fleet, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WISHWITHME_JOB", "db.backup")
    before = signal.getsignal(signal.SIGTERM)
    telling_fleet.ubuntu.fail(
        "^backup ", goes_on=True, first=lambda: os.kill(os.getpid(), signal.SIGTERM)
    )
    ended(telling_fleet, "db.backup", 1)
    assert receiver.titles == ["ubuntu: db.backup failed"]
    assert signal.getsignal(signal.SIGTERM) is before


def test_a_finding_of_doctor_is_told_once_and_its_end_once(
    telling_fleet: Fleet, receiver: Receiver
) -> None:
    telling_fleet.fab("doctor")
    receiver.messages()
    free, telling_fleet.ubuntu.free = telling_fleet.ubuntu.free, 1 << 20
    for _ in range(2):
        assert telling_fleet.fab("doctor").code == 1
    (message,) = receiver.messages()
    title, *lines = message.splitlines()
    assert title == "ubuntu: doctor: 1 new finding"
    assert lines[0].startswith("fail disk: ")
    telling_fleet.ubuntu.free = free
    telling_fleet.fab("doctor")
    telling_fleet.fab("doctor")
    assert receiver.messages() == ["ubuntu: doctor: 1 over\nover: disk"]


def test_a_renewal_is_told_where_something_was_renewed(issued: Fleet, receiver: Receiver) -> None:
    name(issued.ubuntu, receiver.url)
    ended(issued, "ssl.renew --server ubuntu")
    assert receiver.got == []
    ended(issued, "ssl.renew --server ubuntu --force")
    assert receiver.titles == ["ubuntu: ssl.renew done"]
    fault = issued.ubuntu.fail("^acme", ended=Ended(1))
    ended(issued, "ssl.renew --server ubuntu", 1)
    fault.times = 0
    ended(issued, "ssl.renew --server ubuntu")
    assert receiver.titles[1:] == ["ubuntu: ssl.renew failed", "ubuntu: ssl.renew is well again"]


def test_each_address_is_told_once_whichever_servers_name_it(
    filled: Fleet, receiver: Receiver
) -> None:
    for machine in filled.machines.values():
        name(machine, f"{receiver.url} {receiver.url}  {receiver.url}/{machine.name}")
    filled.origin.commit("Both", {"nginx/ubuntu/nginx.conf": "upstreams web api\n"})
    commit(filled, "Second")
    ended(filled, "ubuntu.deploy")
    assert sorted(path for path, _, _ in receiver.got) == ["/hook", "/hook/ubuntu"]


def test_no_secret_is_told(telling_fleet: Fleet, receiver: Receiver) -> None:
    telling_fleet.ubuntu.fail("^backup ", raises=lambda: ValueError(f"{TOKEN} {PASSWORD}"))
    ran = ended(telling_fleet, "db.backup", 1)
    (message,) = receiver.messages()
    for secret in (TOKEN, PASSWORD, receiver.url):
        assert secret not in message
        assert secret not in ran.everything
    assert "error: a bug in the collection: ValueError: [hidden] [hidden]" in message


@pytest.mark.parametrize(
    ("urls", "why"),
    [
        ("json://127.0.0.1:9/hook-a7f3", "address 1 of 1 (json://): it was not taken"),
        ("nonsense-a7f3", "address 1 of 1 (no address): apprise knows no such address"),
        ("foo://a7f3", "address 1 of 1 (foo://): apprise knows no such address"),
    ],
)
def test_a_message_that_cannot_be_sent_is_a_warning(
    filled: Fleet, receiver: Receiver, urls: str, why: str
) -> None:
    name(filled.ubuntu, urls)
    ran = ended(filled, "db.backup")
    assert [line for line in ran.lines if "told" in line] == [f"warning: not told: {why}"]
    assert "a7f3" not in ran.everything
    assert (receiver.got, ran.err) == ([], "")


def test_others_are_told_all_the_same(filled: Fleet, receiver: Receiver) -> None:
    name(filled.ubuntu, f"json://127.0.0.1:9/x {receiver.url}")
    ran = ended(filled, "db.backup")
    assert "warning: not told: address 1 of 2 (json://): it was not taken" in ran.lines
    assert receiver.titles == ["ubuntu: db.backup done"]


def test_a_receiver_that_hangs_is_waited_for_only_so_long(
    telling_fleet: Fleet, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    receiver.hangs.clear()
    monkeypatch.setattr("fabfile.remote.notifying.DEADLINE", 0.2)
    ran = ended(telling_fleet, "db.backup")
    told = "warning: not told: address 1 of 1 (json://): no answer within 0.2 s"
    assert told in ran.lines


def test_a_trouble_that_nobody_was_told_of_is_news_the_next_time(
    telling_fleet: Fleet, receiver: Receiver
) -> None:
    receiver.code = 500
    fault = telling_fleet.ubuntu.fail("^backup ")
    ended(telling_fleet, "db.backup", 1)
    receiver.messages()
    receiver.code = 200
    ended(telling_fleet, "db.backup", 1)
    ended(telling_fleet, "db.backup", 1)
    assert receiver.titles == ["ubuntu: db.backup failed"]
    fault.times = 0
    receiver.code = 500
    ended(telling_fleet, "db.backup")
    receiver.messages()
    receiver.code = 200
    ended(telling_fleet, "db.backup")
    assert receiver.titles == ["ubuntu: db.backup is well again"]


def test_where_it_is_not_known_what_was_told_people_are_told(
    telling_fleet: Fleet, receiver: Receiver
) -> None:
    telling_fleet.ubuntu.fail("^told")
    telling_fleet.ubuntu.fail("^backup ")
    ran = ended(telling_fleet, "db.backup", 1)
    assert receiver.titles == ["ubuntu: db.backup failed"]
    (warning,) = [line for line in ran.lines if "what people know" in line]
    assert warning.startswith("[ubuntu] warning: what people know cannot be read: 'told ")


def test_nobody_has_to_wait_for_it(
    telling_fleet: Fleet, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(notifying, "send", interrupted)
    ran = ended(telling_fleet, "db.backup")
    assert "warning: nobody was told: nobody waited for it" in ran.lines
    assert receiver.got == []


STATUS = [
    (
        "github:us/app@http://127.0.0.1:{port}",
        "/repos/us/app/statuses/{commit}",
        ("Authorization", "Bearer t0ken-a7f3"),
        {"state": "success", "context": "deploy/ubuntu", "description": "deployed and proved"},
        "failure",
    ),
    (
        "gitlab:us/team/app@http://127.0.0.1:{port}",
        "/api/v4/projects/us%2Fteam%2Fapp/statuses/{commit}",
        ("PRIVATE-TOKEN", "t0ken-a7f3"),
        {"state": "success", "name": "deploy/ubuntu", "description": "deployed and proved"},
        "failed",
    ),
]


def reporting(fleet: Fleet, setting: str) -> None:
    text = fleet.hosts.read_text().replace("[montreal]", f"commit_status = {setting}\n[montreal]")
    fleet.hosts.write_text(text)


@pytest.mark.parametrize(("setting", "path", "header", "body", "failed"), STATUS)
@pytest.mark.parametrize("place", ["environment", ".env"])
def test_a_forge_hears_how_the_deploy_of_a_commit_ended(
    running: Fleet,
    receiver: Receiver,
    monkeypatch: pytest.MonkeyPatch,
    setting: str,
    path: str,
    header: tuple[str, str],
    body: dict[str, str],
    failed: str,
    place: str,
) -> None:
    reporting(running, setting.format(port=receiver.port))
    if place == "environment":
        monkeypatch.setenv("COMMIT_STATUS_TOKEN", "t0ken-a7f3")
    else:
        running.ubuntu.files[f"{CHECKOUT}/.env"] += "COMMIT_STATUS_TOKEN=t0ken-a7f3\n"
    commit(running, "Second")
    ended(running, "ubuntu.deploy")
    made = running.origin.tip.id
    (asked, headers, said) = receiver.got.pop()
    assert (asked, said) == (path.format(commit=made), body)
    assert headers[header[0]] == header[1]
    commit(running, "Broken", "Welcome NEVER HEALTHY")
    ran = ended(running, "ubuntu.deploy", 1)
    ((asked, _, said),) = receiver.got
    assert asked == path.format(commit=running.origin.tip.id)
    assert (said["state"], said["description"]) == (failed, ran.error[:140])
    assert "a7f3" not in ran.everything
    receiver.got.clear()
    ended(running, "ubuntu.restart")
    ended(running, "ubuntu.rollback")
    ended(running, "ubuntu.deploy --ref nothing", 2)
    assert receiver.got == []


@pytest.mark.parametrize(
    ("code", "why"),
    [(401, "github answered 401"), (302, "github answered 302")],
)
def test_a_status_that_is_not_taken_is_a_warning(
    running: Fleet, receiver: Receiver, monkeypatch: pytest.MonkeyPatch, code: int, why: str
) -> None:
    reporting(running, f"github:us/app@http://127.0.0.1:{receiver.port}")
    monkeypatch.setenv("COMMIT_STATUS_TOKEN", "t0ken-a7f3")
    receiver.code = code
    made = commit(running, "Second")
    ran = ended(running, "ubuntu.deploy")
    assert f"[ubuntu] warning: the status of {made} is not reported: {why}" in ran.lines
    assert len(receiver.got) == 1


def test_a_status_that_cannot_be_reported_is_a_warning(
    running: Fleet, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    reporting(running, "github:us/app@http://127.0.0.1:9")
    made = commit(running, "Second")
    told = f"[ubuntu] warning: the status of {made} is not reported: "
    lacking = "COMMIT_STATUS_TOKEN is neither in the environment nor in .env"
    assert f"{told}{lacking}" in ended(running, "ubuntu.deploy").lines
    made = commit(running, "Third", "Welcome once more\n")
    told = f"[ubuntu] warning: the status of {made} is not reported: "
    monkeypatch.setenv("COMMIT_STATUS_TOKEN", "t0ken-a7f3")
    assert (
        f"{told}github cannot be asked (ConnectionError)" in ended(running, "ubuntu.deploy").lines
    )
    assert receiver.got == []


def test_without_addresses_nothing_is_asked_of_servers_or_imported(
    filled: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "apprise", None)
    ended(filled, "db.backup")
    commit(filled, "Second")
    ended(filled, "ubuntu.deploy")
    monkeypatch.setattr("sys.stdin", io.StringIO())
    assert f"{ROOT}/releases/told" not in filled.ubuntu.files
    assert not [words for words in filled.ubuntu.transcript if words[3:4] == ("told",)]
