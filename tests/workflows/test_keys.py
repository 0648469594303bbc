"""A run's keys: in place with mode 0600 while it works, gone afterwards, never shown."""

from __future__ import annotations

import base64
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from fabfile.model.errors import Trouble
from fabfile.model.hosts.hosts_ini import parse
from fabfile.model.inventory import Inventory
from scripts.ci import keys

from .samples import HOSTS

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def inventory(tmp_path: Path) -> Inventory:
    return parse(HOSTS, tmp_path / "hosts.ini")


@pytest.fixture
def environ(secret: str) -> dict[str, str]:
    return {"SSH_KEY_UBUNTU": secret, "SSH_KEY_FAR_AWAY": secret, "PATH": "/bin"}


@pytest.fixture(autouse=True)
def silent(secret: str, capfd: pytest.CaptureFixture[str]) -> Iterator[None]:
    """No line of a key ever reaches standard output or standard error."""
    yield
    said = "".join(capfd.readouterr())
    assert [line for line in secret.splitlines() if line in said] == []


def left(inventory: Inventory) -> list[str]:
    folder = inventory.file.parent / "ssh"
    return sorted(file.name for file in folder.iterdir()) if folder.exists() else []


def install(inventory: Inventory, environ: dict[str, str]) -> None:
    with keys.installed(keys.around(inventory, "ubuntu"), environ):
        pass


def refusal(inventory: Inventory, environ: dict[str, str], secret: str) -> str:
    with pytest.raises(Trouble) as refused:
        install(inventory, environ)
    assert refused.value.code == 2
    assert "\n" not in refused.value.message
    assert secret.splitlines()[1] not in refused.value.message
    return refused.value.message


def test_a_change_needs_the_keys_of_the_server_and_of_those_it_is_linked_with(
    inventory: Inventory,
) -> None:
    assert [server.name for server in keys.around(inventory, "ubuntu")] == ["ubuntu", "far-away"]
    assert [server.name for server in keys.around(inventory, "far-away")] == ["far-away", "ubuntu"]
    assert [server.name for server in keys.around(inventory, "third")] == ["third"]


def test_the_keys_are_there_for_their_owner_only_and_go_away(
    inventory: Inventory, environ: dict[str, str], secret: str
) -> None:
    before = os.umask(0)
    try:
        with keys.installed(keys.around(inventory, "ubuntu"), environ):
            assert left(inventory) == ["far", "ubuntu"]
            for name in ("ubuntu", "far-away"):
                file = inventory.server(name).key
                assert (file.read_text(), file.stat().st_mode & 0o777) == (secret, 0o600)
            assert (inventory.file.parent / "ssh").stat().st_mode & 0o777 == 0o700
    finally:
        os.umask(before)
    assert left(inventory) == []


def test_the_keys_go_away_when_the_work_fails(
    inventory: Inventory, environ: dict[str, str]
) -> None:
    with pytest.raises(ZeroDivisionError), keys.installed(inventory.servers[:2], environ):
        raise ZeroDivisionError
    assert left(inventory) == []


def test_the_first_key_goes_away_when_the_second_is_refused(
    inventory: Inventory, environ: dict[str, str], secret: str
) -> None:
    message = refusal(inventory, {**environ, "SSH_KEY_FAR_AWAY": "nonsense"}, secret)
    assert message == (
        "SSH_KEY_FAR_AWAY is not a whole private key; set it anew from its file, as it is:"
        " gh secret set SSH_KEY_FAR_AWAY --env production <KEYFILE (GitLab: docs/gitlab.md)"
    )
    assert left(inventory) == []


def test_a_terminated_run_takes_its_keys_along(inventory: Inventory, secret: str) -> None:
    inventory.file.write_text(HOSTS)
    script = (
        "import os, signal, sys; from pathlib import Path; from scripts.ci import keys;"
        "from fabfile.model.hosts.hosts_ini import parse; file = Path(sys.argv[1]);"
        "servers = parse(file.read_text(), file).servers[:1]\n"
        "with keys.installed(servers, os.environ):\n"
        "    print(servers[0].key.exists(), flush=True)\n"
        "    sys.stdin.read()"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", script, str(inventory.file)],
        env={**os.environ, "SSH_KEY_UBUNTU": secret, "PYTHONPATH": str(ROOT)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        cwd=ROOT,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "True\n"
    process.send_signal(signal.SIGTERM)
    process.communicate()
    assert process.returncode != 0
    assert left(inventory) == []


@pytest.mark.parametrize(
    "damage",
    [
        lambda text: text.replace("\n", "\r\n"),
        lambda text: text.rstrip("\n"),
        lambda text: f"\n{text}\n\n",
        lambda text: base64.b64encode(text.encode()).decode(),
    ],
    ids=["CRLF", "no final newline", "blank lines around", "one line of base64, as GitLab masks"],
)
def test_what_a_web_form_does_to_a_key_is_repaired(secret: str, damage: object) -> None:
    assert callable(damage)
    assert keys.repaired("SSH_KEY_UBUNTU", damage(secret)) == secret


@pytest.mark.parametrize(
    "damage",
    [
        lambda text: text.replace("\n", " "),
        lambda text: text.replace("\n", "\\n"),
        lambda text: text[: len(text) // 2],
        lambda text: text.replace("-----BEGIN", "----BEGIN"),
        lambda text: "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI key",
        lambda text: text.replace("b3Bl", "b3Blé", 1),
        lambda text: text + "X=1\n" + text,
        lambda text: base64.b64encode(b"nonsense").decode(),
        lambda text: base64.b64encode(b"\xff\xfe").decode(),
    ],
    ids=[
        "one line",
        "backslash n",
        "cut off",
        "marker",
        "public",
        "not ASCII",
        "two keys",
        "base64 of a word",
        "base64 of bytes",
    ],
)
def test_what_cannot_be_repaired_is_refused_in_one_line(
    inventory: Inventory, environ: dict[str, str], secret: str, damage: object
) -> None:
    assert callable(damage)
    message = refusal(inventory, {**environ, "SSH_KEY_UBUNTU": damage(secret)}, secret)
    assert message.startswith("SSH_KEY_UBUNTU is not a whole private key; ")
    assert left(inventory) == []


def test_a_missing_secret_is_named(
    inventory: Inventory, environ: dict[str, str], secret: str
) -> None:
    message = refusal(inventory, {**environ, "SSH_KEY_FAR_AWAY": ""}, secret)
    file = inventory.file.parent / "ssh/far"
    assert message == f"far-away: no key: SSH_KEY_FAR_AWAY is empty and {file} does not exist"


def test_a_key_file_that_is_there_serves_and_stays(inventory: Inventory, secret: str) -> None:
    for name in ("ubuntu", "far-away"):
        file = inventory.server(name).key
        file.parent.mkdir(exist_ok=True)
        file.write_text(secret)
    install(inventory, {"SSH_KEY_UBUNTU": secret})
    assert left(inventory) == ["far", "ubuntu"]


def test_nobodys_key_is_replaced(
    inventory: Inventory, environ: dict[str, str], secret: str
) -> None:
    file = inventory.server("ubuntu").key
    file.parent.mkdir()
    file.write_text("a person's own")
    assert refusal(inventory, environ, secret) == (
        f"ubuntu: {file} stands there already and is another key than SSH_KEY_UBUNTU;"
        " move it away, or unset the variable"
    )
    assert (file.read_text(), left(inventory)) == ("a person's own", ["ubuntu"])


def test_a_server_that_is_this_machine_needs_no_key(tmp_path: Path) -> None:
    text = HOSTS.replace("key = ssh/ubuntu", "connection = local").replace("calls = far-away\n", "")
    install(parse(text, tmp_path / "hosts.ini"), {})


def test_what_is_started_does_not_inherit_the_keys(environ: dict[str, str]) -> None:
    assert keys.without_keys(environ) == {"PATH": "/bin"}
