"""What a server looks like from outside its sshd, and what can be put out of its place there."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

from tests.lab.rig import Server
from tests.lab.rig.server import CHECKOUT

STATE = "/opt/wishwithme"

# Without the inside of data/: what a running database writes is its own business. Without the time
# of locks/ and whose turn it is: a command takes the lock before it looks, and names itself there
# while it holds it.
EVERYTHING = f"""
find {CHECKOUT} {STATE} -path '{STATE}/data/*' -prune -o \\
    -path {STATE}/locks -o -path {STATE}/locks/step -o \\
    -printf '%p\\tis %y %m %U:%G %s bytes of %T@ %l\\n' 2>/dev/null
find {CHECKOUT} {STATE} -path '{STATE}/data/*' -prune -o \\
    -path {STATE}/locks/step -o -type f -print0 2>/dev/null |
    xargs -0r sha256sum | sed 's/\\([^ ]*\\)  \\(.*\\)/\\2 holds\\t\\1/'
find {STATE}/data -mindepth 1 -maxdepth 1 -printf '%p\\tis %y %m %U:%G\\n' 2>/dev/null
find /tmp -maxdepth 1 \\( -user ubuntu -o -user root \\) \\
    \\( -name 'wishwithme*' -o -name 'tmp.*' \\) -printf '%p\\tis left over\\n'
iptables -S | grep -e -guard | sed 's/$/\\tis a rule/'
crontab -l -u ubuntu 2>/dev/null | sed 's/^/crontab\\t/'
docker volume ls -q | sed 's/$/\\tis a volume/'
docker network ls --format '{{{{.Name}}}}' | sed 's/$/\\tis a network/'
docker image ls -a --no-trunc \\
    --format 'image {{{{.Repository}}}}:{{{{.Tag}}}} {{{{.ID}}}}\tis there'
docker ps -aq | xargs -r docker inspect --format \
    'container {{{{.Name}}}}	{{{{.Id}}}} {{{{.State.Status}}}} since {{{{.State.StartedAt}}}}'
"""


def head(server: Server) -> str:
    """The commit of the server's checkout; empty when there is none."""
    return server.exec(
        ["git", "-C", CHECKOUT, "rev-parse", "-q", "--verify", "HEAD"]
    ).stdout.strip()


def containers(server: Server) -> dict[str, str]:
    """Name → id of every container, running or not."""
    listed = server.must(["docker", "ps", "-a", "--no-trunc", "--format", "{{.Names}} {{.ID}}"])
    return dict(line.split() for line in listed.splitlines())


def now(server: Server) -> str:
    """The server's clock: ISO 8601, UTC, to the second."""
    return server.must(["date", "-u", "+%Y-%m-%dT%H:%M:%SZ"]).strip()


def written(server: Server, service: str, since: str) -> list[str]:
    """The lines that a service's container wrote from an instant (ISO 8601, UTC) on.

    Out of the engine's own file: ``docker logs`` ends at a line that a power loss has cut in half.
    """
    container = f"wishwithme-{service}"
    path = server.must(["docker", "inspect", "-f", "{{.LogPath}}", container]).strip()
    found = []
    for line in server.must(["cat", path]).splitlines():
        with suppress(json.JSONDecodeError):
            said = json.loads(line)
            # Cut to the second: of fractions the engine writes as many digits as it needs.
            if f"{said['time'][:19]}Z" >= since:
                found.append(said["log"])
    return found


def asked(server: Server, since: str) -> list[dict[str, Any]]:
    """What the proxy wrote of the requests that it answered from an instant on."""
    return [json.loads(line) for line in written(server, "nginx", since) if line.startswith("{")]


def snapshot(server: Server) -> dict[str, str]:
    """Everything that a command which changes nothing must leave: files to the byte, the engine."""
    listed = server.must(["bash", "-c", EVERYTHING])
    return dict(line.split("\t", 1) for line in listed.splitlines())


@contextmanager
def untouched(*servers: Server) -> Iterator[None]:
    """The block leaves these servers byte for byte as they were."""
    before = [snapshot(server) for server in servers]
    yield
    for server, old in zip(servers, before, strict=True):
        new = snapshot(server)
        changed = [
            f"{server.name}: {name}: {old.get(name, 'not there')} -> {new.get(name, 'gone')}"
            for name in sorted(old.keys() | new.keys())
            if old.get(name) != new.get(name)
        ]
        assert not changed, "\n".join(changed)


@contextmanager
def hidden(server: Server, path: str) -> Iterator[None]:
    """Something of the server is not where it belongs."""
    server.must(["mv", path, f"{path}.hidden"])
    try:
        yield
    finally:
        server.must(["mv", f"{path}.hidden", path])


@contextmanager
def settings_kept(server: Server) -> Iterator[None]:
    """After the block the server's ``.env`` is the one that it was."""
    kept, env = "/root/env.kept", f"{CHECKOUT}/.env"
    server.must(["cp", "-p", env, kept])
    try:
        yield
    finally:
        server.must(["sh", "-c", f"rm -f {env} && mv {kept} {env}"])


LISTEN = """
import os, socket, sys
listener = socket.create_server(("", int(sys.argv[1])))
child = os.fork()
if child:
    print(child, listener.getsockname()[1])
    sys.exit()
for stream in (0, 1, 2):
    os.close(stream)
while True:
    asking = listener.accept()[0]
    asking.recv(65536)
    asking.sendall(sys.argv[2].encode())
    asking.close()
"""


@contextmanager
def listening(server: Server, port: int = 0, answer: str = "") -> Iterator[int]:
    """A process that is no container listens on a port (0: a free one) and answers so; the port."""
    process, taken = server.must(["python3", "-c", LISTEN, str(port), answer]).split()
    try:
        yield int(taken)
    finally:
        server.must(["kill", process])


def holder(server: Server, text: str, seconds: float = 60) -> str:
    """Wait until the lock of the server is held by somebody with ``text`` in the line about it."""
    end = time.monotonic() + seconds
    while True:
        said = server.exec(["cat", f"{STATE}/locks/holder"]).stdout.strip()
        if text in f"{said} ":
            return said
        assert time.monotonic() < end, f"nobody holds {server.name} with {text!r}: {said!r}"
        time.sleep(0.1)
