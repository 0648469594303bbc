"""A person with a real browser at the site: what is seen there, and what the browser says of it."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

from tests.lab.rig.place import ROOT
from tests.lab.scenes import Scene
from tests.lab.seen import STATE
from tests.names import SITE

SIGHTS = ROOT / ".sights"
SCRIPT = Path(__file__).with_name("visitor.py")
LAMP = "Reading lamp Aurora"
"""What the shop's page says that it sells, to a client that runs its script."""
KEY_OF = f"""
openssl x509 -in {STATE}/certs/fullchain.pem -noout -pubkey |
    openssl pkey -pubin -outform der | openssl dgst -sha256 -binary | base64
"""


def visits(scene: Scene, name: str) -> dict[str, Any]:
    """A whole visit, which must end well; what was seen stays in ``SIGHTS``, as ``NAME-*.png``."""
    wanted = {
        "site": SITE,
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
    seen: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    SIGHTS.mkdir(exist_ok=True)
    for what, picture in seen["sights"].items():
        (SIGHTS / f"{name}-{what}.png").write_bytes(base64.b64decode(picture))
    assert done.returncode == 0, seen["text"] + done.stderr
    return seen
