"""Nobody outside can make a service take more memory than it is given, its tmpfs included."""

from __future__ import annotations

import re

import pytest

from .files import ROOT, SERVERS, compose, directive, every_service, nginx, seconds, server_services
from .test_proxies import blocks, said, waf

SERVICES = dict(every_service())
ON_SERVERS = dict(server_services())
MEGABYTE = 1 << 20
SHARED = (ROOT / "nginx/snippets/http.conf").read_text()
COMMON = {"ubuntu": SHARED, "montreal": SHARED, "waf": waf("http.conf")}
"""Of each nginx that asks services, what holds wherever it says nothing else."""
each_server = pytest.mark.parametrize("server", SERVERS)


def size(text: str) -> int:
    """Bytes, as compose, nginx and Redis write them; of a setting, its default."""
    setting = re.fullmatch(r"\$\{\w+:-(\w+)\}", text)
    number, unit = re.fullmatch(r"(\d+)([kmgKMG]?)b?", setting[1] if setting else text).groups()  # type: ignore[union-attr]
    return int(number) << {"": 0, "k": 10, "m": 20, "g": 30}[unit.lower()]


def folders(name: str) -> dict[str, int]:
    """The sizes of a service's tmpfs; 0: as much as the host has."""
    parts = (str(one).partition(":size=") for one in SERVICES[name].get("tmpfs", []))
    return {folder: size(limit or "0") for folder, _, limit in parts}


def frontend() -> str:
    return (ROOT / "services/frontend/nginx.conf").read_text()


def memory(name: str) -> int:
    return size(ON_SERVERS[name]["deploy"]["resources"]["limits"]["memory"])


@pytest.mark.parametrize("name", SERVICES)
def test_every_tmpfs_has_a_size(name: str) -> None:
    assert [folder for folder, limit in folders(name).items() if not limit] == []


@pytest.mark.parametrize("name", ON_SERVERS)
def test_every_service_of_a_server_has_so_much_memory_and_a_full_tmpfs_leaves_it_most(
    name: str,
) -> None:
    assert memory(name) >= 128 * MEGABYTE
    shared = size(str(ON_SERVERS[name].get("shm_size", "0")))
    assert 2 * (sum(folders(name).values()) + shared) <= memory(name)


def test_redis_lets_go_of_events_long_before_its_container_is_full() -> None:
    """Half of the memory is for the copy of the process that rewrites the log."""
    script = compose("ubuntu")["services"]["redis"]["entrypoint"][-1]
    options = dict(re.findall(r"^(maxmemory\S*) (\S+)$", script, re.MULTILINE))
    assert 2 * size(options["maxmemory"]) < memory("ubuntu/redis")
    assert options["maxmemory-policy"] == "volatile-lru"


def test_the_assets_that_are_kept_leave_a_third_of_their_tmpfs_free() -> None:
    (kept,) = re.findall(r"max_size=(\w+)", nginx("ubuntu"))
    assert 3 * size(kept) <= 2 * folders("ubuntu/nginx")["/var/cache/nginx"]
    place = r"^\s*(?:proxy_cache_path|proxy_temp_path|client_body_temp_path)\s+(\S+?);?\s"
    text = nginx("ubuntu").replace(";", " ;")
    assert {path.rpartition("/")[0] for path in re.findall(place, text, re.MULTILINE)} == {
        "/var/cache/nginx"
    }


@pytest.mark.parametrize("proxy", COMMON)
def test_no_answer_is_spooled(proxy: str) -> None:
    assert re.findall(r"^proxy_max_temp_file_size (\S+);", COMMON[proxy], re.MULTILINE) == ["0"]


LIMIT = r"client_max_body_size\s+(\w+);"
BUFFER = r"client_body_buffer_size\s+(\w+);"


@pytest.mark.parametrize("proxy", COMMON)
def test_every_body_that_is_let_through_fits_the_buffer_that_holds_there(proxy: str) -> None:
    (common,) = map(size, re.findall(BUFFER, COMMON[proxy]))
    (everywhere,) = map(size, re.findall(LIMIT, COMMON[proxy]))
    assert everywhere <= common
    for location in blocks(nginx(proxy) if proxy in SERVERS else "", "location"):
        # What the resolver is asked of a bearer has the length of a body, and no body.
        if "internal;" not in location:
            own = [*map(size, re.findall(BUFFER, location)), common]
            assert [one for one in map(size, re.findall(LIMIT, location)) if one > own[0]] == []


def test_a_body_is_for_those_who_say_so() -> None:
    common = (COMMON["ubuntu"], COMMON["montreal"], frontend())
    assert [re.findall(LIMIT, one) for one in common] == [["1"]] * 3


def test_the_api_takes_its_largest_item_with_every_character_escaped() -> None:
    title = said("core-api/app/fields.py", r"^MAX_TITLE = (\d+)$")
    address = said("core-api/app/fields.py", r"^WebAddress = .*max_length=(\d+)")
    names = 300
    largest = 6 * (title + 2 * address) + names
    assert size("16k") < largest <= size("32k")


@each_server
def test_whoever_sends_a_byte_every_twenty_seconds_is_ended(server: str) -> None:
    assert [seconds(one) < 20 for one in directive(server, "client_body_timeout")] == [True]
    assert [seconds(one) < 20 for one in directive(server, "client_header_timeout")] == [True]


@each_server
def test_every_way_to_a_service_from_outside_counts_requests_and_those_under_way(
    server: str,
) -> None:
    """What is answered by nginx itself, before it counts, holds nothing."""
    outside = re.compile(r"listen (80|443 ssl)\b|include /etc/wishwithme/link/listen\.conf;")
    api = (ROOT / "nginx/ubuntu/api-locations.conf").read_text()
    health = (ROOT / "nginx/ubuntu/health.conf").read_text()
    assets = (ROOT / "nginx/ubuntu/assets.conf").read_text()
    authority = (ROOT / "nginx/ubuntu/authority.conf").read_text()
    ways = 0
    for block in blocks(nginx(server), "server"):
        if not outside.search(block):
            continue
        whole = block
        parts = {"api-locations": api, "health": health, "assets": assets, "authority": authority}
        for name, text in parts.items():
            whole = whole.replace(f"include {name}.conf;", text)
        for location in blocks(whole, "location"):
            if not re.search(r"proxy_pass|root|waf/api\.conf", location) or "internal;" in location:
                continue
            ways += 1
            for limit in ("limit_req", "limit_conn"):
                common = re.sub(r"location [^{]*\{[^}]*\}", "", block)
                assert re.search(rf"^\s*{limit} ", location + common, re.MULTILINE), location
    assert ways == {"ubuntu": 14, "montreal": 2}[server]


def test_every_limit_counts_by_client_not_by_address() -> None:
    for server in SERVERS:
        keys = [zone.split()[0] for zone in directive(server, "limit_req_zone")]
        keys += [zone.split()[0] for zone in directive(server, "limit_conn_zone")]
        assert {*keys} <= {"$client", "$request_from", "$sign_in_from", "$preflight_from"}
        assert len(re.findall(r"\$(binary_)?remote_addr\b(?= +zone)", nginx(server))) == 0
    limits = (ROOT / "nginx/ubuntu/limits.conf").read_text()
    assert "remote_addr" not in limits
