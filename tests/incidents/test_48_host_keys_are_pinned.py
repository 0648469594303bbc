"""`ssh-keyscan` at deploy time trusts anybody, every time."""

from __future__ import annotations

import subprocess
from pathlib import Path

from tests.lab.rig.place import ROOT
from tests.lab.scenes import Scene
from tests.lab.seen import untouched

pytest_plugins = ("tests.lab.deployed", "tests.lab.staged")


def test_somebody_else_behind_the_address_gets_no_word(scene: Scene, tmp_path: Path) -> None:
    """Another key than the pinned one, as of a server that stands between; then none at all."""
    montreal = scene.lab.server("montreal")
    key = tmp_path / "stranger"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(key)], check=True)
    kind, public, *_ = key.with_suffix(".pub").read_text().split()
    where = f"[127.0.0.1]:{montreal.ssh_port}"
    hosts_ini = scene.operator.inventory(tmp_path / "fooled")
    pinned = hosts_ini.with_name("known_hosts")
    others = [line for line in pinned.read_text().splitlines() if not line.startswith(where)]
    for stranger, told in (
        (
            [f"{where} {kind} {public}"],
            "is not the pinned one; if the server was really reinstalled",
        ),
        (
            [],
            f"no host key of 127.0.0.1:{montreal.ssh_port} is pinned; fab hosts.pin montreal",
        ),
    ):
        pinned.write_text("".join(f"{line}\n" for line in [*others, *stranger]))
        before = pinned.read_text()
        with untouched(montreal):
            ran = scene.operator.fab("montreal.deploy", hosts_ini=hosts_ini)
        assert (ran.code, ran.out) == (2, "")
        assert told in ran.error
        assert pinned.read_text() == before


def test_no_workflow_and_no_script_asks_the_network_for_a_key() -> None:
    """``fab hosts.pin`` alone fetches one, and believes it once a person has compared it."""
    folders = (".github/workflows", "scripts", "fabfile")
    files = [file for folder in folders for file in ROOT.glob(f"{folder}/**/*") if file.is_file()]
    texts = {file.name: file.read_text() for file in files if file.suffix != ".pyc"}
    assert [name for name, text in texts.items() if "ssh-keyscan" in text] == []
    fetching = [name for name, text in texts.items() if "get_remote_server_key" in text]
    assert fetching == ["pins.py"]
    assert [name for name, text in texts.items() if "pins.fetch(" in text] == ["pinning.py"]
    lax = ("StrictHostKeyChecking=no", "AutoAddPolicy", "WarningPolicy")
    assert [name for name, text in texts.items() if any(word in text for word in lax)] == []
