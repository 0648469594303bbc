"""The four tools that deploy the same stack, each as a person or CI calls it for the first time."""

from __future__ import annotations

import os
import subprocess
import tempfile
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.lab.deployments import Operator
from tests.names import SITE

from .road import Road

HERE = Path(__file__).parent
ROOT = HERE.parent
PEERS = HERE / "peers"
ENVIRONMENT = ".venv-peers"
DEADLINE = 300


@dataclass(frozen=True)
class Change:
    """Two commits, the second one on top of the first."""

    before: str
    after: str


@dataclass(frozen=True)
class Around:
    """What is the same for every tool."""

    clone: Path
    """A clone of the git remote at the operator's, with every commit."""
    proof: Path
    """The script that asks the gates on the server."""


class Tool(ABC):
    """One way to deploy; whatever it does ends with 0, or raises."""

    name: str
    checks: Sequence[str]
    """What it makes sure of: after a deploy, against a second operator, on the way back."""

    def __init__(self, around: Around) -> None:
        self.around = around

    @abstractmethod
    def again(self, road: Road, commit: str) -> None:
        """Deploy the commit that runs."""

    @abstractmethod
    def deploy(self, road: Road, change: Change) -> None:
        """Deploy the second commit, where the first one runs."""

    @abstractmethod
    def back(self, road: Road, change: Change) -> None:
        """Go back to the first commit, where the second one runs."""


class Ours(Tool):
    """Our own way."""

    name = "`fab ubuntu.deploy`"
    checks = (
        "every gate; red: goes back by itself",
        "one at a time",
        "retained images; same gates",
    )

    def again(self, road: Road, commit: str) -> None:
        """It looks, finds nothing to do, and proves what runs."""
        self._fab(road, "deploy", "--ref", commit)

    def deploy(self, road: Road, change: Change) -> None:
        """It prepares, rolls and proves."""
        self._fab(road, "deploy", "--ref", change.after)

    def back(self, road: Road, change: Change) -> None:
        """To the release before, by its retained images."""
        self._fab(road, "rollback")

    def _fab(self, road: Road, verb: str, *words: str) -> None:
        Operator(road.hosts_ini).must(f"ubuntu.{verb}", *words)


class Seed(Tool):
    """The seed's workflow as a plain script."""

    name = "the seed's script"
    checks = ("`/live` of what changed, once, after 20 s", "none", "rebuilds `HEAD~1`; no check")

    def again(self, road: Road, commit: str) -> None:
        """It compares two commits, finds them the same, and asks no server."""
        self._script(road, "deploy", Change(commit, commit))

    def deploy(self, road: Road, change: Change) -> None:
        """Pull, build, migrate, up, sleep, check."""
        self._script(road, "deploy", change)

    def back(self, road: Road, change: Change) -> None:
        """What its job for a failed deploy does."""
        self._script(road, "rollback", change)

    def _script(self, road: Road, verb: str, change: Change) -> None:
        config = road.folder / "ssh_config"
        lines = ["Host ubuntu", "HostName 127.0.0.1", f"Port {road.door}", "User ubuntu"]
        lines += [f"IdentityFile {road.key}", "IdentitiesOnly yes", "BatchMode yes"]
        lines += [f"UserKnownHostsFile {road.known_hosts}"]
        config.write_text("\n".join(lines) + "\n", encoding="utf-8")
        environment = {
            "SSH_CONFIG": str(config),
            "CLONE": str(self.around.clone),
            "EDGE": road.edge,
        }
        words = [str(PEERS / "seed.sh"), verb, change.before, change.after]
        run(words, road.folder, environment)


class _Peer(Tool):
    """A tool that brings the server to a commit, whichever that is."""

    checks = (
        "the same questions, as tasks; red: stops there",
        "none",
        "the former commit, rebuilt",
    )

    def again(self, road: Road, commit: str) -> None:
        """It finds that commit there."""
        self.to(road, commit)

    def deploy(self, road: Road, change: Change) -> None:
        """To the second commit."""
        self.to(road, change.after)

    def back(self, road: Road, change: Change) -> None:
        """To the first commit, as to any."""
        self.to(road, change.before)

    @abstractmethod
    def to(self, road: Road, commit: str) -> None:
        """Bring the server to a commit."""

    def settings(self, road: Road, commit: str) -> dict[str, str]:
        """What the tool's own file is told."""
        return {
            "ref": commit,
            "repository": road.repository,
            "edge": road.edge,
            "site": SITE,
            "proof": str(self.around.proof),
        }


class Ansible(_Peer):
    """ansible-playbook with community.docker, pipelining and ControlPersist."""

    name = "Ansible"

    def to(self, road: Road, commit: str) -> None:
        """One run of the playbook; the kept connection begins with it, as it does in CI."""
        inventory = road.folder / "inventory"
        options = f"-o UserKnownHostsFile={road.known_hosts} -o IdentitiesOnly=yes"
        inventory.write_text(
            f"ubuntu ansible_host=127.0.0.1 ansible_port={road.door} ansible_user=ubuntu"
            f" ansible_ssh_private_key_file={road.key} ansible_ssh_common_args='{options}'\n",
            encoding="utf-8",
        )
        words = [program("ansible-playbook"), "-i", str(inventory)]
        for key, value in self.settings(road, commit).items():
            words += ["-e", f"{key}={value}"]
        # Short: the name of a socket must not be long.
        with tempfile.TemporaryDirectory() as control:
            environment = {
                "ANSIBLE_CONFIG": str(PEERS / "ansible.cfg"),
                "ANSIBLE_HOME": str(road.folder / "ansible"),
                "ANSIBLE_SSH_CONTROL_PATH_DIR": control,
            }
            try:
                run([*words, str(PEERS / "with_ansible.yml")], road.folder, environment)
            finally:
                for socket in Path(control).iterdir():
                    end = ["ssh", "-o", f"ControlPath={socket}", "-O", "exit", "ubuntu"]
                    subprocess.run(end, capture_output=True, check=False)


class Pyinfra(_Peer):
    """pyinfra, as it comes."""

    name = "pyinfra"

    def to(self, road: Road, commit: str) -> None:
        """One run of the deploy."""
        inventory = road.folder / "inventory.py"
        data = {
            "ssh_hostname": "127.0.0.1",
            "ssh_port": road.door,
            "ssh_user": "ubuntu",
            "ssh_key": str(road.key),
            "ssh_known_hosts_file": str(road.known_hosts),
            "ssh_strict_host_key_checking": "yes",
            "ssh_allow_agent": False,
            "ssh_look_for_keys": False,
        }
        inventory.write_text(f"servers = [('ubuntu', {data!r})]\n", encoding="utf-8")
        words = [program("pyinfra"), "-y"]
        for key, value in self.settings(road, commit).items():
            words += ["--data", f"{key}={value}"]
        run([*words, str(inventory), str(PEERS / "with_pyinfra.py")], road.folder, {})


TOOLS: tuple[type[Tool], ...] = (Ours, Seed, Ansible, Pyinfra)


def install() -> None:
    """The peers' own environment, from their locked requirements."""
    words = [str(ROOT / "scripts/setup"), ENVIRONMENT, "benchmarks/requirements.txt"]
    subprocess.run(words, check=True)


def versions() -> str:
    """What the peers say they are."""
    told = [run([program(name), "--version"], ROOT, {}) for name in ("ansible", "pyinfra")]
    return ", ".join(text.splitlines()[0] for text in told)


def run(words: Sequence[str], folder: Path, environment: Mapping[str, str]) -> str:
    """Run a program to its end, without our environment; RuntimeError with its end if it fails."""
    bare = {key: os.environ[key] for key in ("PATH", "HOME", "LANG") if key in os.environ}
    done = subprocess.run(
        words,
        cwd=folder,
        env={**bare, **environment},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=DEADLINE,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(f"{Path(words[0]).name} failed:\n{done.stdout[-4000:]}")
    return done.stdout


def program(name: str) -> str:
    """A program of the peers' own environment."""
    return str(ROOT / ENVIRONMENT / "bin" / name)
