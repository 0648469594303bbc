"""x-deploy: strict keys, and what they mean."""

from __future__ import annotations

from typing import Any

import pytest

from fabfile.model.errors import REFUSED, Trouble
from fabfile.model.hints import Database, Gate, Hints, Migration, Volume, revision
from fabfile.model.probe import Probe
from fabfile.model.x_deploy import known_hints, parse_hints

from .bad_domains import BAD_DOMAINS


def refusal(raw: dict[str, Any]) -> str:
    with pytest.raises(Trouble) as caught:
        parse_hints("api", raw)
    assert caught.value.code == REFUSED
    return caught.value.message


@pytest.mark.parametrize("raw", [None, {}])
def test_a_service_without_an_entry_has_no_hints(raw: dict[str, Any] | None) -> None:
    assert parse_hints("api", raw) == Hints()


def test_every_hint_is_read() -> None:
    assert parse_hints(
        "api",
        {
            "keep": True,
            "proxy": True,
            "probe": {
                "port": 8000,
                "path": "/healthz",
                "status": 200,
                "json": {"status": "ok"},
                "bearer": "TOKEN",
            },
            "smoke": ["python", "-c", "import app"],
            "migrate": {"run": ["m", "up"], "current": ["m", "now"], "target": ["m", "head"]},
            "gates": [{"name": "site", "url": "https://example.org/", "contains": "Hello"}],
            "link": {"command": ["ask", "them"]},
            "checks": {"events": ["ask", "inside"]},
            "hold": "return 503;",
            "upstreams": "one.conf",
            "names": {"site": ["app.example", "www.app.example"], "api": "api.app.example"},
            "database": {"user": "DB_USER", "name": "DB_NAME", "revision": "SELECT 1"},
            "volume": {"path": "/data", "dump": ["tar", "-c"], "stopped": True},
        },
    ) == Hints(
        keep=True,
        proxy=True,
        probe=Probe(json={"status": "ok"}, bearer="TOKEN"),
        port=8000,
        path="/healthz",
        smoke=("python", "-c", "import app"),
        migrate=Migration(("m", "up"), ("m", "now"), ("m", "head")),
        gates=(Gate("site", "https://example.org/", Probe(contains="Hello")),),
        link=("ask", "them"),
        checks={"events": ("ask", "inside")},
        hold="return 503;",
        upstreams=("one.conf",),
        names={"site": ("app.example", "www.app.example"), "api": ("api.app.example",)},
        database=Database("DB_USER", "DB_NAME", "SELECT 1"),
        volume=Volume("/data", ("tar", "-c"), stopped=True),
    )
    assert parse_hints("api", {"volume": {"path": "/data"}}).volume == Volume("/data")
    assert parse_hints("api", {"upstreams": ["one.conf", "b/two.conf"]}).upstreams == (
        "one.conf",
        "b/two.conf",
    )
    assert refusal({"volume": {"dump": ["x"]}}) == "x-deploy.api.volume: path is missing"


@pytest.mark.parametrize(
    ("raw", "where", "unknown", "known"),
    [
        (
            {"keeps": True, "probe": {"port": 1}},
            "api",
            "keeps",
            (
                "checks, database, drain, gates, hold, keep, link, login, maintenance, migrate,"
                " names, probe, proxy, smoke, update, upstreams, volume"
            ),
        ),
        (
            {"probe": {"port": 1, "status_code": 200, "body": "x"}},
            "api.probe",
            "body, status_code",
            "bearer, contains, json, path, port, status",
        ),
        (
            {"gates": [{"name": "a", "url": "u", "port": 1}]},
            "api.gates",
            "port",
            "bearer, contains, json, loads, name, status, url",
        ),
        (
            {"migrate": {"run": ["up"], "revision": ["now"]}},
            "api.migrate",
            "revision",
            "current, down, down-sql, known, run, sql, target",
        ),
    ],
)
def test_a_key_that_nobody_reads_is_refused_with_the_known_ones(
    raw: dict[str, Any], where: str, unknown: str, known: str
) -> None:
    assert refusal(raw) == f"x-deploy.{where}: unknown key {unknown}; known: {known}"


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        ({"probe": {"path": "/"}}, "x-deploy.api.probe: 'port' is missing"),
        ({"gates": [{"url": "u"}]}, "x-deploy.api.gates: 'name' is missing"),
        ({"gates": [{"name": "a"}]}, "x-deploy.api.gates: 'url' is missing"),
        ({"migrate": {"run": ["up"]}}, "x-deploy.api.migrate: current, target is missing"),
    ],
)
def test_a_key_that_is_missing_is_named(raw: dict[str, Any], message: str) -> None:
    assert refusal(raw) == message


@pytest.mark.parametrize("name", BAD_DOMAINS)
def test_a_name_that_the_proxy_serves_is_nothing_but_a_domain_name(name: str) -> None:
    for names in (name, ["www.app.example", name]):
        assert refusal({"names": {"site": names}}) == (
            f"x-deploy.api.names.site: {name!r} is not a domain name in small letters"
        )


@pytest.mark.parametrize("group", ["../site", "Site", "a b", ""])
def test_a_group_of_names_has_a_plain_name(group: str) -> None:
    message = f"x-deploy.api.names: {group!r} is not the name of a group (a-z, 0-9, -)"
    assert refusal({"names": {group: "app.example"}}) == message


@pytest.mark.parametrize("url", ["https://[x/", "https://app.example:x/", "https://a:0/"])
def test_the_address_of_a_gate_can_be_read(url: str) -> None:
    assert refusal({"gates": [{"name": "site", "url": url}]}).startswith("x-deploy.api: ")


@pytest.mark.parametrize(
    ("output", "found"),
    [
        ("002_items (head)\n", "002_items"),
        ("INFO  Context impl PostgresqlImpl.\n001_users\n", "001_users"),
        ("\n", ""),
        ("", ""),
    ],
)
def test_a_revision_is_the_first_word_of_the_last_line(output: str, found: str) -> None:
    assert revision(output) == found


@pytest.mark.parametrize(
    "unknown",
    [
        {"colour": "red"},
        {"migrate": ["alembic", "upgrade"]},
        {"probe": {"path": "/"}},
        {"probe": "GET /"},
        {"gates": [{"url": "u"}]},
        {"link": ["words"]},
    ],
)
def test_what_another_version_says_beyond_is_left_out_when_a_release_is_read(
    unknown: dict[str, Any],
) -> None:
    assert known_hints("api", {"keep": True, "smoke": ["ok"], **unknown}) == Hints(
        keep=True, smoke=("ok",)
    )


def test_what_is_known_of_a_release_is_read_whole() -> None:
    raw = {"probe": {"port": 80}, "migrate": {"run": ["a"], "current": ["b"], "target": ["c"]}}
    assert known_hints("api", raw) == parse_hints("api", raw)
    assert known_hints("api", None) == Hints()


def test_a_page_cannot_be_asked_for_files_that_nobody_knows() -> None:
    said = refusal({"gates": [{"name": "a", "url": "u", "loads": ["script", "font"]}]})
    assert said == "x-deploy.api.gates.loads: unknown font; known: script, style"


@pytest.mark.parametrize(
    ("written", "seconds"), [("2m", 120), ("90s", 90), (150, 150), ("150", 150), ("1h", 3600)]
)
def test_a_drain_is_a_number_of_seconds_or_a_duration(written: object, seconds: int) -> None:
    assert parse_hints("api", {"drain": written}).drain == seconds


NO_NUMBER = "invalid literal for int() with base 10: 'eighty'"


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        ({"drain": "soon"}, "x-deploy.api.drain 'soon' is no duration: 90s, 10m or 1h"),
        (
            {"smoke": "python -c pass"},
            "x-deploy.api.smoke: 'python -c pass' is no list of words, such as [sh, -c, exit 0]",
        ),
        (
            {"checks": {"one": "curl x"}},
            "x-deploy.api.checks.one: 'curl x' is no list of words, such as [sh, -c, exit 0]",
        ),
        (
            {"link": {"command": {"a": 1}}},
            "x-deploy.api.link.command: {'a': 1} is no list of words, such as [sh, -c, exit 0]",
        ),
        ({"keep": "no"}, "x-deploy.api.keep: 'no' is neither true nor false"),
        (
            {"probe": {"port": "eighty"}},
            f"x-deploy.api: {NO_NUMBER}: not what docs/deploy.md says of it",
        ),
    ],
)
def test_what_is_written_otherwise_than_it_is_read_is_refused(
    raw: dict[str, Any], said: str
) -> None:
    with pytest.raises(Trouble) as caught:
        parse_hints("api", raw)
    assert (caught.value.message, caught.value.code) == (said, 2)


@pytest.mark.parametrize("raw", [True, "keep", 1, {"probe": 80}, {"gates": 1}, {"volume": ["/x"]}])
def test_no_shape_of_an_entry_is_a_traceback(raw: Any) -> None:
    with pytest.raises(Trouble) as caught:
        parse_hints("api", raw)
    assert caught.value.message.startswith("x-deploy.api")


@pytest.mark.parametrize(
    ("raw", "seconds"),
    [({}, 15), ({"monitor": "15s"}, 15), ({"monitor": "0s"}, 0), ({"monitor": "1m30s"}, 90)],
)
def test_what_is_replaced_is_watched_so_long(raw: dict[str, Any], seconds: int) -> None:
    assert parse_hints("api", {"update": raw}).update.monitor == seconds


@pytest.mark.parametrize("raw", ["15", 15, "", None, "soon", "1.5s", "-1s", "601s", "11m", "5ms"])
def test_a_monitor_that_is_no_duration_is_refused(raw: object) -> None:
    assert refusal({"update": {"monitor": raw}}) == (
        f"x-deploy.api.update.monitor: {raw!r} is no duration up to 600 s, such as 15s or 1m30s"
    )


def test_a_key_of_update_that_nobody_reads_is_refused() -> None:
    assert refusal({"update": {"delay": "5s"}}) == (
        "x-deploy.api.update: unknown key delay; known: monitor, order, parallelism"
    )
