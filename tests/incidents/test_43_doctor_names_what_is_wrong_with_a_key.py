"""Five commits in six minutes: a passphrase, a wrong name, CRLF, "error in libcrypto"."""

from __future__ import annotations

import configparser
from pathlib import Path

from tests.lab.scenes import Scene
from tests.lab.test_preflight_access import new_key

pytest_plugins = ("tests.lab.deployed", "tests.lab.staged")

SAID = {
    "locked": (
        "key {key} has a passphrase; make one without: ssh-keygen -p -N '' -f {key},"
        " or let a person be asked: passphrase = ask in hosts.ini"
    ),
    "windows": "key {key} has CRLF line ends; remove them: sed -i 's/\\r$//' {key}",
    "missing": "key {key} does not exist",
}
"""Server → what is said of its key, which is called like it."""


def test_the_cause_is_one_line_and_the_other_servers_are_asked(
    scene: Scene, tmp_path: Path
) -> None:
    new_key(tmp_path / "locked", "correct horse")
    whole = (scene.lab.folder / "id_ed25519").read_bytes()
    (tmp_path / "windows").write_bytes(whole.replace(b"\n", b"\r\n"))
    hosts_ini = scene.operator.inventory(tmp_path)
    parsed = configparser.ConfigParser(interpolation=None, default_section="defaults")
    parsed.read(hosts_ini)
    for name in SAID:
        parsed[name] = {**parsed["montreal"], "key": name}
    with hosts_ini.open("w", encoding="utf-8") as text:
        parsed.write(text)
    ran = scene.operator.fab("doctor", hosts_ini=hosts_ini)
    failed = ", ".join(f"{name} (1 failed)" for name in SAID)
    assert (ran.code, ran.error) == (1, f"the servers need care: {failed}"), ran
    assert [line for line in ran.out.splitlines() if "] fail " in line] == [
        f"[{name}] fail key: {said.format(key=tmp_path / name)}" for name, said in SAID.items()
    ]
