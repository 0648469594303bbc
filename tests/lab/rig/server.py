"""One server of the lab: reached through the outer engine, independent of its own sshd."""

from __future__ import annotations

import socket
import subprocess
import time
from collections.abc import Sequence
from functools import cached_property

from . import containers, environment
from .docker import LabError, docker, run
from .faults import Faults
from .place import Place

CHECKOUT = "/home/ubuntu/wish-with-me-codex"
BOOT_DEADLINE = 60

# What a deploy can leave behind. Whatever of it still runs for the user is ended first, so that
# nothing puts back what is being removed.
RESET = f"""
pkill -KILL -u ubuntu
crontab -r -u ubuntu
docker ps -aq | xargs -r docker rm -f -v
docker volume ls -q | xargs -r docker volume rm -f
docker network ls -q --filter type=custom | xargs -r docker network rm
rm -rf /opt/wishwithme
find {CHECKOUT} -mindepth 1 -maxdepth 1 ! -name .env -exec rm -rf '{{}}' +
exit 0
"""


class Server(Faults):
    """A server of the lab. Its host key, name and address stay the same for its whole life."""

    def __init__(self, place: Place, name: str, address: str, settings: dict[str, str]) -> None:
        self._place = place
        self._settings = settings
        self.name = name
        self.address = address
        """Its address on the lab's network."""

    @property
    def container(self) -> str:
        return self._place.name(self.name)

    @property
    def network(self) -> str:
        return self._place.network

    @cached_property
    def ports(self) -> dict[int, int]:
        """Port of the server → port on 127.0.0.1."""
        return containers.published(self.container)

    @property
    def ssh_port(self) -> int:
        return self.ports[22]

    def exec(
        self,
        words: Sequence[str],
        user: str = "ubuntu",
        input: str | None = None,  # noqa: A002 - as subprocess names it
        timeout: float = 60,
    ) -> subprocess.CompletedProcess[str]:
        """Run a command on the server and return what came of it, whatever its exit code.

        It goes through the outer engine, so it works also when the server cannot be reached.
        """
        home = "/root" if user == "root" else f"/home/{user}"
        options = ["-u", user, "-w", home, "-e", f"HOME={home}", "-e", f"USER={user}"]
        interactive = ["-i"] if input is not None else []
        return run(
            ["docker", "exec", *options, *interactive, self.container, *words], input, timeout
        )

    def must(self, words: Sequence[str], user: str = "root", input: str | None = None) -> str:  # noqa: A002
        """Run a command that the lab itself needs; LabError when it fails. Returns its output."""
        done = self.exec(words, user, input)
        if done.returncode:
            raise LabError(
                f"{self.name}: {words[0]} failed: {(done.stderr or done.stdout).strip()}"
            )
        return done.stdout

    def reset(self) -> None:
        """Back to a fresh server with its images: no container, volume, network, state or clone.

        The ``.env`` stays. Ends everything that runs for the user, open SSH sessions included.
        """
        self.must(["sh", "-c", RESET])

    def write_env(self, **overrides: str | None) -> None:
        """Write the server's ``.env`` anew; ``KEY=None`` leaves a key out."""
        text = environment.fill(self._place, self.name, {**self._settings, **overrides})
        script = f"umask 077; mkdir -p {CHECKOUT} && cat >{CHECKOUT}/.env"
        self.must(["sh", "-c", script], user="ubuntu", input=text)

    def wait_ready(self, seconds: float = BOOT_DEADLINE) -> None:
        """Wait until sshd and the engine answer; LabError at once when the server died."""
        end = time.monotonic() + seconds
        while not (self.answers_ssh() and self.answers_docker()):
            containers.running(self.container)
            if time.monotonic() > end:
                said = self.exec(["tail", "-n", "1", "/var/log/dockerd.log"], user="root").stdout
                raise LabError(f"{self.name} is not ready after {seconds:g} s: {said.strip()}")
            time.sleep(0.1)

    def answers_ssh(self) -> bool:
        """Whether sshd greets on the published port."""
        try:
            with socket.create_connection(("127.0.0.1", self.ssh_port), timeout=2) as connection:
                connection.settimeout(2)
                return connection.recv(4) == b"SSH-"
        except OSError:
            return False

    def answers_docker(self) -> bool:
        """Whether the server's own engine answers."""
        return not self.exec(["docker", "version"], user="root", timeout=10).returncode

    def require_mirror(self, mirror: str) -> None:
        """LabError unless the engine pulls from the mirror; else a missing image shows as a DNS error."""
        words = ["docker", "info", "--format", "{{.RegistryConfig.Mirrors}}"]
        if f"http://{mirror}/" not in self.must(words):
            raise LabError(f"{self.name}: docker info does not list the mirror {mirror}")

    def create(
        self, image: str, identity: bytes, mirror: str, dns: str, ports: dict[int, int]
    ) -> None:
        """Create and start the server's container with a disk (volume) of its own."""
        place = self._place
        docker("volume", "create", "--label", place.label, self.container)
        words = ["create", "--name", self.container, "--hostname", self.name, "--init"]
        words += ["--label", place.label, "--network", place.network, "--ip", self.address]
        words += ["-v", f"{self.container}:/lab", *_powers(image)]
        words += ["-e", f"LAB_MIRROR={mirror}", "-e", f"LAB_DNS={dns}"]
        for inside, outside in ports.items():
            words += ["-p", f"127.0.0.1:{outside}:{inside}"]
        docker(*words, image)
        docker("cp", "-", f"{self.container}:/", input=identity)
        docker("start", self.container)


def _powers(image: str) -> list[str]:
    """Options that let an engine run inside; where the machine cannot give all, all it can."""
    probe = ["run", "--rm", "--privileged", "--entrypoint", "true", image]
    if docker(*probe, check=False).returncode == 0:
        return ["--privileged"]
    words = ["--cap-add", "ALL", "--cap-drop", "SYS_RESOURCE", "--device-cgroup-rule", "a *:* rwm"]
    for option in ("seccomp", "apparmor", "systempaths"):
        words += ["--security-opt", f"{option}=unconfined"]
    return words
