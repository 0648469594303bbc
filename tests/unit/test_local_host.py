"""The host adapter and the lock over ``connection = local``: real commands, no network."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path, PurePosixPath

import pytest
from invoke import Context

from fabfile.model.errors import Trouble
from fabfile.remote import host as host_module
from fabfile.remote.dry import DryHost
from fabfile.remote.host import Host
from fabfile.remote.lock import Lock
from fabfile.remote.output import Limits, Output
from tests.unit.builders import SERVER
from tests.unit.clone import scratch_of


@pytest.fixture
def host(tmp_path: Path) -> Host:
    """A host whose root is a folder of this machine."""
    (tmp_path / "locks").mkdir()
    return Host(replace(SERVER, root=PurePosixPath(tmp_path), connection="local"), Context())


def test_a_command_that_reads_its_input_gets_none_of_ours(host: Host) -> None:
    assert host.read(["cat"], timeout=60).stdout == ""


def test_a_text_goes_to_a_command_by_its_input_alone(host: Host) -> None:
    text = "".join(f"{number} $HOME `id` 'é'\n" for number in range(2000))
    assert host.read(["cat"], stdin=text, timeout=10).stdout == text


def test_words_arrive_as_they_are(host: Host) -> None:
    words = ["$(id)", "a b", "'", '"', "*", "\\", ";", "é"]
    assert host.read(["printf", "%s\\n", *words]).stdout.splitlines() == words


def test_a_command_ends_at_its_own_deadline(host: Host) -> None:
    with pytest.raises(Trouble, match=r"^ubuntu: 'tail -f /dev/null' did not end within 0\.5 s$"):
        host.read(["tail", "-f", "/dev/null"], timeout=0.5)


@pytest.fixture
def impatient(host: Host, monkeypatch: pytest.MonkeyPatch) -> Host:
    """A host that is waited for no longer than a command may keep still."""
    monkeypatch.setattr(host_module, "GRACE", 0)
    return host


def test_a_command_may_take_longer_than_it_may_keep_still(impatient: Host) -> None:
    script = "for number in 1 2 3 4 5 6; do sleep 0.5; echo $number; done"
    output = impatient.read(["bash", "-c", script, "goes-on"], timeout=Limits(60, still=2))
    assert output.stdout.split() == list("123456")


def test_a_command_that_keeps_still_too_long_is_given_up(impatient: Host) -> None:
    told = r"^ubuntu: no answer for 0\.5 s; the host hangs or the network is cut$"
    with pytest.raises(Trouble, match=told):
        impatient.read(["bash", "-c", "echo begun; exec sleep 20"], timeout=Limits(60, still=0.5))


def test_a_failed_command_shows_its_last_lines(host: Host) -> None:
    with pytest.raises(Trouble, match=r"^ubuntu: 'ls /nowhere' failed with exit code 2$") as caught:
        host.read(["ls", "/nowhere"])
    assert "No such file or directory" in caught.value.evidence[-1]


def test_a_file_is_written_whole_with_its_mode(host: Host) -> None:
    path = host.server.root / "file"
    host.put(path, "a\nb\n", "640")
    assert Path(path).read_text() == "a\nb\n"
    assert Path(path).stat().st_mode & 0o777 == 0o640
    assert sorted(p.name for p in Path(host.server.root).iterdir()) == ["file", "locks"]


def test_a_text_that_did_not_come_whole_leaves_the_file_as_it_was(
    host: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = host.server.root / "file"
    host.put(path, "whole\n")
    run = host.shells.run
    monkeypatch.setattr(
        host.shells, "run", lambda line, _, patience, _told: run(line, b"an", patience)
    )
    with pytest.raises(Trouble, match="failed with exit code 1"):
        host.put(path, "another\n")
    assert Path(path).read_text() == "whole\n"


def test_a_file_comes_into_a_folder_that_was_not_there(host: Host) -> None:
    host.put(host.server.root / "releases" / "one" / "release.json", "ä\n")
    folder = Path(host.server.root) / "releases" / "one"
    assert [(one.name, one.read_text()) for one in folder.iterdir()] == [("release.json", "ä\n")]


def test_a_dry_host_writes_nothing_and_tells_what_it_was_told(host: Host) -> None:
    seen: list[tuple[str, list[str], str]] = []
    dry = DryHost(host, lambda name, words, script: seen.append((name, [*words], script)))
    dry.write(["touch", str(host.server.root / "other")])
    dry.write(["bash", "-c", "rm $1", "away", "file"])
    dry.put(host.server.root / "file", "text")
    assert seen[:2] == [
        ("ubuntu", ["touch", f"{host.server.root}/other"], ""),
        ("ubuntu", ["away", "file"], "rm $1"),
    ]
    assert [words for _, words, _ in seen[2:]] == [["put", f"{host.server.root}/file", "600", "4"]]
    assert [path.name for path in Path(host.server.root).iterdir()] == ["locks"]


def failure(output: Output) -> Trouble:
    return Trouble(f"code {output.code}: {output.stderr}")


def test_a_stream_waits_for_its_reader_and_ends_with_its_commands_end(host: Host) -> None:
    script = 'head -c 3000000 /dev/zero; echo over >"$1/over"'
    words = ["bash", "-c", script, "x", str(host.server.root)]
    over = Path(host.server.root) / "over"
    with host.stream(words, timeout=20, failed=failure) as stream:
        assert len(stream.read(100)) == 100
        assert not over.exists()
        assert len(stream.read()) == 3_000_000 - 100
    assert over.exists()


def test_the_end_of_a_stream_whose_command_failed_is_an_error(host: Host) -> None:
    words = ["bash", "-c", "echo some; echo why >&2; exit 7"]
    with (
        host.stream(words, timeout=20, failed=failure) as stream,
        pytest.raises(Trouble, match=r"^code 7: why\n$"),
    ):
        stream.read()


def test_a_stream_that_nobody_reads_to_its_end_leaves_no_command(host: Host) -> None:
    words = ["bash", "-c", "echo $$; exec cat /dev/zero"]
    with host.stream(words, timeout=20, failed=failure) as stream:
        process = int(stream.readline())
    with pytest.raises(ProcessLookupError):
        os.kill(process, 0)


def test_what_is_poured_is_taken_as_fast_as_the_command_reads(host: Host) -> None:
    taken: list[int] = []

    def chunks() -> Iterator[bytes]:
        for number in range(30):
            taken.append(number)
            yield bytes(100_000)

    output = host.pour(["bash", "-c", "wc -c; echo done >&2; exit 3"], chunks(), timeout=20)
    assert (output.code, output.stdout.strip(), output.stderr) == (3, "3000000", "done\n")
    taken.clear()
    output = host.pour(["bash", "-c", "echo enough >&2; exit 4"], chunks(), timeout=20)
    assert (output.code, output.stderr) == (4, "enough\n")
    assert len(taken) < 30


def test_a_dry_host_pours_nothing(host: Host) -> None:
    asked: list[int] = []

    def chunks() -> Iterator[bytes]:
        asked.append(1)
        yield b"something"

    seen: list[list[str]] = []
    dry = DryHost(host, lambda _name, words, _script: seen.append([*words]))
    assert dry.pour(["tee", str(host.server.root / "file")], chunks(), timeout=5).ok
    assert seen == [["tee", f"{host.server.root}/file"]]
    assert asked == []
    assert not Path(host.server.root / "file").exists()


def test_waiting_ends_with_the_signal_or_at_the_deadline(host: Host) -> None:
    answers = iter([False, True])
    host.wait("the signal", lambda: next(answers), 5)
    with pytest.raises(Trouble, match=r"^ubuntu: the signal did not come true within 0\.3 s$"):
        host.wait("the signal", lambda: False, 0.3)


def test_the_second_is_told_who_holds_the_server_and_at_which_step(host: Host) -> None:
    with Lock(host, "anna@desk since 10:00:00 UTC") as held:
        held.step("roll api-1")
        told = Path(host.server.root) / "locks" / "holder"
        host.wait("the step's name", lambda: "roll" in told.read_text(), 5)
        with pytest.raises(Trouble) as caught, Lock(host, "bert"):
            pass
    assert caught.value.code == 2
    assert caught.value.message == (
        "ubuntu: another change is running: anna@desk since 10:00:00 UTC, at step 'roll api-1'"
        f" since {since(told_of(caught.value))} UTC; wait for it, then run again"
    )
    with Lock(host, "bert"):
        pass


def told_of(trouble: Trouble) -> str:
    """Who is in the way, of what whoever does not get the lock is told."""
    return trouble.message.split(": ", 2)[2].partition("; ")[0]


def since(told: str) -> str:
    """The time at which the step began: now, by the server's clock."""
    found = re.search(r"' since (\d\d:\d\d:\d\d) UTC$", told)
    assert found, told
    now = datetime.now(UTC)
    assert found[1] in {f"{now - timedelta(seconds=n):%H:%M:%S}" for n in range(10)}
    return found[1]


def test_a_server_that_says_nothing_of_the_lock_is_not_waited_for(
    host: Host, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / "flock"
    program.write_text("#!/bin/sh\nread -r line\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    monkeypatch.setattr("fabfile.remote.lock.ANSWER", 0.3)
    with pytest.raises(Trouble, match=r"^ubuntu: no answer for 0\.3 s; does the host hang\?$"):
        Lock(host, "anna").__enter__()


def test_who_takes_the_lock_clears_what_a_change_that_died_left(
    host: Host, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A check of a backup needs no lock: what it has stays, and so does another root's."""
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    stem = scratch_of(host)
    for name in ("proxy", "swap", "load", "verify"):
        (tmp_path / f"{stem}-{name}.12345678").mkdir()
    (tmp_path / "wishwithme-4711-load.12345678").mkdir()
    with Lock(host, "anna"):
        left = sorted(path.name for path in tmp_path.glob("wishwithme-*"))
    assert left == sorted([f"{stem}-verify.12345678", "wishwithme-4711-load.12345678"])


def test_two_at_once_never_both_hold_it(host: Host) -> None:
    together, most, refusals = [0], [0], []

    def hold(name: str) -> None:
        try:
            with Lock(host, name):
                together[0] += 1
                most[0] = max(most[0], together[0])
                host.read(["true"])
                together[0] -= 1
        except Trouble as trouble:
            refusals.append(trouble.code)

    threads = [threading.Thread(target=hold, args=(f"operator {n}",)) for n in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most[0] == 1
    assert set(refusals) <= {2}


def test_a_lock_dies_with_its_holder(host: Host) -> None:
    holder = die_holding(host, "sys.stdin.read()")
    with pytest.raises(Trouble), Lock(host, "too early"):
        pass
    os.kill(holder.pid, signal.SIGKILL)
    holder.communicate()
    host.wait("the lock being free", lambda: free(host), 20)


def die_holding(host: Host, doing: str) -> subprocess.Popen[str]:
    """A process that holds the lock and does something meanwhile; to be killed."""
    script = f"""
import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import PurePosixPath
from invoke import Context
from fabfile.remote.host import Host
from fabfile.remote.lock import Lock
from tests.unit.builders import SERVER
from tests.unit.clone import scratch_of
host = Host(replace(SERVER, root=PurePosixPath({str(host.server.root)!r})), Context())
with Lock(host, "who dies") as lock:
    lock.step("roll api-1")
    print("held", flush=True)
    {doing}
"""
    holder = subprocess.Popen(
        [sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert holder.stdout is not None
    assert holder.stdout.readline() == "held\n"
    return holder


def free(host: Host) -> bool:
    """Whether somebody gets the lock."""
    try:
        with Lock(host, "the next"):
            return True
    except Trouble:
        return False


def fifo(host: Host) -> Path:
    """What a command can wait for."""
    path = Path(host.server.root) / "fifo"
    os.mkfifo(path)
    return path


def test_a_change_that_goes_on_after_its_operator_died_keeps_others_out(host: Host) -> None:
    gate, begun = fifo(host), Path(host.server.root) / "begun"
    # It goes on although nobody takes what it prints.
    script = 'touch "$1"; read -r line <"$2"; echo out && echo err >&2 && touch "$1.ended"'
    change = ["bash", "-c", script, "change", str(begun), str(gate)]
    holder = die_holding(host, f"host.write({change!r})")
    host.wait("the change", begun.exists, 20)
    os.kill(holder.pid, signal.SIGKILL)
    holder.communicate()

    def left() -> Trouble:
        with pytest.raises(Trouble) as caught, Lock(host, "too early"):
            pass
        return caught.value

    host.wait("the lock's end", lambda: "died" in left().message, 20)
    trouble = left()
    assert trouble.code == 2
    assert trouble.message == (
        "ubuntu: a step of a run that died is still under way: who dies, at step 'roll api-1'"
        f" since {since(told_of(trouble))} UTC; wait for its end"
    )
    gate.write_text("go on\n")
    host.wait("the lock being free", lambda: free(host), 20)
    assert Path(f"{begun}.ended").exists()
    with Lock(host, "the next") as lock:
        assert lock.who_died(0).startswith("who dies, at step 'roll api-1' since ")
        assert lock.who_died(2**40) == ""


def test_what_a_change_leaves_running_keeps_nobody_out(host: Host) -> None:
    path = Path(host.server.root) / "pid"
    with Lock(host, "anna"):
        script = 'setsid sleep 60 >/dev/null 2>&1 & echo $! >"$1"'
        host.write(["bash", "-c", script, "leave", str(path)])
    try:
        with Lock(host, "bert"):
            pass
    finally:
        os.kill(int(path.read_text()), signal.SIGKILL)


def test_who_lost_the_lock_unawares_changes_nothing_once_another_one_had_it(host: Host) -> None:
    file = host.server.root / "file"
    with Lock(host, "anna") as anna:
        host.put(file, "first\n")
        anna._beats.said.put("")  # the server does not hear of her any more
        anna._promise.join()
        other = Host(host.server, Context())
        host.put(file, "nobody came\n")
        with Lock(other, "bert"):
            other.put(file, "bert's\n")
        for change in (
            lambda: host.put(file, "too late\n"),
            lambda: host.write(["rm", str(file)], check=False),
            lambda: host.pour(["tee", str(file)], [b"too late"], timeout=5),
        ):
            with pytest.raises(Trouble, match=r"^ubuntu: somebody else has had the lock, which "):
                change()
    assert Path(file).read_text() == "bert's\n"
    host.put(file, "in no turn\n")


def test_a_command_that_ends_with_that_code_by_itself_was_run(host: Host) -> None:
    with Lock(host, "anna"):
        assert host.write(["bash", "-c", "exit 79"], check=False).code == 79


def test_in_turn_words_and_input_arrive_as_they_are_and_the_deadline_holds(host: Host) -> None:
    words = ["$(id)", "a b", "'", '"', "*", "\\", ";", "é"]
    with Lock(host, "anna"):
        assert host.write(["printf", "%s\\n", *words]).stdout.splitlines() == words
        assert host.write(["cat"], stdin="é\n").stdout == "é\n"
        assert host.write(["cat"]).stdout == ""
        both = host.write(["bash", "-c", "seq 30000; seq 9 >&2; exit 3"], check=False)
        assert (both.code, len(both.stdout.split()), len(both.stderr.split())) == (3, 30000, 9)
        with pytest.raises(Trouble, match=r"did not end within 0\.5 s$"):
            host.write(["tail", "-f", "/dev/null"], timeout=0.5)


def test_before_there_is_a_folder_for_locks_there_are_no_turns(host: Host) -> None:
    (Path(host.server.root) / "locks").rmdir()
    turns = []
    with Lock(host, "anna"):
        turns.append(host.turn)
        with pytest.raises(Trouble, match="another change is running"), Lock(host, "bert"):
            pass
        host.write(["mkdir", str(host.server.root / "locks")])
        with Lock(host, "anna"):
            turns.append(host.turn)
        turns.append(host.turn)
    assert [turn is None for turn in turns] == [True, False, True]


def test_a_dead_holder_is_never_shown_as_a_live_one(host: Host) -> None:
    """After a loss of power its file is still there."""
    locks = Path(host.server.root) / "locks"
    (locks / "holder").write_text("who died, at step 'roll api-1'\n")
    with Lock(host, "anna") as lock:
        assert (locks / "holder").read_text() == "anna\n"
        assert lock.who_died(0) == "who died, at step 'roll api-1'"
    assert sorted(path.name for path in locks.iterdir()) == ["died", "step"]
