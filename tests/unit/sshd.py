"""An SSH server on this machine that gives so many sessions at once on one connection."""

from __future__ import annotations

import os
import socket
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from paramiko import Channel, PKey, ServerInterface, Transport
from paramiko.common import AUTH_SUCCESSFUL, OPEN_FAILED_CONNECT_FAILED, OPEN_SUCCEEDED


class Sshd(ServerInterface):
    """Whoever comes is let in; what they ask for is run by bash."""

    def __init__(self, sessions: int) -> None:
        self.sessions = sessions
        self.most = 0
        """Sessions that were open at once."""
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

    def _run(self, channel: Channel, command: bytes) -> None:
        with subprocess.Popen(
            ["bash", "-c", command],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        ) as process:
            assert process.stdin
            assert process.stdout
            given = threading.Thread(target=self._give, args=(channel, process), daemon=True)
            given.start()
            out = process.stdout.fileno()
            for data in iter(lambda: os.read(out, 8192), b""):
                channel.sendall(data)
        channel.send_exit_status(process.returncode)
        channel.close()

    def _give(self, channel: Channel, process: subprocess.Popen[bytes]) -> None:
        assert process.stdin
        for data in iter(lambda: channel.recv(8192), b""):
            process.stdin.write(data)
            process.stdin.flush()
        process.stdin.close()


@contextmanager
def listening(key: PKey, sshd: Sshd) -> Iterator[int]:
    """Serve one connection; gives the port."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        served: list[Transport] = []

        def serve() -> None:
            transport = Transport(listener.accept()[0])
            served.append(transport)
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
        for transport in served:
            transport.close()
