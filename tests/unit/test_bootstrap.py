"""What makes a host a server: each step has its reason, and a whole server needs none."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from fabfile.model.access.bootstrap import decide, forge, programs
from fabfile.model.access.engine import ENGINE
from fabfile.model.access.hardening import KEYS_ONLY
from fabfile.model.access.machine import Machine, parse
from fabfile.model.access.setup import Setup
from fabfile.model.data.offsite import Offsite
from fabfile.model.facts import Folder
from fabfile.model.inventory import Server
from tests.unit.builders import SERVER

KEY = "ssh-ed25519 AAAAMINE id"
SSH = "git@git.example:us/app.git"
PRIVATE = replace(SERVER, repository=SSH)
WHOLE = Machine(
    system="debian 13",
    there=frozenset({"docker", "python", *programs(SERVER)}),
    packages=frozenset({"docker.io", "docker-cli", "docker-compose", "containerd", "runc"}),
    docker_apt=False,
    engine="26.1.5",
    compose="2.26.1-4",
    containers=3,
    daemon='{"log-driver": "local"}',
    cron=True,
    home="/home/ubuntu",
    groups=("ubuntu", "docker"),
    sudo=True,
    keys=("# mine", f"no-pty {KEY}"),
    folders={
        str(path): Folder("ubuntu", 0o700, "directory") for path in (SERVER.path, SERVER.root)
    },
    deploy_key="",
    forge=False,
    upgrades=True,
    clock="yes",
    memory=1 << 30,
    swap=1 << 20,
    sshd=KEYS_ONLY,
    ports=(22,),
    firewall="",
    ufw=False,
    pending=False,
    repository="yes",
)


def decided(server: Server = SERVER, pinned: tuple[str, ...] = (), **seen: Any) -> Setup:
    return decide(server, replace(WHOLE, **seen), KEY, pinned)


def only(setup: Setup) -> tuple[str, str, tuple[str, ...]]:
    """The only step: its title, its reason and what it is given."""
    (step,) = setup.steps
    assert (setup.notes, setup.refusals) == ((), ())
    return step.title, step.reason, step.words


def test_a_whole_server_needs_nothing() -> None:
    assert decided() == Setup((), (), ())


@pytest.mark.parametrize(
    ("seen", "title", "reason", "words"),
    [
        ({"home": ""}, "user ubuntu", "there is none", ("ubuntu",)),
        ({"keys": ()}, "key ubuntu for ubuntu", "not in its authorized_keys", ("ubuntu", KEY)),
        ({"engine": ""}, "service docker", "not running", ("docker",)),
        ({"engine": "", "cron": False}, "services docker and cron", "not running", None),
        ({"sudo": False}, "sudo for ubuntu", "may not use it without a password", ("ubuntu",)),
        ({"groups": ()}, "group docker for ubuntu", "may not use the engine", ("ubuntu",)),
        ({"compose": "2.19.9"}, "packages docker-compose", "missing", ("docker-compose",)),
        ({"compose": ""}, "packages docker-compose", "missing", ("docker-compose",)),
    ],
)
def test_what_is_missing_is_one_step_with_its_reason(
    seen: Mapping[str, Any], title: str, reason: str, words: tuple[str, ...] | None
) -> None:
    found = only(decided(**seen))
    assert found[:2] == (title, reason)
    assert words in (None, found[2])


def test_folders_that_are_missing_open_or_somebody_elses_are_made_the_users_own() -> None:
    folders = {
        str(SERVER.path): Folder("root", 0o700, "directory"),
        str(SERVER.root): Folder("ubuntu", 0o755, "directory"),
    }
    steps = decided(folders=folders).steps
    assert [step.reason for step in steps] == ["belongs to root", "has mode 755, not 700"]
    assert [step.reason for step in decided(folders={}).steps] == ["there is none"] * 2


def test_programs_are_what_the_settings_need() -> None:
    bare: dict[str, Any] = {"there": frozenset({"docker"}), "system": "ubuntu 22.04"}
    lean = replace(SERVER, domains=(), compression="gzip", offsite=Offsite(recipient="age1x"))
    assert only(decided(**bare))[2] == (
        "git", "curl", "openssl", "sudo", "cron", "iptables", "ca-certificates",
        "unattended-upgrades", "zstd", "certbot",
        "python3.11-venv",
    )  # fmt: skip
    assert only(decided(lean, **bare))[2][-3:] == ("gzip", "age", "python3.11-venv")


@pytest.mark.parametrize("system", ["", "debian 11", "alpine 3.22"])
def test_another_system_is_refused_by_its_name(system: str) -> None:
    (refusal,) = decided(system=system).refusals
    assert refusal == f"it is {system or 'an unknown system'}, and this is for {', '.join(ENGINE)}"


def test_logs_get_limits_beside_the_other_settings_of_the_engine() -> None:
    setup = decided(daemon='{"dns": ["192.0.2.1"]}')
    (step,) = setup.steps
    assert json.loads(step.stdin) == {
        "dns": ["192.0.2.1"],
        "log-driver": "json-file",
        "log-opts": {"max-size": "10m", "max-file": "3"},
    }
    assert step.words == ("no",)
    assert step.reason == (
        "the logs of containers may grow without end; holds from the engine's next start on:"
        " 3 containers run"
    )


@pytest.mark.parametrize(
    ("engine", "restart"), [("26.1.5", "yes"), ("", "no")], ids=["running", "stopped"]
)
def test_an_engine_without_containers_is_restarted_for_it(engine: str, restart: str) -> None:
    steps = decided(daemon="", containers=0, engine=engine).steps
    assert (steps[0].name, steps[0].words) == ("log-rotation", (restart,))


@pytest.mark.parametrize("daemon", ["{", "[]", '{"log-driver": }'])
def test_settings_of_the_engine_that_cannot_be_read_are_not_overwritten(daemon: str) -> None:
    assert decided(daemon=daemon).refusals == (
        "/etc/docker/daemon.json is not an object of JSON; mend it there",
    )


@pytest.mark.parametrize(
    ("repository", "name"),
    [
        (SSH, "git.example"),
        ("ssh://git@git.example/us/app.git", "git.example"),
        ("ssh://git@git.example:22/us/app.git", "git.example"),
        ("ssh://git@git.example:2222/us/app.git", "[git.example]:2222"),
        ("git.example:app.git", "git.example"),
        ("https://git.example/us/app.git", ""),
        ("git://git.example/app.git", ""),
        ("file:///srv/app.git", ""),
        ("/srv/git/a:b.git", ""),
        ("./a:b.git", ""),
    ],
)
def test_who_is_asked_for_a_repository_over_ssh(repository: str, name: str) -> None:
    assert forge(repository) == name


def test_a_repository_over_ssh_gets_a_key_and_the_host_key_that_is_pinned_here() -> None:
    line = "git.example ssh-ed25519 AAAAFORGE"
    steps = decided(PRIVATE, (line,)).steps
    assert [(step.title, step.words, step.stdin) for step in steps] == [
        ("deploy key", ("ubuntu", "ubuntu@ubuntu"), ""),
        ("host key of git.example", ("ubuntu",), f"{line}\n"),
    ]
    assert decided(PRIVATE, (line,), deploy_key="ssh-rsa AAAA", forge=True).steps == ()


def test_a_host_key_that_nobody_has_pinned_is_left_to_a_person() -> None:
    setup = decided(PRIVATE, deploy_key="ssh-rsa AAAA")
    assert setup.steps == ()
    (note,) = setup.notes
    assert note == (
        "the server does not know the host key of git.example: add it to known_hosts beside"
        " hosts.ini, once compared with what it says of itself, and run this again"
    )


def test_a_repository_that_cannot_be_read_is_told_with_the_key_that_it_is_to_know() -> None:
    setup = decided(PRIVATE, forge=True, deploy_key="ssh-ed25519 AAAAOWN u", repository="no")
    assert setup.notes == (
        f"git cannot read {SSH}: no",
        "if it is private, give it this deploy key, for reading: ssh-ed25519 AAAAOWN u",
    )
    assert decided(repository="gone").notes == (f"git cannot read {SERVER.repository}: gone",)


def test_root_that_deploys_needs_neither_sudo_nor_a_group() -> None:
    server = replace(SERVER, user="root")
    folders = {path: Folder("root", 0o700, "directory") for path in WHOLE.folders}
    assert decided(server, sudo=False, groups=("root",), folders=folders).steps == ()


def test_half_an_answer_is_none() -> None:
    with pytest.raises(ValueError, match="ended in its section 'host'"):
        parse("\n@@1 host\nsystem=debian 13\n", "@@1")


@pytest.mark.parametrize(
    ("seen", "title", "reason"),
    [
        (
            {"sshd": {**KEYS_ONLY, "passwordauthentication": "yes"}},
            "sshd takes keys only",
            "passwordauthentication is yes",
        ),
        (
            {"sshd": {**KEYS_ONLY, "permitrootlogin": "yes"}},
            "sshd takes keys only",
            "permitrootlogin is yes",
        ),
        (
            {"sshd": {**KEYS_ONLY, "macs": "umac-128@openssh.com,hmac-sha1"}},
            "sshd takes keys only",
            "macs has hmac-sha1",
        ),
        (
            {"sshd": {**KEYS_ONLY, "hostkeyalgorithms": "ssh-ed25519,ecdsa-sha2-nistp256"}},
            "sshd takes keys only",
            "hostkeyalgorithms has ecdsa-sha2-nistp",
        ),
        (
            {"swap": 0},
            "swap of 1024 MiB in /swapfile",
            "there is none beside 1024 MiB of memory",
        ),
    ],
)
def test_what_a_server_needs_to_stay_well(seen: Mapping[str, Any], title: str, reason: str) -> None:
    assert only(decided(**seen))[:2] == (title, reason)


@pytest.mark.parametrize(
    "seen",
    [
        {"swap": 0, "memory": 2 << 30},
        {"clock": ""},
        {"sshd": {**KEYS_ONLY, "macs": "hmac-sha2-256", "kexalgorithms": "curve25519-sha256"}},
        {"sshd": {**KEYS_ONLY, "permitrootlogin": "without-password"}},
        {"sshd": {**KEYS_ONLY, "permitrootlogin": "no"}},
    ],
)
def test_what_is_well_already_is_left_alone(seen: Mapping[str, Any]) -> None:
    assert decided(**seen).steps == ()


def test_a_host_that_is_known_by_its_ecdsa_key_alone_keeps_it_and_that_is_told() -> None:
    """Else nobody here would believe that it is the same host, and the step be taken back."""
    sshd = {
        **KEYS_ONLY,
        "hostkeyalgorithms": "ssh-ed25519,ecdsa-sha2-nistp256",
        "macs": "hmac-sha1",
    }
    seen = replace(WHOLE, sshd=sshd)
    setup = decide(SERVER, seen, KEY, host_keys=["ecdsa-sha2-nistp256"])
    (step,) = setup.steps
    assert "hostkeyalgorithms" not in step.stdin
    (note,) = setup.notes
    assert note == (
        "known_hosts has only an ECDSA host key of it, so sshd keeps that weak kind; take its line"
        " out, fab hosts.pin ubuntu, then run this again"
    )
    (step,) = decide(SERVER, seen, KEY, host_keys=["ecdsa-sha2-nistp256", "ssh-ed25519"]).steps
    assert "hostkeyalgorithms -ecdsa-sha2-nistp*\n" in step.stdin


def test_upgrades_and_the_clock_bring_their_packages() -> None:
    there = WHOLE.there - {"unattended-upgrade"}
    steps = decided(upgrades=False, clock="no", there=there).steps
    assert [step.name for step in decided(clock="no", there=there | {"timesyncd"}).steps] == [
        "packages",
        "clock",
    ]
    assert [(step.name, step.words) for step in steps] == [
        ("packages", ("unattended-upgrades", "systemd-timesyncd")),
        ("upgrades", ()),
        ("clock", ()),
    ]
