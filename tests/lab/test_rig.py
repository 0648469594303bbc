"""The servers are what they say: reached with pinned keys, with engine, compose, git and images."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.lab.full import full
from tests.lab.rig import Lab, LabError, Server, bases
from tests.lab.rig.engines import NEWER, generation_of
from tests.lab.rig.origin import git
from tests.lab.rig.place import ROOT

DOCKERFILE = """
FROM python:3.12.11-slim-bookworm AS build
RUN pip install --no-cache-dir --prefix=/install six==1.17.0
FROM python:3.12.11-slim-bookworm
RUN apt-get update && apt-get install -y --no-install-recommends tini && rm -rf /var/lib/apt/lists/*
COPY --from=build /install /usr/local
CMD ["tini", "--", "python", "-c", "import six; print(six.__version__)"]
"""


@pytest.fixture(params=["ubuntu", "montreal"])
def server(lab: Lab, request: pytest.FixtureRequest) -> Server:
    return lab.server(request.param)


@pytest.fixture
def ubuntu(lab: Lab) -> Server:
    return lab.server("ubuntu")


def ssh(lab: Lab, port: int, command: str, known_hosts: Path) -> subprocess.CompletedProcess[str]:
    words = ["ssh", "-F", "none", "-i", str(lab.folder / "id_ed25519"), "-p", str(port)]
    words += ["-o", "BatchMode=yes", "-o", "StrictHostKeyChecking=yes"]
    words += ["-o", f"UserKnownHostsFile={known_hosts}", "ubuntu@127.0.0.1", command]
    return subprocess.run(words, capture_output=True, text=True, timeout=20, check=False)


def test_a_server_is_reached_with_its_pinned_host_key(lab: Lab, server: Server) -> None:
    done = ssh(lab, server.ssh_port, "hostname; id -un", lab.folder / "known_hosts")
    assert (done.returncode, done.stdout) == (0, f"{server.name}\nubuntu\n"), done.stderr


def test_a_server_with_another_host_key_is_refused(lab: Lab, tmp_path: Path) -> None:
    ports = [str(lab.server(name).ssh_port) for name in ("ubuntu", "montreal")]
    swapped = (lab.folder / "known_hosts").read_text().replace(ports[0], "x")
    swapped = swapped.replace(ports[1], ports[0]).replace("x", ports[1])
    (tmp_path / "known_hosts").write_text(swapped)
    done = ssh(lab, int(ports[0]), "hostname", tmp_path / "known_hosts")
    assert (done.returncode, done.stdout) == (255, "")
    assert "Host key verification failed" in done.stderr


def test_the_user_works_docker_sudo_and_cron(server: Server) -> None:
    script = "set -e; docker version --format '{{.Server.Version}}'; sudo id -u; pidof -q cron"
    done = server.exec(["sh", "-c", script])
    version, root = done.stdout.split()
    assert done.returncode == 0, done.stderr
    assert int(version.partition(".")[0]) >= 25  # start_interval
    assert root == "0"


def test_a_server_runs_the_engine_of_its_generation(server: Server) -> None:
    newer = generation_of(server.name) is NEWER
    versions = "docker version --format '{{.Server.Version}}'; docker compose version --short"
    engine, compose = server.must(["sh", "-ec", versions]).splitlines()
    assert (not engine.startswith("26.1."), not compose.startswith("2.26.")) == (newer, newer)
    builds = server.exec(["docker", "buildx", "version"])
    assert (builds.returncode == 0) == newer, builds


def test_a_server_without_the_mirror_is_named(server: Server) -> None:
    with pytest.raises(LabError) as caught:
        server.require_mirror("192.0.2.1:5000")
    assert str(caught.value) == (
        f"{server.name}: docker info does not list the mirror 192.0.2.1:5000"
    )


@full
def test_every_base_image_is_pulled_under_its_own_name(server: Server) -> None:
    for image in bases.needed(ROOT):
        done = server.exec(["docker", "pull", "-q", str(image)], timeout=120)
        assert done.stdout.strip() == f"docker.io/library/{image}", done.stderr


@full
def test_an_unchanged_dockerfile_builds_with_pip_and_apt(ubuntu: Server) -> None:
    build = ["docker", "build", "-q", "--no-cache", "-t", "lab-test", "-"]
    built = ubuntu.exec(build, stdin=DOCKERFILE, timeout=300)
    assert built.returncode == 0, built.stderr
    ran = ubuntu.exec(["docker", "run", "--rm", "lab-test"])
    assert ran.stdout == "1.17.0\n", ran.stderr


def test_a_server_fetches_what_was_pushed(lab: Lab, ubuntu: Server) -> None:
    commit = lab.push("HEAD")
    script = "git clone -q $1 fetched && git -C fetched rev-parse HEAD && rm -rf fetched"
    repository = f"git://{mirror_address(lab)}/origin.git"
    done = ubuntu.exec(["sh", "-c", script, "sh", repository])
    assert (done.stdout, done.returncode) == (f"{commit}\n", 0), done.stderr


def test_a_ref_that_names_no_commit_is_not_pushed(lab: Lab) -> None:
    with pytest.raises(LabError, match=r"^no-such-ref names no commit of this checkout$"):
        lab.push("no-such-ref")


def test_a_server_cannot_push(lab: Lab, ubuntu: Server) -> None:
    script = """
    git clone -q $1 pushing && cd pushing && git push -q origin HEAD:refs/heads/evil
    code=$?; rm -rf ~/pushing; exit $code
    """
    repository = f"git://{mirror_address(lab)}/origin.git"
    done = ubuntu.exec(["sh", "-c", script, "sh", repository])
    assert done.returncode == 128
    assert "access denied" in done.stderr
    assert "evil" not in git("branch", "--list", at=lab.folder / "origin.git")


def test_the_environment_is_private_and_its_secrets_agree(lab: Lab) -> None:
    script = "stat -c '%a %U' wish-with-me-codex/.env; grep ^RU_BEARER wish-with-me-codex/.env"
    said = {server.exec(["sh", "-c", script]).stdout for server in lab.servers.values()}
    assert len(said) == 1
    mode, secret = said.pop().splitlines()
    assert mode == "600 ubuntu"
    assert len(secret.partition("=")[2]) >= 32


def test_a_key_of_the_environment_can_be_set_or_left_out(ubuntu: Server) -> None:
    try:
        ubuntu.write_env(JWT_SECRET_KEY="short", POSTGRES_PASSWORD=None)
        text = ubuntu.must(["cat", "/home/ubuntu/wish-with-me-codex/.env"])
    finally:
        ubuntu.write_env()
    assert "JWT_SECRET_KEY=short\n" in text
    assert "POSTGRES_PASSWORD" not in text


def test_a_reset_leaves_images_and_the_environment(ubuntu: Server) -> None:
    litter = """
    set -e
    docker network create litter; docker volume create litter
    docker run -d --restart always --network litter redis:7.4.6-alpine
    sudo install -d -m 700 /opt/wishwithme; sudo install -D /dev/null /opt/wishwithme/data/x
    cd wish-with-me-codex; mkdir -p .git; touch .git/x .y z
    echo '0 0 * * * true' | crontab -
    """
    look = """
    docker ps -aq; docker volume ls -q; docker network ls -q --filter type=custom
    ls -A wish-with-me-codex /opt; crontab -l; docker images -q redis:7.4.6-alpine | wc -l
    """
    done = ubuntu.exec(["sh", "-c", litter])
    assert done.returncode == 0, done.stderr
    ubuntu.reset()
    left = ubuntu.exec(["sh", "-c", look]).stdout
    assert left == "/opt:\ncontainerd\n\nwish-with-me-codex:\n.env\n1\n"


def test_up_again_changes_nothing_that_runs(lab: Lab) -> None:
    before = {name: server.must(["cat", "/proc/1/stat"]) for name, server in lab.servers.items()}
    lab.up()
    after = {name: server.must(["cat", "/proc/1/stat"]) for name, server in lab.servers.items()}
    assert [s.split()[21] for s in before.values()] == [s.split()[21] for s in after.values()]


def mirror_address(lab: Lab) -> str:
    text = lab.hosts_ini.read_text()
    return text.partition("git://")[2].partition("/")[0]
