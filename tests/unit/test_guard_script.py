"""The script that closes networks to local users, run by a real shell with a stubbed engine."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from fabfile.remote.access.guard import SCRIPT

SHOP = ("172.18.0.0/16", "fd00:1::/64")
OTHERS = "172.17.0.0/16"
DOCKER = f"""#!/bin/sh
case "$*" in
  "network ls -q --filter driver=bridge --filter label=com.docker.compose.project=shop")
    [ -e made ] && echo shop ;;
  "network ls -q --filter driver=bridge") echo others; [ ! -e made ] || echo shop ;;
  *) for one; do
      case $one in others) echo "{OTHERS} " ;; shop) echo "{" ".join(SHOP)} " ;; esac
    done ;;
esac
exit 0
"""
SUDO = """#!/bin/sh
shift
case $1 in
  install) cat >".${5%/*}/${5##*/}"; echo "$3 $5" >>installed ;;
  ip6tables) ;;
  *) [ ! -e broken ] || { echo "can't initialize: no such table" >&2; exit 3; }; echo "$1" >>ran ;;
esac
"""


class Place:
    """A server's engine and firewall, as far as the script sees them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        for name, text in (("docker", DOCKER), ("sudo", SUDO)):
            (folder / name).write_text(text)
            (folder / name).chmod(0o755)
        self.program = folder / "usr/local/sbin/shop-guard"
        self.program.parent.mkdir(parents=True)
        (folder / "etc/cron.d").mkdir(parents=True)

    def guard(self) -> subprocess.CompletedProcess[str]:
        path = f"{self.folder}:{os.environ['PATH']}"
        return subprocess.run(
            ["bash", "-c", SCRIPT, "guard", "shop"],
            cwd=self.folder,
            env={"PATH": path},
            capture_output=True,
            text=True,
            check=False,
        )

    def rules(self, command: str) -> list[str]:
        """The rules that end in a network, of one family."""
        text = self.program.read_text()
        part = text.partition(f"\n{command}-restore")[2].partition("COMMIT")[0]
        return [line for line in part.splitlines() if " -d " in line or " -o " in line]


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


def test_the_networks_of_the_project_alone_are_closed(place: Place) -> None:
    (place.folder / "made").touch()
    ran = place.guard()
    assert ran.returncode == 0, ran
    assert place.rules("iptables") == [f"-A shop-guard -d {SHOP[0]} -j REJECT"]
    if Path("/proc/net/if_inet6").exists():
        assert place.rules("ip6tables") == [f"-A shop-guard -d {SHOP[1]} -j REJECT"]
    assert (place.folder / "ran").read_text() == "/usr/local/sbin/shop-guard\n"


def test_what_root_runs_is_roots_and_cron_runs_it_after_a_start(place: Place) -> None:
    assert place.guard().returncode == 0
    installed = (place.folder / "installed").read_text().splitlines()
    if not Path("/etc/cron.d").exists():
        assert installed == ["700 /usr/local/sbin/shop-guard"]
        return
    assert installed == ["700 /usr/local/sbin/shop-guard", "644 /etc/cron.d/shop-guard"]
    line = (place.folder / "etc/cron.d/shop-guard").read_text()
    assert line == "@reboot root /usr/local/sbin/shop-guard\n"


def test_whoever_may_use_the_engine_and_whoever_asks_a_published_port_passes(place: Place) -> None:
    place.guard()
    text = place.program.read_text()
    passing = [line for line in text.splitlines() if line.endswith("-j RETURN")]
    assert "-A shop-guard -m owner --uid-owner 0 -j RETURN" in passing
    assert f"-A shop-guard -m owner --uid-owner {os.getuid()} -j RETURN" in passing
    assert "-A shop-guard -m conntrack --ctstate DNAT -j RETURN" in passing
    assert text.count("iptables -w -I OUTPUT -j shop-guard") >= 1


def test_before_there_is_a_network_whatever_is_made_is_closed(place: Place) -> None:
    assert place.guard().returncode == 0
    assert place.rules("iptables") == [
        f"-A shop-guard -d {OTHERS} -j RETURN",
        "-A shop-guard -o br-+ -j REJECT",
    ]


def test_a_firewall_that_refuses_says_why(place: Place) -> None:
    (place.folder / "broken").touch()
    ran = place.guard()
    assert (ran.returncode, ran.stderr) == (70, "can't initialize: no such table\n")
