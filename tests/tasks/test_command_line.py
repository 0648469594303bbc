"""The command line itself: its list, its help, what it refuses before anything else."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from fabfile.model.deploy.plan import Kind
from fabfile.model.hosts.sections import TASKS
from fabfile.naming import meant

from .fakes.fleet import HOSTS, Fleet

ROOT = Path(__file__).resolve().parents[2]


def listed(tree: dict[str, Any], prefix: str = "") -> dict[str, str]:
    """Task → its first line, of what ``fab --list --list-format=json`` prints."""
    found = {f"{prefix}{task['name']}": task["help"] for task in tree["tasks"]}
    for collection in tree["collections"]:
        found |= listed(collection, f"{prefix}{collection['name']}.")
    return found


def test_the_table_of_tasks_in_the_readme_is_the_list_of_tasks(fleet: Fleet) -> None:
    _, _, rest = (ROOT / "README.md").read_text().partition("<!-- commands -->")
    table = rest.partition("<!-- /commands -->")[0]
    rows = re.findall(r"^\| (`.+`) \| (.+) \|$", table, re.MULTILINE)
    documented = {name: text for names, text in rows for name in re.findall(r"`([^`]+)`", names)}
    assert documented == listed(fleet.fab("--list --list-format=json").json)


def test_the_list_needs_no_inventory(fleet: Fleet) -> None:
    fleet.hosts.unlink()
    ran = fleet.fab("--list")
    assert ran.code == 0
    assert "SERVER.deploy" in ran.out
    assert fleet.connections == []


def test_the_list_of_another_program_is_as_ever() -> None:
    """Inv loads the collection too, for its tasks of CI."""
    ran = subprocess.run(
        [sys.executable, "-m", "invoke", "--list"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert ran.stdout.startswith("Available tasks:\n")
    for task in ("lab.up", "ci.deploy", "bench.deploys", "lint"):
        assert f"  {task} " in ran.stdout


def test_a_list_that_nobody_reads_to_its_end_is_no_fault() -> None:
    """As behind ``head``, which has seen enough."""
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "w") as nobody:
        words = [sys.executable, "-m", "fabric", "--list"]
        ran = subprocess.run(
            words, cwd=ROOT, stdout=nobody, stderr=subprocess.PIPE, text=True, check=False
        )
    assert (ran.returncode, ran.stderr) == (0, "")


def test_the_list_has_groups_and_the_tasks_of_every_server_once(fleet: Fleet) -> None:
    lines = fleet.fab("--list").out.splitlines()
    assert [line for line in lines if line[:1] not in ("", " ")] == [
        "All servers together:",
        "One server (SERVER is ubuntu or montreal):",
        "The database:",
        "Volumes:",
        "Certificates:",
        "Maintenance:",
        "What cron does:",
        "Settings and secrets:",
        "The way to servers:",
        "Another project:",
    ]
    names = [line.split()[0] for line in lines if re.match(r"  \S", line)]
    tasks = listed(fleet.fab("--list --list-format=json").json)
    assert sorted(names) == sorted(
        {re.sub(r"^(ubuntu|montreal)\.", "SERVER.", name) for name in tasks}
    )
    assert names[:5] == ["deploy", "plan", "status", "doctor", "bootstrap"]
    assert names[5] == "run"
    assert max(map(len, lines)) <= 80


def test_one_group_is_listed_as_invoke_does(fleet: Fleet) -> None:
    assert "  .deploy      Bring the server to a commit" in fleet.fab("--list ubuntu").out
    assert "  .backup    Dump the database" in fleet.fab("--list db").out
    groups = fleet.fab("--list --list-depth 1").out
    assert re.search(r"  ubuntu \[23 tasks\] +The server ubuntu\n", groups)


def test_a_server_alone_has_its_own_name_in_the_list(tmp_path: Path) -> None:
    hosts = tmp_path / "hosts.ini"
    hosts.write_text("[third]\n")
    out = fab(hosts, "--list").stdout
    assert "The server third:\n" in out
    assert "  third.deploy " in out


def fab(hosts: Path, *words: str, **environ: str) -> subprocess.CompletedProcess[str]:
    """In a process of its own, which reads the inventory for its list of tasks."""
    program = [str(Path(sys.executable).with_name("fab")), *words]
    environment = {**os.environ, "HOSTS_INI": str(hosts), **environ}
    return subprocess.run(
        program, cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )


def test_each_section_has_its_tasks_and_a_list_needs_no_more_of_the_inventory(
    tmp_path: Path,
) -> None:
    hosts = tmp_path / "hosts.ini"
    hosts.write_text("[defaults]\nport = none\n[third]\n[db]\n[ third ]\n[Fourth]\n")
    tasks = listed(json.loads(fab(hosts, "--list", "--list-format=json").stdout))
    groups = {name.partition(".")[0] for name in tasks if "." in name}
    assert groups == {"third", "cron", "db", "env", "hosts", "maintenance", "ssl", "volume"}
    ran = fab(hosts, "third.status")
    assert ran.returncode == 2
    assert f"  {hosts}:4: [db] has the name of a task: name it otherwise\n" in ran.stderr


def test_without_an_inventory_the_list_has_the_tasks_of_all_servers(tmp_path: Path) -> None:
    hosts = tmp_path / "hosts.ini"
    tasks = listed(json.loads(fab(hosts, "--list", "--list-format=json").stdout))
    assert {name.partition(".")[0] for name in tasks} == TASKS
    ran = fab(hosts, "ubuntu.status")
    missing = f"error: {hosts} does not exist; HOSTS_INI names another inventory\n"
    assert (ran.returncode, ran.stdout, ran.stderr) == (2, "", missing)


def test_what_a_task_does_is_imported_when_it_runs() -> None:
    """The list and every Tab of the completion import all tasks, in a process of their own."""
    code = "import fabfile, sys; print(*(name for name in sys.modules if 'fabfile.' in name))"
    words = [sys.executable, "-c", code]
    loaded = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert "fabfile.servers" in loaded
    assert not re.findall(r"fabfile\.(?:ops|remote)\S*", loaded)


def test_the_help_of_a_task_needs_no_inventory_and_explains_every_flag(fleet: Fleet) -> None:
    fleet.hosts.unlink()
    ran = fleet.fab("--help ubuntu.deploy")
    assert ran.code == 0
    flags = re.findall(r"^  (?:-\w, )?--([\w-]+)", ran.out, re.MULTILINE)
    assert sorted(flags) == [
        "allow-destructive", "canary", "dry-run", "for", "json", "keep-old", "only", "rebuild",
        "ref", "remove-orphans", "restart-data", "verbose", "wait", "waive",
        "yes",
    ]  # fmt: skip
    assert "\n  --for DURATION        how long a canary takes" in ran.out
    assert "\n  -y, --yes             do not ask" in ran.out


def test_without_an_inventory_a_task_says_where_it_looked(fleet: Fleet) -> None:
    fleet.hosts.unlink()
    ran = fleet.fab("ubuntu.status")
    assert (ran.code, ran.err) == (
        2,
        f"error: {fleet.hosts} does not exist; HOSTS_INI names another inventory\n",
    )


def test_a_host_flag_is_refused_with_a_sentence(fleet: Fleet) -> None:
    """It would run one server's task on the other one."""
    with fleet.untouched():
        ran = fleet.fab("-H montreal ubuntu.deploy")
    assert (ran.code, ran.err) == (
        2,
        "error: -H is not for these tasks: each names its server; hosts.ini has the addresses\n",
    )
    assert fleet.connections == []


def test_the_dry_run_of_invoke_is_refused_with_a_sentence(fleet: Fleet) -> None:
    """It holds back what Invoke itself runs, and that is not what changes a server here."""
    with fleet.untouched():
        ran = fleet.fab("--dry ubuntu.deploy")
    assert (ran.code, ran.error) == (
        2,
        "--dry is not for these tasks: --dry-run behind a deploy shows what it does",
    )


def test_a_server_without_a_section_is_one_line(fleet: Fleet) -> None:
    fleet.hosts.write_text(HOSTS.partition("[montreal]")[0].replace("calls = montreal\n", ""))
    ran = fleet.fab("montreal.status")
    assert (ran.code, ran.err) == (
        2,
        f"error: {fleet.hosts}: no server [montreal]; known servers: ubuntu\n",
    )


def test_a_broken_inventory_is_a_list_of_lines_and_opens_no_connection(fleet: Fleet) -> None:
    fleet.hosts.write_text(HOSTS.replace("[ubuntu]", "[ubuntu]\nport = ssh\ncolour = red"))
    ran = fleet.fab("deploy")
    assert ran.code == 2
    assert ran.error == f"{fleet.hosts}: 2 problems"
    assert [line.partition(": ")[0] for line in ran.evidence] == [
        f"{fleet.hosts}:10",
        f"{fleet.hosts}:9",
    ]
    assert fleet.connections == []


def test_every_connection_is_closed_at_the_end_and_there_is_one_per_server(running: Fleet) -> None:
    running.connections.clear()
    running.origin.commit("Second", {"README.md": "More\n"})
    running.fab("deploy")
    assert sorted(connection.machine.name for connection in running.connections) == [
        "montreal",
        "ubuntu",
    ]
    assert all(connection.closed for connection in running.connections)


@pytest.mark.parametrize(
    ("line", "ubuntu", "montreal"),
    [("ubuntu.deploy", 6, 2), ("deploy", 8, 4), ("ubuntu.plan", 2, 2)],
)
def test_with_nothing_to_do_round_trips_are_few(
    running: Fleet, line: str, ubuntu: int, montreal: int
) -> None:
    """The lock, what programs there are, one look, and the gates: nothing changed in between."""
    running.forget()
    assert running.fab(line).code == 0
    trips = [server.trips for server in (running.ubuntu, running.montreal)]
    assert trips == [ubuntu, montreal]


def test_a_deploy_of_one_service_with_replicas_takes_20_round_trips_its_rollback_17(
    running: Fleet,
) -> None:
    """Some of them are waited for side by side."""
    running.origin.commit("Second", {"services/api/app.py": "x\n"})
    for line, wanted in (("ubuntu.deploy", [20, 3]), ("ubuntu.rollback", [17, 1])):
        running.forget()
        assert running.fab(line).code == 0
        assert [server.trips for server in (running.ubuntu, running.montreal)] == wanted


def test_the_operator_is_named_by_the_ci_or_by_user_and_host(
    running: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("GITHUB_RUN_ID")
    monkeypatch.setenv("LOGNAME", "operator")
    monkeypatch.setattr("platform.node", lambda: "desk")
    running.origin.commit("Second", {"README.md": "More\n"})
    assert running.fab("ubuntu.deploy").code == 0
    assert running.releases("ubuntu")[-1].who == "operator@desk"


def test_every_documented_field_of_json_is_printed_by_a_command() -> None:
    headings = re.findall(r"^#+ (.+)$", (ROOT / "docs" / "json.md").read_text(), re.MULTILINE)
    assert headings == [
        "JSON",
        "plan",
        "plan: steps",
        "deploy",
        "history",
        "history: env",
        "history --all",
        "history --diff",
        "history --diff: commits",
        "history --show",
        "history --show: steps, gates",
        "status",
        "status: services",
        "doctor",
        "doctor: checks",
        "env.check",
        "env.diff",
        "env.diff: keys",
        "env.explain",
        "health",
        "ssl.status",
        "db.backup, db.verify",
        "db.list",
        "cron.list",
        "volume.backup",
        "logs",
        "stats",
        "top",
        "disk",
        "network",
    ]


def test_the_kinds_of_steps_are_documented() -> None:
    text = (ROOT / "docs" / "deploy.md").read_text()
    assert [kind.value for kind in Kind if f"`{kind.value}`" not in text] == []


def test_the_keys_of_the_inventory_are_documented() -> None:
    text = (ROOT / "docs" / "hosts.md").read_text()
    documented = re.findall(r"^\| `(\w+)` \|", text, re.MULTILINE)
    assert json.dumps(sorted(documented)) == json.dumps(
        sorted([
            "host", "port", "user", "key", "path", "root", "repository", "branch", "compose",
            "domains", "acme_directory", "acme_email", "cdn_ranges", "cdn_header", "open_ports",
            "cdn_purge", "commit_status", "builder", "registry",
            "calls", "allow", "address", "edge", "groups", "secrets", "engine",
            "settle", "compression", "keep_daily", "keep_weekly", "keep_monthly",
            "s3_bucket", "s3_prefix",
            "s3_endpoint", "s3_region", "s3_storage_class", "age_recipient", "connection",
            "passphrase", "agent", "gateway", "ssh_config",
        ])
    )  # fmt: skip


def test_of_many_servers_the_one_that_is_named_has_its_tasks(tmp_path: Path) -> None:
    hosts = tmp_path / "hosts.ini"
    hosts.write_text("[third]\n[fourth]\n")
    for words in (["--help", "third.plan"], ["--help=third.plan"], ["third.plan", "--help"]):
        ran = fab(hosts, *words)
        assert ran.stdout.startswith("Usage: fab [--core-opts] third.plan "), ran.stderr
    ran = fab(hosts, "third.plna")
    assert (ran.returncode, ran.stdout) == (2, "")
    assert ran.stderr == "error: there is no task third.plna; did you mean third.plan?\n"
    ran = fab(hosts, "--complete", "--", "fab third.plan --on")
    assert "--only" in ran.stdout.splitlines()
    assert {"third.plan", "fourth.plan"} <= {*fab(hosts, "--complete", "--", "fab").stdout.split()}


def test_the_parser_is_told_of_no_server_that_no_word_names() -> None:
    tasks = dict.fromkeys(("status", "third.plan", "fourth.plan", "db.backup"), ())
    told = meant(tasks, ["fab", "--help=fourth.plna"], {"third", "fourth"})
    assert dict(told) == {"status": (), "fourth.plan": (), "db.backup": ()}


@pytest.mark.parametrize(("wish", "kept"), [("", True), ("1", False)], ids=["kept", "not kept"])
def test_what_was_compiled_is_kept_unless_a_person_does_not_want_it(
    tmp_path: Path, wish: str, kept: bool
) -> None:
    """Invoke would have it compiled anew for each command."""
    environ = {"PYTHONPYCACHEPREFIX": str(tmp_path / "cache"), "PYTHONDONTWRITEBYTECODE": wish}
    assert fab(tmp_path / "hosts.ini", "--list", **environ).returncode == 0
    assert any(tmp_path.glob("cache/**/fabfile/measuring.*.pyc")) == kept
