"""A healthy app was reported unhealthy for hours: `localhost` is ::1, nginx listens on IPv4."""

from __future__ import annotations

import re

from tests.lab.rig.place import ROOT
from tests.lab.scenes import Scene

pytest_plugins = ("tests.lab.deployed", "tests.lab.staged")

PROBES = ("compose/*.yml", "services/*/Dockerfile", "nginx/**/*.conf", "fabfile/**/*.py")
DOCTOR = ROOT / "fabfile/model/watch"
"""What it says of health checks that do."""
LOCALHOST = re.compile(r"(?://|[\s\"'@,\[])localhost(?:[:/\s\"',\]]|$)")


def test_no_file_that_holds_a_probe_names_localhost() -> None:
    files = [file for pattern in PROBES for file in ROOT.glob(pattern) if file.parent != DOCTOR]
    assert len(files) > 20
    found = [
        f"{file.relative_to(ROOT)}:{number}"
        for file in files
        for number, line in enumerate(file.read_text().splitlines(), start=1)
        if LOCALHOST.search(line) and not line.lstrip().startswith("#")
    ]
    assert found == []


def test_a_proxy_that_listens_on_ipv4_alone_is_healthy(scene: Scene) -> None:
    """What the old probe asked is still not there; what ours asks is."""
    ask = ["docker", "exec", "wishwithme-nginx", "wget", "-q", "-T", "4", "-O", "-"]
    assert scene.ubuntu.exec([*ask, "http://[::1]/health"]).returncode != 0
    assert scene.ubuntu.must([*ask, "http://127.0.0.1/health"]) == "ok\n"
    boxes = scene.boxes()
    assert boxes["nginx"].health == "healthy"
    shown = ["docker", "inspect", "-f", "{{json .Config.Healthcheck.Test}}"]
    checks = scene.ubuntu.must([*shown, *(box.id for box in boxes.values())])
    assert "localhost" not in checks
