"""bootstrap: a bare host becomes a server; a second run, and a dry one, change nothing."""

from __future__ import annotations

import time
from dataclasses import asdict

import pytest

from fabfile.model.access.engine import DOCKER, FINGERPRINT
from fabfile.model.errors import Trouble, refused

from .fakes.fleet import Fleet
from .fakes.machine import CHECKOUT, ROOT

READY = "[ubuntu] ready: ubuntu may log in and deploy"
PACKAGES = (
    "docker.io docker-cli docker-compose git curl sudo cron iptables unattended-upgrades zstd"
    " nftables certbot python3-venv systemd-timesyncd"
)
NOTHING = "[ubuntu] nothing to do: it has all that a server needs"


def test_a_bare_host_gets_all_that_a_server_needs_and_a_second_run_changes_nothing(
    bare: Fleet,
) -> None:
    ran = bare.fab("ubuntu.bootstrap")
    assert ran.code == 0, ran.everything
    assert bare.ubuntu.did == [
        "bootstrap user ubuntu",
        "bootstrap login-key ubuntu ssh-ed25519 AAAAMINE id",
        "bootstrap log-rotation no",
        f"bootstrap packages {PACKAGES}",
        "bootstrap services docker cron",
        "bootstrap sudoer ubuntu",
        "bootstrap group ubuntu",
        f"bootstrap folder ubuntu {CHECKOUT}",
        f"bootstrap folder ubuntu {ROOT}",
        "bootstrap upgrades",
        "bootstrap clock",
        "bootstrap swap 1073741824",
        "bootstrap sshd",
        "bootstrap keep",
        "bootstrap firewall",
        "bootstrap keep",
    ]
    assert ran.lines[:3] == [
        "[ubuntu] plan, as root",
        "[ubuntu]    1. user ubuntu: there is none",
        "[ubuntu]    2. key id for ubuntu: not in its authorized_keys",
    ]
    assert ran.lines[-1] == READY
    assert bare.montreal.did == []

    with bare.untouched():
        ran = bare.fab("ubuntu.bootstrap")
    assert (ran.code, ran.lines) == (0, [NOTHING])


def test_the_engine_comes_from_dockers_repository_where_hosts_ini_says_so(bare: Fleet) -> None:
    bare.hosts.write_text(
        bare.hosts.read_text().replace("[ubuntu]\n", "[ubuntu]\nengine = docker\n")
    )
    bare.ubuntu.bare.system = "debian 12"
    ran = bare.fab("ubuntu.bootstrap")
    assert (ran.code, ran.lines[-1]) == (0, READY), ran.everything
    assert bare.ubuntu.did[3:5] == [
        f"bootstrap docker-repository {FINGERPRINT}",
        f"bootstrap packages {' '.join(DOCKER)} {PACKAGES.partition('docker-compose ')[2]}",
    ]
    with bare.untouched():
        assert bare.fab("ubuntu.bootstrap").lines == [NOTHING]


def test_all_hosts_at_once_and_one_that_has_all_is_left_alone(bare: Fleet) -> None:
    assert bare.fab("montreal.bootstrap").code == 0
    bare.forget()
    ran = bare.fab("bootstrap")
    assert ran.code == 0, ran.everything
    assert (bare.montreal.did, READY in ran.lines) == ([], True)


def test_a_dry_run_shows_each_step_and_changes_nothing(bare: Fleet) -> None:
    before = asdict(bare.ubuntu.bare)
    with bare.untouched():
        ran = bare.fab("ubuntu.bootstrap --dry-run")
    assert ran.code == 0, ran.everything
    assert asdict(bare.ubuntu.bare) == before
    shown = [line for line in ran.lines if "would run: " in line]
    assert len(shown) == 14
    assert shown[0] == f"[ubuntu]       would run: bootstrap {ROOT} user ubuntu"


def test_a_no_changes_nothing_and_a_yes_goes_ahead(bare: Fleet) -> None:
    with bare.untouched():
        ran = bare.fab_on_a_terminal("ubuntu.bootstrap", "n\n")
    assert (ran.code, ran.error) == (2, "nothing was changed: the answer was no")
    ran = bare.fab_on_a_terminal("ubuntu.bootstrap", "y\n")
    assert (ran.code, ran.lines[-1]) == (0, READY)


def test_a_step_that_failed_is_told_with_what_it_said(bare: Fleet) -> None:
    bare.ubuntu.fail(r"^bootstrap packages\b", times=1)
    ran = bare.fab("ubuntu.bootstrap")
    assert ran.code == 1
    assert ran.error.endswith("run this again"), ran.everything
    assert ran.evidence == ["injected"]


@pytest.mark.parametrize("step", ["sshd", "firewall"])
def test_what_would_lock_out_is_taken_back_and_the_rest_is_not_done(bare: Fleet, step: str) -> None:
    machine = bare.ubuntu
    machine.fail(
        f"^bootstrap {step}", goes_on=True, first=lambda: machine.lets_in.discard("ubuntu")
    )
    before = (machine.bare.sshd, "")
    ran = bare.fab("ubuntu.bootstrap")
    title = {"sshd": "sshd takes keys only", "firewall": "firewall"}[step]
    assert (ran.code, ran.error) == (
        1,
        f"ubuntu: {title}: taken back, since nobody could log in any more",
    )
    assert ran.evidence == ["ubuntu: ubuntu is not let in"]
    assert machine.did[-1] == f"bootstrap undo {step}"
    after = (machine.bare.sshd, machine.bare.firewall)
    assert (after == before) == (step == "sshd")
    assert machine.bare.firewall == ""


class Once(dict[str, Trouble]):
    """What is told of a server once."""

    def __getitem__(self, name: str) -> Trouble:
        return self.pop(name)


AWAY = "ubuntu: 10.0.0.1 does not answer"


def test_a_server_that_answers_nobody_for_a_moment_is_asked_again(
    bare: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away() -> None:
        bare.unreachable = Once(ubuntu=refused(AWAY))

    monkeypatch.setattr("fabfile.remote.host.time", time)
    bare.ubuntu.fail("^bootstrap sshd", goes_on=True, first=away)
    ran = bare.fab("ubuntu.bootstrap")
    assert (ran.code, ran.lines[-1]) == (0, READY)
    assert bare.unreachable == {}


def test_one_that_goes_on_answering_nobody_is_told_by_what_it_said_last(bare: Fleet) -> None:
    def away() -> None:
        bare.unreachable["ubuntu"] = refused(AWAY)

    bare.ubuntu.fail("^bootstrap sshd", goes_on=True, first=away)
    ran = bare.fab("ubuntu.bootstrap")
    assert ran.code == 1
    assert ran.evidence == [AWAY, "ubuntu: a new login did not come true within 30 s"]
    assert bare.ubuntu.did[-1] == "bootstrap undo sshd"


def test_a_called_server_opens_its_ports_to_its_callers_alone(bare: Fleet) -> None:
    assert bare.fab("bootstrap").code == 0
    rule = "meta l4proto tcp ct original proto-dst"
    open_to = {
        name: [line.strip() for line in machine.bare.firewall.splitlines() if rule in line]
        for name, machine in bare.machines.items()
    }
    ssh = f"{rule} {{ 22 }} accept"
    assert open_to == {
        "ubuntu": [ssh, f"{rule} {{ 80, 443 }} accept"],
        "montreal": [ssh, f"{rule} {{ 8001 }} ip saddr {{ 10.0.0.1/32 }} accept"],
    }


def test_what_did_not_come_true_is_named(bare: Fleet) -> None:
    bare.ubuntu.fail("^bootstrap group ", goes_on=True, first=bare.ubuntu.bare.keys.clear)
    ran = bare.fab("ubuntu.bootstrap")
    assert (ran.code, ran.error) == (
        1,
        "ubuntu: done, but not there when looked at again: key id for ubuntu",
    )


def test_who_logs_in_can_be_named_and_who_is_not_let_in_is_told(bare: Fleet) -> None:
    bare.ubuntu.lets_in = {"admin"}
    ran = bare.fab("ubuntu.bootstrap")
    assert (ran.code, ran.error) == (
        2,
        "ubuntu: ubuntu is not let in; nor is root let in: --user names who is",
    )
    assert bare.fab("ubuntu.bootstrap --user nobody").error == "ubuntu: nobody is not let in"
    ran = bare.fab("ubuntu.bootstrap --user admin")
    assert (ran.code, ran.lines[0]) == (0, "[ubuntu] plan, as admin")


def test_who_is_let_in_and_may_not_use_sudo_leaves_it_to_root(bare: Fleet) -> None:
    """As after a run that ended before the user got its rights."""
    bare.ubuntu.lets_in = {"ubuntu", "root"}
    bare.ubuntu.bare.no_sudo = ("ubuntu",)
    with bare.untouched():
        assert bare.fab("ubuntu.bootstrap --dry-run").lines[0] == "[ubuntu] plan, as root"
    told = "ubuntu: ubuntu may not use sudo without a password"
    assert bare.fab("ubuntu.bootstrap --user ubuntu").error == told
    bare.ubuntu.lets_in = {"ubuntu"}
    with bare.untouched():
        ran = bare.fab("ubuntu.bootstrap")
    assert (ran.code, ran.error) == (2, f"{told}; nor is root let in: --user names who is")


def test_one_host_that_is_refused_leaves_all_of_them_as_they_are(bare: Fleet) -> None:
    bare.montreal.bare.system = "fedora 43"
    with bare.untouched():
        ran = bare.fab("bootstrap")
    known = "debian 12, debian 13, ubuntu 22.04, ubuntu 24.04"
    assert (ran.code, ran.error) == (2, f"montreal: it is fedora 43, and this is for {known}")


def test_none_begins_while_a_deploy_changes_the_server(bare: Fleet) -> None:
    bare.ubuntu.locks["locks"] = "somebody"
    ran = bare.fab("ubuntu.bootstrap")
    assert (ran.code, ran.error) == (
        2,
        "ubuntu: somebody changes it; wait for the end, then run this again",
    )


def test_the_server_itself_is_not_set_up_by_itself(bare: Fleet) -> None:
    bare.hosts.write_text(bare.hosts.read_text() + "connection = local\n")
    ran = bare.fab("montreal.bootstrap")
    told = "montreal: connection = local: a host is set up from another machine"
    assert (ran.code, ran.error) == (2, told)


def test_a_private_repository_gets_a_deploy_key_which_is_shown(bare: Fleet) -> None:
    address = "git@git.example:us/app.git"
    bare.hosts.write_text(bare.hosts.read_text().replace("git://origin/app.git", address))
    bare.ubuntu.bare.repository = "git@git.example: Permission denied (publickey)."
    ran = bare.fab("ubuntu.bootstrap")
    assert ran.code == 0, ran.everything
    assert "bootstrap deploy-key ubuntu ubuntu@ubuntu" in bare.ubuntu.did
    assert ran.unbroken.count("AAAADEPLOY") == 1
    assert (
        "warning: if it is private, give it this deploy key, for reading: ssh-ed25519 AAAADEPLOY"
        " ubuntu@ubuntu"
    ) in ran.unbroken
