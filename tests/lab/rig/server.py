"""One server of the lab: reached through the outer engine, independent of its own sshd."""

from __future__ import annotations

import socket
import subprocess
import time
from collections.abc import Mapping, Sequence
from functools import cached_property

from . import containers, environment
from .docker import LabError, last_line, run
from .faults import Faults
from .place import Place

CHECKOUT = "/home/ubuntu/wish-with-me-codex"
BOOT_DEADLINE = 60
TRUST = """
trusted=$(mktemp)
cat >"$trusted"
cmp -s "$trusted" "$0" || { install -m 644 "$trusted" "$0" && update-ca-certificates; }
rm "$trusted"
"""

# What a deploy can leave behind. What still runs for the user ends first, so that nothing puts back
# what is being removed.
RESET = f"""
pkill -KILL -u ubuntu
crontab -r -u ubuntu
docker ps -aq | xargs -r docker rm -f -v
docker volume ls -q | xargs -r docker volume rm -f
docker network ls -q --filter type=custom | xargs -r docker network rm
rm -rf /opt/wishwithme /home/ubuntu/.wishwithme-*.lock
rules=wishwithme-guard
for tables in iptables ip6tables; do
  $tables -D OUTPUT -j $rules && $tables -F $rules && $tables -X $rules
done
rm -f /usr/local/sbin/wishwithme-guard /etc/cron.d/wishwithme-guard
find {CHECKOUT} -mindepth 1 -maxdepth 1 ! -name .env -exec rm -rf '{{}}' +
test -z "$(docker ps -aq)"
"""


class Server(Faults):
    """A server of the lab. Its name, address, ports and host key stay for its whole life."""

    def __init__(
        self, place: Place, name: str, address: str, settings: Mapping[str, str | None]
    ) -> None:
        self._place = place
        self._settings = settings
        self.name = name
        self.address = address
        """Where the other servers reach it."""

    @property
    def domain(self) -> str:
        """The name of the site that it serves; empty: it serves none."""
        return self._settings.get("DOMAIN") or ""

    @property
    def container(self) -> str:
        """Its container on this machine's engine."""
        return self._place.name(self.name)

    @property
    def network(self) -> str:
        """The lab's network on this machine's engine."""
        return self._place.network

    @cached_property
    def ports(self) -> dict[int, int]:
        """Port of the server → port of 127.0.0.1 that leads to it."""
        return containers.published(self.container)

    @property
    def ssh_port(self) -> int:
        """Port of 127.0.0.1 that leads to its sshd."""
        return self.ports[22]

    def exec(
        self,
        words: Sequence[str],
        user: str = "ubuntu",
        stdin: str | None = None,
        timeout: float = 60,
    ) -> subprocess.CompletedProcess[str]:
        """Run a command on the server and return what came of it, whatever its exit code.

        It goes through the outer engine, so it works also while the server cannot be reached.
        Raises LabError when the command outlives ``timeout`` seconds.
        """
        home = "/root" if user == "root" else f"/home/{user}"
        options = ["-u", user, "-w", home, "-e", f"HOME={home}", "-e", f"USER={user}"]
        if stdin is not None:
            options.append("-i")
        return run(["docker", "exec", *options, self.container, *words], stdin, timeout)

    def must(self, words: Sequence[str], user: str = "root", stdin: str | None = None) -> str:
        """Run a command that the lab itself needs and return its output; LabError if it fails."""
        done = self.exec(words, user, stdin)
        if done.returncode:
            said = last_line(done.stderr or done.stdout)
            raise LabError(f"{self.name}: {words[0]} failed: {said}")
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
        self.must(["sh", "-c", script], user="ubuntu", stdin=text)

    def trust(self, certificate: str) -> None:
        """Let the server itself trust a certificate, besides those that its system trusts."""
        place = "/usr/local/share/ca-certificates/lab.crt"
        self.must(["sh", "-ec", TRUST, place], stdin=certificate)

    def wait_ready(self, seconds: float = BOOT_DEADLINE) -> None:
        """Wait until sshd and the engine answer; LabError at once when the server died."""
        end = time.monotonic() + seconds
        while not (self.answers_ssh() and self.answers_docker()):
            containers.require_running(self.container)
            if time.monotonic() > end:
                log = self.exec(["tail", "-n", "1", "/var/log/dockerd.log"], user="root").stdout
                raise LabError(f"{self.name} is not ready after {seconds:g} s: {last_line(log)}")
            time.sleep(0.1)

    def answers_ssh(self) -> bool:
        """Whether sshd greets on the published port."""
        try:
            with socket.create_connection(("127.0.0.1", self.ssh_port), timeout=2) as connection:
                return connection.recv(4) == b"SSH-"
        except OSError:
            return False

    def answers_docker(self) -> bool:
        """Whether the server's own engine answers."""
        return not self.exec(["docker", "version"], user="root").returncode

    def require_mirror(self, registry: str) -> None:
        """LabError unless the engine pulls from this mirror.

        Without it a missing image would show as a DNS error, far from its cause.
        """
        words = ["docker", "info", "--format", "{{.RegistryConfig.Mirrors}}"]
        if f"http://{registry}/" not in self.must(words):
            raise LabError(f"{self.name}: docker info does not list the mirror {registry}")
