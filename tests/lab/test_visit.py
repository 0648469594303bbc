"""The whole application as a person uses it: a browser, both servers, a shop's page."""

from __future__ import annotations

import base64
import json
import subprocess
from pathlib import Path

from tests.lab.scenes import Scene
from tests.lab.seen import STATE

pytest_plugins = ("tests.lab.deployed", "tests.lab.staged")

SCRIPT = Path(__file__).with_name("visitor.py")
LAMP = "Reading lamp Aurora"
KEY_OF = f"""
openssl x509 -in {STATE}/certs/fullchain.pem -noout -pubkey |
    openssl pkey -pubin -outform der | openssl dgst -sha256 -binary | base64
"""


def test_a_page_that_is_added_is_resolved_by_the_browser_there_and_appears_live(
    scene: Scene, tmp_path: Path
) -> None:
    """The shop's page says what it sells only to a client that runs its script."""
    wanted = {
        "address": scene.ubuntu.address,
        "key": scene.ubuntu.must(["sh", "-c", KEY_OF]).strip(),
        "shop": scene.lab.shop,
        "sells": LAMP,
    }
    browser = ["docker", "run", "-i", "--rm", "--network", "host", "--shm-size", "512m"]
    browser += ["--entrypoint", "python", "wishwithme/item-resolver:current", "-c"]
    done = scene.lab.server("montreal").exec(
        [*browser, SCRIPT.read_text()], stdin=json.dumps(wanted) + "\n", timeout=180
    )
    seen = json.loads(done.stdout.splitlines()[-1])
    assert done.returncode == 0, seen["text"] + done.stderr
    sight = tmp_path / "birthday.png"
    sight.write_bytes(base64.b64decode(seen["sight"]))
    assert seen["complaints"] == []
    assert [text in seen["text"] for text in (LAMP, "49.90", "A good umbrella")] == [True] * 3
    assert sight.read_bytes().startswith(b"\x89PNG")
    statuses = [answer["status"] for answer in seen["limited"]]
    assert statuses == sorted(statuses)
    assert {*statuses} == {401, 429}
    assert seen["limited"][-1]["says"] == "too many requests, try again later"


def test_the_door_leads_to_the_same_site(scene: Scene) -> None:
    """What ``scripts/demo`` ends with: plain, under a name that every browser knows."""
    words = ["curl", "-sf", "--noproxy", "*"]
    page = subprocess.check_output([*words, scene.lab.door], text=True)
    assert "<title>Wish With Me" in page
    told = subprocess.check_output([*words, f"{scene.lab.door}/config.json"], text=True)
    assert json.loads(told) == {"api_url": ""}
