"""A healthy app was reported unhealthy: `wget --spider` sends HEAD, FastAPI answers 405."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import PurePosixPath

import pytest
import yaml

from tests.lab.rig.place import ROOT
from tests.lab.scenes import Scene
from tests.lab.seen import asked, now
from tests.names import API, SITE

pytest_plugins = ("tests.lab.deployed", "tests.lab.staged")

HEAD = re.compile(r"--spider|--head|\bHEAD\b|curl (-\S+ )*-[a-zA-Z]*I")


@pytest.mark.parametrize(
    "file", sorted((ROOT / "compose").glob("*.yml")), ids=lambda file: file.name
)
def test_no_health_check_in_the_files_asks_with_head(file: object) -> None:
    services = yaml.safe_load(file.read_text())["services"]  # type: ignore[attr-defined]
    checks = {name: " ".join(service["healthcheck"]["test"]) for name, service in services.items()}
    assert checks
    assert [name for name, check in checks.items() if HEAD.search(check)] == []


def test_the_api_refuses_head_and_is_healthy_all_the_same(scene: Scene) -> None:
    """The very answer that the incident met, and every running health check asks otherwise."""
    boxes = scene.boxes()
    url = f"http://{boxes['core-api-1'].address}:8000/live"
    status = ["curl", "-s", "-o", "/dev/null", "-w", "%{http_code}"]
    assert scene.ubuntu.must([*status, "--head", url]) == "405"
    assert scene.ubuntu.must([*status, url]) == "200"
    assert {box.health for box in boxes.values()} == {"healthy"}
    shown = ["docker", "inspect", "-f", "{{json .Config.Healthcheck.Test}}"]
    checks = scene.ubuntu.must([*shown, *(box.id for box in boxes.values())]).splitlines()
    assert len(checks) == len(boxes)
    assert [check for check in checks if HEAD.search(check)] == []


def test_every_gate_asks_the_proxy_with_get(scene: Scene) -> None:
    """As nginx itself wrote it down."""
    since = now(scene.ubuntu)
    scene.proves()
    ours = [line for line in asked(scene.ubuntu, since) if line["agent"] == "wishwithme-probe"]
    assert {line["method"] for line in ours} == {"GET"}
    asks = Counter((line["host"], line["path"]) for line in ours)
    pages = {(API, "/healthz"), (SITE, "/")}
    assert pages <= asks.keys()
    # Also what the page is alive by: its script and its style.
    files = asks.keys() - pages
    assert {host for host, _ in files} == {SITE}
    assert sorted(PurePosixPath(path).suffix for _, path in files) == [".css", ".js"]
    # Inside and from outside.
    assert set(asks.values()) == {2}
