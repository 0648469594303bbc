"""The script that cron starts, run as cron does, with a collection of a few lines."""

from __future__ import annotations

import fcntl
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest

from fabfile.remote.schedule.crontab import JOB

ENVIRONMENT = """\
#!/bin/sh
echo "environment: ready"
"""
FAB = """\
#!/bin/sh
echo "fab $* for $WISHWITHME_JOB by $HOSTS_INI"
if read -r _; then echo 'something to read'; fi
echo 'é' >&2
. "$(dirname "$0")/doing"
"""


class Place:
    """ROOT/operator and a checkout, below a temporary folder."""

    def __init__(self, folder: Path) -> None:
        self.operator = folder / "root" / "operator"
        self.checkout = folder / "the checkout"
        for made in (self.operator / "jobs", self.operator / "logs", self.operator / "venv/bin"):
            made.mkdir(parents=True)
        (self.operator / "hosts.ini").write_text(f"[ubuntu]\npath = {self.checkout}\n")
        self.program(self.operator / "environment", ENVIRONMENT)
        self.program(self.operator / "venv/bin/fab", FAB)
        self.program(self.operator / "job", JOB)
        self.does("true")

    def program(self, path: Path, text: str) -> None:
        path.write_text(text)
        path.chmod(0o755)

    def does(self, script: str) -> None:
        """What the task does, in shell."""
        (self.operator / "venv/bin/doing").write_text(f"{script}\n")

    def run(self, words: Sequence[str] = ("db.backup", "--quiet")) -> tuple[int, str]:
        """Exit code, and what cron would mail."""
        done = subprocess.run(
            [self.operator / "job", *words],
            env={"HOME": str(self.operator), "PATH": "/usr/bin:/bin"},
            cwd="/",
            input="ours\n",
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
            timeout=20,
        )
        return done.returncode, done.stdout

    def log(self, task: str = "db.backup") -> str:
        return (self.operator / "logs" / f"{task}.log").read_text()

    def stamps(self) -> dict[str, str]:
        return {path.name: path.read_text() for path in (self.operator / "jobs").iterdir()}


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


def test_a_job_that_succeeds_prints_nothing_and_leaves_its_time_and_log(place: Place) -> None:
    assert place.run() == (0, "")
    assert place.stamps() == {"lock": "", "db.backup": "", "db.backup.success": ""}
    begin, *said, end = place.log().splitlines()
    assert begin.endswith("Z begin: db.backup --quiet")
    assert end.endswith("Z end: exit code 0")
    assert said == [
        "environment: ready",
        (
            f"fab --search-root {place.checkout} db.backup --quiet for db.backup"
            f" by {place.operator}/hosts.ini"
        ),
        "é",
    ]


def test_a_job_that_fails_prints_all_of_this_run_and_nothing_of_others(place: Place) -> None:
    place.does("echo earlier")
    place.run()
    place.does("echo 'error: ubuntu: no backup was made: gone' >&2; echo '  evidence'; exit 2")
    code, printed = place.run()
    assert code == 2
    assert printed.splitlines()[0] == "db.backup failed with exit code 2:"
    assert printed.splitlines()[-2:] == ["error: ubuntu: no backup was made: gone", "  evidence"]
    assert "earlier" not in printed
    assert place.stamps()["db.backup.failure"] == "ubuntu: no backup was made: gone\n"
    assert "db.backup.success" in place.stamps()


def test_without_an_error_of_ours_the_exit_code_is_the_reason(place: Place) -> None:
    place.does("kill -SEGV $$")
    code, _ = place.run()
    assert code == 139
    assert place.stamps()["db.backup.failure"] == "exit code 139\n"


def test_without_its_environment_no_task_is_run(place: Place) -> None:
    place.program(place.operator / "environment", "#!/bin/sh\necho 'no index' >&2; exit 1\n")
    code, printed = place.run()
    assert (code, "no index" in printed, "fab" in printed) == (1, True, False)


def test_a_job_that_runs_still_says_so_and_leaves_the_stamps_alone(place: Place) -> None:
    with (place.operator / "jobs/db.backup").open("a") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        code, printed = place.run()
        assert (code, printed) == (
            75,
            f"db.backup is running still, see {place.operator}/logs/db.backup.log\n",
        )
        assert "db.backup is running still; nothing is done" in place.log()
        assert place.run(["db.verify"])[0] == 0
    assert set(place.stamps()) == {"lock", "db.backup", "db.verify", "db.verify.success"}


def test_jobs_wait_for_each_other(place: Place) -> None:
    place.program(place.operator / "job", JOB.replace("longest=21600", "longest=1"))
    with (place.operator / "jobs/lock").open("a") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        code, printed = place.run()
    assert code == 75
    assert "error: another job did not end within" in printed
    assert place.run() == (0, "")


def test_the_task_has_a_deadline(place: Place) -> None:
    place.program(place.operator / "job", JOB.replace("longest=21600", "longest=1"))
    place.does("tail -f /dev/null")
    code, _ = place.run()
    assert code == 124
    assert place.stamps()["db.backup.failure"] == "exit code 124\n"


def test_a_log_never_grows_beyond_its_bound(place: Place) -> None:
    log = place.operator / "logs/db.backup.log"
    log.write_text("x" * (1 << 20))
    place.run()
    assert not log.with_suffix(".log.1").exists()
    place.run()
    assert log.with_suffix(".log.1").stat().st_size > 1 << 20
    assert log.stat().st_size < 1000
    assert place.log().splitlines()[0].endswith("begin: db.backup --quiet")


def test_only_the_owner_reads_what_a_job_wrote(place: Place) -> None:
    place.does("exit 1")
    place.run()
    written = [place.operator / "logs/db.backup.log", *(place.operator / "jobs").iterdir()]
    assert {path.stat().st_mode & 0o777 for path in written} == {0o600}


def test_a_job_of_the_application_waits_for_none_of_ours(place: Place) -> None:
    with (place.operator / "jobs" / "lock").open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        assert place.run(["app:tidy"]) == (0, "")
    told = f"fab --search-root {place.checkout} cron.run tidy for app:tidy by "
    assert told in place.log("app:tidy")
    assert "app:tidy.success" in place.stamps()
    place.does("echo 'error: it is full'; exit 1")
    assert place.run(["app:tidy"])[0] == 1
    assert place.stamps()["app:tidy.failure"] == "it is full\n"
