"""A trap: holds a server in the middle of one step of a deploy, while its remote command runs.

The programs that steps call have another one of their name before them in the PATH of the lab's
servers. Unless a trap is set it only hands over. When the lock of the server names the step, the
first call that fits is held until the test says what becomes of it.
"""

from __future__ import annotations

import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from fabfile.model.deploy.plan import Kind
from tests.lab.rig import Server
from tests.lab.seen import STATE

PROGRAMS = ("chmod", "docker", "git", "mkdir", "openssl", "sudo")
PLACE = "/run/trap"
SPRINGS = 150
"""Seconds within which a step must come to the call that is waited for."""
CALLS = {
    Kind.BOOTSTRAP: "mkdir -p /",
    Kind.FETCH: "git .*fetch ",
    Kind.CERTIFICATE: "openssl req ",
    Kind.TRUST: "chmod 644 ca-bundle",
    Kind.PULL: "docker pull ",
    Kind.BUILD: "docker compose .* build ",
    Kind.SMOKE: "docker run ",
    Kind.TEST_PROXY: "docker run .* nginx -t$",
    Kind.REVIEW: "docker run ",
    Kind.BACKUP: "docker exec .* pg_dump ",
    Kind.UP: "docker compose .* up ",
    Kind.MIGRATE: "docker compose .* run .* --name ",
    Kind.CHECKOUT: "git .*checkout -q ",
    Kind.RETAG: "docker tag ",
    Kind.HOLD: "docker exec .* nginx -s reload",
    Kind.ROLL: "docker compose .* up ",
    Kind.START: "docker compose .* up ",
    Kind.SWITCH: "docker exec .* nginx -s reload",
    Kind.RELOAD: "docker exec .* nginx -s reload",
    Kind.RETIRE: "docker stop ",
}
"""Kind of step → the call in the middle of it."""

# The title of a step reaches the lock over another channel than its command, a moment apart.
STAND_BEFORE = f"""#!/bin/bash
program=${{0##*/}}
# What mkdir may not make, sudo makes: both fail, or the step does not.
[ ! -e {PLACE}/failing ] || [ "$program $1 $2" != "sudo -n install" ] || exit 1
if [ -e {PLACE}/step ] && [[ "$program $*" =~ ^$(<{PLACE}/call) ]]; then
  for _ in 1 2 3 4 5 6 7 8 9 10; do
    now=$(cat {STATE}/locks/holder 2>/dev/null)
    now=${{now#*at step \\'}}
    # Several may go on at once.
    if [[ ", ${{now%\\' since *}}, " == *", $(<{PLACE}/step), "* ]]; then
      if mv {PLACE}/step {PLACE}/sprung 2>/dev/null; then
        echo $$ >{PLACE}/held
        read -r word <{PLACE}/word
        case $word in
          fail) : >{PLACE}/failing; echo "$program: made to fail" >&2; exit 1 ;;
          hang) exec sleep infinity ;;
        esac
      fi
      break
    fi
    read -rt 0.05 <> <(:)
  done
fi
exec "/usr/bin/$program" "$@"
"""
INSTALL = f"""
cat >/usr/local/bin/{PROGRAMS[0]}
chmod 755 /usr/local/bin/{PROGRAMS[0]}
for program in {" ".join(PROGRAMS[1:])}; do
  cp -p /usr/local/bin/{PROGRAMS[0]} "/usr/local/bin/$program"
done
"""
REMOVE = f"cd /usr/local/bin && rm -f {' '.join(PROGRAMS)} && rm -rf {PLACE}"
SET = f"""
install -d -o ubuntu {PLACE}
cd {PLACE}
rm -f *
mkfifo held word
chown ubuntu held word
printf '%s' "$1" >call
printf '%s' "$0" >step
"""
# As its own alarm would: the deadline of what is held is over now.
EXPIRE = """
pid=$1
while [ "$pid" -gt 1 ]; do
  read -r _ name _ pid_of_parent _ <"/proc/$pid/stat"
  [ "$name" != '(timeout)' ] || exec kill -ALRM "$pid"
  pid=$pid_of_parent
done
exit 1
"""


class Trap:
    """The trap on one server."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self._held = ""

    @contextmanager
    def installed(self) -> Iterator[None]:
        """Inside, a trap can be set."""
        self.server.must(["/bin/sh", "-ec", INSTALL], stdin=STAND_BEFORE)
        try:
            yield
        finally:
            self.server.must(["/bin/sh", "-c", REMOVE])

    def set(self, kind: Kind, title: str) -> None:
        """Hold the step of this title."""
        self._held = ""
        self.server.must(["/bin/sh", "-ec", SET, title, CALLS[kind]])

    def springs(self, running: subprocess.Popen[str]) -> None:
        """Wait until the step is held; an error when the command ends without that."""
        read = _within(f'read -r held <{PLACE}/held && echo "$held"')
        waiting = subprocess.Popen(
            ["docker", "exec", self.server.container, *read], stdout=subprocess.PIPE, text=True
        )
        while waiting.poll() is None:
            try:
                waiting.wait(0.2)
            except subprocess.TimeoutExpired:
                if running.poll() is not None:
                    waiting.kill()
        out, _ = waiting.communicate()
        self._held = out.strip()
        if not self._held:
            if running.poll() is None:
                running.kill()
            said = "\n".join(running.communicate())
            raise AssertionError(f"the step never came to the call that is waited for:\n{said}")

    def release(self, word: str = "go") -> None:
        """Let what is held go on, ``fail`` or ``hang``."""
        self.server.must(_within(f"echo {word} >{PLACE}/word", 10))

    def expire(self) -> None:
        """Bring the deadline of what hangs forward: it is over now."""
        self.server.must(["/bin/bash", "-c", EXPIRE, "expire", self._held])


def _within(script: str, seconds: int = SPRINGS) -> Sequence[str]:
    return ["/usr/bin/timeout", str(seconds), "/bin/bash", "-c", script]
