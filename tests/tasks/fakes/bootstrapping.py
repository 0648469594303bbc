"""What each step does to a simulated host that is to become a server."""

from __future__ import annotations

from collections.abc import Callable

from .commands import Command
from .docking import Handler
from .engine import Ended
from .machine import Machine

PACKAGES = {
    "docker.io": "docker",
    "docker-ce-cli": "docker",
    "cron": "crontab",
    "nftables": "nft",
    "unattended-upgrades": "unattended-upgrade",
    "systemd-timesyncd": "timesyncd",
    "python3-venv": "python",
}
"""Package → the program that it brings, where that has another name."""


def look(machine: Machine, command: Command, _stdin: str) -> Ended:
    mark, _user, _checkout, _root, _repository, _branch, _forge, *programs = command.words
    if machine.logged_in in machine.bare.no_sudo:
        return Ended(77)
    return Ended(0, machine.bare.answer(mark, tuple(programs)))


def bootstrap(machine: Machine, command: Command, stdin: str) -> Ended:
    _root, step, *words = command.words
    if "locks" in machine.locks:
        return Ended(75)
    STEPS[step](machine, words, stdin)
    return Ended()


def user(machine: Machine, words: list[str], _stdin: str) -> None:
    machine.bare.home = f"/home/{words[0]}"


def login_key(machine: Machine, words: list[str], _stdin: str) -> None:
    machine.bare.keys.append(words[1])
    machine.lets_in.add(words[0])


def log_rotation(machine: Machine, _words: list[str], stdin: str) -> None:
    machine.bare.daemon = stdin


def packages(machine: Machine, words: list[str], _stdin: str) -> None:
    machine.bare.there |= {PACKAGES.get(word, word) for word in words}
    machine.bare.packages |= {word for word in words if "docker" in word}
    if {"docker-compose", "docker-compose-plugin"} & {*words}:
        machine.bare.compose = "2.26.1-4"


def docker_repository(machine: Machine, _words: list[str], _stdin: str) -> None:
    machine.bare.docker_apt = True


def services(machine: Machine, words: list[str], _stdin: str) -> None:
    machine.bare.running |= {*words}


def sudoer(machine: Machine, _words: list[str], _stdin: str) -> None:
    machine.bare.sudo = True


def group(machine: Machine, _words: list[str], _stdin: str) -> None:
    machine.bare.groups.add("docker")


def folder(machine: Machine, words: list[str], _stdin: str) -> None:
    machine.bare.folders[words[1]] = ("700", words[0])


def deploy_key(machine: Machine, words: list[str], _stdin: str) -> None:
    machine.bare.deploy_key = f"ssh-ed25519 AAAADEPLOY {words[1]}"


def forge(machine: Machine, _words: list[str], stdin: str) -> None:
    machine.bare.forge = stdin


def upgrades(machine: Machine, _words: list[str], _stdin: str) -> None:
    machine.bare.upgrades = True


def clock(machine: Machine, _words: list[str], _stdin: str) -> None:
    machine.bare.clock = "yes"


def swap(machine: Machine, words: list[str], _stdin: str) -> None:
    machine.bare.swap = int(words[0]) >> 10


def sshd(machine: Machine, _words: list[str], stdin: str) -> None:
    machine.bare.former = machine.bare.sshd
    machine.bare.sshd = f"port 22\n{stdin}"
    machine.bare.pending = True


def firewall(machine: Machine, _words: list[str], stdin: str) -> None:
    machine.bare.firewall = stdin
    machine.bare.pending = True


def keep(machine: Machine, _words: list[str], _stdin: str) -> None:
    machine.bare.pending = False


def undo(machine: Machine, words: list[str], _stdin: str) -> None:
    machine.bare.pending = False
    if words == ["sshd"]:
        machine.bare.sshd = machine.bare.former
    else:
        machine.bare.firewall = ""


STEPS: dict[str, Callable[[Machine, list[str], str], None]] = {
    "user": user,
    "login-key": login_key,
    "log-rotation": log_rotation,
    "docker-repository": docker_repository,
    "packages": packages,
    "services": services,
    "sudoer": sudoer,
    "group": group,
    "folder": folder,
    "deploy-key": deploy_key,
    "forge": forge,
    "upgrades": upgrades,
    "clock": clock,
    "swap": swap,
    "sshd": sshd,
    "firewall": firewall,
    "keep": keep,
    "undo": undo,
}
BARE: dict[str, Handler] = {
    "look-machine": look,
    "bootstrap": bootstrap,
    "ask-engine": lambda machine, _command, _stdin: Ended(
        0 if "docker" in machine.bare.running else 1
    ),
}
