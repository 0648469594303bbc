"""Another compose project on a server of the lab: its repository, its deploys, what it answers."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

from tests.features.project import NAME, PORT, Project, put
from tests.lab.deployments import Operator, Ran
from tests.lab.rig import Lab, Server

PATH, STATE = "/home/ubuntu/app", "/opt/app"
OTHER, OTHERS = "/home/ubuntu/shop", "/opt/shop"
NEIGHBOUR = """\
name: shop
services:
  sleeper: {image: "python:3.12.11-slim-bookworm", command: [sleep, infinity], init: true}
x-deploy: {sleeper: {update: {monitor: 1s}}}
"""
CLEAN = f"""
for project in app shop; do
  docker ps -aq --filter label=com.docker.compose.project=$project | xargs -r docker rm -f -v
  mine="--filter label=com.docker.compose.project=$project"
  docker network ls -q $mine | xargs -r docker network rm
  docker volume ls -q $mine | xargs -r docker volume rm
  rules=$project-guard
  for tables in iptables ip6tables; do
    $tables -D OUTPUT -j $rules; $tables -F $rules; $tables -X $rules
  done
  rm -f /usr/local/sbin/$rules /etc/cron.d/$rules
done
docker network rm shared; docker volume rm archive
rm -rf {PATH} {STATE} {OTHER} {OTHERS}
true
"""
KNOCK = f"""
until read -rt 0; do
  curl -so /dev/null --max-time 2 -w '%{{http_code}}\\n' http://127.0.0.1:{PORT}/ || true
  sleep 0.02
done
"""
"""Somebody who asks again and again, over new connections, until standard input ends."""
ASK = "from urllib.request import urlopen; print(urlopen('http://127.0.0.1:5000/').read().decode())"


@dataclass
class Asked:
    """What somebody was answered who asked all the time."""

    codes: list[str] = field(default_factory=list)
    """HTTP status codes; ``000``: nobody answered."""

    @property
    def gaps(self) -> int:
        """How often answers stopped and came again."""
        good = [code == "200" for code in self.codes]
        return sum(before and not after for before, after in pairwise(good))


class Another:
    """A repository that the lab's server fetches from, and whoever deploys it."""

    def __init__(self, lab: Lab, server: Server, folder: Path, branch: str) -> None:
        self.lab, self.server, self.folder, self.branch = lab, server, folder, branch
        self.root = folder / "repository"
        self.root.mkdir(parents=True)
        self.git("init", "--quiet", "--initial-branch", branch)

    def git(self, *words: str) -> None:
        author = ("-c", "user.name=Somebody", "-c", "user.email=somebody@example.org")
        subprocess.run(["git", *author, *words], cwd=self.root, check=True, capture_output=True)

    def publish(self, files: Mapping[str, str]) -> None:
        """Commit these files and no others, and bring them to where the server fetches from."""
        for path in self.root.iterdir():
            if path.name != ".git":
                shutil.rmtree(path) if path.is_dir() else path.unlink()
        put({**files, "neighbour.yaml": NEIGHBOUR}, self.root)
        self.git("add", "--all")
        self.git("commit", "--quiet", "--allow-empty", "--message", "A change")
        self.git(
            "push", "--quiet", "--force", str(self.lab.folder / "origin.git"), f"HEAD:{self.branch}"
        )

    def operator(self, compose: list[str]) -> Operator:
        """Somebody whose hosts.ini has this project, and another one on the same server."""
        ours = self.lab.hosts_ini.read_text()
        repository = re.findall(r"^repository = (.+)$", ours, re.MULTILINE)[0]
        place = f"host = 127.0.0.1\nport = {self.server.ssh_port}\n"
        hosts = self.folder / "hosts.ini"
        hosts.write_text(
            f"[defaults]\nuser = ubuntu\nkey = {self.lab.folder / 'id_ed25519'}\n"
            f"repository = {repository}\nbranch = {self.branch}\n"
            f"[features]\n{place}path = {PATH}\nroot = {STATE}\ncompose = {', '.join(compose)}\n"
            f"[other]\n{place}path = {OTHER}\nroot = {OTHERS}\ncompose = neighbour.yaml\n"
        )
        shutil.copy(self.lab.folder / "known_hosts", self.folder / "known_hosts")
        return Operator(hosts)

    def settings(self, env: Mapping[str, str] | None, compose: list[str]) -> None:
        """The server's ``.env``; None: it stays as it is."""
        if env is None:
            return
        lines = {**env, "COMPOSE_FILE": ":".join(compose)}
        text = "".join(f"{key}={value}\n" for key, value in lines.items())
        script = f"umask 077; mkdir -p {PATH} && cat >{PATH}/.env"
        self.server.must(["sh", "-c", script], user="ubuntu", stdin=text)

    def prepare(self, project: Project) -> None:
        """What somebody else has made on the server."""
        for one in project.external:
            kind, _, name = one.partition(" ")
            self.server.must(["docker", kind, "create", name])

    @property
    def answers(self) -> list[str]:
        """What each container of the app answers."""
        label = f"label=com.docker.compose.project={NAME}"
        mine = ["--filter", label, "--filter", "label=com.docker.compose.service=app"]
        ids = self.server.must(["docker", "ps", "-q", *mine]).split()
        return [self.server.must(["docker", "exec", one, "python", "-c", ASK]) for one in ids]

    @contextmanager
    def asked(self) -> Iterator[Asked]:
        """Somebody asks the published port as long as the block lasts."""
        running = subprocess.Popen(
            ["docker", "exec", "-i", self.server.container, "bash", "-c", KNOCK],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        found = Asked()
        try:
            yield found
        finally:
            said, _ = running.communicate(timeout=60)
            found.codes += said.split()

    def up_by_hand(self) -> str:
        """What ``docker compose up -d`` in the checkout changes."""
        done = self.server.exec(
            ["sh", "-c", f"cd {PATH} && docker compose up -d 2>&1"], timeout=120
        )
        assert done.returncode == 0, done.stdout
        touched = r"^ *(?:✔ *)?Container (\S+) +(?:Created|Recreated|Started)"
        return " ".join(sorted({*re.findall(touched, done.stdout, re.MULTILINE)}))

    def clean(self) -> None:
        self.server.must(["sh", "-c", CLEAN])
        origin = self.lab.folder / "origin.git"
        words = ["git", "branch", "--delete", "--force", self.branch]
        subprocess.run(words, cwd=origin, check=False, capture_output=True)


def well(ran: Ran) -> str:
    """A command that did what it was asked to; what it showed."""
    assert ran.code == 0, ran.out + ran.err
    return ran.unbroken
