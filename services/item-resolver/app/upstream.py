"""The operator's own proxy, where there is one: the way out goes on through it."""

import asyncio
import ssl
from base64 import b64encode
from dataclasses import dataclass, field
from typing import Self
from urllib.parse import urlsplit

from app.settings import Settings

ANSWER_SECONDS = 15.0

Stream = tuple[asyncio.StreamReader, asyncio.StreamWriter]


@dataclass(frozen=True)
class Upstream:
    """A proxy that is asked for connections to addresses which the guard has checked."""

    host: str
    port: int
    tls: ssl.SSLContext | None
    credentials: str = field(repr=False)
    """USERNAME:PASSWORD; blank: it asks for none."""
    bypass: frozenset[str]

    @classmethod
    def of(cls, settings: Settings) -> Self | None:
        """The one of the settings; None without one."""
        if not settings.proxy_server:
            return None
        url = urlsplit(settings.proxy_server)
        tls = ssl.create_default_context() if url.scheme == "https" else None
        if tls and settings.proxy_ignore_cert_errors:
            tls.check_hostname = False
            tls.verify_mode = ssl.CERT_NONE
        password = settings.proxy_password.get_secret_value()
        return cls(
            host=url.hostname or "",
            port=url.port or (443 if tls else 80),
            tls=tls,
            credentials=f"{settings.proxy_username}:{password}" if settings.proxy_username else "",
            bypass=frozenset(
                name.strip().lower().lstrip("*.") for name in settings.proxy_bypass.split(",")
            )
            - {""},
        )

    def passed_by(self, host: str) -> bool:
        """Whether this host, or one above it in its name, is reached without the proxy."""
        labels = host.strip("[]").rstrip(".").lower().split(".")
        return any(".".join(labels[at:]) in self.bypass for at in range(len(labels)))

    async def connect(self, address: str, port: int) -> Stream:
        """A connection to that address. Raises OSError when the proxy makes none."""
        async with asyncio.timeout(ANSWER_SECONDS):
            reader, writer = await asyncio.open_connection(self.host, self.port, ssl=self.tls)
            try:
                place = f"[{address}]:{port}" if ":" in address else f"{address}:{port}"
                lines = [f"CONNECT {place} HTTP/1.1", f"Host: {place}"]
                if self.credentials:
                    told = b64encode(self.credentials.encode()).decode()
                    lines.append(f"Proxy-Authorization: Basic {told}")
                writer.write("\r\n".join([*lines, "", ""]).encode())
                status = (await reader.readuntil(b"\r\n\r\n")).split(b" ", 2)[1:2]
                if status != [b"200"]:
                    raise OSError("the proxy makes no connection")
            except BaseException as failure:
                writer.close()
                if isinstance(failure, asyncio.IncompleteReadError | asyncio.LimitOverrunError):
                    raise OSError("the proxy gives no answer") from None
                raise
            return reader, writer
