"""Behind a CDN: whom the proxy believes, and when what is kept there is purged."""

from __future__ import annotations

import pytest

from .fakes.fleet import Fleet
from .fakes.machine import CHECKOUT, ROOT


def test_a_cdn_is_believed_where_hosts_ini_names_it_and_nobody_where_it_does_not(
    running: Fleet,
) -> None:
    file, plain = f"{ROOT}/proxy/real-ip.conf", running.hosts.read_text()
    assert running.ubuntu.files[file] == ""
    assert running.montreal.files[file] == ""
    ranges = "cdn_ranges = 203.0.113.0/24, 2001:db8::/32\ncdn_header = CF-Connecting-IP\n"
    running.hosts.write_text(plain.replace("[ubuntu]\n", f"[ubuntu]\n{ranges}"))
    believed = (
        "set_real_ip_from 203.0.113.0/24;\nset_real_ip_from 2001:db8::/32;\n"
        "real_ip_header CF-Connecting-IP;\nreal_ip_recursive on;\n"
    )
    for text, written in ((running.hosts.read_text(), believed), (plain, "")):
        running.hosts.write_text(text)
        running.ubuntu.did.clear()
        ran = running.fab("ubuntu.deploy")
        assert ran.code == 0, ran.everything
        assert "load-proxy app-proxy" in running.ubuntu.did
        assert running.ubuntu.files[file] == written


@pytest.mark.parametrize("token", ["right-token", "wrong-token"])
def test_a_cdn_is_purged_once_after_a_release_and_a_refusal_is_a_warning(
    running: Fleet, token: str
) -> None:
    purge = "cdn_purge = https://cdn.example/purge\n"
    running.hosts.write_text(running.hosts.read_text().replace("[ubuntu]\n", f"[ubuntu]\n{purge}"))
    running.ubuntu.files[f"{CHECKOUT}/.env"] += f"CDN_PURGE_TOKEN={token}\n"
    running.origin.commit("Second", {"services/web/index.html": "Welcome again\n"})
    ran = running.fab("ubuntu.deploy")
    assert ran.code == 0, ran.everything
    assert running.ubuntu.did.count("purge-cdn") == 1
    refused = "the CDN was not purged: curl: (22) The requested URL returned error: 403"
    warned = f"[ubuntu] warning: {refused}" in ran.lines
    assert warned is (token == "wrong-token")
    assert token not in " ".join(word for words in running.ubuntu.transcript for word in words)
    running.fab("ubuntu.deploy")
    assert running.ubuntu.did.count("purge-cdn") == 1
