"""Certificates of an authority that is asked for real, and of the link's private one."""

from __future__ import annotations

import json
import subprocess
import time
from pathlib import Path

import pytest

from tests.edge.judge import complaints_of_sslyze
from tests.lab.deployments import ended
from tests.lab.full import full
from tests.lab.issued import digest, load, on_disk, served
from tests.lab.rig import Server
from tests.lab.scenes import Scene
from tests.lab.seen import STATE
from tests.names import API, SITE

pytest_plugins = ("tests.lab.deployed", "tests.lab.staged")
pytestmark = pytest.mark.usefixtures("placeholders")

NAMES = (SITE, f"www.{SITE}", API)
LOG = f"{STATE}/acme/logs/letsencrypt.log"
CALL = """
import json, os, ssl, sys, time, httpx
url = os.environ["ITEM_RESOLVER_URL"].rstrip("/") + "/healthz"
bearer = "Bearer " + os.environ["ITEM_RESOLVER_TOKEN"]
said, failed, calls = False, [], 0
end = time.monotonic() + float(sys.argv[1])
while time.monotonic() < end and not os.path.exists("/tmp/enough"):
    calls += 1
    try:
        httpx.get(url, headers={"Authorization": bearer}, timeout=10).raise_for_status()
    except Exception as error:
        failed.append(repr(error))
    time.sleep(0.25)
    if not said:
        print("calling", flush=True)
        said = True
print(json.dumps([calls, failed]))
"""


def keeps_port_80(server: Server) -> bool:
    """Whether the proxy is who listens on port 80: nobody else could answer the authority."""
    words = ["curl", "-so", "/dev/null", "-w", "%{http_code}", "-H", f"Host: {SITE}"]
    return server.must([*words, "http://127.0.0.1/"]) == "301"


def test_a_running_stack_gets_its_first_certificate_without_replacing_anything(
    scene: Scene,
) -> None:
    before = served(scene)
    with scene.only_replaces():
        ran = scene.operator.must("ssl.issue")
    assert keeps_port_80(scene.ubuntu)
    shown = {served(scene, name) for name in NAMES}
    assert shown == {on_disk(scene.ubuntu)} != {before}
    assert [step.partition(" ")[0] for step in ran.steps("ubuntu")] == ["ask", "install", "load"]
    kept = scene.ubuntu.must(["sh", "-c", f"stat -c '%U %a %n' {STATE}/certs/*.pem* {STATE}/acme"])
    assert kept.splitlines() == [
        f"ubuntu 600 {STATE}/certs/fullchain.pem",
        f"ubuntu 600 {STATE}/certs/privkey.pem",
        f"ubuntu 700 {STATE}/acme",
    ]
    left = scene.ubuntu.must(["find", f"{STATE}/proxy/acme", "-type", "f"])
    assert left == ""


def test_when_nothing_is_due_nothing_changes_and_cron_hears_nothing(scene: Scene) -> None:
    look = f"stat -c '%Y %i %n' {STATE}/certs/*.pem; ls {STATE}/acme/archive/*"
    before = served(scene), scene.ubuntu.must(["sh", "-c", look])
    ran = scene.operator.must("ssl.renew", "--quiet")
    assert (ran.out, ran.err) == ("", "")
    assert (served(scene), scene.ubuntu.must(["sh", "-c", look])) == before


def test_a_renewal_under_load_survives_a_refused_nonce_and_fails_no_request(
    scene: Scene,
) -> None:
    """The client asks twice by itself; then the task asks again, and is given a certificate."""
    before, start = served(scene), time.monotonic()
    with load(scene) as clients, scene.lab.directory.refusing():
        running = scene.operator.start("ssl.renew", "--force", "--server", "ubuntu")
        refused = ["sh", "-c", f"grep -q '^acme.messages.Error: .*badNonce' {LOG}"]
        while scene.ubuntu.exec(refused).returncode:
            assert running.poll() is None, ended(running, start)
        scene.lab.directory.relent()
        ran = ended(running, start)
    assert ran.code == 0, ran
    now = served(scene)
    assert (clients.failures, clients.certificates) == ([], {before, now})
    assert now != before
    assert clients.answered > 100
    assert on_disk(scene.ubuntu) == now


def test_a_name_that_leads_elsewhere_costs_nothing_but_one_line(scene: Scene) -> None:
    before = served(scene)
    with scene.lab.directory.astray(f"www.{SITE}"):
        ran = scene.operator.fab("ssl.renew", "--force", "--quiet", "--server", "ubuntu")
    assert (ran.code, ran.out) == (1, ""), scene.ubuntu.must(["cat", LOG])
    assert ran.error.startswith(f"ubuntu: no new certificate: www.{SITE}: ")
    assert "connection refused" in ran.error
    assert ran.error.endswith("; the former one is served, 1825 days more")
    assert (served(scene), on_disk(scene.ubuntu)) == (before, before)


def calling(scene: Scene) -> subprocess.Popen[str]:
    """The API calls the resolver over and over; returns once the first call is answered."""
    inside = ["docker", "exec", "wishwithme-core-api-1", "python", "-c", CALL, "60"]
    running = subprocess.Popen(
        ["docker", "exec", scene.ubuntu.container, *inside],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert running.stdout is not None
    assert running.stdout.readline() == "calling\n"
    return running


def test_the_link_gets_a_private_authority_and_renews_without_a_failed_call(scene: Scene) -> None:
    montreal = scene.lab.server("montreal")
    running = calling(scene)
    first = scene.operator.must("ssl.internal")
    introduced = on_disk(montreal)
    second = scene.operator.must("ssl.renew", "--force", "--server", "montreal")
    scene.ubuntu.must(["docker", "exec", "wishwithme-core-api-1", "touch", "/tmp/enough"])
    out, _ = running.communicate(timeout=60)
    scene.ubuntu.must(["docker", "exec", "wishwithme-core-api-1", "rm", "/tmp/enough"])
    calls, failed = json.loads(out)
    assert (failed, calls > 10) == ([], True)
    assert first.steps("ubuntu") == [
        "trust the new authority too",
        "prove the link to montreal",
        "trust the new authority alone",
        "prove the link to montreal",
    ]
    assert second.steps("ubuntu") == []
    assert on_disk(montreal) != introduced
    authority = f"{STATE}/authority/authority.pem"
    trusted = scene.ubuntu.must(["cat", f"{STATE}/certs/trust/peer.pem"])
    assert digest(trusted) == digest(montreal.must(["openssl", "x509", "-in", authority]))
    kept = montreal.must(["stat", "-c", "%U %a", authority, f"{STATE}/authority"])
    assert kept == "ubuntu 600\nubuntu 700\n"


@full
def test_sslyze_finds_nothing_wrong_with_the_link_but_that_it_is_for_an_address(
    scene: Scene, tmp_path: Path
) -> None:
    """It looks for a domain in a certificate and knows no addresses; OpenSSL does."""
    montreal = scene.lab.server("montreal")
    authority = tmp_path / "authority.pem"
    authority.write_text(scene.ubuntu.must(["cat", f"{STATE}/certs/trust/peer.pem"]))
    found = complaints_of_sslyze(montreal.address, montreal.ports[8001], authority)
    path = "certificate_path_validation: Certificate path validation failed for CN=montreal."
    assert found == [path]
    words = ["openssl", "verify", "-CAfile", f"{STATE}/certs/trust/peer.pem", "-verify_ip"]
    shown = montreal.must(["cat", f"{STATE}/certs/fullchain.pem"])
    said = scene.ubuntu.must([*words, montreal.address], stdin=shown)
    assert said == "stdin: OK\n"
