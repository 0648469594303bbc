"""Which key lets the operator in on a host that bootstrap sets up, and as whom."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from fabfile.model.errors import REFUSED, Trouble
from fabfile.model.inventory import Server
from fabfile.remote.access.bootstrap import pinned, public_half
from tests.unit.builders import SERVER

FORGE = "[git.example]:2222"
LINE = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIMhp3j1mmzkD1OXPGnzCzGKAjpk9ZYbxXKWfxyCNMAb0"


@pytest.fixture
def server(tmp_path: Path) -> Server:
    """A server with a key, whose public half stands nowhere."""
    key = Ed25519PrivateKey.generate()
    file = tmp_path / "id"
    file.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption()))
    public = key.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH)
    (tmp_path / "expected").write_bytes(public + b" id")
    return replace(SERVER, key=file, known_hosts=tmp_path / "known_hosts")


def expected(server: Server) -> str:
    return server.key.with_name("expected").read_text()


def test_the_public_half_is_made_of_the_key_whatever_stands_beside_it(server: Server) -> None:
    server.key.with_name("id.pub").write_text("ssh-rsa AAAASTALE somebody@somewhere\n")
    assert public_half(server) == expected(server)


@pytest.mark.parametrize("way", ["agent", "passphrase"])
def test_where_the_key_is_not_read_the_file_beside_it_tells(server: Server, way: str) -> None:
    shut = replace(server, agent=way == "agent", passphrase=way == "passphrase")
    file = server.key.with_name("id.pub")
    with pytest.raises(Trouble) as caught:
        public_half(shut)
    assert caught.value.code == REFUSED
    assert caught.value.message == (
        f"ubuntu: {file} does not say which key ubuntu is to be let in with; put the public half"
        " of 'key' there: ssh-keygen -y"
    )
    file.write_text(f"{expected(server)}@host of somebody\n")
    assert public_half(shut) == expected(server)


def test_the_host_keys_of_the_repository_are_those_that_are_pinned_here(server: Server) -> None:
    server.known_hosts.write_text(f"192.0.2.7 {LINE}\n{FORGE} {LINE}\n")
    private = replace(server, repository="ssh://git@git.example:2222/us/app.git")
    assert pinned(private) == [f"{FORGE} {LINE}"]
    assert pinned(replace(server, repository="git@other.example:app.git")) == []
    assert pinned(replace(server, repository="https://git.example/app.git")) == []
