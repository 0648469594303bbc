"""No certificate: nginx in a crash loop; standalone renewal met nginx on port 80; silent expiry."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.edge.authority import Authority
from tests.lab.issued import on_disk, served
from tests.lab.scenes import Scene
from tests.lab.seen import STATE
from tests.names import API, SITE

if TYPE_CHECKING:
    from tests.incidents.stories import Fresh

pytest_plugins = ("tests.lab.deployed", "tests.lab.staged", "tests.incidents.stories")
NAMES = (SITE, f"www.{SITE}", API)
HOLDS = "docker inspect -f '{{.Id}} {{.State.StartedAt}}' wishwithme-nginx"


def test_a_first_start_without_a_certificate_works(fresh: Fresh, scene: Scene) -> None:
    assert fresh.state_before == "absent"
    assert fresh.deploy.code == 0
    assert "certificate self-made" in fresh.deploy.steps("montreal")
    restarts = ["docker", "inspect", "-f", "{{.RestartCount}}", "wishwithme-nginx"]
    assert scene.lab.server("montreal").must(restarts) == "0\n"


@pytest.mark.usefixtures("placeholders")
def test_the_authority_is_answered_while_the_proxy_holds_port_80(scene: Scene) -> None:
    before, running = served(scene), scene.ubuntu.must(["sh", "-c", HOLDS])
    scene.operator.must("ssl.issue")
    assert served(scene) == on_disk(scene.ubuntu) != before
    assert scene.ubuntu.must(["sh", "-c", HOLDS]) == running


@pytest.mark.usefixtures("placeholders")
def test_the_end_of_a_certificate_is_told_in_time_and_what_is_served_is_compared(
    scene: Scene, tmp_path: Path
) -> None:
    """Thirteen days are left of what somebody put on disk, and nginx has not loaded it."""
    before = served(scene)
    authority = Authority(tmp_path, days=14)
    authority.sign(tmp_path / "ending", *NAMES)
    for name in ("fullchain.pem", "privkey.pem"):
        text = (tmp_path / "ending" / name).read_text()
        scene.ubuntu.must(["sh", "-c", f"cat >{STATE}/certs/{name}"], stdin=text)
    ran = scene.operator.fab("ssl.status")
    assert (ran.code, ran.error) == (1, "certificates need care")
    assert [line.partition(" ends ")[0] for line in ran.evidence if "in 13 days" in line] == [
        "ubuntu: it",
        "ubuntu: certs/fullchain.pem: certificate 2 (CN=Nobody's authority)",
    ]
    assert [line.partition(" serves ")[0] for line in ran.evidence[2:]] == [
        f"ubuntu: {name}:443" for name in NAMES
    ]
    assert served(scene) == before != on_disk(scene.ubuntu)
