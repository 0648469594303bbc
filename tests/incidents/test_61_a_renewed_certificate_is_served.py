"""Renewed certificate not served: certbot had no deploy hook, and a first issue skips hooks."""

from __future__ import annotations

import pytest

from tests.lab.issued import on_disk, served
from tests.lab.scenes import Scene
from tests.lab.seen import STATE
from tests.names import API, SITE

pytest_plugins = ("tests.lab.deployed", "tests.lab.staged")

ACME = f"{STATE}/acme"
BY_HAND = f"""
mkdir -p {STATE}/proxy/acme
certbot certonly -n --agree-tos --register-unsafely-without-email --server $DIRECTORY \\
    --webroot -w {STATE}/proxy/acme --config-dir {ACME} --work-dir {ACME}/work \\
    --logs-dir {ACME}/logs --cert-name $NAME -d {SITE},www.{SITE},{API} 2>&1
"""


@pytest.mark.usefixtures("placeholders")
def test_what_somebody_got_by_hand_is_told_and_served_by_the_next_renewal(scene: Scene) -> None:
    """No hook ran, as with a first issue: what is issued, on disk and served is compared."""
    before, directory = served(scene), scene.lab.directory.url
    name = directory.split("/")[2].replace(":", "-")
    script = BY_HAND.replace("$DIRECTORY", directory).replace("$NAME", name)
    done = scene.ubuntu.exec(["sh", "-ec", script])
    assert done.returncode == 0, done.stdout
    assert (served(scene), on_disk(scene.ubuntu)) == (before, before)
    told = scene.operator.fab("ssl.status")
    assert (told.code, told.error) == (1, "certificates need care")
    assert [line.partition(" was issued")[2] for line in told.evidence] == [
        ", and is not on disk: fab ssl.renew"
    ]
    ran = scene.operator.must("ssl.renew", "--quiet", "--server", "ubuntu")
    assert (ran.out, ran.err) == ("", "")
    assert served(scene) == on_disk(scene.ubuntu) != before
