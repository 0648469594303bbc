"""Five commits in six minutes: a passphrase, a wrong name, CRLF, "error in libcrypto"."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.lab.scenes import Scene

pytest_plugins = ("tests.lab.deployed", "tests.lab.staged")

PASSPHRASE = (
    "montreal: key {key} has a passphrase; make one without: ssh-keygen -p -N '' -f {key},"
    " or let a person be asked: passphrase = ask in hosts.ini"
)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("locked", PASSPHRASE),
        ("windows", "montreal: key {key} has CRLF line ends; remove them: sed -i 's/\\r$//' {key}"),
        ("missing", "montreal: key {key} does not exist"),
    ],
)
def test_the_cause_is_one_line_and_the_other_server_is_asked(
    scene: Scene, tmp_path: Path, name: str, said: str
) -> None:
    key = tmp_path / name
    if name == "locked":
        words: list[str | Path] = [
            "ssh-keygen",
            "-q",
            "-t",
            "ed25519",
            "-N",
            "correct horse",
            "-f",
            key,
        ]
        subprocess.run(words, check=True)
    elif name == "windows":
        whole = (scene.lab.folder / "id_ed25519").read_bytes()
        key.write_bytes(whole.replace(b"\n", b"\r\n"))
    ran = scene.operator.fab("doctor", hosts_ini=scene.operator.inventory(tmp_path, key=key))
    assert (ran.code, ran.error) == (1, "the servers need care"), ran
    assert said.format(key=key) in ran.evidence, ran
    assert [line for line in ran.evidence if "libcrypto" in line or "Traceback" in line] == []
