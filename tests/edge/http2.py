"""HTTP/2 frame by frame, for what no ordinary client does."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager

import h2.config
import h2.connection
import h2.events
import h2.exceptions
import h2.settings

from .client import DEADLINE, Client


class Talk:
    """One connection; ``statuses`` are those of the answers so far."""

    def __init__(self, connection: socket.socket) -> None:
        self.socket = connection
        self.state = h2.connection.H2Connection(h2.config.H2Configuration())
        self.state.initiate_connection()
        self.statuses: list[str] = []
        self.answers = 0
        self.flush()

    def flush(self) -> None:
        self.socket.sendall(self.state.data_to_send())

    def hear(self) -> bool:
        """What the proxy says next; whether it still talks."""
        try:
            data = self.socket.recv(65536)
        except ConnectionError:
            return False
        if not data:
            return False
        try:
            events = self.state.receive_data(data)
        except h2.exceptions.ProtocolError:
            # What it says after its word of the end.
            return False
        for event in events:
            if isinstance(event, h2.events.ConnectionTerminated):
                return False
            if isinstance(event, h2.events.ResponseReceived):
                self.statuses.append(dict(event.headers)[b":status"].decode())
            if isinstance(event, h2.events.DataReceived) and event.flow_controlled_length:
                self.state.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
            if isinstance(event, h2.events.StreamEnded):
                self.answers += 1
        self.flush()
        return True

    def streams_at_once(self) -> int:
        while h2.settings.SettingCodes.MAX_CONCURRENT_STREAMS not in self.state.remote_settings:
            assert self.hear()
        return self.state.remote_settings.max_concurrent_streams

    def ask(self, host: str, path: str) -> int:
        stream = self.state.get_next_available_stream_id()
        words = {":method": "GET", ":scheme": "https", ":authority": host, ":path": path}
        self.state.send_headers(stream, [*words.items()], end_stream=True)
        self.flush()
        return stream

    def answered(self, count: int) -> list[str]:
        while self.answers < count:
            assert self.hear()
        return self.statuses

    def reset_until_ended(self, host: str, most: int) -> int:
        """How many streams were begun and given up before the proxy had enough."""
        self.streams_at_once()
        self.socket.settimeout(0.001)
        for number in range(most):
            try:
                self.state.reset_stream(self.ask(host, "/"))
                self.flush()
                if not self.hear():
                    return number
            except TimeoutError:
                continue
            except OSError:
                return number
        return most


@contextmanager
def talking(client: Client, host: str) -> Iterator[Talk]:
    """A connection over which one may say whatever HTTP/2 allows."""
    context = ssl.create_default_context(cafile=client.proxy.authority.file)
    context.set_alpn_protocols(["h2"])
    raw = socket.create_connection(
        ("127.0.0.1", client.proxy.ports[client.port]), DEADLINE, (client.address, 0)
    )
    raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    with context.wrap_socket(raw, server_hostname=host) as connection:
        assert connection.selected_alpn_protocol() == "h2"
        yield Talk(connection)
