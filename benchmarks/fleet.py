"""Fifty servers on this machine: sshd on ports of 127.0.0.1, each with a checkout and a release.

The engine's answers are canned: fifty engines do not fit here, and on fifty hosts they would not
share two cores. Everything else is real: sshd, the login shell, bash, git, and the files.
"""

from __future__ import annotations

import getpass
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from fabfile.model.release import VERIFIED, Release

BOOT = 60
"""Seconds within which every sshd must answer."""
PRIVATE = Path("/run/sshd")
"""What sshd wants as root; its service would make it."""
RELEASE = "20261130T101500Z-{0}"
SSHD = """\
Port {port}
ListenAddress 127.0.0.1
HostKey {folder}/host_key
AuthorizedKeysFile {folder}/id.pub
PidFile none
UsePAM no
StrictModes no
PasswordAuthentication no
MaxStartups 200
SetEnv HOME={folder}/{name} PATH={folder}/bin:/usr/bin:/bin CHECKOUT={folder}/{name}/checkout
"""
DOCKER = """\
#!/bin/sh
for service in api web db proxy; do
  case "$*" in
    *State*) printf '["running","Up 3 hours (healthy)","%s","False"]\\n' "$service" ;;
    *) printf '%s running\\n' "$service" ;;
  esac
done
"""
DEFAULTS = """\
[defaults]
user = {user}
key = {folder}/id
repository = {folder}/none.git
branch = main
compose = compose.yaml
"""


@dataclass(frozen=True)
class Servers:
    """They run, until the block ends in which they were started."""

    folder: Path
    ports: tuple[int, ...]

    @property
    def names(self) -> list[str]:
        """One for each."""
        return [f"host-{number:02}" for number in range(1, len(self.ports) + 1)]

    @property
    def user(self) -> str:
        """Who logs in: whoever measures."""
        return getpass.getuser()

    @property
    def hosts_ini(self) -> Path:
        """The inventory of ours."""
        return self.folder / "hosts.ini"


@contextmanager
def servers(folder: Path, number: int) -> Iterator[Servers]:
    """So many servers below a folder; all of them are ended with the block."""
    made = Servers(folder, tuple(_free_ports(number)))
    _shared(made)
    running: list[subprocess.Popen[bytes]] = []
    try:
        for name, port in zip(made.names, made.ports, strict=True):
            running.append(_start(made, name, port))
        _await(made.ports)
        yield made
    finally:
        for process in running:
            process.terminate()
        for process in running:
            process.wait()


def _shared(made: Servers) -> None:
    """What all of them have: keys, the engine's answers, and the inventory."""
    folder = made.folder
    for name in ("id", "host_key"):
        words = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(folder / name)]
        subprocess.run(words, check=True)
    docker = folder / "bin" / "docker"
    docker.parent.mkdir()
    docker.write_text(DOCKER, encoding="utf-8")
    docker.chmod(0o755)
    public = " ".join((folder / "host_key.pub").read_text(encoding="utf-8").split()[:2])
    known = [f"[127.0.0.1]:{port} {public}\n" for port in made.ports]
    (folder / "known_hosts").write_text("".join(known), encoding="utf-8")
    text = DEFAULTS.format(user=made.user, folder=folder)
    for name, port in zip(made.names, made.ports, strict=True):
        text += f"[{name}]\nhost = 127.0.0.1\nport = {port}\n"
        text += f"path = {folder}/{name}/checkout\nroot = {folder}/{name}/root\n"
    made.hosts_ini.write_text(text, encoding="utf-8")


def _start(made: Servers, name: str, port: int) -> subprocess.Popen[bytes]:
    home = made.folder / name
    checkout = home / "checkout"
    checkout.mkdir(parents=True)
    git = ["git", "-C", str(checkout), "-c", "user.name=a", "-c", "user.email=a@example.org"]
    subprocess.run([*git, "init", "-q"], check=True)
    subprocess.run([*git, "commit", "-q", "--allow-empty", "-m", "First"], check=True)
    subprocess.run([*git, "checkout", "-q", "--detach"], check=True)  # as a deploy leaves it
    done = subprocess.run([*git, "rev-parse", "HEAD"], capture_output=True, text=True, check=True)
    _record(home / "root", name, done.stdout.strip())
    config = home / "sshd_config"
    config.write_text(SSHD.format(port=port, folder=made.folder, name=name), encoding="utf-8")
    with (home / "log").open("wb") as log:
        return subprocess.Popen([_sshd(), "-D", "-e", "-f", str(config)], stderr=log)


def _sshd() -> str:
    """The program; RuntimeError where it is not installed."""
    found = shutil.which("sshd", path="/usr/sbin:/usr/local/sbin:/usr/bin:/usr/local/bin")
    if found is None:
        raise RuntimeError("no sshd here: sudo apt-get install openssh-server")
    if os.getuid() == 0:
        PRIVATE.mkdir(exist_ok=True)
    return found


def _record(root: Path, name: str, commit: str) -> None:
    identity = RELEASE.format(commit[:8])
    made = Release(
        id=identity,
        server=name,
        commit=commit,
        subject="First",
        ref="main",
        who="bench",
        started=1_764_497_700,
        outcome=VERIFIED,
        finished=1_764_497_760,
        definitions=dict.fromkeys(("api", "web", "db", "proxy"), "1"),
    )
    file = root / "releases" / identity / "release.json"
    file.parent.mkdir(parents=True)
    file.write_text(made.to_json(), encoding="utf-8")


def _free_ports(number: int) -> list[int]:
    """Ports that nobody has now; all are held until the last is found."""
    held = [socket.create_server(("127.0.0.1", 0)) for _ in range(number)]
    try:
        return [int(one.getsockname()[1]) for one in held]
    finally:
        for one in held:
            one.close()


def _await(ports: tuple[int, ...]) -> None:
    end = time.monotonic() + BOOT
    for port in ports:
        while not _answers(port):
            if time.monotonic() > end:
                raise RuntimeError(f"no sshd answers at 127.0.0.1:{port} within {BOOT} s")
            time.sleep(0.05)


def _answers(port: int) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=1) as connection:
            return connection.recv(3) == b"SSH"
    except OSError:
        return False
