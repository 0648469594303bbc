"""A server that cannot be reached: one line with the cause and the remedy, exit code 2."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.lab.deployments import Operator, Pair, refusal, refused
from tests.lab.rig import Lab
from tests.lab.seen import untouched

pytest_plugins = ("tests.lab.deployed",)


def new_key(file: Path, passphrase: str = "") -> Path:
    words: list[str | Path] = ["ssh-keygen", "-q", "-t", "ed25519", "-N", passphrase, "-f", file]
    subprocess.run(words, check=True)
    return file


def test_a_host_that_is_down(pair: Pair, tmp_path: Path) -> None:
    port = pair.montreal.ssh_port
    with pair.montreal.partition():
        said = refusal(pair.operator)
    assert (
        said == f"montreal: 127.0.0.1:{port} does not answer (connection refused); is the host up?"
    )


def test_a_host_that_hangs(pair: Pair) -> None:
    with pair.montreal.paused():
        ran = pair.operator.fab("montreal.deploy")
    port = pair.montreal.ssh_port
    assert re.fullmatch(
        rf"montreal: 127\.0\.0\.1:{port} does not answer in SSH, although it takes the connection"
        r" \(.*\); does the host hang\?",
        refused(ran),
    )
    assert ran.seconds < 30


def test_a_host_name_that_does_not_resolve(pair: Pair, tmp_path: Path) -> None:
    hosts_ini = pair.operator.inventory(tmp_path, host="nowhere.invalid", address="192.0.2.1")
    known = tmp_path / "known_hosts"
    known.write_text(known.read_text().replace("[127.0.0.1]", "[nowhere.invalid]"))
    assert refusal(pair.operator, hosts_ini) == (
        "montreal: host name nowhere.invalid does not resolve; check hosts.ini"
    )


def test_a_key_that_the_server_does_not_know(pair: Pair, tmp_path: Path) -> None:
    key = new_key(tmp_path / "other")
    with untouched(pair.montreal):
        said = refusal(pair.operator, pair.operator.inventory(tmp_path, key=key))
    port = pair.montreal.ssh_port
    assert said == (
        f"montreal: 127.0.0.1:{port} refuses key {key} for user ubuntu; wrong user or key:"
        f" ssh-copy-id -i {key}.pub -p {port} ubuntu@127.0.0.1"
    )


def test_a_user_that_the_server_does_not_know(pair: Pair, tmp_path: Path) -> None:
    said = refusal(pair.operator, pair.operator.inventory(tmp_path, user="debian"))
    assert re.fullmatch(r"montreal: 127\.0\.0\.1:\d+ refuses key \S+ for user debian; .*", said)


def test_a_key_with_a_passphrase(pair: Pair, tmp_path: Path) -> None:
    key = new_key(tmp_path / "locked", "correct horse")
    assert refusal(pair.operator, pair.operator.inventory(tmp_path, key=key)) == (
        f"montreal: key {key} has a passphrase; make one without: ssh-keygen -p -N '' -f {key},"
        " or let a person be asked: passphrase = ask in hosts.ini"
    )


def test_a_key_that_is_not_there(pair: Pair, tmp_path: Path) -> None:
    hosts_ini = pair.operator.inventory(tmp_path, key="id_nobody")
    said = refusal(pair.operator, hosts_ini)
    assert said == f"montreal: key {tmp_path / 'id_nobody'} does not exist"


def test_a_key_with_the_line_ends_of_another_system(lab: Lab, pair: Pair, tmp_path: Path) -> None:
    key = tmp_path / "id_windows"
    key.write_bytes((lab.folder / "id_ed25519").read_bytes().replace(b"\n", b"\r\n"))
    assert refusal(pair.operator, pair.operator.inventory(tmp_path, key=key)) == (
        f"montreal: key {key} has CRLF line ends; remove them: sed -i 's/\\r$//' {key}"
    )


def test_a_public_key_in_place_of_the_private_one(lab: Lab, pair: Pair, tmp_path: Path) -> None:
    key = tmp_path / "id.pub"
    shutil.copy(lab.folder / "id_ed25519.pub", key)
    said = refusal(pair.operator, pair.operator.inventory(tmp_path, key=key))
    assert said == f"montreal: key {key} is a public key; name the private one"


def test_a_host_key_that_is_not_the_pinned_one(pair: Pair, tmp_path: Path) -> None:
    hosts_ini = pair.operator.inventory(tmp_path)
    known = tmp_path / "known_hosts"
    other = new_key(tmp_path / "other").with_suffix(".pub").read_text()
    port = pair.montreal.ssh_port
    known.write_text(f"[127.0.0.1]:{port} {' '.join(other.split()[:2])}\n")
    with untouched(pair.montreal):
        said = refusal(pair.operator, hosts_ini)
    assert said == (
        f"montreal: the host key of 127.0.0.1:{port} is not the pinned one; if the server was"
        f" really reinstalled: ssh-keygen -R '[127.0.0.1]:{port}' -f {known}, then fab"
        " hosts.pin montreal"
    )


@pytest.mark.parametrize("pinned", ["", None], ids=["an empty file", "no file"])
def test_a_host_key_that_nobody_pinned(pair: Pair, tmp_path: Path, pinned: str | None) -> None:
    hosts_ini = pair.operator.inventory(tmp_path)
    known = tmp_path / "known_hosts"
    known.unlink()
    if pinned is not None:
        known.write_text(pinned)
    with untouched(pair.montreal):
        ran = pair.operator.fab("montreal.deploy", hosts_ini=hosts_ini)
    port = pair.montreal.ssh_port
    assert (ran.code, ran.out) == (2, "")
    assert ran.evidence[0] == "before that, these must be yours (docs/hosts.md):"
    assert ran.error == (
        f"montreal: no host key of 127.0.0.1:{port} is pinned; fab hosts.pin montreal fetches it,"
        " to be compared with the server's console"
    )
    assert not known.exists() or known.read_text() == ""


def test_an_inventory_without_the_server(pair: Pair, tmp_path: Path) -> None:
    hosts_ini = pair.operator.inventory(tmp_path)
    text = hosts_ini.read_text().replace("[montreal]", "[toronto]").replace("calls = montreal", "")
    hosts_ini.write_text(text)
    assert refusal(pair.operator, hosts_ini) == (
        f"{hosts_ini}: no server [montreal]; known servers: ubuntu, toronto"
    )


def test_an_inventory_that_is_not_there(operator: Operator, tmp_path: Path) -> None:
    said = refusal(operator, tmp_path / "hosts.ini")
    assert said == f"{tmp_path}/hosts.ini does not exist; HOSTS_INI names another inventory"


MALFORMED = """\
[defaults]
user = ubuntu
path = /home/ubuntu/wish-with-me-codex
root = opt/wishwithme
repository = git://192.0.2.1/origin.git
branch = main

[ubuntu]
host = 192.0.2.11
prot = 22
key =
compose = compose/docker-compose.ubuntu.yml
calls = toronto

[montreal]
host = 192.0.2.12
port = 70000
compose = compose/docker-compose.montreal.yml

[montreal]
host = 192.0.2.13
"""


def test_everything_wrong_in_an_inventory_is_told_at_once(
    operator: Operator, tmp_path: Path
) -> None:
    file = tmp_path / "hosts.ini"
    file.write_text(MALFORMED)
    ran = operator.fab("montreal.status", hosts_ini=file)
    assert ran.code == 2
    lines = [line.removeprefix(f"{file}:") for line in ran.evidence]
    found = {int(line.partition(":")[0]) for line in lines}
    assert found == {4, 8, 10, 11, 13, 15, 17, 20}, ran
    assert "20: section [montreal] stands twice" in lines
    assert "17: port: '70000' is not a port (1 to 65535)" in lines
    assert "11: 'key' has no value" in lines
    assert any(line.startswith("10: unknown key 'prot'") for line in lines)


def test_other_hosts_on_the_command_line_are_refused(pair: Pair) -> None:
    ran = pair.operator.fab("-H", "somebody@192.0.2.1", "montreal.status")
    assert refused(ran) == (
        "-H is not for these tasks: each names its server; hosts.ini has the addresses"
    )
