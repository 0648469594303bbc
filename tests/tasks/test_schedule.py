"""cron.install, cron.list, cron.remove: from the command line to the crontab on the server."""

from __future__ import annotations

import pytest

from .fakes.engine import Ended
from .fakes.fleet import Fleet
from .fakes.machine import ROOT
from .shelves import backed_up

JOB = f"{ROOT}/operator/job"
TASKS = ("db.backup", "db.verify", "db.prune", "ssl.renew")
BLOCK = f"""\
# BEGIN wishwithme
# Written by fab cron.install, taken out by fab cron.remove. The server's own time zone.
0 3 * * * {JOB} db.backup --quiet
30 3 * * * {JOB} db.verify --quiet
0 4 * * * {JOB} db.prune
17 5,17 * * * {JOB} ssl.renew --quiet
# END wishwithme
"""
FOREIGN = "SHELL=/bin/sh\n*/5 * * * * df -h >/tmp/df 2>&1"
COLLECTION = {
    "fabfile/__init__.py": "",
    "requirements.txt": "fabric\n",
    "requirements-patchwork.txt": "patchwork\n",
}


@pytest.fixture
def deployed(filled: Fleet) -> Fleet:
    """The deployed commit has the collection; one server has a database."""
    filled.origin.commit("The collection", COLLECTION)
    assert filled.fab("deploy").code == 0
    filled.forget()
    return filled


@pytest.fixture
def scheduled(deployed: Fleet) -> Fleet:
    assert deployed.fab("cron.install").code == 0
    deployed.forget()
    return deployed


def ended(fleet: Fleet, task: str, how: str, text: str = "") -> None:
    """A job ends now."""
    fleet.ubuntu.stamps[f"{task}.{how}"] = (fleet.ubuntu.clock, text)


def test_the_jobs_are_installed_where_there_is_something_to_schedule(deployed: Fleet) -> None:
    ran = deployed.fab("cron.install")
    assert ran.code == 0, ran.everything
    assert deployed.ubuntu.crontab == BLOCK
    assert deployed.montreal.crontab is None
    assert deployed.montreal.did == []
    assert ran.lines == [
        "[montreal] nothing to schedule: no database, no domains, no jobs",
        "[ubuntu] ✓ prepare what the jobs need (job, environment, hosts.ini, venv)",
        "[ubuntu] 0 3 * * *  db.backup",
        "[ubuntu] 30 3 * * *  db.verify",
        "[ubuntu] 0 4 * * *  db.prune",
        "[ubuntu] 17 5,17 * * *  ssl.renew",
    ]
    assert deployed.ubuntu.did == [
        "make-folders",
        "put operator/job",
        "put operator/environment",
        "put operator/hosts.ini",
        "environment",
        "put operator/crontab",
        "touch jobs/db.backup jobs/db.verify jobs/db.prune jobs/ssl.renew",
        "change-crontab",
    ]


def test_what_the_server_needs_of_the_inventory_stands_beside_the_jobs(scheduled: Fleet) -> None:
    text = scheduled.ubuntu.files[f"{ROOT}/operator/hosts.ini"]
    assert sorted(text.splitlines()) == [
        "# Written by fab cron.install.",
        "[ubuntu]",
        "address = 10.0.0.1",
        "branch = main",
        "compose = compose/ubuntu.yml",
        "connection = local",
        "domains = app.example, api.app.example",
        "path = /home/ubuntu/app",
        "repository = git://origin/app.git",
        "root = /opt/app",
    ]


def test_a_second_run_changes_nothing(scheduled: Fleet) -> None:
    ran = scheduled.fab("cron.install")
    assert ran.code == 0
    assert "[ubuntu] no change" in ran.lines
    assert scheduled.ubuntu.did == ["make-folders", "environment"]
    assert scheduled.ubuntu.crontab == BLOCK


def test_new_requirements_and_settings_are_brought_there_and_nothing_else(
    scheduled: Fleet,
) -> None:
    scheduled.origin.commit("Packages", {"requirements.txt": "fabric, newer\n"})
    assert scheduled.fab("deploy").code == 0
    scheduled.hosts.write_text(
        scheduled.hosts.read_text().replace("branch = main", "branch = main\nsettle = 6")
    )
    ran = scheduled.fab("cron.install")
    assert "[ubuntu] ✓ prepare what the jobs need (hosts.ini, venv)" in ran.lines
    assert "[ubuntu] no change" not in ran.lines
    assert "newer" in scheduled.ubuntu.environment


def test_entries_of_others_stay_and_a_last_line_without_an_end_gets_one(deployed: Fleet) -> None:
    deployed.ubuntu.crontab = FOREIGN
    assert deployed.fab("cron.install").code == 0
    assert deployed.ubuntu.crontab == f"{FOREIGN}\n{BLOCK}"
    deployed.ubuntu.crontab += "@reboot true\n"
    assert deployed.fab("cron.install").code == 0
    assert deployed.ubuntu.crontab == f"{FOREIGN}\n{BLOCK}@reboot true\n"
    assert deployed.fab("cron.remove").code == 0
    assert deployed.ubuntu.crontab == f"{FOREIGN}\n@reboot true\n"


def test_the_jobs_of_another_root_on_the_server_stay(deployed: Fleet) -> None:
    theirs = BLOCK.replace(ROOT, "/opt/staging").replace("0 3 * * *", "0 2 * * *")
    deployed.ubuntu.crontab = theirs
    assert deployed.fab("cron.install").code == 0
    assert deployed.ubuntu.crontab == theirs + BLOCK
    seen = deployed.fab("status --json").json["ubuntu"]["jobs"]
    assert [job["when"] for job in seen] == [
        "0 3 * * *",
        "30 3 * * *",
        "0 4 * * *",
        "17 5,17 * * *",
    ]
    assert deployed.fab("cron.remove").code == 0
    assert deployed.ubuntu.crontab == theirs


def test_what_was_nobodys_is_gone_without_a_trace(scheduled: Fleet) -> None:
    ran = scheduled.fab("cron.remove")
    assert ran.code == 0
    assert scheduled.ubuntu.crontab is None
    assert sorted(ran.lines) == [
        "[montreal] no change: nothing of ours is in the crontab",
        "[ubuntu] the jobs are out of the crontab; logs and environment stay",
    ]


def test_the_address_of_the_mail_stays_and_holds_for_our_entries_only(deployed: Fleet) -> None:
    deployed.ubuntu.crontab = "MAILTO=root\n@daily true\n"
    assert deployed.fab("cron.install --mailto ops@app.example").code == 0
    there = deployed.ubuntu.crontab
    lines = there.splitlines()
    assert lines[4:5] + lines[-2:] == ["MAILTO=ops@app.example", "MAILTO=root", "# END wishwithme"]
    assert deployed.fab("cron.install").code == 0
    assert deployed.ubuntu.crontab == there


@pytest.mark.parametrize("address", ["ops@app.example;id", "'", "ops@x%0a", "@x"])
def test_what_is_no_address_is_refused(deployed: Fleet, address: str) -> None:
    with deployed.untouched():
        ran = deployed.fab(f"cron.install --mailto={address}")
    assert (ran.code, ran.error) == (2, f"--mailto '{address}' is no mail address")


# --- refused, in one line, before anything is touched


def refusal(fleet: Fleet, line: str = "cron.install") -> str:
    before = fleet.ubuntu.crontab
    with fleet.untouched():
        ran = fleet.fab(line)
    assert ran.code == 2, ran.everything
    assert fleet.ubuntu.crontab == before
    return ran.error


def test_a_server_without_cron_is_refused_with_the_remedy(deployed: Fleet) -> None:
    deployed.ubuntu.missing_programs = ("crontab",)
    remedy = "crontab is not installed on the server; install it: sudo apt-get install cron"
    assert refusal(deployed) == f"ubuntu: {remedy}"
    assert refusal(deployed, "cron.remove --on ubuntu") == f"ubuntu: {remedy}"


def test_a_user_who_may_not_use_cron_is_refused(deployed: Fleet) -> None:
    said = "You (ubuntu) are not allowed to use this program (crontab)\nSee crontab(1)\n"
    deployed.ubuntu.fail("^crontab", ended=Ended(1, err=said))
    assert refusal(deployed) == (
        "ubuntu: ubuntu may not use crontab; see /etc/cron.allow and /etc/cron.deny on the server"
    )


def test_a_server_that_can_make_no_environment_is_refused_with_the_remedy(deployed: Fleet) -> None:
    deployed.ubuntu.missing_programs = ("python3",)
    assert refusal(deployed) == (
        "ubuntu: no Python 3.11 or newer with its venv module on the server; install it:"
        " sudo apt-get install python3-venv"
    )


def test_a_server_without_a_release_is_refused(fleet: Fleet) -> None:
    assert refusal(fleet, "cron.install --on ubuntu").endswith("; deploy first")


def test_a_release_without_the_collection_is_refused(filled: Fleet) -> None:
    assert refusal(filled) == (
        "ubuntu: the deployed commit 00000002 has no fabfile.py or fabfile/__init__.py,"
        " requirements-deploy.txt or requirements.txt, requirements-patchwork.txt;"
        " deploy one that has"
    )


def test_another_repository_needs_its_fabfile_and_the_requirements_of_fab_alone(
    filled: Fleet,
) -> None:
    files = {
        "fabfile.py": "",
        "requirements-deploy.txt": "ops\n",
        "requirements-patchwork.txt": "patchwork\n",
        "requirements.txt": "flask\n",
    }
    filled.origin.commit("Another repository", files)
    assert filled.fab("deploy").code == 0
    assert filled.fab("cron.install").code == 0
    assert filled.ubuntu.environment == "ops\n"


def test_a_server_with_nothing_to_schedule_is_refused_when_it_is_named(deployed: Fleet) -> None:
    assert refusal(deployed, "cron.install --on montreal") == "montreal: nothing to schedule"


def test_half_a_block_is_nothing_that_we_mend(deployed: Fleet) -> None:
    deployed.ubuntu.crontab = "# BEGIN wishwithme\n@daily true\n"
    for line in ("cron.install", "cron.remove --on ubuntu"):
        assert refusal(deployed, line) == (
            "ubuntu: crontab: '# BEGIN wishwithme' and '# END wishwithme' do not stand there in"
            " pairs, one for each root; mend it there with crontab -e, then run again"
        )


def test_somebody_elses_change_of_the_server_is_waited_for_by_nobody(deployed: Fleet) -> None:
    deployed.ubuntu.locks["locks"] = "anna"
    assert refusal(deployed).startswith("ubuntu: another change is running: anna")


# --- failures: the crontab stays as it was


@pytest.mark.parametrize(
    ("pattern", "error"),
    [
        ("^put operator/job", "ubuntu: 'put"),
        ("^environment", "ubuntu: the environment of the jobs cannot be made"),
        ("^env$", "ubuntu: 'env"),
        ("^touch", "ubuntu: 'touch"),
        ("^change-crontab", "ubuntu: crontab refuses"),
    ],
)
def test_whatever_fails_leaves_the_crontab_as_it_was(
    deployed: Fleet, pattern: str, error: str
) -> None:
    deployed.ubuntu.crontab = f"{FOREIGN}\n"
    deployed.ubuntu.fail(pattern, ended=Ended(1, err="injected\n"), times=1)
    ran = deployed.fab("cron.install")
    assert (ran.code, ran.error[: len(error)]) == (1, error), ran.everything
    assert deployed.ubuntu.crontab == f"{FOREIGN}\n"
    assert deployed.fab("cron.install").code == 0
    assert deployed.ubuntu.crontab == f"{FOREIGN}\n{BLOCK}"


def test_a_crontab_that_somebody_edits_meanwhile_keeps_what_they_wrote(deployed: Fleet) -> None:
    def edit() -> None:
        deployed.ubuntu.crontab = f"{deployed.ubuntu.crontab or ''}@daily theirs\n"

    deployed.ubuntu.fail("^change-crontab", goes_on=True, times=1, first=edit)
    ran = deployed.fab("cron.install")
    assert ran.code == 0, ran.everything
    assert deployed.ubuntu.crontab == f"@daily theirs\n{BLOCK}"
    deployed.ubuntu.fail("^change-crontab", goes_on=True, times=1, first=edit)
    assert deployed.fab("cron.remove --on ubuntu").code == 0
    assert deployed.ubuntu.crontab == "@daily theirs\n@daily theirs\n"

    deployed.ubuntu.fail("^change-crontab", goes_on=True, first=edit)
    ran = deployed.fab("cron.install")
    told = "ubuntu: somebody else keeps changing the crontab; run again"
    assert (ran.code, ran.error) == (2, told)
    assert BLOCK not in deployed.ubuntu.crontab


def test_a_task_that_the_deployed_collection_has_not_is_not_scheduled(deployed: Fleet) -> None:
    listed = '{"tasks": [], "collections": [{"name": "db", "tasks": [], "collections": []}]}'
    deployed.ubuntu.fail("^env$", ended=Ended(0, listed))
    ran = deployed.fab("cron.install")
    assert (ran.code, ran.error) == (
        1,
        f"ubuntu: the deployed commit has no task {', '.join(TASKS)}; deploy first",
    )
    assert deployed.ubuntu.crontab is None


# --- what became of the jobs


def test_the_list_tells_how_each_job_ended(scheduled: Fleet) -> None:
    installed = scheduled.ubuntu.stamps["db.backup"][0]
    ended(scheduled, "db.backup", "success")
    ended(scheduled, "db.verify", "failure", "ubuntu: no backup")
    at = scheduled.ubuntu.clock
    found = scheduled.fab("cron.list --json").json
    assert found["montreal"] == []
    assert found["ubuntu"][:2] == [
        {
            "task": "db.backup",
            "when": "0 3 * * *",
            "since": installed,
            "succeeded": at,
            "failed": 0,
            "why": "",
            "late": "",
            "log": f"{ROOT}/operator/logs/db.backup.log",
        },
        {
            "task": "db.verify",
            "when": "30 3 * * *",
            "since": installed,
            "succeeded": 0,
            "failed": at,
            "why": "ubuntu: no backup",
            "late": "failed 1 min ago: ubuntu: no backup",
            "log": f"{ROOT}/operator/logs/db.verify.log",
        },
    ]
    shown = scheduled.fab("cron.list")
    assert "[montreal] no jobs; fab cron.install installs them" in shown.lines
    assert "2027-01-15 08:" in shown.out
    assert "ubuntu: no backup" in shown.out


def test_the_status_shows_the_last_success_and_what_is_wrong_in_red(scheduled: Fleet) -> None:
    backed_up(scheduled)
    scheduled.ubuntu.clock -= 86400
    for task in TASKS:
        ended(scheduled, task, "success")
    shown = scheduled.fab("status")
    line = next(line for line in shown.lines if "jobs, last success" in line)
    assert line.startswith("[ubuntu] jobs, last success: db.backup 2027-01-15 08:")
    assert [line for line in shown.lines if line.startswith("[ubuntu] job ")] == []
    scheduled.ubuntu.clock += 60
    ended(scheduled, "db.backup", "failure", "ubuntu: no backup was made: gone")
    assert "[ubuntu] job db.backup: failed 1 min ago: ubuntu: no backup was made: gone" in (
        scheduled.fab("status").lines
    )


def test_a_missed_backup_is_one_red_line_and_a_missed_check_another(scheduled: Fleet) -> None:
    backed_up(scheduled)
    scheduled.ubuntu.clock -= 86400
    for task in TASKS:
        ended(scheduled, task, "success")
    scheduled.ubuntu.clock += 27 * 3600
    shown = scheduled.fab("ubuntu.status")
    assert [line for line in shown.lines if "27 h" in line] == [
        f"[ubuntu] backup: the last backup, {backed_up_name(scheduled)}, is 27 h old",
        "[ubuntu] job db.verify: no success within 26 h: the last one 27 h ago",
        "[ubuntu] job db.prune: no success within 26 h: the last one 27 h ago",
        "[ubuntu] job ssl.renew: no success within 26 h: the last one 27 h ago",
    ]


def backed_up_name(fleet: Fleet) -> str:
    name: str = fleet.fab("status --json").json["ubuntu"]["backup"]["name"]
    return name


LOST = "its entry is not in the crontab any more; fab cron.install puts it back"
EDITED = "its entry in the crontab is not the one that was installed; fab cron.install puts it back"
NO_DAEMON = (
    "no cron daemon runs on the server, so nothing starts the jobs:"
    " sudo apt-get install cron, sudo systemctl enable --now cron"
)


def test_a_crontab_that_was_removed_is_told_until_it_is_back(scheduled: Fleet) -> None:
    backed_up(scheduled)
    scheduled.ubuntu.crontab = None
    wanted = [f"job {task}: {LOST}" for task in TASKS]
    assert red(scheduled.fab("status").lines) == wanted
    ran = scheduled.fab("doctor")
    assert (ran.code, red(ran.lines)) == (0, [f"warn cron: {line}" for line in wanted])
    assert red(scheduled.fab("cron.list").lines) == [f"warning: {line}" for line in wanted]
    assert scheduled.fab("cron.install").code == 0
    assert red(scheduled.fab("status").lines) == []
    scheduled.ubuntu.crontab = None
    assert scheduled.fab("cron.remove").code == 0  # it was meant
    assert red(scheduled.fab("status").lines) == []
    assert red(scheduled.fab("doctor").lines) == []


def test_an_entry_that_somebody_edited_is_told(scheduled: Fleet) -> None:
    backed_up(scheduled)
    assert scheduled.ubuntu.crontab
    scheduled.ubuntu.crontab = scheduled.ubuntu.crontab.replace("30 3 * * *", "30 3 31 2 *")
    assert red(scheduled.fab("status").lines) == [f"job db.verify: {EDITED}"]
    assert scheduled.fab("status --json").json["ubuntu"]["jobs"][1]["when"] == "30 3 31 2 *"


def test_a_crontab_that_nobody_noted_is_noted_by_the_next_installation(scheduled: Fleet) -> None:
    """As installations of before have it."""
    del scheduled.ubuntu.files[f"{ROOT}/operator/crontab"]
    scheduled.forget()
    assert "[ubuntu] no change" not in scheduled.fab("cron.install").lines
    assert scheduled.ubuntu.did == ["make-folders", "environment", "put operator/crontab"]
    assert scheduled.ubuntu.files[f"{ROOT}/operator/crontab"] == BLOCK


def test_a_server_whose_cron_daemon_does_not_run_is_told(deployed: Fleet) -> None:
    backed_up(deployed)
    deployed.ubuntu.cron = "no"
    assert red(deployed.fab("status").lines) == []  # nobody asked cron for anything
    ran = deployed.fab("cron.install")
    assert (ran.code, ran.lines[-1]) == (0, f"[ubuntu] warning: {NO_DAEMON}")
    assert red(deployed.fab("status").lines) == [NO_DAEMON]
    assert deployed.fab("status --json").json["ubuntu"]["cron"] == NO_DAEMON
    assert red(deployed.fab("doctor").lines) == [f"warn cron: {NO_DAEMON}"]
    assert red(deployed.fab("cron.list").lines) == [f"warning: {NO_DAEMON}"]
    deployed.ubuntu.cron = ""  # nobody can say
    assert red(deployed.fab("status").lines) == []


def red(lines: list[str]) -> list[str]:
    """What is told of cron and its jobs, but for how they ended."""
    told = [line.removeprefix("[ubuntu] ") for line in lines if line.startswith("[ubuntu] ")]
    return [line for line in told if "job " in line or "cron daemon" in line]


def test_a_server_without_jobs_says_nothing_of_them(deployed: Fleet) -> None:
    assert "jobs" not in deployed.fab("status").out
    assert deployed.fab("status --json").json["ubuntu"]["jobs"] == []


def test_a_backup_knows_that_it_was_time(scheduled: Fleet, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WISHWITHME_JOB", "db.backup")
    assert scheduled.fab("db.backup --json").json["reason"] == "by schedule"
