"""An SSH server on this machine that gives so many sessions at once on one connection."""

from __future__ import annotations

import os
import socket
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import replace
from pathlib import Path, PurePosixPath

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from paramiko import Channel, ECDSAKey, PKey, ServerInterface, Transport
from paramiko.common import AUTH_SUCCESSFUL, OPEN_FAILED_CONNECT_FAILED, OPEN_SUCCEEDED

from fabfile.remote.access.connect import connect
from fabfile.remote.host import Host

from .builders import SERVER


class Sshd(ServerInterface):
    """Whoever comes is let in; what they ask for is run by bash."""

    def __init__(self, sessions: int) -> None:
        self.sessions = sessions
        self.most = 0
        """Sessions that were open at once."""
        self.lines: list[str] = []
        """What was asked for."""
        self.transports: list[Transport] = []
        self._open = 0
        self._guard = threading.Lock()

    def check_auth_publickey(self, username: str, key: PKey) -> int:
        return AUTH_SUCCESSFUL

    def get_allowed_auths(self, username: str) -> str:
        return "publickey"

    def check_channel_request(self, kind: str, chanid: int) -> int:
        with self._guard:
            if self._open >= self.sessions:
                return OPEN_FAILED_CONNECT_FAILED  # as OpenSSH answers
            self._open += 1
            self.most = max(self.most, self._open)
        return OPEN_SUCCEEDED

    def check_channel_exec_request(self, channel: Channel, command: bytes) -> bool:
        threading.Thread(target=self._run, args=(channel, command), daemon=True).start()
        return True

    def forget(self, ended: int) -> None:
        """So many have been closed."""
        with self._guard:
            self._open -= ended

    def cut(self) -> None:
        """Close the connection."""
        for transport in self.transports:
            transport.close()

    def _run(self, channel: Channel, command: bytes) -> None:
        self.lines.append(command.decode())
        pipe = subprocess.PIPE
        run = subprocess.Popen(
            ["bash", "-c", command], stdin=pipe, stdout=pipe, stderr=pipe, bufsize=0
        )
        assert run.stdout
        assert run.stderr
        with run.stdout as out, run.stderr as errors:
            sent = (errors.fileno(), channel.sendall_stderr)
            threads = [
                threading.Thread(target=_give, args=(channel, run), daemon=True),
                threading.Thread(target=_take, args=sent, daemon=True),
            ]
            for thread in threads:
                thread.start()
            _take(out.fileno(), channel.sendall)
            threads[1].join()
        run.wait()
        if run.returncode >= 0:  # else a signal, which is no exit code
            channel.send_exit_status(run.returncode)
        channel.close()


def _give(channel: Channel, process: subprocess.Popen[bytes]) -> None:
    """What the client says goes in, as long as anybody reads it; this alone closes it."""
    assert process.stdin
    with suppress(OSError), process.stdin:  # it has ended
        for data in iter(lambda: channel.recv(8192), b""):
            process.stdin.write(data)


def _take(output: int, send: Callable[[bytes], None]) -> None:
    with suppress(OSError):  # nobody hears it any more
        for data in iter(lambda: os.read(output, 8192), b""):
            send(data)


@contextmanager
def listening(key: PKey, sshd: Sshd) -> Iterator[int]:
    """Serve one connection; gives the port."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            transport = Transport(listener.accept()[0])
            sshd.transports.append(transport)
            transport.add_server_key(key)
            transport.start_server(server=sshd)
            channels: list[Channel] = []  # one that nobody holds is closed
            while transport.is_active():
                if channel := transport.accept(0.02):
                    channels.append(channel)
                ended = [one for one in channels if one.closed]
                channels = [one for one in channels if not one.closed]
                sshd.forget(len(ended))

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield listener.getsockname()[1]
        sshd.cut()


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[Callable[[Sshd], Host]]:
    """Connects to a server that gives so many sessions."""
    secret = Ed25519PrivateKey.generate()
    form = (Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption())
    (tmp_path / "id").write_bytes(secret.private_bytes(*form))
    (tmp_path / "root/locks").mkdir(parents=True)
    key = ECDSAKey.generate()
    with ExitStack() as stack:

        def to(sshd: Sshd) -> Host:
            port = stack.enter_context(listening(key, sshd))
            known = tmp_path / "known_hosts"
            known.write_text(f"[127.0.0.1]:{port} {key.get_name()} {key.get_base64()}\n")
            found = replace(
                SERVER,
                host="127.0.0.1",
                port=port,
                key=tmp_path / "id",
                known_hosts=known,
                root=PurePosixPath(tmp_path / "root"),
            )
            host = connect(found, lambda key: "")
            stack.callback(host.close)
            return host

        yield to
