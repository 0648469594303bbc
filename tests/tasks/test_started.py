"""A stack that says nothing of how it is asked: what is proved of it, and what it is called."""

from __future__ import annotations

import json
from typing import Any

from .fakes.application import UBUNTU
from .fakes.fleet import Fleet
from .fakes.machine import CHECKOUT

ENV = f"{CHECKOUT}/.env"

PLAIN: dict[str, Any] = {
    "name": "app",
    "services": {
        "web": {
            "image": "web:1",
            "ports": [
                {"target": 8000, "published": "8080", "protocol": "tcp"},
                {"target": 53, "published": "5353", "protocol": "udp"},
            ],
        }
    },
    "networks": {"default": {"name": "app-network"}},
}


def deployed(fleet: Fleet, model: dict[str, Any]) -> list[str]:
    fleet.origin.commit("Other services", {"compose/ubuntu.yml": json.dumps(model)})
    ran = fleet.fab("ubuntu.deploy --remove-orphans --waive link")
    assert ran.code == 0, ran.everything
    return ran.lines


def gates(fleet: Fleet) -> dict[str, str]:
    return {one.title: one.note for one in fleet.releases("ubuntu")[-1].gates}


def test_it_is_started_and_not_verified(running: Fleet) -> None:
    """Its containers run and take connections; whether they work nobody asked."""
    lines = deployed(running, PLAIN)
    release = running.releases("ubuntu")[-1]
    assert (release.outcome, release.passed) == ("started", True)
    assert f"[ubuntu] started: runs {release.commit[:8]} Other services" in lines
    warned = [line for line in lines if "nothing asked whether they work" in line]
    assert len(warned) == 1
    assert gates(running) == {"probe:web": "healthy", "port:web:8080": "listens"}


def test_one_that_takes_no_connection_is_red(running: Fleet) -> None:
    model = {**PLAIN, "services": {"deaf": PLAIN["services"]["web"]}}
    running.origin.commit("Deaf", {"compose/ubuntu.yml": json.dumps(model)})
    ran = running.fab("ubuntu.deploy --remove-orphans --waive link")
    assert ran.code == 1, ran.everything
    assert "port:deaf:8080: nobody listens at port 8000 of the container" in ran.evidence


def test_any_service_may_have_a_gate(running: Fleet) -> None:
    """It is asked on the server, at the service's own port, and from outside."""
    model = json.loads(json.dumps(UBUNTU))
    hints = model["x-deploy"]
    hints["web"]["gates"] = hints["proxy"].pop("gates")
    deployed(running, model)
    assert running.releases("ubuntu")[-1].outcome == "verified"
    asked = set(gates(running))
    assert {"server:site", "outside:site", "server:api", "outside:api"} <= asked
    assert not {name for name in asked if name.startswith("proxy:")}


def test_a_stack_that_reads_no_setting_needs_none(fleet: Fleet) -> None:
    """The first deploy makes a .env, by which docker compose by hand finds the same stack."""
    fleet.origin.commit(
        "No settings", {"compose/ubuntu.yml": json.dumps(PLAIN), ".env.example": ""}
    )
    del fleet.ubuntu.files[ENV]
    ran = fleet.fab("ubuntu.deploy --waive link")
    assert ran.code == 0, ran.everything
    assert "bootstrap /opt/app: 8 of its folders are missing; a .env is made" in ran.unbroken
    assert fleet.ubuntu.files[ENV] == "COMPOSE_FILE=compose/ubuntu.yml\n"
    assert "nothing to do" in fleet.fab("ubuntu.deploy --waive link").out
