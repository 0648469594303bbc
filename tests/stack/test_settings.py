"""Settings and secrets: the compose files and .env.example say the same."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass

import pytest

from .files import ROOT, SERVERS, compose, variables

BLANK = {
    "API_URL": "https://api.${DOMAIN",
    "POSTGRES_INITIAL_PASSWORD": "${POSTGRES_PASSWORD:?set POSTGRES_PASSWORD in .env",
}
"""What the compose file takes for a key that is blank by default, up to the brace that ends it."""
each_server = pytest.mark.parametrize("server", SERVERS)
# Compose's own and the tasks' own; no service reads them.
COMPOSE_KEYS = {"COMPOSE_FILE", "COMPOSE_PROFILES"}
OF_TASKS = ("S3_", "CDN_", "BACKUP_", "NOTIFY_", "COMMIT_")
TASK_KEYS = {
    "S3_ACCESS_KEY_ID", "S3_SECRET_ACCESS_KEY", "BACKUP_SIGNING_KEY", "CDN_PURGE_TOKEN",
    "NOTIFY_URLS", "COMMIT_STATUS_TOKEN",
}  # fmt: skip


@dataclass(frozen=True)
class Key:
    """One key of .env.example: its value and the marks above it."""

    value: str
    marks: frozenset[str]

    def belongs_to(self, server: str) -> bool:
        named = [mark.partition("=")[2] for mark in self.marks if mark.startswith("server=")]
        return not named or any(server in one.split(",") for one in named)


def example() -> dict[str, Key]:
    """The keys of .env.example, read here without the collection's own reader."""
    keys: dict[str, Key] = {}
    marks: set[str] = set()
    for line in (ROOT / ".env.example").read_text().splitlines():
        if line.startswith("#"):
            marks |= set(re.findall(r"(?<!\S)@(\S+)", line))
        elif line:
            name, _, value = line.partition("=")
            assert name not in keys, f"{name} stands twice"
            keys[name] = Key(value, frozenset(marks))
            marks = set()
        else:
            assert not marks, f"marks above nothing: {marks}"
    return keys


KEYS = example()
SECRETS = sorted(name for name, key in KEYS.items() if "secret" in key.marks)


@each_server
def test_every_variable_of_a_server_is_in_the_example_for_that_server(server: str) -> None:
    named = {name for name, key in KEYS.items() if key.belongs_to(server)}
    assert set(variables(server)) == named - COMPOSE_KEYS - TASK_KEYS


def test_the_keys_of_tasks_reach_no_container() -> None:
    assert {name for name in KEYS if name.startswith(OF_TASKS)} == TASK_KEYS
    assert set(SECRETS) >= TASK_KEYS
    for server in SERVERS:
        assert not TASK_KEYS & set(variables(server))
        assert "env_file" not in json.dumps(compose(server))


@each_server
def test_no_secret_has_a_default_on_a_server(server: str) -> None:
    for name, forms in variables(server).items():
        if name in SECRETS:
            required, blank = f":?set {name} in .env", f":-{BLANK.get(name, '')}"
            assert forms == {required if "required" in KEYS[name].marks else blank}, name


@each_server
def test_a_required_setting_stops_compose_while_it_is_missing(server: str) -> None:
    for name, forms in variables(server).items():
        stops = f":?set {name} in .env" in forms and forms <= {f":?set {name} in .env", ""}
        assert stops == ("required" in KEYS[name].marks), name


@each_server
def test_a_default_is_the_examples_value(server: str) -> None:
    for name, forms in variables(server).items():
        if "required" not in KEYS[name].marks:
            assert forms == {f":-{KEYS[name].value or BLANK.get(name, '')}"}, name


def test_the_example_holds_no_secret_and_no_weak_stand_in() -> None:
    assert {KEYS[name].value for name in SECRETS} == {""}
    assert "POSTGRES_PASSWORD" in SECRETS
    assert "JWT_SECRET_KEY" in SECRETS
    assert "RU_BEARER_TOKEN" in SECRETS


def test_what_the_services_insist_on_is_checked_before_they_start() -> None:
    assert "min=32" in KEYS["JWT_SECRET_KEY"].marks
    assert "urlsafe" in KEYS["POSTGRES_PASSWORD"].marks


def test_both_servers_share_one_resolver_token() -> None:
    assert KEYS["RU_BEARER_TOKEN"].belongs_to("ubuntu")
    assert KEYS["RU_BEARER_TOKEN"].belongs_to("montreal")
    caller = compose("ubuntu")["services"]["core-api"]["environment"]["ITEM_RESOLVER_TOKEN"]
    called = compose("montreal")["services"]["item-resolver"]["environment"]["RU_BEARER_TOKEN"]
    assert caller == called


def test_development_secrets_say_what_they_are() -> None:
    secrets = [
        value
        for service in compose()["services"].values()
        for name, value in service.get("environment", {}).items()
        if re.search(r"PASSWORD|TOKEN$|SECRET_KEY$|DATABASE_URL", name) and "${" not in str(value)
    ]
    assert len(secrets) == 5
    assert [value for value in secrets if "development-only" not in value] == []


@pytest.mark.parametrize("name", ["RESOLVER_CPUS", "RESOLVER_MEMORY"])
def test_the_resolvers_limits_are_settings(name: str) -> None:
    limits = compose("montreal")["services"]["item-resolver"]["deploy"]["resources"]["limits"]
    assert f"${{{name}:-{KEYS[name].value}}}" in limits.values()


def test_a_link_in_clear_is_warned_of() -> None:
    assert {name for name, key in example().items() if "https" in key.marks} == {
        "ITEM_RESOLVER_URL",
        "RESOLVER_SCHEME",
    }
