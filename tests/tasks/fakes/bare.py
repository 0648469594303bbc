"""A simulated host that is to become a server: what a look at it finds."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass
class Bare:
    """A fresh Debian 13."""

    system: str = "debian 13"
    there: set[str] = field(default_factory=lambda: {"openssl", "ca-certificates"})
    packages: set[str] = field(default_factory=set)
    """Those of the engine."""
    docker_apt: bool = False
    running: set[str] = field(default_factory=set)
    containers: int = 0
    compose: str = ""
    daemon: str = ""
    home: str = ""
    groups: set[str] = field(default_factory=set)
    sudo: bool = False
    keys: list[str] = field(default_factory=list)
    folders: dict[str, tuple[str, str]] = field(default_factory=dict)
    """Path → mode and owner."""
    deploy_key: str = ""
    forge: str = ""
    repository: str = "yes"
    upgrades: bool = False
    clock: str = "no"
    memory: int = 1 << 20
    """KiB."""
    swap: int = 0
    sshd: str = "port 22\npasswordauthentication yes\n"
    former: str = ""
    """What sshd's settings were before."""
    firewall: str = ""
    ufw: bool = False
    pending: bool = False
    no_sudo: tuple[str, ...] = ()
    """Who may not use sudo, though let in."""

    def answer(self, mark: str, programs: tuple[str, ...]) -> str:
        """What the look says."""
        there = [
            name
            for name in (*programs, "ca-certificates", "python", "timesyncd")
            if name in self.there
        ]
        host = {
            "system": self.system,
            "engine": "26.1.5" if "docker" in self.running else "",
            "compose": self.compose,
            "docker_apt": "yes" if self.docker_apt else "no",
            "containers": str(self.containers),
            "cron": "yes" if "cron" in self.running else "no",
            "home": self.home,
            "groups": " ".join(sorted(self.groups)),
            "sudo": "yes" if self.sudo else "no",
            "forge": "yes" if self.forge else "no",
            "upgrades": "yes" if self.upgrades else "no",
            "clock": self.clock,
            "memory": str(self.memory),
            "swap": str(self.swap),
            "port": "22",
            "pending": "yes" if self.pending else "no",
            "ufw": "yes" if self.ufw else "no",
        }
        sections = {
            "host": "\n".join(f"{key}={value}" for key, value in host.items()),
            "there": "\n".join(there),
            "packages": "\n".join(self.packages),
            "daemon": self.daemon,
            "keys": "\n".join(self.keys),
            "folders": "\n".join(
                f"{mode}|directory|{owner}|{path}" for path, (mode, owner) in self.folders.items()
            ),
            "deploy_key": self.deploy_key,
            "sshd": self.sshd,
            "repository": self.repository if self.home and "git" in self.there else "",
            "end": "",
        }
        told = "".join(f"\n{mark} {name}\n{text}\n" for name, text in sections.items())
        return f"\n{mark} firewall\n{self.firewall}{told}"
