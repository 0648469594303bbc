"""Asking from this machine, as a user's browser would: addresses of names, and probes."""

from __future__ import annotations

import socket
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import certifi
import requests
from requests.adapters import HTTPAdapter
from urllib3.exceptions import HTTPError

from ..model.maintenance import PASS
from ..model.probe import Answer, Question
from .http import BODY, TIMEOUT


class _Edge(HTTPAdapter):
    """Connects to one address, whatever the name in the URL; TLS still checks that name."""

    def __init__(self, host: str, port: int) -> None:
        self._host = host
        self._port = port
        super().__init__()

    def add_headers(self, request: requests.PreparedRequest, **_: Any) -> None:
        """The name in the URL is also the Host that is asked for, not the address."""
        request.headers["Host"] = urlsplit(request.url or "").netloc

    def get_connection_with_tls_context(
        self,
        request: requests.PreparedRequest,
        verify: bool | str | None,
        proxies: Mapping[str, str] | None = None,
        cert: Any = None,
    ) -> Any:
        parameters: dict[str, Any]
        pool: dict[str, Any]
        parameters, pool = self.build_connection_pool_key_attributes(  # type: ignore[assignment]
            request, True if verify is None else verify, cert
        )
        name = urlsplit(request.url or "").hostname
        parameters.update(host=self._host, port=self._port)
        if parameters["scheme"] == "https":
            pool.update(server_hostname=name, assert_hostname=name)
        return self.poolmanager.connection_from_host(**parameters, pool_kwargs=pool)


@cache
def addresses_of(name: str) -> frozenset[str]:
    """The addresses of a name as this machine finds them, looked up once; none: it has none."""
    try:
        found = socket.getaddrinfo(name, None, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        return frozenset()
    return frozenset(str(place[0]) for *_, place in found)


def ask_from_here(
    questions: Sequence[Question],
    env: Mapping[str, str],
    edge: tuple[str, int] | None,
    trust: str = "",
) -> list[Answer]:
    """Ask all questions from this machine, as a user's browser would; redirects are not followed.

    ``edge`` is where to connect over TLS instead of the name's own address; a question that has a
    place of its own is asked there. ``trust`` is a certificate
    (PEM text) that is trusted besides the public authorities: the self-made one of a new server.
    """
    with requests.Session() as session, _bundle(trust) as verify:
        session.trust_env = False
        if edge:
            session.mount("https://", _Edge(*edge))
        for question in questions:
            if question.connect:
                host, _, port = question.connect.rpartition(":")
                parts = urlsplit(question.url)
                site = f"{parts.scheme}://{parts.netloc}/"
                session.mount(site, _Edge(host, int(port)))
        return [_ask(session, question, env, verify) for question in questions]


def _ask(
    session: requests.Session, question: Question, env: Mapping[str, str], verify: str
) -> Answer:
    headers = {"User-Agent": "wishwithme-probe", "Connection": "close"}
    if question.probe.bearer:
        headers["Authorization"] = f"Bearer {env.get(question.probe.bearer, '')}"
    if question.maintenance:
        headers[PASS] = question.maintenance
    start = time.monotonic()
    try:
        with session.get(
            question.url,
            headers=headers,
            timeout=TIMEOUT,
            verify=verify,
            allow_redirects=False,
            stream=True,
        ) as response:
            body = _read(response, start + TIMEOUT)
    except (requests.RequestException, HTTPError, TimeoutError) as error:
        return Answer(0, error=_cause(error), seconds=time.monotonic() - start)
    seconds = time.monotonic() - start
    return Answer(
        response.status_code,
        body.decode("utf-8", "replace"),
        seconds=seconds,
        headers={name.lower(): value for name, value in response.headers.items()},
    )


def _read(response: requests.Response, end: float) -> bytes:
    """The body, at most ``BODY`` bytes of it, and no longer than until ``end``."""
    body = b""
    # What has come, not whole blocks of it: a server that drips must not hold the gate.
    while chunk := response.raw.read1(8192, decode_content=True):
        body += chunk
        if time.monotonic() > end:
            raise TimeoutError(f"no whole answer within {TIMEOUT} s")
        if len(body) >= BODY:
            break
    return body[:BODY]


def _cause(error: Exception) -> str:
    inner: BaseException = error
    while inner.__cause__ or inner.__context__:
        inner = inner.__cause__ or inner.__context__ or inner
    return f"{type(error).__name__}: {str(inner)[:200]}"


@contextmanager
def _bundle(trust: str) -> Iterator[str]:
    if not trust:
        yield certifi.where()
        return
    with tempfile.NamedTemporaryFile("w", suffix=".pem") as file:
        file.write(Path(certifi.where()).read_text(encoding="ascii"))
        file.write(f"\n{trust}\n")
        file.flush()
        yield file.name
