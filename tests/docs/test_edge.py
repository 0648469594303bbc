"""docs/edge.md: every header, limit, time and setting is the configuration's own."""

from __future__ import annotations

import re

import pytest

from tests.stack.files import ROOT, compose, directive, nginx

from .tables import DOCS, first_column, tables

PAGE = " ".join((DOCS / "edge.md").read_text().split())
TOLD = tables("edge.md")
SNIPPETS = ROOT / "nginx/snippets"
SERVERS = ("ubuntu", "montreal")


def told(heading: str) -> dict[str, list[str]]:
    """The other cells of each row of the first table below a heading, by the first."""
    return {row[0]: row[1:] for row in TOLD[heading][0]}


def mapped(variable: str) -> set[str]:
    """What a map can make of a variable, but for nothing."""
    found = re.search(rf"map [^{{]*{re.escape(variable)} \{{(.*?)\n\}}", nginx("ubuntu"), re.DOTALL)
    assert found is not None
    return {value for value in re.findall(r'"([^"]+)";', found[1]) if value}


def test_every_header_is_told_with_its_value() -> None:
    added = re.findall(
        r'^add_header (\S+) ("[^"]*"|\S+) always;$',
        (SNIPPETS / "security-headers.conf").read_text(),
        flags=re.MULTILINE,
    )
    assert first_column("edge.md", "Headers") == [name for name, _ in added]
    for name, value in added:
        (said, _) = told("Headers")[name]
        if value.startswith('"'):
            assert said == value.strip('"')
        elif name != "X-Request-ID":
            assert said in mapped(value)
            assert [one for one in mapped(value) if f"`{one}`" not in PAGE] == []


def test_every_refusal_is_told_with_its_words() -> None:
    text = (ROOT / "nginx/ubuntu/api-answers.conf").read_text()
    refusals = re.findall(r"location @(\d+) \{(.*?)\n\}", text, flags=re.DOTALL)
    rows = told("What the proxy answers itself")
    assert [*rows] == [status for status, _ in refusals]
    errors = (ROOT / "nginx/ubuntu/api-errors.conf").read_text()
    pages = re.findall(r"error_page (\d+) = @(\d+);", errors)
    # 403 is asked for by the WAF; 494 is nginx's own number for what the standard calls 431.
    assert sorted(["403", *(answer for _, answer in pages)]) == [*rows]
    assert [pair for pair in pages if pair[0] != pair[1]] == [("494", "431")]
    for status, inside in refusals:
        detail, after = rows[status]
        assert f"""return {status} '{{"detail":"{detail}"}}';""" in inside
        seconds = re.findall(r"add_header Retry-After (\S+) always;", inside)
        named = {"429": "$retry_after", "503": "$away"}.get(status, after)
        assert seconds == ([named] if after else [])
    away = re.search(r"map \$maintenance \$away \{(.*?)\}", nginx("ubuntu"), flags=re.DOTALL)
    assert away is not None
    assert re.findall(r"\s(\S+);", away[1]) == ["5", "$maintenance"]
    assert rows["503"][1] == "5; in maintenance as long as that takes"
    waits = re.search(r"map \$uri \$retry_after \{(.*?)\}", nginx("ubuntu"), flags=re.DOTALL)
    assert waits is not None
    assert re.findall(r"\s(\d+);", waits[1]) == ["1", "12", "1"]
    assert rows["429"][1] == "1; where the rate of signing in is used up, 12"


def test_every_limit_is_told_with_its_number() -> None:
    zones = dict(re.findall(r"zone=(\w+):\d+m\s+rate=(\d+r/[sm])", nginx("ubuntu")))
    bursts = dict(re.findall(r"limit_req zone=(\w+) burst=(\d+) nodelay", nginx("ubuntu")))
    limits = [row[1] for row in TOLD["Limits"][0]]
    rates = [
        f"{zones[zone].replace('r/', ' r/')}, burst {bursts[zone]}"
        for zone in ("api", "auth", "preflights", "health", "pages")
    ]
    assert {*zones} == {*bursts} == {"api", "auth", "preflights", "health", "pages"}
    at_once = dict(one.split() for one in directive("ubuntu", "limit_conn"))
    called = dict(re.findall(r"(zone=calls|at_once) (.+);", nginx("montreal")))
    assert called["zone=calls"] == "burst=400 nodelay"
    assert "zone=calls:1m rate=200r/s;" in nginx("montreal")
    bodies = [*dict.fromkeys(directive("montreal", "client_max_body_size"))]
    assert {*directive("ubuntu", "client_max_body_size")} == {"32k", "1"}
    (lines,) = directive("ubuntu", "max_headers")
    (kept,) = re.findall(r"max_size=(\w+)", nginx("ubuntu"))
    assert limits == [
        *rates,
        at_once["at_once"],
        at_once["streams"],
        "200 r/s, burst 400",
        called["at_once"],
        *(size.replace("k", " KB").replace("m", " MB") for size in bodies[:-1]),
        f"{bodies[-1]} byte",
        lines,
        kept.replace("m", " MB"),
    ]


def test_every_services_memory_is_told() -> None:
    limits = {}
    for server in SERVERS:
        for name, service in compose(server)["services"].items():
            memory = service["deploy"]["resources"]["limits"]["memory"]
            setting = re.fullmatch(r"\$\{(\w+):-(\w+)\}", memory)
            limits[name] = ", ".join(setting.groups()) if setting else memory
    rows = {one: row[1] for row in TOLD["Memory"][0] for one in row[0].split("`, `")}
    assert {name: said.replace("`", "") for name, said in rows.items()} == limits


@pytest.mark.parametrize(("column", "server"), list(enumerate(SERVERS)))
def test_every_time_is_told_as_it_is(column: int, server: str) -> None:
    set_times = {*re.findall(r"^\s*(\w+) \d+[smh];", nginx(server), flags=re.MULTILINE)}
    assert {*told("Times")} == set_times - {"client_max_body_size", "client_body_buffer_size"}
    for name, cells in told("Times").items():
        here = {*directive(server, name)}
        if name == "keepalive_timeout":
            assert "end after 60 s" in PAGE
            here.remove("60s")
        assert {*cells[column].split(", ")} == here


def test_every_setting_of_tls_is_told_as_it_is() -> None:
    (ciphers,) = directive("ubuntu", "ssl_ciphers")
    kinds = r"ECDHE-(ECDSA|RSA)-(AES(128|256)-GCM-SHA(256|384)|CHACHA20-POLY1305)"
    assert [one for one in ciphers.split(":") if not re.fullmatch(kinds, one)] == []
    for name, (value, _) in told("TLS").items():
        if name == "ssl_ciphers":
            continue
        assert directive("ubuntu", name) == [value]
    assert directive("montreal", "ssl_stapling") == []
    named = {*re.findall(r"^\s*(ssl_\w+)", nginx("ubuntu"), flags=re.MULTILINE)}
    assert named - {*told("TLS")} == {"ssl_certificate", "ssl_certificate_key"}


@pytest.mark.parametrize("server", SERVERS)
def test_every_setting_of_connections_is_told_as_it_is(server: str) -> None:
    for name, (value, _) in told("Connections").items():
        if name in ("worker_processes", "worker_connections", "worker_rlimit_nofile"):
            assert directive(server, name) == [value]
    pools = {*re.findall(r"^    keepalive (\d+);", nginx("ubuntu"), flags=re.MULTILINE)}
    assert pools == {"32", "16"}
    assert {*re.findall(r"max_fails=(\d+)", nginx(server))} == {"0"}
    assert {*re.findall(r"^    zone \S+ (\w+);", nginx(server), flags=re.MULTILINE)} == {"64k"}
    assert {*re.findall(r"zone=(?!health)\w+:(\d+m)\s+rate", nginx("ubuntu"))} == {"10m"}


def test_the_policy_of_the_page_is_told() -> None:
    frontend = (ROOT / "services/frontend/nginx.conf").read_text()
    said = re.search(r'default "(default-src[^"]*)";', frontend)
    assert said is not None
    rows = {row[0]: row[1] for row in TOLD["Headers"][1]}
    assert said[1] == "; ".join(f"{name} {value}" for name, value in rows.items())


def test_what_the_proxy_says_of_cors_is_told() -> None:
    text = (ROOT / "nginx/ubuntu/api-refusal.conf").read_text()
    added = re.findall(r"^add_header (\S+)", text, flags=re.MULTILINE)
    rows = TOLD["Headers"][2]
    assert [name for row in rows for name in row[0].split("`, `")] == sorted(
        added, key=lambda name: (name == "Vary", added.index(name))
    )
    exposed = re.search(r'Expose-Headers "([^"]+)"', text)
    assert exposed is not None
    assert exposed[1] in [row[1] for row in rows]


def test_every_name_that_is_served_is_told() -> None:
    groups = compose("ubuntu")["x-deploy"]["nginx"]["names"].values()
    names = {name.replace("${DOMAIN}", "DOMAIN") for names in groups for name in names}
    told = {name for row in TOLD["Names"][0] for name in re.findall(r"[a-z.]*DOMAIN", row[1])}
    assert names == told
    by_hand = {name for names in directive("ubuntu", "server_name") for name in names.split()}
    assert by_hand == {"_", "127.0.0.1"}


def test_what_the_frontend_says_of_keeping_is_told() -> None:
    frontend = (ROOT / "services/frontend/nginx.conf").read_text()
    said = re.search(r"map \$uri \$cached \{(.*?)\}", frontend, flags=re.DOTALL)
    assert said is not None
    values = {*re.findall(r'"([^"]+)";', said[1])}
    assert values == {row[1].partition("`:")[0] for row in TOLD["Kept and compressed"][0][:3]}


def test_every_field_of_the_log_is_told() -> None:
    (log,) = directive("ubuntu", "log_format")
    fields = re.findall(r'"(\w+)":', log)
    assert f"standard output: {', '.join(f'`{field}`' for field in fields)}." in PAGE
