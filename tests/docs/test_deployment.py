"""The pages about pipelines and certificates: every command in them exists and takes its words."""

from __future__ import annotations

import re
import shlex
import subprocess
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import yaml

import tasks

from .tables import DOCS, first_column

ROOT = DOCS.parent
PAGES = {
    name: (ROOT / name).read_text()
    for name in ("docs/13-deployment.md", "docs/github.md", "docs/gitlab.md", "nginx/README.md")
}
TOOLS = {"fab", "git", "gh", "glab", "inv", "scripts/test", "scripts/setup"}
OTHERS = {"base64", "cd", "cp", "curl", "grep", "openssl", ".", "$EDITOR"}
GITLAB: dict[str, Any] = yaml.safe_load((DOCS / "gitlab-ci.yml").read_text())
each_page = pytest.mark.parametrize("page", PAGES)


def commands(page: str) -> Iterator[list[str]]:
    """The words of each command in a block, those behind && and | apart; comments left out."""
    for block in re.findall(r"^```sh\n(.*?)^```$", PAGES[page], re.MULTILINE | re.DOTALL):
        plain = re.sub(r"<<'JSON'\n.*?^JSON$", "", block, flags=re.MULTILINE | re.DOTALL)
        for line in plain.splitlines():
            words: list[str] = []
            for word in shlex.split(line, comments=True):
                if word in ("&&", "|"):
                    yield words
                    words = []
                else:
                    words.append(word)
            if words:
                yield words


def of(tool: str) -> list[tuple[str, list[str]]]:
    return [(page, words[1:]) for page in PAGES for words in commands(page) if words[0] == tool]


@each_page
def test_every_command_is_of_a_known_program(page: str) -> None:
    assert {words[0] for words in commands(page)} <= TOOLS | OTHERS


def test_every_task_of_inv_is_there_and_takes_the_options() -> None:
    found = of("inv")
    assert {words[0] for _, words in found} == {
        *("ci.turn", "ci.changes", "ci.deploy", "ci.rollback", "ci.watch")
    }
    for page, (name, *words) in found:
        task = tasks.ns[name]
        taken = {f"--{arg.name.replace('_', '-')}" for arg in task.get_arguments()}
        given = {word for word in words if word.startswith("--")}
        assert given <= taken, (page, name)
        needed = {f"--{arg.name}" for arg in task.get_arguments() if arg.default is None}
        assert needed <= given | {"--server"}, (page, name)


def test_every_call_of_the_tests_is_one_that_the_script_takes() -> None:
    """It refuses what it does not know before it does anything."""
    usage = subprocess.run(
        [ROOT / "scripts/test", "--nonsense"], capture_output=True, text=True, check=False
    ).stderr
    for page, words in of("scripts/test"):
        assert not words or words[0] in usage, page


def test_every_workflow_that_is_started_is_there_with_its_inputs() -> None:
    started = [words for _, words in of("gh") if words[:2] == ["workflow", "run"]]
    assert {words[2] for words in started} == {*("deploy-ubuntu.yml", "hotfix.yml", "rollback.yml")}
    for _, _, name, *words in started:
        model = yaml.safe_load((ROOT / ".github/workflows" / name).read_text())
        inputs = model[True]["workflow_dispatch"]["inputs"]
        given = dict(word.split("=") for flag, word in pairwise(words) if flag == "-f")
        assert given.keys() <= inputs.keys()
        assert {one for one in inputs if inputs[one]["required"]} <= given.keys()
        assert words[:2] == ["--ref", "main"]


def test_every_variable_of_a_pipeline_is_one_of_the_file() -> None:
    variables = GITLAB["variables"]
    told = [words for _, words in of("glab") if words[:2] == ["ci", "run"]]
    given = [word.split(":") for words in told for word in words if ":" in word]
    named = [one.split("=") for one in re.findall(r"`(\w+=\w+)`", PAGES["docs/gitlab.md"])]
    assert given
    assert [one for one in [*given, *named] if one[1] not in variables[one[0]]["options"]] == []


def test_every_job_that_the_page_names_is_one_of_the_file() -> None:
    table = PAGES["docs/gitlab.md"].partition("| pipeline |")[2].partition("\n\n")[0]
    cells = " ".join(row.split("|")[3] for row in table.splitlines() if row.count("|") > 3)
    jobs = {name for name in GITLAB if "script" in GITLAB[name]}
    assert jobs - {"collection"} <= {*re.findall(r"`([\w-]+)`", cells)}


def test_the_variables_with_the_keys_are_those_of_hosts_ini() -> None:
    from fabfile.model.hosts.hosts_ini import parse  # noqa: PLC0415
    from scripts.ci.keys import variable  # noqa: PLC0415

    servers = parse((ROOT / "hosts.ini").read_text(), ROOT / "hosts.ini").servers
    names = [variable(server.name) for server in servers]
    assert first_column("gitlab.md", "Where the keys stand") == names
    told = [words[2] for _, words in of("glab") if words[:2] == ["variable", "set"]]
    assert told == names


def test_every_file_that_the_guide_to_certificates_names_is_there() -> None:
    table = PAGES["nginx/README.md"].partition("In this folder:")[2].partition("On the server")[0]
    rows = [row for row in table.splitlines() if row.startswith("| `")]
    named = [name for row in rows for name in re.findall(r"`([\w/.-]+\.conf)`", row.split("|")[1])]
    assert len(named) == 9
    assert [name for name in named if not (ROOT / "nginx" / name).is_file()] == []


def test_the_certificates_stand_where_the_guide_says() -> None:
    tls = (ROOT / "nginx/snippets/tls.conf").read_text()
    for name in re.findall(r"^ssl_certificate(?:_key)? +(\S+);", tls, re.MULTILINE):
        file = f"certs/{Path(name).name}"
        assert re.search(
            rf"^\| `{re.escape(file)}` \|.*\| `{re.escape(name)}` \|$",
            PAGES["nginx/README.md"],
            re.MULTILINE,
        )
