"""Each judge finds the fault that it is there for; silence is never the same as absence."""

from __future__ import annotations

import re
import shutil
import subprocess
import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.suite import judges

Plant = Callable[..., None]

CLEAN_COMPOSE = "name: planted\nservices:\n  web:\n    image: nginx:1.31.3-alpine\n"
CLEAN_NGINX = """\
worker_rlimit_nofile 128;
events { worker_connections 64; }
http {
    server_tokens off;
    include /etc/wishwithme/snippets/more.conf;
}
"""


@pytest.fixture
def plant(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Plant:
    """Lay out a repository with these files and our own rules, and point the judges at it."""

    def lay(**files: str) -> None:
        for name, text in files.items():
            file = tmp_path / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text)

    subprocess.run(["git", "init", "--quiet", tmp_path], check=True)
    for rules in ("pyproject.toml", ".yamllint", ".hadolint.yaml"):
        shutil.copy(judges.ROOT / rules, tmp_path / rules)
    monkeypatch.setattr(judges, "ROOT", tmp_path)
    monkeypatch.setattr(judges, "_files", judges._files.__wrapped__)
    return lay


FAULTS = {
    "mypy": (
        {
            "tasks.py": "x: int = ''\n",
            **dict.fromkeys(("tests/a.py", "fabfile/a.py", "benchmarks/a.py"), ""),
        },
        "assignment",
    ),
    "ruff": ({"a.py": "import os\n"}, "F401"),
    "ruff format": ({"a.py": "x = {  }\n"}, "+x = {}"),
    "shellcheck": ({"run": "#!/bin/sh\nrm $1\n"}, "SC2086"),
    "yamllint": ({"a.yml": "a: 1\na: 2\n"}, "duplication of key"),
    "compose schema": ({"compose/a.yml": "services: {web: {imagge: x}}\n"}, "imagge"),
    "compose config": ({"compose/docker-compose.yml": "services: {web: {image: }}\n"}, "web"),
    "hadolint": ({"web/Dockerfile": "FROM debian\n"}, "DL3006"),
    "crossplane": (
        {
            "nginx/ubuntu/nginx.conf": CLEAN_NGINX,
            "nginx/snippets/more.conf": "listen 80;\n",
        },
        "nginx/snippets/more.conf:1",
    ),
    "gixy": (
        {
            "nginx/ubuntu/nginx.conf": CLEAN_NGINX,
            "nginx/snippets/more.conf": "server { return 301 http://$host$uri; }\n",
        },
        "http_splitting",
    ),
    "workflow schema": ({".github/workflows/a.yml": "on: push\n"}, "jobs"),
    "update schema": ({".github/dependabot.yml": "version: 2\n"}, "updates"),
    "gitlab schema": ({"docs/gitlab-ci.yml": "a: {scripd: x}\n"}, "scripd"),
    "actionlint": ({".github/workflows/a.yml": "on: pusch\njobs: {}\n"}, "pusch"),
    "zizmor": (
        {
            ".github/workflows/a.yml": "on: push\njobs:\n  a:\n    runs-on: x\n    steps:\n"
            "      - run: echo ${{ github.event.head_commit.message }}\n"
        },
        "template-injection",
    ),
}


@pytest.mark.parametrize("name", FAULTS)
def test_a_judge_finds_its_fault(name: str, plant: Plant) -> None:
    files, word = FAULTS[name]
    plant(**files)
    assert word in judges.JUDGES[name]()


def test_every_judge_has_a_planted_fault() -> None:
    assert set(judges.JUDGES) == {*FAULTS, "import-linter"}


def lay_floors(plant: Plant, **imports: str) -> None:
    """Lay out every module that the contracts name, each empty but for what it may import here."""
    with (judges.ROOT / "pyproject.toml").open("rb") as rules:
        contracts = tomllib.load(rules)["tool"]["importlinter"]["contracts"]
    named = {
        f"{container}.{name}".replace(".", "/")
        for contract in contracts
        if contract["type"] == "layers"
        for container in contract["containers"]
        for name in re.findall(r"\w+", " ".join(contract["layers"]))
    }
    plant(**{"fabfile/__init__.py": ""}, **{f"{module}/__init__.py": "\n" for module in named})
    plant(**{f"fabfile/{name}/__init__.py": f"{text}\n" for name, text in imports.items()})


def test_floors_that_import_nothing_are_clean(plant: Plant) -> None:
    lay_floors(plant)
    assert judges.JUDGES["import-linter"]() == ""


@pytest.mark.parametrize(
    ("floor", "imported"),
    [
        ("model", "from .. import ops"),
        ("remote", "from .. import ui"),
        ("ui", "from .. import remote"),
        ("ops", "import fabric"),
        ("ui", "import subprocess"),
        ("model", "import time"),
        ("newcomer", ""),
        ("model/data", "from .. import deploy"),
        ("ops/deploy", "from .. import watch"),
        ("remote/access", "from .. import data"),
    ],
)
def test_an_import_that_goes_up_is_found(floor: str, imported: str, plant: Plant) -> None:
    lay_floors(plant, **{floor: imported})
    assert "broken" in judges.JUDGES["import-linter"]().lower()


def test_an_include_by_the_container_path_is_followed(plant: Plant) -> None:
    plant(
        **{
            "nginx/ubuntu/nginx.conf": CLEAN_NGINX,
            "nginx/snippets/more.conf": "keepalive_timeout 75s;\n",
        }
    )
    assert judges.JUDGES["crossplane"]() == ""


@pytest.mark.parametrize(
    ("line", "found"),
    [
        (
            "keepalive_tmeout 75s;",
            'nginx/snippets/more.conf:1: unknown directive "keepalive_tmeout"',
        ),
        ("http2 on;  # we know it", 'nginx/snippets/more.conf:1: unknown directive "http2"'),
        ("http2 on;  # crossplane: of nginx 1.25.1", ""),
        ("modsecurity on;  # crossplane: of ModSecurity-nginx", ""),
        ("map $uri $kept { /a 1; }", ""),
    ],
)
def test_a_directive_that_crossplane_does_not_know_is_found_unless_it_says_since_when(
    line: str, found: str, plant: Plant
) -> None:
    plant(**{"nginx/ubuntu/nginx.conf": CLEAN_NGINX, "nginx/snippets/more.conf": f"{line}\n"})
    said = judges.JUDGES["crossplane"]()
    assert said.removeprefix("nginx/ubuntu/nginx.conf: ") == found


def test_the_configuration_of_the_waf_is_read_as_its_container_sees_it(plant: Plant) -> None:
    clean = CLEAN_NGINX.replace("/etc/wishwithme/snippets/", "/etc/waf/")
    files = {"services/waf/etc/blocking.conf": clean, "nginx/snippets/http.conf": ""}
    plant(**files, **{"services/waf/etc/more.conf": "keepalive_tmeout 75s;\n"})
    said = judges.JUDGES["crossplane"]()
    assert 'services/waf/etc/more.conf:1: unknown directive "keepalive_tmeout"' in said


def test_both_ways_of_the_link_are_read(plant: Plant) -> None:
    clean = CLEAN_NGINX.replace("snippets/more.conf", "link/listen.conf")
    plant(
        **{
            "nginx/montreal/nginx.conf": clean,
            "nginx/snippets/http.conf": "",
            "nginx/link/https/listen.conf": "keepalive_timeout 75s;\n",
            "nginx/link/http/listen.conf": "keepalive_tmeout 75s;\n",
        }
    )
    assert 'unknown directive "keepalive_tmeout"' in judges.JUDGES["crossplane"]()


def test_a_missing_include_is_found(plant: Plant) -> None:
    plant(**{"nginx/ubuntu/nginx.conf": CLEAN_NGINX, "nginx/snippets/other.conf": ""})
    assert "more.conf" in judges.JUDGES["crossplane"]()


def test_a_judge_that_is_not_installed_is_a_finding(
    plant: Plant, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plant(**{"a.yml": "a: 1\n"})
    monkeypatch.setattr(judges, "TOOLS", tmp_path)
    assert judges.JUDGES["yamllint"]() == "yamllint is not installed here; run scripts/setup"


def test_a_judge_without_files_says_so(plant: Plant) -> None:
    plant()
    verdict = judges._ask(("hadolint", judges.JUDGES["hadolint"]))
    assert (verdict.findings, verdict.idle) == ("", "no Dockerfile or *.Dockerfile yet")


def test_a_judge_that_breaks_is_a_finding() -> None:
    def broken() -> str:
        raise OSError("out of paper")

    assert judges._ask(("broken", broken)).findings == "OSError: out of paper"


def test_the_servers_compose_file_is_read_with_the_example_filled_in(plant: Plant) -> None:
    plant(
        **{
            ".env.example": "# @required\nTOKEN=\nTAG=1.0\n",
            "compose/docker-compose.ubuntu.yml": CLEAN_COMPOSE
            + "    environment: ['A=${TOKEN:?}', 'B=${TAG:?}']\n",
        }
    )
    assert judges.JUDGES["compose config"]() == ""


def test_a_key_that_the_example_lacks_is_found(plant: Plant) -> None:
    plant(
        **{
            ".env.example": "TAG=1.0\n",
            "compose/docker-compose.ubuntu.yml": CLEAN_COMPOSE
            + "    environment: ['A=${TOKEN:?}']\n",
        }
    )
    assert "TOKEN" in judges.JUDGES["compose config"]()
