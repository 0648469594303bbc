"""The names of a site: set once in .env, once in hosts.ini, and both must say the same."""

from __future__ import annotations

import json

import pytest

from tests.unit.bad_domains import BAD_DOMAINS

from .fakes.application import ENV_EXAMPLE, UBUNTU, env
from .fakes.authorities import public
from .fakes.certificates import signed
from .fakes.fleet import HOSTS, Fleet
from .fakes.machine import CHECKOUT, ROOT, Machine

ENV, CERTS = f"{CHECKOUT}/.env", f"{ROOT}/certs"
STACK = json.loads(json.dumps(UBUNTU).replace("app.example", "${DOMAIN:?set DOMAIN in .env}"))
STACK["x-deploy"]["proxy"]["names"] = {"site": "${DOMAIN}", "api": "api.${DOMAIN}"}
CHANGES: dict[str, str | None] = {
    "compose/ubuntu.yml": json.dumps(STACK),
    ".env.example": f"{ENV_EXAMPLE}# @required @domain @server=ubuntu\nDOMAIN=\n",
}
MISSING = ".env: DOMAIN is missing: add DOMAIN= and your site's name, as example.org"


@pytest.fixture
def named(running: Fleet) -> Fleet:
    """What runs is older than the setting; the newest commit wants it."""
    running.origin.commit("Names from .env", CHANGES)
    return running


@pytest.fixture
def moving(named: Fleet) -> Fleet:
    """It is deployed under one name, and is to have another."""
    say(named, "app.example")
    assert named.fab("ubuntu.deploy").code == 0
    say(named, "new-app.example")
    return named


def say(fleet: Fleet, domain: str) -> None:
    text = fleet.ubuntu.files[ENV]
    kept = [line for line in text.splitlines() if not line.startswith("DOMAIN=")]
    fleet.ubuntu.files[ENV] = "\n".join([*kept, f"DOMAIN={domain}", ""])


def domains(fleet: Fleet, text: str) -> None:
    lines = fleet.hosts.read_text().splitlines()
    kept = [f"domains = {text}" if line.startswith("domains") else line for line in lines]
    fleet.hosts.write_text("\n".join([*kept, ""]))


def served(fleet: Fleet) -> str:
    return fleet.ubuntu.files[f"{ROOT}/proxy/site-names.conf"]


def test_a_server_whose_settings_are_older_is_told_what_to_add(named: Fleet) -> None:
    with named.untouched():
        ran = named.fab("ubuntu.deploy")
    assert (ran.code, ran.error, ran.evidence) == (2, f"ubuntu: {MISSING}", [])
    ran = named.fab("ubuntu.status")
    assert (ran.code, ran.error) == (1, "not all is well: ubuntu (1)")


@pytest.mark.parametrize("value", [one for one in BAD_DOMAINS if one.isprintable()])
def test_what_is_no_name_is_refused_in_one_line(named: Fleet, value: str) -> None:
    say(named, f"'{value}'")
    with named.untouched():
        ran = named.fab("ubuntu.deploy")
    line = "ubuntu: .env: DOMAIN is not a domain name such as example.org, in small letters"
    assert (ran.code, ran.error, ran.evidence) == (2, line, [])


def test_the_names_are_written_for_the_proxy_and_change_nothing_more(named: Fleet) -> None:
    say(named, "app.example")
    ran = named.fab("ubuntu.deploy")
    assert ran.code == 0, ran.everything
    folder = f"{ROOT}/proxy"
    assert {
        name: named.ubuntu.files[f"{folder}/{name}"]
        for name in ("site-names.conf", "api-names.conf")
    } == {
        "site-names.conf": "server_name app.example;\n",
        "api-names.conf": "server_name api.app.example;\n",
    }
    assert [line for line in ran.lines if "reload proxy" in line]
    assert named.fab("ubuntu.deploy").code == 0
    assert "nothing to do" in named.fab("ubuntu.plan").out


def test_a_name_that_hosts_ini_does_not_have_is_refused_with_both_places(moving: Fleet) -> None:
    with moving.untouched():
        ran = moving.fab("ubuntu.deploy")
    assert (ran.code, ran.evidence) == (2, [])
    assert ran.error == (
        "ubuntu: gates ask api.new-app.example, new-app.example (api, site), but hosts.ini has"
        f" domains = app.example, api.app.example for [ubuntu]; set DOMAIN in {ENV}, or domains:"
        " both must name your site"
    )
    examined = moving.fab("doctor")
    told = ran.error.removeprefix("ubuntu: ")
    assert (examined.code, f"[ubuntu] fail certificate: {told}" in examined.lines) == (1, True)
    assert served(moving) == "server_name app.example;\n"


def test_another_name_is_a_change_that_the_plan_shows_and_a_load_makes(moving: Fleet) -> None:
    domains(moving, "new-app.example, api.new-app.example")
    (planned,) = moving.fab("ubuntu.plan --json").json
    assert {f"{step['kind']} {step['subject']}": step["reason"] for step in planned["steps"]} == {
        "fetch 00000002": "the wanted commit",
        "certificate self-made": (
            "the one that is there is not for new-app.example, api.new-app.example"
        ),
        "test-proxy proxy": "nginx -t in the target image",
        "reload proxy": "its configuration changed",
    }
    proxy = moving.ubuntu.engine.containers["app-proxy"].id
    ran = moving.fab("ubuntu.deploy")
    assert ran.code == 0, ran.everything
    assert served(moving) == "server_name new-app.example;\n"
    assert moving.ubuntu.engine.containers["app-proxy"].id == proxy
    assert "nothing to do" in moving.fab("ubuntu.plan").out


def test_a_deploy_under_another_name_that_fails_goes_back_to_the_former_one(moving: Fleet) -> None:
    domains(moving, "new-app.example, api.new-app.example")
    moving.origin.commit("Red", {"nginx/ubuntu/nginx.conf": "OUTSIDE RED\n"})
    ran = moving.fab("ubuntu.deploy")
    assert ran.code == 1, ran.everything
    assert served(moving) == "server_name app.example;\n"


def test_a_certificate_of_an_authority_must_be_for_the_name_first(moving: Fleet) -> None:
    domains(moving, "new-app.example, api.new-app.example")
    chain, key = signed(public(), ("app.example", "api.app.example"), 60, moving.ubuntu.clock)
    moving.ubuntu.served = chain
    moving.ubuntu.files |= {f"{CERTS}/fullchain.pem": chain, f"{CERTS}/privkey.pem": key}
    with moving.untouched():
        ran = moving.fab("ubuntu.deploy")
    assert (ran.code, ran.evidence) == (2, [])
    assert ran.error == (
        "ubuntu: the certificate is not for new-app.example, api.new-app.example: once these names"
        " lead to this server, fab ssl.issue (one of your own: fab ssl.install), then deploy"
    )


def test_staging_beside_production_is_another_section_with_other_domains(fleet: Fleet) -> None:
    # The fakes find a server's proxy by its name.
    files = fleet.origin.tip.files["nginx/ubuntu/nginx.conf"]
    fleet.origin.commit("Names from .env", {**CHANGES, "nginx/staging/nginx.conf": files})
    say(fleet, "app.example")
    staging = fleet.machines["staging"] = Machine("staging", "10.0.0.3", fleet.origin, [])
    staging.network = {machine.address: machine for machine in fleet.machines.values()}
    fleet.hosts.write_text(
        f"{HOSTS}[staging]\nhost = 10.0.0.3\ncompose = compose/ubuntu.yml\n"
        "domains = staging.app.example, api.staging.app.example\n"
    )
    staging.files[ENV] = env("ubuntu")
    refused = fleet.fab("deploy")
    assert (refused.code, refused.error) == (2, f"staging: {MISSING}")
    staging.files[ENV] += "DOMAIN=staging.app.example\n"
    ran = fleet.fab("deploy")
    assert ran.code == 0, ran.everything
    assert served(fleet) == "server_name app.example;\n"
    own = "server_name staging.app.example;\n"
    assert staging.files[f"{ROOT}/proxy/site-names.conf"] == own
