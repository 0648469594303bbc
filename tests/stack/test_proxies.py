"""The proxies: limits, what is logged, and times that fit the services behind."""

from __future__ import annotations

import re

import pytest

from .files import ROOT, SERVERS, compose, directive, nginx, seconds

each_server = pytest.mark.parametrize("server", SERVERS)


def uvicorn_option(service: str, name: str) -> float:
    """A number on the command line that the service's image runs."""
    command = (ROOT / "services" / service / "Dockerfile").read_text()
    return float(re.search(rf'"--{name}", "(\d+)"', command)[1])  # type: ignore[index]


@each_server
def test_every_upstream_server_is_a_service_and_is_never_marked_as_failed(server: str) -> None:
    services = compose(server)["services"]
    entries = re.findall(r"^\s*server ([a-z0-9-]+):\d+(.*);", nginx(server), flags=re.MULTILINE)
    assert entries
    assert {name for name, _ in entries} <= set(services)
    assert {options for _, options in entries} == {" resolve max_fails=0"}


@each_server
def test_the_proxy_asks_exactly_what_the_stack_probes(server: str) -> None:
    asked = set(re.findall(r"^\s*server ([a-z0-9-]+:\d+)", nginx(server), flags=re.MULTILINE))
    probed = {
        f"{name}:{hints['probe']['port']}"
        for name, hints in compose(server)["x-deploy"].items()
        if "probe" in hints
    }
    assert asked == probed


@each_server
def test_every_upstream_keeps_its_connections_shorter_than_the_service_does(server: str) -> None:
    upstreams = re.findall(r"upstream [a-z-]+ \{([^}]*)\}", nginx(server))
    assert upstreams
    for upstream in upstreams:
        idle = re.search(r"keepalive_timeout (\w+);", upstream)
        assert idle is not None
        for service in ("core-api", "item-resolver"):
            assert seconds(idle[1]) < uvicorn_option(service, "timeout-keep-alive")


@pytest.mark.parametrize(
    ("server", "service"), [("ubuntu", "core-api"), ("montreal", "item-resolver")]
)
def test_a_service_ends_its_work_before_it_is_killed(server: str, service: str) -> None:
    grace = compose(server)["services"][service]["stop_grace_period"]
    assert uvicorn_option(service, "timeout-graceful-shutdown") < seconds(grace)


@each_server
def test_old_workers_live_longer_than_the_longest_request(server: str) -> None:
    longest = max(
        seconds(time) for time in directive(server, "proxy_read_timeout") if not time.endswith("h")
    )
    assert [seconds(time) > longest for time in directive(server, "worker_shutdown_timeout")] == [
        True
    ]


def said(file: str, pattern: str) -> float:
    """The number that a service's own code says."""
    found = re.findall(pattern, (ROOT / "services" / file).read_text(), flags=re.MULTILINE)
    assert len(found) == 1, f"{file}: {pattern} is there {len(found)} times"
    return float(found[0])


def test_caller_proxy_and_work_give_up_in_this_order() -> None:
    """Whoever is nearest to the work is the first to give up, and says so to the others."""
    caller = said("core-api/app/resolver.py", r"^DEADLINE = httpx.Timeout\((\d+),")
    work = said("item-resolver/app/main.py", r"^WORK_SECONDS = ([\d.]+)$")
    turn = said("item-resolver/app/slots.py", r"^WAIT_SECONDS = ([\d.]+)$")
    (proxy,) = map(seconds, directive("montreal", "proxy_read_timeout"))
    assert (caller, proxy, work) == (180, 150, 60)
    assert proxy > turn + work


def test_the_api_ends_what_the_database_holds_up_before_its_proxy_gives_up() -> None:
    assert "60s" in directive("ubuntu", "proxy_read_timeout")
    pool = said("core-api/app/backends.py", r"database=engine\(.*pool_timeout=(\d+)\),")
    query = said("core-api/app/backends.py", r'"command_timeout": (\d+),')
    assert pool + query < 60


@each_server
def test_no_request_is_executed_twice(server: str) -> None:
    assert directive(server, "proxy_next_upstream") == ["error timeout"]


@each_server
def test_no_log_holds_a_query_string(server: str) -> None:
    (log,) = directive(server, "log_format")
    assert set(re.findall(r"\$\w+", log)).isdisjoint(
        {"$request", "$request_uri", "$args", "$query_string", "$http_referer"}
    )
    written = {log.removesuffix(" if=$side") for log in directive(server, "access_log")}
    assert written == {"off", "/dev/stdout json"}


def test_the_containers_own_health_is_asked_for_inside_only() -> None:
    """By its own address: a name is whatever somebody outside says it is."""
    plain = (ROOT / "nginx/ubuntu/plain.conf").read_text()
    (inside,) = [one for one in blocks(plain, "server") if "snippets/health.conf" in one]
    assert re.findall(r"^\s*listen (.*);", inside, re.MULTILINE) == ["127.0.0.1:80"]


def test_a_limit_answers_429() -> None:
    assert directive("ubuntu", "limit_req_status") == ["429"]
    zones = directive("ubuntu", "limit_req_zone")
    told = [" ".join(zone.split()) for zone in zones]
    assert "$request_from zone=api:10m rate=10r/s" in told
    assert "$sign_in_from zone=auth:10m rate=5r/m" in told
    uses = directive("ubuntu", "limit_req")
    assert uses.count("zone=api burst=20 nodelay") == 4
    assert uses.count("zone=auth burst=5 nodelay") == 1


def blocks(text: str, kind: str) -> list[str]:
    """The inside of each block of this kind, what is nested in it included."""
    found = []
    for start in re.finditer(rf"^\s*{kind}\b[^{{;]*\{{", text, flags=re.MULTILINE):
        depth, end = 1, start.end()
        while depth:
            depth += {"{": 1, "}": -1}.get(text[end], 0)
            end += 1
        found.append(text[start.end() : end - 1])
    return found


@each_server
def test_every_public_server_has_the_security_headers_and_no_location_loses_them(
    server: str,
) -> None:
    """The answers themselves are asked in tests/edge; this finds a location that nobody asks."""
    headers = "include /etc/wishwithme/snippets/security-headers.conf;"
    door = re.compile(r"listen \d+ ssl|include /etc/wishwithme/link/listen\.conf;")
    public = [one for one in blocks(nginx(server), "server") if door.search(one)]
    assert len(public) == {"ubuntu": 3, "montreal": 1}[server]
    assert [one for one in public if headers not in one.partition("location")[0]] == []
    refusal = (ROOT / "nginx/ubuntu/api-refusal.conf").read_text()
    for location in blocks(nginx(server), "location"):
        whole = location.replace("include api-refusal.conf;", refusal)
        assert "add_header" not in whole or headers in whole


@each_server
def test_the_deploy_can_prove_what_is_loaded_and_who_may_call(server: str) -> None:
    included = directive(server, "include")
    assert "/etc/wishwithme/proxy/generation*.conf" in included
    assert ("/etc/wishwithme/proxy/allow*.conf" in included) == (server == "montreal")


@each_server
def test_every_snippet_is_used_by_a_proxy(server: str) -> None:
    used = {name.rpartition("/")[2] for name in directive(server, "include")}
    here = {file.name for file in (ROOT / "nginx" / server).glob("*.conf")} - {"nginx.conf"}
    shared = {file.name for file in (ROOT / "nginx/snippets").iterdir()}
    assert here | shared <= used


@each_server
def test_the_version_of_the_proxy_is_nobodys_business(server: str) -> None:
    assert directive(server, "server_tokens") == ["off"]


def test_every_way_to_the_api_can_be_held_while_its_database_is_replaced() -> None:
    refusals = (ROOT / "nginx/ubuntu/api-refusals.conf").read_text()
    assert "\ninclude /etc/wishwithme/proxy/hold*.conf;\n" in refusals
    leads = re.compile(r"pass http://core-api|include /etc/wishwithme/waf/api\.conf;")
    ways = [one for one in blocks(nginx("ubuntu"), "location") if leads.search(one)]
    assert len(ways) == 7
    assert [way for way in ways if "include api-refusals.conf;" not in way] == []
    assert compose("ubuntu")["x-deploy"]["nginx"]["hold"] == "return 503;"


def test_streams_are_neither_held_back_nor_logged_with_their_token() -> None:
    block = re.search(r"location \^~ /api/v1/events/ \{([^}]*)\}", nginx("ubuntu"))
    assert block is not None
    for line in (
        "proxy_pass http://core-api-events$side;",
        "proxy_buffering off;",
        "gzip off;",
        "proxy_read_timeout 24h;",
        "error_log /dev/stderr crit;",
    ):
        assert line in block[1]
    upstream = re.search(r"upstream core-api-events \{([^}]*)\}", nginx("ubuntu"))
    assert upstream is not None
    assert "ip_hash;" in upstream[1]


def test_the_waf_has_a_mode_for_every_folder_that_a_setting_can_name() -> None:
    """Both ends of the way: the proxy's, by the folder that is mounted, and the WAF's own file."""
    ways = {
        folder.name: (folder / "api.conf").read_text().splitlines()[-1]
        for folder in (ROOT / "nginx/waf").iterdir()
    }
    through = "proxy_pass http://waf;"
    assert ways == {
        "off": "proxy_pass http://core-api$side;",
        "detection": through,
        "blocking": through,
    }
    for mode, engine in (("detection", "DetectionOnly"), ("blocking", "On")):
        assert f"    modsecurity_rules 'SecRuleEngine {engine}';" in waf(f"{mode}.conf")
    assert not (ROOT / "services/waf/etc/off.conf").exists()


def waf(name: str) -> str:
    return (ROOT / "services/waf/etc" / name).read_text()


def test_the_waf_looks_at_as_much_as_the_proxy_lets_through_and_gives_up_before_it() -> None:
    for file in ("api-locations.conf", "inspected.conf"):
        text = (ROOT / "nginx/ubuntu" / file).read_text()
        assert {*re.findall(r"client_max_body_size (\w+);", text)} == {"32k"}
    assert "client_max_body_size 32k;" in waf("http.conf")
    for limit in ("SecRequestBodyLimit", "SecRequestBodyNoFilesLimit"):
        assert f"\n{limit} {32 * 1024}\n" in waf("rules.conf")
    (waits,) = re.findall(r"proxy_read_timeout (\w+);", waf("http.conf"))
    inside = (ROOT / "nginx/ubuntu/inspected.conf").read_text()
    (works,) = re.findall(r"proxy_read_timeout (\w+);", inside)
    assert 60 > seconds(waits) > seconds(works)
    (idle,) = re.findall(r"^keepalive_timeout (\w+);", waf("http.conf"), flags=re.MULTILINE)
    # When it is replaced, what it has begun comes to its end.
    assert "\nSTOPSIGNAL SIGQUIT\n" in (ROOT / "services/waf/Dockerfile").read_text()
    assert seconds(compose("ubuntu")["services"]["waf"]["stop_grace_period"]) >= seconds(waits)
    assert seconds(idle) > 60


def test_no_secret_is_matched_and_no_header_or_body_is_logged_by_the_waf() -> None:
    for secret in (
        "ARGS:json.password",
        "ARGS:json.refresh_token",
        "REQUEST_HEADERS:Authorization",
    ):
        assert f'SecRuleUpdateTargetByTag "OWASP_CRS" "!{secret}"\n' in waf("after.conf")
    assert "\nSecAuditLogParts AHZ\n" in waf("rules.conf")
    assert "error_log /dev/stderr crit;" in waf("main.conf")
