"""The rules that every service of every stack keeps."""

from __future__ import annotations

import json
import os
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from .files import ROOT, SERVERS, compose, every_service, seconds, server_services

SERVICES = dict(every_service())
ON_SERVERS = dict(server_services())
CHECKED = {name: one["healthcheck"] for name, one in SERVICES.items() if "healthcheck" in one}
by_name = pytest.mark.parametrize("name", SERVICES)
on_servers = pytest.mark.parametrize("name", ON_SERVERS)
checked = pytest.mark.parametrize("name", CHECKED)
each_server = pytest.mark.parametrize("server", SERVERS)


def words(check: dict[str, Any]) -> str:
    return " ".join(check["test"])


@by_name
def test_every_service_says_how_it_logs_restarts_and_stops(name: str) -> None:
    service = SERVICES[name]
    assert service["logging"]["driver"] == "json-file"
    assert set(service["logging"]["options"]) == {"max-size", "max-file"}
    assert service["restart"] == "unless-stopped"
    assert seconds(service["stop_grace_period"]) > 0


@by_name
def test_every_service_starts_without_privileges(name: str) -> None:
    assert SERVICES[name]["security_opt"] == ["no-new-privileges:true"]
    assert SERVICES[name]["cap_drop"] == ["ALL"]


@by_name
def test_every_image_is_ours_or_pinned_to_a_patch_version(name: str) -> None:
    service = SERVICES[name]
    if "build" in service:
        tag = "development" if name.startswith("development/") else "current"
        assert re.fullmatch(rf"wishwithme/[a-z-]+:{tag}", service["image"])
    else:
        assert re.fullmatch(r"[a-z]+:\d+\.\d+(\.\d+)?-alpine", service["image"])


@pytest.mark.parametrize(
    "dockerfile",
    sorted((ROOT / "services").glob("*/Dockerfile")),
    ids=lambda file: file.parent.name,
)
def test_every_base_is_pinned_and_nothing_asks_for_another_builder(dockerfile: Any) -> None:
    text = dockerfile.read_text()
    bases = re.findall(r"^FROM (\S+)", text, flags=re.MULTILINE)
    assert bases
    # Debian's point releases have two numbers.
    pinned = r":\d+\.\d+\.\d+-|^debian:\d+\.\d+-"
    assert [base for base in bases if not re.search(pinned, base)] == []
    assert "syntax=" not in text
    assert "--mount" not in text
    assert (dockerfile.parent / ".dockerignore").read_text().splitlines()[1] == "*"


CLIENTS = {"ubuntu/postgres-wal"}
"""They listen to nobody: what they are connected to tells how they are."""


@checked
def test_a_probe_gets_from_127_0_0_1(name: str) -> None:
    said = words(CHECKED[name])
    assert "localhost" not in said
    assert "--spider" not in said
    assert "HEAD" not in said
    assert "curl" not in said
    assert ("127.0.0.1" in said) == (name not in CLIENTS)


@checked
def test_the_first_probe_comes_within_two_seconds(name: str) -> None:
    check = CHECKED[name]
    assert seconds(check["start_interval"]) <= 2
    assert seconds(check["start_period"]) >= 10
    assert seconds(check["timeout"]) <= seconds(check["interval"])


@checked
def test_no_probe_holds_a_secret(name: str) -> None:
    assert re.search(r"\$\{[A-Z_]*(PASSWORD|SECRET|TOKEN|KEY)", words(CHECKED[name])) is None


@on_servers
def test_no_secret_is_among_the_words_that_a_process_is_started_with(name: str) -> None:
    """Every user of the host sees those."""
    started = json.dumps([ON_SERVERS[name].get("entrypoint"), ON_SERVERS[name].get("command")])
    assert re.search(r"(?<!\$)\$\{[A-Z_]*(PASSWORD|SECRET|TOKEN|KEY)", started) is None


def test_redis_reads_its_password_from_standard_input(tmp_path: Path) -> None:
    told = tmp_path / "docker-entrypoint.sh"
    told.write_text('#!/bin/sh\necho "$@"\nexec cat\n')
    told.chmod(0o755)
    words = [word.replace("$$", "$") for word in ON_SERVERS["ubuntu/redis"]["entrypoint"]]
    environment = {"PATH": f"{tmp_path}:{os.environ['PATH']}", "REDISCLI_AUTH": "a-pass~word"}
    said = subprocess.run(words, env=environment, capture_output=True, text=True, check=True).stdout
    first, password, *_ = said.splitlines()
    assert (first, password) == ("redis-server -", "requirepass a-pass~word")


def test_core_api_signs_in_to_redis_with_the_password_that_redis_has() -> None:
    services = compose("ubuntu")["services"]
    password = services["redis"]["environment"]["REDISCLI_AUTH"]
    assert password == "${REDIS_PASSWORD:?set REDIS_PASSWORD in .env}"
    # With the user's name a Redis without a password takes it too: core-api may come first.
    url = services["core-api"]["environment"]["REDIS_URL"]
    assert url == f"redis://default:{password}@redis:6379/0"


def test_no_service_goes_without_a_health_check() -> None:
    assert set(SERVICES) == set(CHECKED)


@on_servers
def test_only_the_proxy_publishes_ports(name: str) -> None:
    published = {"ubuntu/nginx": ["80:80", "443:443"], "montreal/nginx": ["8001:8001"]}
    assert ON_SERVERS[name].get("ports", []) == published.get(name, [])


@on_servers
def test_a_service_has_replicas_or_a_containers_name(name: str) -> None:
    """With a name of its own there can be no second container beside the first."""
    service = ON_SERVERS[name]
    settings = {
        "ubuntu/core-api": "${CORE_API_REPLICAS:-2}",
        "ubuntu/frontend": "${FRONTEND_REPLICAS:-1}",
        "ubuntu/waf": 1,
        "montreal/item-resolver": "${RESOLVER_REPLICAS:-2}",
    }
    replicas = settings.get(name)
    assert service["deploy"].get("replicas") == replicas
    named = None if replicas else f"wishwithme-{name.partition('/')[2]}"
    assert service.get("container_name") == named


def test_development_ports_are_this_machines_alone() -> None:
    published = [
        port
        for name, service in SERVICES.items()
        if name.startswith("development/")
        for port in service.get("ports", [])
    ]
    assert sorted(port.split(":")[1] for port in published) == [
        "5432",
        "6379",
        "8000",
        "8001",
        "9000",
    ]
    assert {port.split(":")[0] for port in published} == {"127.0.0.1"}


@each_server
def test_hints_are_for_services_that_exist(server: str) -> None:
    model = compose(server)
    always = {name for name, service in model["services"].items() if "profiles" not in service}
    assert set(model["x-deploy"]) == always


@each_server
def test_one_service_is_the_proxy_and_waits_for_nobody(server: str) -> None:
    """Compose 2.26 would make it anew with whomever it waits for: a gap for all services."""
    model = compose(server)
    proxies = [name for name, hints in model["x-deploy"].items() if hints.get("proxy")]
    assert proxies == ["nginx"]
    assert "depends_on" not in model["services"]["nginx"]


@by_name
def test_whoever_waits_waits_for_health(name: str) -> None:
    how = {word["condition"] for word in SERVICES[name].get("depends_on", {}).values()}
    assert how <= {"service_healthy"}


@each_server
def test_data_services_are_kept_and_the_rest_is_probed(server: str) -> None:
    hints = compose(server)["x-deploy"]
    kept = sorted(name for name, hint in hints.items() if hint.get("keep"))
    assert kept == (["postgres", "redis"] if server == "ubuntu" else [])
    unprobed = {name for name, hint in hints.items() if not {"keep", "probe", "gates"} & set(hint)}
    assert unprobed == set()


@each_server
def test_the_link_and_the_smoke_test_are_python_that_compiles(server: str) -> None:
    for hint in compose(server)["x-deploy"].values():
        for command in (hint.get("smoke"), (hint.get("link") or {}).get("command")):
            if command:
                python, option, program = command
                assert (python, option) == ("python", "-c")
                compile(program, "x-deploy", "exec")


@pytest.mark.parametrize("name", [name for name in CHECKED if CHECKED[name]["test"][0] == "CMD"])
def test_a_probe_in_python_compiles(name: str) -> None:
    command = CHECKED[name]["test"][1:]
    if command[:2] == ["python", "-c"]:
        compile(command[2], "healthcheck", "exec")
    else:
        assert command[0] in {"pg_isready", "wget"}


def test_mounts_of_a_proxy_are_folders_read_only_and_never_made_by_the_engine() -> None:
    for server in SERVERS:
        for mount in compose(server)["services"]["nginx"]["volumes"]:
            assert mount["read_only"] is True
            assert mount["bind"] == {"create_host_path": False}
            assert "." not in mount["target"].rpartition("/")[2]


def test_core_api_never_sees_the_private_key() -> None:
    mounts = compose("ubuntu")["services"]["core-api"]["volumes"]
    assert [mount["source"] for mount in mounts] == ["${STATE_ROOT:-/opt/wishwithme}/certs/trust"]


def test_a_fresh_clone_has_the_development_stack() -> None:
    root = yaml.safe_load((ROOT / "compose.yaml").read_text())
    assert root == {"name": "wishwithme-dev", "include": ["compose/docker-compose.yml"]}
    assert compose()["name"] == "wishwithme-dev"
    assert {compose(server)["name"] for server in SERVERS} == {"wishwithme"}


def test_a_servers_settings_are_found_from_the_compose_folder_too() -> None:
    link = ROOT / "compose/.env"
    assert link.is_symlink()
    assert str(link.readlink()) == "../.env"
