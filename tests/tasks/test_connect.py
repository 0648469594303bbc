"""Connecting: pinned keys only, no agent, no prompt, and every error one line with its remedy."""

from __future__ import annotations

import socket
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
)
from invoke import Context
from paramiko import (
    AuthenticationException,
    BadHostKeyException,
    HostKeys,
    RejectPolicy,
    SSHException,
)
from paramiko.ssh_exception import ChannelException, NoValidConnectionsError

from fabfile.model.access.way_in import Gateway
from fabfile.model.errors import REFUSED, Trouble
from fabfile.model.inventory import Server
from fabfile.remote.access import connect
from fabfile.remote.access.keys import loaded
from tests.unit.builders import SERVER

PUBLIC = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIMhp3j1mmzkD1OXPGnzCzGKAjpk9ZYbxXKWfxyCNMAb0"
PINNED = f"[192.0.2.7]:2222,[nowhere.example]:2222 {PUBLIC}\n"


def nobody(key: Path) -> str:
    raise AssertionError(f"somebody is asked for the passphrase of {key}")


class Dialled:
    """Stands for Fabric's Connection; ``open`` raises what a test says."""

    error: BaseException | None = None
    well = ""
    """A host that is reached all the same."""
    made: list[Dialled]

    def __init__(self, **how: Any) -> None:
        self.how = how
        self.policy: Any = None
        self.known = HostKeys()
        self.closed = False
        self.kept_alive = 0
        self.channel_timeout = 3600
        self.client = self
        self.transport = self
        type(self).made.append(self)

    def get_host_keys(self) -> HostKeys:
        return self.known

    def set_missing_host_key_policy(self, policy: Any) -> None:
        self.policy = policy

    def set_keepalive(self, seconds: int) -> None:
        self.kept_alive = seconds

    def open(self) -> None:
        if self.error and self.how["host"] != self.well:
            raise self.error
        connect.bound(self.transport)  # type: ignore[arg-type]

    def close(self) -> None:
        self.closed = True


@pytest.fixture
def dialled(monkeypatch: pytest.MonkeyPatch) -> type[Dialled]:
    """The class whose instances the adapter makes."""
    fresh = type("Fresh", (Dialled,), {"made": [], "error": None})
    monkeypatch.setattr(connect, "Bounded", fresh)
    return fresh


@pytest.fixture
def server(tmp_path: Path) -> Server:
    """A server with a key without a passphrase."""
    key = Ed25519PrivateKey.generate()
    content = key.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption())
    (tmp_path / "id").write_bytes(content)
    (tmp_path / "known_hosts").write_text(PINNED)
    return replace(SERVER, port=2222, key=tmp_path / "id", known_hosts=tmp_path / "known_hosts")


def test_only_the_pinned_host_keys_and_the_one_key_of_the_server_are_used(
    dialled: type[Dialled], server: Server
) -> None:
    connect.connect(server, nobody)
    (connection,) = dialled.made
    assert isinstance(connection.policy, RejectPolicy)
    pinned = HostKeys(str(server.known_hosts)).lookup("[192.0.2.7]:2222")
    assert pinned
    assert [*connection.known] == ["[192.0.2.7]:2222"]
    assert connection.known.lookup("[192.0.2.7]:2222") == pinned
    assert connection.how["forward_agent"] is False
    assert connection.how["connect_kwargs"]["pkey"] is loaded(server.key)
    assert connection.how["connect_kwargs"]["allow_agent"] is False
    assert connection.how["connect_kwargs"]["look_for_keys"] is False
    assert (connection.how["host"], connection.how["port"]) == ("192.0.2.7", 2222)
    assert (connection.kept_alive, connection.channel_timeout) == (connect.KEEPALIVE, 30)


@pytest.mark.parametrize("pinned", [None, "", f"192.0.2.7 {PUBLIC}\n"])
def test_an_unknown_host_is_named_with_the_way_to_pin_it_and_all_that_must_be_set(
    dialled: type[Dialled], server: Server, pinned: str | None
) -> None:
    """As in a fresh clone, which has somebody else's values: before the key is looked for."""
    server.known_hosts.unlink()
    server.key.unlink()
    if pinned is not None:
        server.known_hosts.write_text(pinned)
    there = "/home/ubuntu/app"
    said = {"host": "192.0.2.7", "user": "ubuntu", "key": "id", "path": there}
    said |= {"repository": "git://origin/app.git", "branch": "main", "domains": "app.example"}
    with pytest.raises(Trouble) as caught:
        connect.connect(replace(server, settings=said), nobody)
    assert (caught.value.code, dialled.made) == (REFUSED, [])
    assert caught.value.message == (
        "ubuntu: no host key of 192.0.2.7:2222 is pinned; fab hosts.pin ubuntu fetches it,"
        " to be compared with the server's console"
    )
    assert caught.value.evidence == (
        "before that, these must be yours (docs/hosts.md):",
        "[ubuntu] in hosts.ini: host = 192.0.2.7, user = ubuntu, key = id",
        f"[ubuntu] in hosts.ini: repository = {said['repository']}, branch = main, path = {there}",
        "[ubuntu] in hosts.ini: domains = app.example",
        f"on the server, {SERVER.path}/.env: DOMAIN, secrets and what else .env.example requires",
    )


def test_on_the_server_itself_nothing_is_dialled(dialled: type[Dialled], server: Server) -> None:
    host = connect.connect(replace(server, connection="local", key=Path("/nowhere")), nobody)
    assert isinstance(host.context, Context)
    assert dialled.made == []


def test_a_key_that_cannot_be_used_is_named_before_anything_is_dialled(
    dialled: type[Dialled], server: Server
) -> None:
    server.key.unlink()
    with pytest.raises(Trouble, match=rf"^ubuntu: key {server.key} does not exist$") as caught:
        connect.connect(server, nobody)
    assert caught.value.code == REFUSED
    assert dialled.made == []


def refused_by(error: BaseException, dialled: type[Dialled], server: Server) -> str:
    dialled.error = error
    with pytest.raises(Trouble) as caught:
        connect.connect(server, nobody)
    assert caught.value.code == REFUSED
    assert dialled.made[0].closed
    assert "\n" not in caught.value.message
    return caught.value.message


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (TimeoutError("timed out"), "no connection within 10 s"),
        (NoValidConnectionsError({("192.0.2.7", 2222): OSError()}), "connection refused"),
        (OSError(113, "No route to host"), "[Errno 113] No route to host"),
        (EOFError(), "EOFError"),
        (ConnectionResetError("reset by peer"), "reset by peer"),
    ],
)
def test_a_host_that_does_not_answer_is_named_with_the_cause(
    dialled: type[Dialled], server: Server, error: BaseException, reason: str
) -> None:
    assert refused_by(error, dialled, server) == (
        f"ubuntu: 192.0.2.7:2222 does not answer ({reason}); is the host up?"
    )


def test_a_name_that_does_not_resolve_is_named(dialled: type[Dialled], server: Server) -> None:
    error = socket.gaierror(-2, "Name or service not known")
    assert refused_by(error, dialled, replace(server, host="nowhere.example")) == (
        "ubuntu: host name nowhere.example does not resolve; check hosts.ini"
    )


def test_a_wrong_user_or_key_is_named_with_the_remedy(
    dialled: type[Dialled], server: Server
) -> None:
    assert refused_by(AuthenticationException("no"), dialled, server) == (
        f"ubuntu: 192.0.2.7:2222 refuses key {server.key} for user ubuntu; wrong user or key:"
        f" ssh-copy-id -i {server.key}.pub -p 2222 ubuntu@192.0.2.7"
    )


def test_a_changed_host_key_is_named_with_the_exact_remedy(
    dialled: type[Dialled], server: Server
) -> None:
    class Public:
        def get_base64(self) -> str:
            return "AAAA"

    error = BadHostKeyException("192.0.2.7", Public(), Public())  # type: ignore[arg-type]
    assert refused_by(error, dialled, server) == (
        "ubuntu: the host key of 192.0.2.7:2222 is not the pinned one; if the server was really"
        f" reinstalled: ssh-keygen -R '[192.0.2.7]:2222' -f {server.known_hosts},"
        " then fab hosts.pin ubuntu"
    )


def test_another_failure_of_ssh_is_one_line_too(dialled: type[Dialled], server: Server) -> None:
    error = SSHException("Error reading SSH protocol banner\nand more")
    assert refused_by(error, dialled, server) == (
        "ubuntu: 192.0.2.7:2222 does not answer in SSH, although it takes the connection"
        " (Error reading SSH protocol banner); does the host hang?"
    )


def test_a_key_that_is_not_looked_up_in_time_is_not_called_wrong(
    dialled: type[Dialled], server: Server
) -> None:
    assert refused_by(AuthenticationException("Authentication timeout."), dialled, server) == (
        "ubuntu: 192.0.2.7:2222 did not say within 30 s whether it takes the key of user ubuntu;"
        " does it ask a slow directory? Its sshd's log says"
    )


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (b"192.0.2.7 ssh-ed25519 AAAA!broken\n", "has a line that is no host key: 192.0.2.7"),
        (b"192.0.2.7 ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI\n", "has a line that is no host key"),
        (b"192.0.2.7 ssh-ed25519 \xff\xfe\n", "cannot be read: 'utf-8' codec"),
        (None, "cannot be read: [Errno 21] Is a directory"),
    ],
)
def test_pinned_host_keys_that_cannot_be_read_are_named_and_nothing_is_dialled(
    server: Server, text: bytes | None, said: str
) -> None:
    server.known_hosts.unlink()
    if text is None:
        server.known_hosts.mkdir()
    else:
        server.known_hosts.write_bytes(text)
    with pytest.raises(Trouble) as caught:
        connect.connect(server, nobody)
    assert caught.value.code == REFUSED
    assert caught.value.message.startswith(f"ubuntu: {server.known_hosts} {said}")
    assert "\n" not in caught.value.message


def by_way(server: Server) -> Server:
    """The same, behind a jump host whose key is pinned too."""
    server.known_hosts.write_text(f"{PINNED}door.example {PUBLIC}\n")
    return replace(server, gateway=Gateway("door.example", user="jumper"))


def test_behind_a_jump_host_that_is_opened_first(dialled: type[Dialled], server: Server) -> None:
    connect.connect(by_way(server), nobody)
    door, there = dialled.made
    assert (door.how["host"], door.how["port"], door.how["user"]) == ("door.example", 22, "jumper")
    assert (door.how["gateway"], there.how["gateway"]) == (None, door)
    assert (there.how["host"], there.how["user"]) == ("192.0.2.7", "ubuntu")
    assert door.how["connect_kwargs"]["pkey"] is loaded(server.key)


def test_each_connection_has_settings_of_its_own(dialled: type[Dialled], server: Server) -> None:
    """Fabric writes into them, and for that moment nothing else is found there."""
    connect.connect(by_way(server), nobody)
    connect.connect(server, nobody)
    assert len({id(one.how["config"]) for one in dialled.made}) == len(dialled.made) == 3


def test_a_jump_host_whose_key_is_not_pinned_is_not_dialled(
    dialled: type[Dialled], server: Server
) -> None:
    with pytest.raises(Trouble, match=r"^ubuntu: no host key of its gateway door is pinned"):
        connect.connect(replace(server, gateway=Gateway("door")), nobody)
    assert dialled.made == []


@pytest.mark.parametrize(
    ("error", "why"),
    [
        (ChannelException(1, "no"), "its sshd forbids it (AllowTcpForwarding)"),
        (ChannelException(2, "no"), "from there nothing answers at that address and port"),
        (SSHException("Timeout opening channel."), "from there nothing answers within 30 s"),
    ],
)
def test_a_jump_host_that_does_not_lead_there_is_told_apart(
    dialled: type[Dialled], server: Server, error: SSHException, why: str
) -> None:
    dialled.error, dialled.well = error, "door.example"
    with pytest.raises(Trouble) as caught:
        connect.connect(by_way(server), nobody)
    said = f"ubuntu: its gateway does not lead to 192.0.2.7:2222: {why}"
    assert (caught.value.code, caught.value.message) == (REFUSED, said)
    assert dialled.made[1].closed


def test_a_jump_host_that_refuses_the_key_is_named_as_one(
    dialled: type[Dialled], server: Server
) -> None:
    assert refused_by(AuthenticationException("no"), dialled, by_way(server)) == (
        f"ubuntu: its gateway door.example refuses key {server.key} for user jumper; wrong user or"
        f" key: ssh-copy-id -i {server.key}.pub -p 22 jumper@door.example"
    )


def test_the_passphrase_that_a_person_knows_opens_the_key(
    dialled: type[Dialled], server: Server
) -> None:
    key = Ed25519PrivateKey.generate()
    locked = BestAvailableEncryption(b"correct horse")
    server.key.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, locked))
    asked = replace(server, passphrase=True)
    connect.connect(asked, lambda _key: "correct horse")
    key_used = dialled.made[0].how["connect_kwargs"]["pkey"]
    assert key_used is loaded(server.key, "correct horse")
    with pytest.raises(Trouble, match=r"id does not open with that passphrase$"):
        connect.connect(asked, lambda _key: "wrong horse")


def test_without_an_agent_its_keys_are_not_waited_for(
    dialled: type[Dialled], server: Server
) -> None:
    with pytest.raises(Trouble, match=r"^ubuntu: agent = yes, and no ssh-agent runs here: eval"):
        connect.connect(replace(server, agent=True), nobody)
    assert dialled.made == []
