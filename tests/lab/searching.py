"""Searching a real server for values that must not stand there."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from tests.lab.rig import Server

HOLDING = r"""
cat >/dev/shm/searched
search() { grep "$@" -Ff /dev/shm/searched; }
search -rl --exclude-dir=docker --exclude=searched \
  /home /opt /tmp /root /etc /run /var/log /var/spool /var/lib/docker/containers 2>/dev/null
for id in $(docker ps -aq); do
  docker inspect "$id" | search -q && echo "container:$id"
  docker logs "$id" 2>&1 | search -q && echo "log:$id"
done
docker images -q | xargs -r docker inspect | search -q && echo image:
cat /proc/[0-9]*/cmdline 2>/dev/null | tr '\0' '\n' | search -q && echo words:
rm -f /dev/shm/searched
"""
"""Standard input: values, a line each. Prints where one of them stands, a line each."""
WORDS = """
while :; do cat /proc/[0-9]*/cmdline; sleep 0.1; done 2>/dev/null | tr '\\0' '\\n' |
  awk '!seen[$0]++ { print; fflush() }'
"""


def holding(server: Server, *values: str) -> list[str]:
    """Where one of the values stands: files, what the engine knows, logs, words of processes."""
    text = "".join(f"{value}\n" for value in values)
    return server.must(["bash", "-c", HOLDING, "holding"], stdin=text).split()


@contextmanager
def words_seen(servers: Sequence[Server]) -> Iterator[dict[str, str]]:
    """The words of the processes that ran on each server inside, sampled ten times a second."""
    seen: dict[str, str] = {}
    running = {
        server: subprocess.Popen(
            ["docker", "exec", "-i", server.container, "timeout", "300", "bash", "-c", WORDS],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            text=True,
            errors="replace",
        )
        for server in servers
    }
    try:
        yield seen
    finally:
        for server, one in running.items():
            server.must(["pkill", "-f", "cat /proc/[^ ]*/cmdline; sleep"])
            seen[server.name] = one.communicate(timeout=60)[0]
