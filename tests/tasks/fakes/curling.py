"""Curl on a simulated server: the questions of its configuration, answered in its own format."""

from __future__ import annotations

import json
import re
from urllib.parse import urlsplit

from .certificates import trusted
from .commands import Command
from .engine import Ended
from .machine import Machine
from .proxy import NOBODY, Answered, directly, through


def curl(machine: Machine, command: Command, stdin: str) -> Ended:
    """Answer every question; ``trust`` is the certificate that takes the authorities' place."""
    trust = command.words[0]
    return Ended(0, "".join(_answer(machine, part, trust) for part in stdin.split("next\n")))


def _answer(machine: Machine, part: str, trust: str) -> str:
    url = _option(part, "url")
    bearer = re.search(r"Authorization: Bearer (.*?)\"", part)
    let_in = re.search(r"X-Maintenance-Pass: (.*?)\"", part)
    mark = part.split('write-out = "\\n')[1].partition(" ")[0]
    token = bearer[1] if bearer else ""
    answered = ask(
        machine, url, token, trust, _option(part, "connect-to"), let_in[1] if let_in else ""
    )
    meta = {
        "http_code": answered.status,
        "errormsg": answered.error or None,
        "time_total": 0.01,
    }
    head = ""
    if answered.status:
        lines = [
            f"HTTP/1.1 {answered.status} X",
            *(f"{k}: {v}" for k, v in answered.headers.items()),
        ]
        head = "".join(f"{line}\r\n" for line in lines) + "\r\n"
    return f"{head}{answered.body}\n{mark} {json.dumps(meta)}\n"


def _option(part: str, name: str) -> str:
    found = re.search(rf'^{name} = "(.*)"$', part, re.MULTILINE)
    return found[1] if found else ""


def ask(
    machine: Machine, url: str, token: str, trust: str, connect: str, let_in: str = ""
) -> Answered:
    """A question asked on a server: of a container, of its own proxy, or of another server's."""
    host = urlsplit(url).hostname or ""
    if host.startswith("172."):
        return directly(machine.engine, machine.proxy, url, token)
    asked, caller = (
        (machine, "127.0.0.1") if connect else (machine.network.get(host), machine.address)
    )
    if asked is None:
        return NOBODY
    if not trusted(trust, asked.certificate):
        return Answered(0, error="SSL certificate problem: unable to get local issuer certificate")
    return through(asked.engine, asked.proxy, url, token, caller, let_in)
