"""A host that bootstrap has set up, as judges find it that know nothing of bootstrap."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import testinfra
from testinfra.host import Host

from tests.lab.bare import Bare
from tests.lab.rig import Lab
from tests.lab.rig.files import KEY
from tests.lab.rig.server import CHECKOUT

AUDIT = Path(sys.executable).with_name("ssh-audit")
WARNINGS = 2
"""Its exit code where there is no failure."""
MODES = {
    "/home/ubuntu/.ssh": ("ubuntu", 0o700),
    "/home/ubuntu/.ssh/authorized_keys": ("ubuntu", 0o600),
    CHECKOUT: ("ubuntu", 0o700),
    f"{CHECKOUT}/.env": ("ubuntu", 0o600),
    "/opt/wishwithme": ("ubuntu", 0o700),
    "/etc/sudoers.d/wishwithme-ubuntu": ("root", 0o440),
    "/etc/docker/daemon.json": ("root", 0o644),
    "/etc/apt/apt.conf.d/52wishwithme": ("root", 0o644),
    "/etc/ssh/sshd_config.d/00-wishwithme.conf": ("root", 0o644),
    "/etc/wishwithme-firewall.nft": ("root", 0o755),
}
SERVICES = ("docker", "cron", "ssh", "wishwithme-firewall", "unattended-upgrades")
SSHD = {
    "passwordauthentication": "no",
    "kbdinteractiveauthentication": "no",
    "permitrootlogin": "without-password",
    "pubkeyauthentication": "yes",
}


def is_a_server(bare: Bare, lab: Lab) -> None:
    """What testinfra asserts as the user that deploys, over SSH."""
    host = logged_in(bare, lab)
    user = host.user("ubuntu")
    assert (user.exists, user.shell, user.home) == (True, "/bin/bash", "/home/ubuntu")
    assert "docker" in user.groups
    assert user.password == "!"
    found = {path: (host.file(path).user, host.file(path).mode) for path in MODES}
    assert found == MODES
    assert [name for name in SERVICES if not host.service(name).is_running] == []
    assert [name for name in SERVICES if not host.service(name).is_enabled] == []
    sshd = dict(line.split(" ", 1) for line in host.check_output("sshd -T").splitlines())
    assert {key: sshd[key] for key in SSHD} == SSHD
    assert host.run("crontab -l -u ubuntu").stderr == "no crontab for ubuntu\n"
    upgrades = host.check_output("apt-config dump")
    assert 'APT::Periodic::Unattended-Upgrade "1";' in upgrades
    assert 'Unattended-Upgrade::Package-Blacklist:: "docker";' in upgrades
    assert host.service("apt-daily-upgrade.timer").is_enabled
    logs = host.check_output("docker inspect -f '{{json .HostConfig.LogConfig}}' site-web-1")
    assert json.loads(logs) == {"Type": "json-file", "Config": {"max-file": "3", "max-size": "10m"}}


def logged_in(bare: Bare, lab: Lab) -> Host:
    known = bare.operator.hosts_ini.with_name("known_hosts")
    return testinfra.get_host(
        f"ssh://ubuntu@127.0.0.1:{bare.server.ssh_port}",
        ssh_identity_file=str(lab.folder / KEY),
        sudo=True,
        ssh_extra_args=f"-o StrictHostKeyChecking=yes -o UserKnownHostsFile={known}",
    )


def fails_in_nothing(bare: Bare) -> None:
    """What ssh-audit says of its sshd."""
    words = [str(AUDIT), "-b", "-l", "fail", "--skip-rate-test", "-p", str(bare.server.ssh_port)]
    done = subprocess.run([*words, "127.0.0.1"], capture_output=True, text=True, check=False)
    assert done.returncode in (0, WARNINGS), done.stdout + done.stderr
