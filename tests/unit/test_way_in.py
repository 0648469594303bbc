"""The way in: jump hosts, and what a section of hosts.ini leaves to an ssh_config."""

from __future__ import annotations

from pathlib import Path

import pytest

from fabfile.model.access.way_in import Gateway
from fabfile.model.errors import Trouble, Unwelcome
from fabfile.model.hosts.hosts_ini import parse
from fabfile.model.inventory import Inventory, Server
from fabfile.remote.access.hops import hops
from fabfile.remote.access.ssh_config import of_host

SECTION = """\
[ubuntu]
host = shop
path = /home/ubuntu/app
root = /opt/app
repository = git://origin/app.git
branch = main
compose = compose/app.yml
"""
CONFIG = """\
Host shop
  HostName 10.0.0.7
  User deploy
  Port 2200
  IdentityFile /keys/shop
  IdentityFile /keys/second
  ProxyJump door
Host door
  HostName door.example
  User jumper
  IdentityFile /keys/door
"""


def read(folder: Path, config: str, more: str = "") -> Inventory:
    (folder / "config").write_text(config)
    text = f"{SECTION}ssh_config = config\n{more}"
    return parse(text, folder / "hosts.ini", of_host)


def only(folder: Path, config: str, more: str = "") -> Server:
    (server,) = read(folder, config, more).servers
    return server


def test_an_ssh_config_says_what_the_section_does_not(tmp_path: Path) -> None:
    server = only(tmp_path, CONFIG)
    assert (server.host, server.port, server.user) == ("10.0.0.7", 2200, "deploy")
    assert (server.key, server.address) == (Path("/keys/shop"), "10.0.0.7")
    assert server.gateway == Gateway("door.example", 22, "jumper", Path("/keys/door"))
    ways = [(hop.host, hop.port, hop.user, str(hop.key)) for hop in hops(server)]
    assert ways == [
        ("door.example", 22, "jumper", "/keys/door"),
        ("10.0.0.7", 2200, "deploy", "/keys/shop"),
    ]


def test_what_the_section_says_itself_wins(tmp_path: Path) -> None:
    more = "user = ubuntu\nport = 22\nkey = id\naddress = shop.example\ngateway = a@b:9\n"
    server = only(tmp_path, CONFIG, more)
    assert (server.host, server.port, server.user) == ("10.0.0.7", 22, "ubuntu")
    assert (server.key, server.address) == (tmp_path / "id", "shop.example")
    assert server.gateway == Gateway("b", 9, "a")


def test_a_host_that_it_does_not_know_is_itself(tmp_path: Path) -> None:
    server = only(tmp_path, "Host other\n  Port 2200\n", "user = ubuntu\nkey = id\n")
    assert (server.host, server.port, server.gateway) == ("shop", 22, None)


def test_no_jump_is_none(tmp_path: Path) -> None:
    config = "Host shop\n  ProxyJump none\nHost *\n  ProxyJump door\n"
    assert only(tmp_path, config, "user = ubuntu\nkey = id\n").gateway is None


@pytest.mark.parametrize(
    ("config", "said"),
    [
        ("Host shop\n  ProxyCommand nc %h %p\n", "ProxyCommand is not used here; name the jump"),
        ("Host shop\n  ProxyJump a,b\n", "ProxyJump a,b: one jump host is followed, not several"),
        ("Host shop\n  Port\n", "cannot be read: Unparsable line Port"),
        ("", "[ubuntu]: 'user' is missing"),
    ],
)
def test_what_is_not_done_is_refused_with_its_line(tmp_path: Path, config: str, said: str) -> None:
    with pytest.raises(Trouble) as caught:
        read(tmp_path, config)
    lines = [caught.value.message, *caught.value.evidence]
    assert [line for line in lines if said in line], lines


def test_a_file_that_is_not_there_is_named_with_the_line_that_names_it(tmp_path: Path) -> None:
    with pytest.raises(Trouble) as caught:
        parse(f"{SECTION}ssh_config = nowhere\nuser = u\nkey = id\n", tmp_path / "h.ini", of_host)
    assert caught.value.message == (
        f"{tmp_path}/h.ini:8: ssh_config: {tmp_path}/nowhere does not exist"
    )


def test_the_keys_of_an_agent_need_no_key_here(tmp_path: Path) -> None:
    server = only(tmp_path, "", "user = ubuntu\nagent = yes\n")
    assert (server.agent, server.passphrase) == (True, False)


def test_a_jump_host_is_told_from_a_server_at_the_same_address(tmp_path: Path) -> None:
    """Two containers of one machine have its address, and ports of their own."""
    more = "user = ubuntu\nkey = id\nport = 2201\ngateway = shop:2200\n"
    jump, last = hops(only(tmp_path, "", more))
    assert (jump.where, last.where) == ("its gateway shop:2200", "shop:2201")
    assert (type(jump.unwelcome("no")), type(last.unwelcome("no"))) == (Trouble, Unwelcome)


@pytest.mark.parametrize(
    ("text", "gateway"),
    [
        ("door", Gateway("door")),
        ("me@door:2222", Gateway("door", 2222, "me")),
        ("[2001:db8::1]:2222", Gateway("2001:db8::1", 2222)),
        ("me@[2001:db8::1]", Gateway("2001:db8::1", 22, "me")),
    ],
)
def test_a_jump_host_is_named_as_ssh_names_it(tmp_path: Path, text: str, gateway: Gateway) -> None:
    server = only(tmp_path, "", f"user = ubuntu\nkey = id\ngateway = {text}\n")
    assert server.gateway == gateway


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("-oProxyCommand=x", "'-oProxyCommand=x' is not a host name or address"),
        ("$(id)@door", "'$(id)' is not a user name"),
        ("door:no", "'no' is not a port (1 to 65535)"),
        ("a,b", "'a,b' is not a host name or address"),
        ("2001:db8::1", "'db8::1' is not a port (1 to 65535)"),
    ],
)
def test_a_jump_host_that_is_none_is_refused(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(Trouble, match=r"gateway: ") as caught:
        read(tmp_path, "", f"user = ubuntu\nkey = id\ngateway = {text}\n")
    assert caught.value.message.endswith(f"gateway: {said}")


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("passphrase = horse", "passphrase: 'horse' is not 'ask': no passphrase stands in a file"),
        ("agent = maybe", "agent: 'maybe' is neither 'yes' nor 'no'"),
    ],
)
def test_a_setting_that_is_none_is_refused(tmp_path: Path, line: str, said: str) -> None:
    with pytest.raises(Trouble) as caught:
        read(tmp_path, "", f"user = ubuntu\nkey = id\n{line}\n")
    assert caught.value.message.endswith(said)
