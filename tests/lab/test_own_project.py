"""Somebody else's project beside our own stack: set up by ``new``, deployed, changed, broken."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.lab.full import full
from tests.lab.rig import Lab, Server
from tests.package.wheel import PYTHON, Installed, build, run

PATH, STATE = "/home/ubuntu/shop", "/opt/shop"
PORT = 8088
TOOLS = Path(PYTHON).parent
COMPOSE = f"""\
services:
  web:
    build: .
    ports: ["{PORT}:5000"]
    environment: {{REDIS: "${{REDIS:-cache}}"}}
    depends_on: [cache]
    healthcheck:
      test: [CMD, python, -c, "from urllib.request import urlopen; urlopen('http://localhost:5000/healthz')"]
      interval: 1s
  cache:
    image: redis:7.4.6-alpine
    volumes: [cache:/data]
volumes: {{cache: {{}}}}
"""
DOCKERFILE = """\
FROM python:3.12.11-slim-bookworm
RUN pip install --no-cache-dir --disable-pip-version-check flask redis
WORKDIR /app
COPY app.py .
CMD ["flask", "run", "--host", "0.0.0.0"]
"""
APP = """\
import os
from flask import Flask
from redis import Redis
app, cache = Flask(__name__), Redis(os.environ["REDIS"])
WORDS = f"{GREETING}, visitor"

@app.get("/healthz")
def healthz():
    cache.ping()
    return "well"

@app.get("/")
def page():
    return f"{WORDS} {cache.incr('visits')}"
"""
CLEAN = f"""
docker ps -aq --filter label=com.docker.compose.project=shop | xargs -r docker rm -f -v
docker volume rm -f shop_cache
docker network rm shop_default
rules=shop-guard
for tables in iptables ip6tables; do
  $tables -D OUTPUT -j $rules; $tables -F $rules; $tables -X $rules
done
rm -rf {PATH} {STATE} /usr/local/sbin/shop-guard /etc/cron.d/shop-guard
true
"""


class Shop:
    """A project in its own repository, which an operator has on this machine."""

    def __init__(self, lab: Lab, server: Server, installed: Installed, root: Path) -> None:
        self.lab, self.server, self.installed, self.root = lab, server, installed, root
        root.mkdir()
        self.git("init", "--quiet", "--initial-branch=shop")
        (root / "compose.yaml").write_text(COMPOSE)
        (root / "Dockerfile").write_text(DOCKERFILE)
        self.greets("Hello")

    def git(self, *words: str) -> None:
        author = ("-c", "user.name=Somebody", "-c", "user.email=somebody@example.org")
        run("git", *author, *words, folder=self.root)

    def greets(self, word: str) -> None:
        """Commit another greeting, and bring it to where the server fetches from."""
        greeting = f'GREETING = "{word}"\n' if word else ""
        (self.root / "app.py").write_text(greeting + APP)
        self.git("add", "--all")
        self.git("commit", "--quiet", "--message", f"Greet with {word or 'nothing'}")
        self.git("push", "--quiet", "--force", str(self.lab.folder / "origin.git"), "HEAD:shop")

    def set_up(self) -> None:
        """What docs/own-project.md says, up to the first deploy."""
        path = f"{TOOLS}{os.pathsep}{os.environ['PATH']}"
        run(self.installed.program("wishwithme-ops"), "new", folder=self.root, PATH=path)
        ours = self.lab.hosts_ini.read_text()
        repository = re.findall(r"^repository = (.+)$", ours, re.MULTILINE)[0]
        hosts = self.root / "hosts.ini"
        values = {
            "user": "ubuntu", "path": PATH, "host": "127.0.0.1", "repository": repository,
            "key": str(self.lab.folder / "id_ed25519"),
        }  # fmt: skip
        text = hosts.read_text()
        for key, value in values.items():
            text = re.sub(rf"^{key} = .*$", f"{key} = {value}", text, flags=re.MULTILINE)
        hosts.write_text(f"{text}port = {self.server.ssh_port}\n")
        shutil.copy(self.lab.folder / "known_hosts", self.root / "known_hosts")
        script = f"umask 077; mkdir -p {PATH} && cat >{PATH}/.env"
        env = (self.root / ".env.example").read_text()
        self.server.must(["sh", "-c", script], user="ubuntu", stdin=env)
        self.greets("Hello")

    def fab(self, *words: str, code: int = 0) -> subprocess.CompletedProcess[str]:
        return self.installed.fab(self.root, *words, code=code)

    @property
    def page(self) -> str:
        return self.server.must(["curl", "-sS", f"http://127.0.0.1:{PORT}/"])


@pytest.fixture
def shop(lab: Lab, tmp_path: Path) -> Iterator[Shop]:
    server = lab.server("montreal")
    installed = Installed.make(build(tmp_path / "wheel"), tmp_path / "installed")
    try:
        yield Shop(lab, server, installed, tmp_path / "shop")
    finally:
        server.must(["sh", "-c", CLEAN])
        run("git", "branch", "--delete", "--force", "shop", folder=lab.folder / "origin.git")


@full
def test_a_project_that_new_has_set_up_is_deployed_and_comes_back_from_what_is_broken(
    shop: Shop,
) -> None:
    shop.set_up()
    assert shop.fab("doctor").returncode == 0
    ran = shop.fab("deploy", "--yes")
    assert "verified: runs" in ran.stdout
    assert shop.page == "Hello, visitor 1"

    shop.greets("Good day")
    assert "verified: runs" in shop.fab("deploy", "--yes").stdout
    assert shop.page == "Good day, visitor 2"
    assert "nothing to do" in shop.fab("deploy", "--yes").stdout

    shop.greets("")
    ran = shop.fab("deploy", "--yes", code=1)
    assert "is back at" in ran.stderr
    assert shop.page == "Good day, visitor 3"

    shop.fab("production.rollback", "--yes")
    assert shop.page == "Hello, visitor 4"
    up = ["sh", "-c", f"cd {PATH} && docker compose up -d 2>&1"]
    assert not re.search("Created|Recreated|Started", shop.server.must(up, user="ubuntu"))
