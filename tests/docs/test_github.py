"""docs/github.md: its commands protect the environment of the keys that the workflows use."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path
from typing import Any

import pytest

from fabfile.model.hosts.hosts_ini import parse
from scripts.ci.keys import ENVIRONMENT, variable

from .tables import DOCS

ROOT = Path(__file__).resolve().parents[2]
PAGE = (DOCS / "github.md").read_text()
SERVERS = parse((ROOT / "hosts.ini").read_text(), ROOT / "hosts.ini").servers
API = f"repos/{{owner}}/{{repo}}/environments/{ENVIRONMENT}"
POLICY = {"protected_branches": False, "custom_branch_policies": True}


def blocks(text: str) -> list[str]:
    return re.findall(r"^```sh\n(.*?)^```$", text, flags=re.MULTILINE | re.DOTALL)


def commands(shell: str, start: str) -> list[list[str]]:
    """The words of each command that begins so, redirections included, comments not."""
    lines = shell.splitlines()
    return [shlex.split(line, comments=True) for line in lines if line.startswith(start)]


def bodies() -> list[Any]:
    """The JSON of each here-document."""
    found = re.findall(r"<<'JSON'\n(.*?)^JSON$", PAGE, flags=re.MULTILINE | re.DOTALL)
    return [json.loads(text) for text in found]


@pytest.mark.parametrize("text", [(ROOT / "README.md").read_text(), PAGE], ids=["README", "page"])
def test_every_key_is_a_secret_of_the_environment(text: str) -> None:
    home = str(Path.home())
    assert commands("".join(blocks(text)), "gh secret set") == [
        [
            *("gh", "secret", "set", variable(server.name), "--env", ENVIRONMENT),
            f"<{str(server.key).replace(home, '~')}",
        ]
        for server in SERVERS
    ]


def test_the_secrets_of_the_repository_are_deleted() -> None:
    names = [words[3] for words in commands("".join(blocks(PAGE)), "gh secret delete")]
    assert names == [variable(server.name) for server in SERVERS]


def test_the_environment_is_made_before_its_secrets_and_lets_main_alone_in() -> None:
    """As GitHub documents both endpoints; of the two kinds of rule exactly one must be true."""
    first = next(block for block in blocks(PAGE) if "environments/" in block)
    assert first.index("environments/") < first.index("gh secret set")
    make, allow, look = commands(first, "gh api")
    assert make == ["gh", "api", "--method", "PUT", API, "--input", "-", "<<JSON"]
    policies = f"{API}/deployment-branch-policies"
    wanted = ["--method", "POST", policies, "-f", "name=main", "-f", "type=branch"]
    assert allow == ["gh", "api", *wanted]
    assert look == ["gh", "api", policies, "--jq", ".branch_policies[].name"]
    assert bodies()[0] == {"deployment_branch_policy": POLICY}


def test_a_reviewer_is_asked_beside_the_rule_of_branches_not_in_its_place() -> None:
    """The call replaces all rules of the environment, so it must send this one again."""
    assert bodies()[1] == {
        "deployment_branch_policy": POLICY,
        "prevent_self_review": True,
        "reviewers": [{"type": "User", "id": 1}],
    }


def test_every_workflow_that_the_page_names_is_there() -> None:
    named = {*re.findall(r"`([\w-]+\.yml)`", PAGE)}
    assert named == {file.name for file in ROOT.glob(".github/workflows/*.yml")}
