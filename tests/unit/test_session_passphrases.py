"""Passphrases in a command: each is asked for once, before its key is used, and shown nowhere."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from fabfile.model.errors import REFUSED, Trouble
from fabfile.model.inventory import Inventory, Server
from fabfile.ops.session import Session
from fabfile.remote.access.connect import Ask
from fabfile.remote.host import Host
from fabfile.ui.console import Console

from .builders import SERVER

LOCKED = replace(SERVER, passphrase=True)
SERVERS = (
    LOCKED,
    replace(LOCKED, name="montreal"),
    replace(LOCKED, name="third", key=Path("/keys/third")),
    replace(LOCKED, name="guarded", agent=True),
)
INVENTORY = Inventory(Path("/hosts.ini"), SERVERS)


def test_a_key_of_two_servers_is_asked_for_once(monkeypatch: pytest.MonkeyPatch) -> None:
    console, asked, used = Console(), list[str](), dict[str, str]()

    def secret(question: str) -> str:
        asked.append(question)
        return "correct horse"

    def opener(server: Server, ask: Ask) -> Host:
        used[server.name] = ask(server.key) if not server.agent else "by the agent"
        return Host(server, None)

    monkeypatch.setattr(console, "secret", secret)
    session = Session(INVENTORY, console, opener)
    for server in SERVERS:
        session.host(server.name)
    assert asked == ["passphrase of /keys/ubuntu", "passphrase of /keys/third"]
    assert used == {
        **dict.fromkeys(("ubuntu", "montreal", "third"), "correct horse"),
        "guarded": "by the agent",
    }
    assert console.redact("a correct horse") == "a [hidden]"


def test_where_nobody_can_be_asked_that_is_said() -> None:
    session = Session(INVENTORY, Console(), lambda server, ask: pytest.fail(f"{server} {ask}"))
    with pytest.raises(Trouble) as caught:
        session.host("ubuntu")
    assert (caught.value.code, caught.value.message) == (
        REFUSED,
        "passphrase of /keys/ubuntu: nobody can be asked where there is no terminal",
    )
