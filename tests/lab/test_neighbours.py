"""Two servers of hosts.ini on one host, with one user: neither is in the other's way."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.lab.commits import Origin
from tests.lab.deployments import Operator, Ran, ended
from tests.lab.full import full
from tests.lab.rig import Lab, Server
from tests.lab.rig.place import ROOT

BRANCH = "neighbours"
PORTS = {"north": 8091, "south": 8092}
COMPOSE = """\
name: {name}
services:
  web:
    build: neighbour
    ports: ["{port}:5000"]
    stop_grace_period: 1s
  postgres:
    image: postgres:16.10-alpine
    environment:
      POSTGRES_USER: us
      POSTGRES_DB: us
      POSTGRES_PASSWORD: "${{POSTGRES_PASSWORD:?}}"
    volumes: [data:/var/lib/postgresql/data]
    healthcheck: {{test: [CMD, pg_isready, -q, -h, 127.0.0.1, -U, us], interval: 1s, retries: 60}}
volumes: {{data: {{}}}}
x-deploy:
  web: {{probe: {{port: 5000, path: /}}, update: {{monitor: 1s}}}}
  postgres:
    keep: true
    database: {{user: POSTGRES_USER, name: POSTGRES_DB, password: POSTGRES_PASSWORD}}
"""
FILES = {
    **{f"{name}.yaml": COMPOSE.format(name=name, port=port) for name, port in PORTS.items()},
    ".env.example": "COMPOSE_FILE=\n# @required @secret @min=32\nPOSTGRES_PASSWORD=\n",
    "neighbour/Dockerfile": (
        "FROM python:3.12.11-slim-bookworm\nWORKDIR /site\nCOPY index.html .\n"
        'CMD ["python", "-m", "http.server", "5000"]\n'
    ),
    "neighbour/.dockerignore": "*\n!index.html\n",
}
CLEAN = """
crontab -u ubuntu -r
for name in north south; do
  mine="--filter label=com.docker.compose.project=$name"
  docker ps -aq $mine | xargs -r docker rm -f -v
  docker network ls -q $mine | xargs -r docker network rm
  docker volume ls -q $mine | xargs -r docker volume rm
  for tables in iptables ip6tables; do
    $tables -D OUTPUT -j $name-guard; $tables -F $name-guard; $tables -X $name-guard
  done
  rm -rf /usr/local/sbin/$name-guard /etc/cron.d/$name-guard /home/ubuntu/$name /opt/$name
done
true
"""


class Host:
    """The host of both, and whoever deploys them."""

    def __init__(self, lab: Lab, server: Server, folder: Path) -> None:
        self.server, self.folder = server, folder
        self.origin = Origin(lab.folder / "origin.git", folder / "clone")
        self.says("Hello")
        ours = lab.hosts_ini.read_text()
        repository = re.findall(r"^repository = (.+)$", ours, re.MULTILINE)[0]
        sections = "".join(
            f"[{name}]\nhost = 127.0.0.1\nport = {server.ssh_port}\npath = /home/ubuntu/{name}\n"
            f"root = /opt/{name}\ncompose = {name}.yaml\n"
            for name in PORTS
        )
        (folder / "hosts.ini").write_text(
            f"[defaults]\nuser = ubuntu\nkey = {lab.folder / 'id_ed25519'}\n"
            f"repository = {repository}\nbranch = {BRANCH}\n{sections}"
        )
        shutil.copy(lab.folder / "known_hosts", folder / "known_hosts")
        self.operator = Operator(folder / "hosts.ini")

    def says(self, word: str) -> None:
        """Publish another page of both."""
        files = {**FILES, "neighbour/index.html": f"{word}\n"}
        edits = {path: (lambda _old, text=text: text) for path, text in files.items()}
        self.origin.commit(f"Say {word}", edits, branch=BRANCH)

    def at_once(self, *words: str) -> dict[str, Ran]:
        """The same command for each by an operator of its own, both at the same time."""
        started = {
            name: self.operator.start(*(word.replace("NAME", name) for word in words))
            for name in PORTS
        }
        ran = {name: ended(one, 0) for name, one in started.items()}
        assert {name: one.code for name, one in ran.items()} == dict.fromkeys(PORTS, 0), ran
        return ran

    def pages(self) -> dict[str, str]:
        ask = ["curl", "-sS", "-m", "5"]
        return {
            name: self.server.exec([*ask, f"http://127.0.0.1:{port}/"]).stdout
            for name, port in PORTS.items()
        }

    def backups(self, name: str) -> list[str]:
        found = self.operator.json("db.list", "--on", name)["backups"]
        return [backup["name"] for backup in found]

    def crontab(self) -> str:
        return self.server.exec(["crontab", "-l"]).stdout


@pytest.fixture
def host(lab: Lab, tmp_path: Path) -> Iterator[Host]:
    server = lab.server("montreal")
    server.must(["sh", "-c", CLEAN])
    made = Host(lab, server, tmp_path)
    try:
        yield made
    finally:
        server.must(["sh", "-c", CLEAN])
        made.origin.unname(BRANCH)


def uninstall(name: str) -> str:
    """What docs/cookbook.md says, for the stack of that name."""
    text = (ROOT / "docs/cookbook.md").read_text().partition("## Uninstall")[2]
    commands = text.partition("ssh SERVER\n")[2].partition("```")[0]
    ours = {"wish-with-me-codex": name, "/opt/wishwithme": f"/opt/{name}"}
    for old, new in {**ours, "wishwithme-guard": f"{name}-guard"}.items():
        commands = commands.replace(old, new)
    return commands


@full
@pytest.mark.timeout(1200)
def test_two_servers_on_one_host_with_one_user_do_not_meet(host: Host) -> None:
    operator = host.operator
    operator.must("env.init")
    host.at_once("NAME.deploy", "--yes")
    assert host.pages() == {"north": "Hello\n", "south": "Hello\n"}

    host.says("Good day")
    operator.must("north.freeze", "--why", "not now")
    assert operator.fab("north.deploy", "--yes").code == 2
    operator.must("south.deploy", "--yes")
    assert host.pages() == {"north": "Hello\n", "south": "Good day\n"}
    operator.must("north.unfreeze")
    operator.must("deploy", "--yes")
    assert host.pages() == {"north": "Good day\n", "south": "Good day\n"}

    operator.must("cron.install")
    jobs = re.findall(r"/opt/(\w+)/operator/job (db\.\w+)", host.crontab())
    assert sorted(jobs) == sorted(
        (n, f"db.{t}") for n in PORTS for t in ("backup", "verify", "prune")
    )
    assert "no change" in operator.must("cron.install").out

    host.at_once("db.backup", "--on", "NAME")
    made = {name: host.backups(name) for name in PORTS}
    assert {name: len(found) for name, found in made.items()} == {"north": 1, "south": 1}
    host.at_once("db.verify", "--on", "NAME")
    host.at_once("NAME.rollback", "--yes")
    assert host.pages() == {"north": "Hello\n", "south": "Hello\n"}

    operator.must("cron.remove", "--on", "north")
    host.server.exec(["bash", "-c", uninstall("north")], timeout=120)
    left = host.server.must(["sh", "-c", "ls /home/ubuntu /opt /etc/cron.d /usr/local/sbin"])
    assert ("north" in left, "south" in left) == (False, True)
    assert host.pages() == {"north": "", "south": "Hello\n"}
    assert {name for name, _ in re.findall(r"/opt/(\w+)/operator/job (\S+)", host.crontab())} == {
        "south"
    }
    operator.must("south.health")
    assert host.backups("south") == made["south"]
    operator.must("south.deploy", "--yes")
    assert host.pages() == {"north": "", "south": "Good day\n"}
