"""Ways in besides an address and a key without a passphrase: each leads to the real server."""

from __future__ import annotations

import configparser
import json
import os
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from tests.lab.deployments import FAB, Pair, inventory
from tests.lab.rig import Lab
from tests.lab.rig.place import ROOT
from tests.lab.terminal import typed
from tests.lab.test_preflight_access import new_key

pytest_plugins = ("tests.lab.deployed",)

WORDS = (str(FAB), "montreal.history", "--json")
FORBIDS = "AllowTcpForwarding no"
CONF = "/etc/ssh/sshd_config.d/forwarding.conf"
RELOAD = "pkill -HUP -o -x sshd"


def behind(pair: Pair, folder: Path, **settings: str) -> Path:
    """An inventory in which montreal has the address that only the lab's servers know."""
    address = pair.montreal.address
    hosts_ini = inventory(
        pair.operator.hosts_ini, folder, "montreal", {"host": address, "port": "22", **settings}
    )
    known, door = folder / "known_hosts", f"[127.0.0.1]:{pair.montreal.ssh_port}"
    text = known.read_text()
    pins = [text.replace(door, place) for place in (address, f"[{address}]:1")]
    known.write_text("".join(pins))
    return hosts_ini


def comes_in(hosts_ini: Path, **environment: str) -> None:
    """The server tells its releases, to somebody with this inventory and no terminal."""
    bare = {key: os.environ[key] for key in ("PATH", "HOME") if key in os.environ}
    done = subprocess.run(
        WORDS,
        cwd=ROOT,
        env={**bare, "HOSTS_INI": str(hosts_ini), **environment},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, ""), done
    assert json.loads(done.stdout)[0]["server"] == "montreal"


def kept_out(pair: Pair, hosts_ini: Path) -> str:
    ran = pair.operator.fab("montreal.history", hosts_ini=hosts_ini)
    assert (ran.code, ran.out, len(ran.err.splitlines())) == (2, "", 1), ran
    return ran.error


def jump(pair: Pair) -> str:
    return f"ubuntu@127.0.0.1:{pair.ubuntu.ssh_port}"


def test_by_way_of_a_jump_host_whose_host_key_is_pinned_too(pair: Pair, tmp_path: Path) -> None:
    hosts_ini = behind(pair, tmp_path, gateway=jump(pair))
    comes_in(hosts_ini)
    known = tmp_path / "known_hosts"
    lines = known.read_text().splitlines(keepends=True)
    known.write_text("".join(line for line in lines if pair.montreal.address in line))
    ran = pair.operator.fab("montreal.history", hosts_ini=hosts_ini)
    port = pair.ubuntu.ssh_port
    assert ran.code == 2
    assert ran.error.startswith(
        f"montreal: no host key of its gateway 127.0.0.1:{port} is pinned; fab hosts.pin"
    )


def test_a_jump_host_that_does_not_lead_there(pair: Pair, tmp_path: Path) -> None:
    """Nothing answers there, or its sshd forbids it."""
    address = pair.montreal.address
    said = f"montreal: its gateway does not lead to {address}"
    nothing = behind(pair, tmp_path / "nothing", gateway=jump(pair), port="1")
    assert kept_out(pair, nothing) == (
        f"{said}:1: from there nothing answers at that address and port"
    )
    pair.ubuntu.must(["sh", "-c", f"echo {FORBIDS} >{CONF}; {RELOAD}"])
    try:
        pair.ubuntu.wait_ready()
        forbidden = behind(pair, tmp_path / "forbidden", gateway=jump(pair))
        assert kept_out(pair, forbidden) == (f"{said}: its sshd forbids it (AllowTcpForwarding)")
    finally:
        pair.ubuntu.must(["sh", "-c", f"rm {CONF}; {RELOAD}"])
        pair.ubuntu.wait_ready()


def test_by_the_configuration_of_the_ssh_client(lab: Lab, pair: Pair, tmp_path: Path) -> None:
    """User, port, key and jump host stand there, under a name of one's own."""
    config = tmp_path / "config"
    key = lab.folder / "id_ed25519"
    config.write_text(
        f"Host resolver\n  HostName {pair.montreal.address}\n  User ubuntu\n"
        f"  IdentityFile {key}\n  ProxyJump door\n"
        f"Host door\n  HostName 127.0.0.1\n  Port {pair.ubuntu.ssh_port}\n  User ubuntu\n"
        f"  IdentityFile {key}\n"
    )
    hosts_ini = behind(pair, tmp_path, ssh_config=str(config))
    parsed = configparser.ConfigParser(interpolation=None, default_section="defaults")
    parsed.read(hosts_ini)
    for name in ("user", "key"):
        parsed["ubuntu"][name] = parsed["defaults"].pop(name)
    parsed["montreal"].pop("port")
    parsed["montreal"]["host"] = "resolver"
    with hosts_ini.open("w", encoding="utf-8") as text:
        parsed.write(text)
    comes_in(hosts_ini)


@contextmanager
def agent(folder: Path) -> Iterator[Mapping[str, str]]:
    """An ssh-agent, and what its clients need to find it."""
    place = {"SSH_AUTH_SOCK": str(folder / "agent")}
    running = subprocess.Popen(
        ["ssh-agent", "-D", "-a", place["SSH_AUTH_SOCK"]], stdout=subprocess.PIPE, text=True
    )
    try:
        assert running.stdout
        running.stdout.readline()  # it listens before it says so
        yield place
    finally:
        running.terminate()
        running.communicate()


def test_by_the_keys_of_an_agent(lab: Lab, pair: Pair, tmp_path: Path) -> None:
    hosts_ini = pair.operator.inventory(tmp_path, agent="yes", key="nowhere")
    assert kept_out(pair, hosts_ini) == (
        "montreal: agent = yes, and no ssh-agent runs here: eval $(ssh-agent) && ssh-add KEY"
    )
    with agent(tmp_path) as place:
        key = lab.folder / "id_ed25519"
        subprocess.run(["ssh-add", "-q", key], env={**os.environ, **place}, check=True)
        comes_in(hosts_ini, **place)


def test_by_a_key_whose_passphrase_a_person_types(lab: Lab, pair: Pair, tmp_path: Path) -> None:
    """Once in a command, shown nowhere; where nobody can be asked, that is said."""
    key = new_key(tmp_path / "locked", "correct horse")
    public = key.with_suffix(".pub").read_text()
    allowed = "/home/ubuntu/.ssh/authorized_keys"
    hosts_ini = pair.operator.inventory(tmp_path, key=key, passphrase="ask")
    environment = {**os.environ, "HOSTS_INI": str(hosts_ini), "TERM": "dumb"}
    pair.montreal.must(["sh", "-c", f"cp {allowed} /root/allowed; cat >>{allowed}"], stdin=public)
    try:
        asked = f"passphrase of {key}"
        right = typed(WORDS, ROOT, environment, {asked: "correct horse"})
        assert (right.code, right.shown.count(asked), "horse" in right.shown) == (0, 1, False)
        wrong = typed(WORDS, ROOT, environment, {asked: "wrong horse"})
        assert (wrong.code, "horse" in wrong.shown) == (2, False)
        assert f"montreal: key {key} does not open with that passphrase" in wrong.shown
        assert kept_out(pair, hosts_ini) == (
            f"passphrase of {key}: nobody can be asked where there is no terminal"
        )
    finally:
        pair.montreal.must(["sh", "-c", f"cat /root/allowed >{allowed}; rm /root/allowed"])
