"""The stack: what compose resolves becomes values, with nothing about a service typed here."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest

from fabfile.model.deploy.resolved import parse
from fabfile.model.errors import REFUSED, Trouble
from fabfile.model.hints import Hints
from fabfile.model.stack import Build, Mount, Port, Read, Stack

RESOLVED = (Path(__file__).parent / "data" / "resolved.json").read_text()
"""What ``docker compose config --format json`` prints for a whole stack."""
HASHES = "postgres 1a\nredis 2b\ncore-api 3c\nfrontend 5e\nnginx 6f\n"
CHECKOUT = "/home/ubuntu/wish-with-me-codex"
STACK = parse(RESOLVED, HASHES)


def small(services: dict[str, Any], **more: Any) -> Stack:
    return parse(json.dumps({"name": "app", "services": services, **more}), "")


def refusal(resolved: str) -> str:
    with pytest.raises(Trouble) as caught:
        parse(resolved, "")
    assert caught.value.code == REFUSED
    return caught.value.message


def test_project_networks_and_volume_folders_are_those_of_the_model() -> None:
    assert STACK.project == "wishwithme"
    assert STACK.networks == ("wishwithme-network",)
    assert STACK.volume_folders == (
        "/opt/wishwithme/data/postgres",
        "/opt/wishwithme/data/redis",
    )


def test_services_come_in_dependency_order_and_the_proxy_last() -> None:
    names = [service.name for service in STACK.services]
    assert names == ["postgres", "redis", "core-api", "frontend", "nginx"]


def test_a_built_service_knows_its_context_dockerfile_and_arguments() -> None:
    service = STACK.service("frontend")
    assert service.build == Build(
        f"{CHECKOUT}/services/frontend",
        f"{CHECKOUT}/services/frontend/Dockerfile",
        (("API_URL", "https://api.wishwith.me"),),
    )
    assert (service.image, service.repository) == (
        "wishwithme/frontend:current",
        "wishwithme/frontend",
    )


def test_a_pulled_service_has_its_image_command_and_container_name() -> None:
    service = STACK.service("redis")
    assert (service.build, service.image) == (None, "redis:7.4.6-alpine")
    assert service.command == ("redis-server", "--appendonly", "yes")
    assert service.container == "wishwithme-redis"


def test_replicas_and_how_they_are_replaced_are_read() -> None:
    found = {one.name: (one.replicas, one.beside, one.container) for one in STACK.services}
    assert found == {
        "postgres": (1, False, "wishwithme-postgres"),
        "redis": (1, False, "wishwithme-redis"),
        "core-api": (2, True, "wishwithme-core-api-1"),
        "frontend": (1, True, "wishwithme-frontend-1"),
        "nginx": (1, False, "wishwithme-nginx"),
    }


PROBED: dict[str, Any] = {"probe": {"port": 80, "path": "/"}}
FRONT: dict[str, Any] = {"proxy": True}


def replaced(
    service: dict[str, Any], hints: dict[str, Any], front: dict[str, Any] | None = None
) -> bool:
    """Whether the service of a stack with a proxy is replaced beside."""
    services = {"a": {"image": "a", **service}, "p": {"image": "p"}}
    hinted = {"a": hints, "p": FRONT if front is None else front}
    return small(services, **{"x-deploy": hinted}).service("a").beside


@pytest.mark.parametrize(
    ("service", "hints", "beside"),
    [
        ({"deploy": {"replicas": 1}}, PROBED, True),
        ({"deploy": {"replicas": 3}}, PROBED, True),
        ({"deploy": {"replicas": 3}}, {}, False),
        ({"deploy": {"replicas": 1}, "healthcheck": {"test": ["CMD", "ok"]}}, {}, True),
        ({"deploy": {"replicas": 1}, "healthcheck": {"disable": True}}, {}, False),
        ({"deploy": {}}, PROBED, False),
        ({}, {**PROBED, "update": {"order": "start-first"}}, True),
        ({"deploy": {"replicas": 2}}, {**PROBED, "update": {"order": "stop-first"}}, False),
        ({"deploy": {"replicas": 1}, "container_name": "a"}, PROBED, False),
        ({"deploy": {"replicas": 1}, "ports": [{"target": 1, "published": "1"}]}, PROBED, False),
        ({"deploy": {"replicas": 1}, "network_mode": "host"}, PROBED, False),
        ({"deploy": {"replicas": 1}}, {**PROBED, "keep": True}, False),
    ],
)
def test_a_service_is_replaced_beside_where_it_can_and_may_be(
    service: dict[str, Any], hints: dict[str, Any], beside: bool
) -> None:
    assert replaced(service, hints) is beside


def test_where_no_proxy_moves_requests_nothing_is_replaced_beside() -> None:
    assert replaced({"deploy": {"replicas": 1}}, PROBED, front={}) is False
    with pytest.raises(Trouble) as no:
        replaced({}, {**PROBED, "update": {"order": "start-first"}}, front={})
    assert no.value.message == (
        "x-deploy: update of a: start-first needs a proxy that moves requests"
    )


@pytest.mark.parametrize(
    ("service", "hints", "why"),
    [
        ({"container_name": "a"}, {}, "container_name"),
        ({"ports": [{"target": 1, "published": "1"}]}, {}, "a published port"),
        ({"container_name": "a", "network_mode": "host"}, {}, "container_name and network_mode"),
        ({}, {"keep": True}, "keep"),
    ],
)
def test_what_cannot_stand_beside_itself_is_refused_where_it_is_asked_for(
    service: dict[str, Any], hints: dict[str, Any], why: str
) -> None:
    with pytest.raises(Trouble) as no:
        replaced(service, {**PROBED, **hints, "update": {"order": "start-first"}})
    assert no.value.code == REFUSED
    assert "a second container beside the first, which " + why in no.value.message


def test_mounts_are_binds_and_volumes_with_their_targets() -> None:
    assert STACK.service("postgres").mounts == (
        Mount("volume", "postgres_data", "/var/lib/postgresql/data"),
    )
    assert STACK.service("nginx").mounts[0] == Mount(
        "bind", f"{CHECKOUT}/nginx/ubuntu", "/etc/nginx", read_only=True
    )


def test_published_ports_are_numbers_with_their_protocol() -> None:
    assert STACK.service("nginx").ports == (
        Port("", 80, "tcp", target=80),
        Port("", 443, "tcp", target=443),
    )


def test_composes_own_digest_of_a_definition_is_kept() -> None:
    assert [service.config_hash for service in STACK.services] == [
        "1a", "2b", "3c", "5e", "6f",
    ]  # fmt: skip


def test_a_doubled_dollar_is_one_in_the_environment() -> None:
    assert STACK.service("core-api").environment["JWT_SECRET_KEY"] == "kq8vPz$2mTr"


def test_an_environment_never_shows_in_a_repr() -> None:
    assert "kq8vPz" not in repr(STACK)
    assert "pg-password" not in repr(STACK)


def test_hints_stand_with_their_services() -> None:
    assert STACK.service("postgres").hints == Hints(keep=True)
    assert STACK.service("core-api").hints.smoke == ("python", "-c", "import app.main")
    assert STACK.proxy == STACK.service("nginx")


def test_a_stack_without_a_proxy_has_none() -> None:
    assert small({"a": {"image": "a:1"}}).proxy is None


def test_what_a_service_leaves_out_has_composes_own_values() -> None:
    service = small({"a": {"build": {"context": "/app/a"}}}).service("a")
    assert (service.image, service.container) == ("app-a:latest", "app-a-1")
    assert service.build == Build("/app/a", "/app/a/Dockerfile")
    assert (service.cpus, service.repository, service.hints) == (0, "app-a", Hints())


def test_limit_target_and_another_dockerfile_are_read() -> None:
    service = small(
        {
            "a": {
                "build": {
                    "context": "/app/a",
                    "dockerfile": "Dockerfile.prod",
                    "target": "production",
                    "args": {"B": "2", "A": "1"},
                },
                "deploy": {"resources": {"limits": {"cpus": 1.5, "memory": "1"}}},
            }
        }
    ).service("a")
    assert service.cpus == 1.5
    assert service.build == Build(
        "/app/a", "/app/a/Dockerfile.prod", (("A", "1"), ("B", "2")), "production"
    )


def test_an_environment_value_that_is_not_set_is_empty() -> None:
    service = small({"a": {"image": "a", "environment": {"A": None, "B": 1}}}).service("a")
    assert service.environment == {"A": "", "B": "1"}


def test_a_port_that_is_not_published_is_none() -> None:
    ports = [{"target": 80}, {"target": 81, "published": "8081", "host_ip": "127.0.0.1"}]
    service = small({"a": {"image": "a", "ports": ports}}).service("a")
    assert service.ports == (Port("127.0.0.1", 8081, "tcp", target=81),)


def test_a_service_comes_after_everything_it_depends_on() -> None:
    def after(*names: str) -> dict[str, Any]:
        return {"image": "x", "depends_on": {name: {} for name in names}}

    stack = small(
        {"a": after("b", "gone"), "b": after("c"), "c": after(), "p": after()},
        **{"x-deploy": {"p": {"proxy": True}}},
    )
    assert [service.name for service in stack.services] == ["c", "b", "a", "p"]


def test_what_compose_could_not_resolve_is_refused_with_its_words() -> None:
    assert refusal("required variable POSTGRES_PASSWORD is missing a value\n") == (
        "compose cannot read the stack: required variable POSTGRES_PASSWORD is missing a value"
    )


def test_hints_for_services_that_do_not_exist_are_refused() -> None:
    model = copy.deepcopy(json.loads(RESOLVED))
    model["x-deploy"] |= {"gone": {}, "also-gone": {}}
    assert refusal(json.dumps(model)) == "x-deploy: no such service: also-gone, gone"


NEVER_ASKED = [
    ({"web": {"upstreams": "a.conf"}}, "upstreams of web: it is not the proxy"),
    (
        {
            name: {"gates": [{"name": "site", "url": "http://a.example/"}]}
            for name in ("web", "api")
        },
        "gate site is there 2 times",
    ),
    ({"web": {"hold": "return 503;"}}, "hold of web: it is not the proxy"),
    ({"web": {"names": {"site": "app.example"}}}, "names of web: it is not the proxy"),
    ({"web": {"smoke": ["true"]}}, "smoke of web: its image is not built here"),
    ({"web": {"proxy": True}, "api": {"proxy": True}}, "proxy of web and api: only one is asked"),
    (
        {name: {"link": {"command": ["call"]}} for name in ("web", "api")},
        "link of web and api: only one is asked",
    ),
    (
        {name: {"database": {"user": "U", "name": "N"}} for name in ("web", "api")},
        "database of web and api: only one is asked",
    ),
]


@pytest.mark.parametrize(("hints", "said"), NEVER_ASKED)
def test_what_nobody_would_ask_is_refused_by_name(hints: dict[str, Any], said: str) -> None:
    """A release that nobody asked is no verified one."""
    services = {"web": {"image": "web:1"}, "api": {"image": "api:1"}}
    with pytest.raises(Trouble) as no:
        small(services, **{"x-deploy": hints})
    assert (no.value.message, no.value.code) == (f"x-deploy: {said}", REFUSED)


def test_a_release_that_was_made_with_what_nobody_asks_can_be_gone_back_to() -> None:
    model = {"name": "app", "services": {"web": {"image": "web:1"}}}
    resolved = json.dumps({**model, "x-deploy": {"web": {"upstreams": "a.conf"}}})
    assert parse(resolved, "", strict=False).service("web").hints.upstreams == ("a.conf",)


def test_a_service_that_does_not_exist_is_answered_with_those_that_do() -> None:
    stack = small({"a": {"image": "a"}, "b": {"image": "b"}})
    with pytest.raises(Trouble) as caught:
        stack.service("c")
    assert caught.value.code == REFUSED
    assert caught.value.message == "no service 'c' in the stack; services: a, b"


def test_a_release_of_another_version_is_read_without_what_it_says_beyond() -> None:
    model = copy.deepcopy(json.loads(RESOLVED))
    model["x-deploy"] |= {"gone": {}, "redis": {"keep": True, "colour": "red"}}
    stack = parse(json.dumps(model), HASHES, strict=False)
    assert stack == STACK


def test_a_range_of_ports_is_any_of_them_and_a_protocol_is_kept() -> None:
    ports = [
        {"target": 80, "published": "7000-7002", "protocol": "tcp"},
        {"target": 53, "published": "53", "protocol": "udp"},
    ]
    service = small({"a": {"image": "a", "ports": ports}}).service("a")
    assert service.ports == (
        Port("", 7000, "tcp", 7002, target=80),
        Port("", 53, "udp", target=53),
    )
    assert [port.choices for port in service.ports] == [
        ["7000/tcp", "7001/tcp", "7002/tcp"],
        ["53/udp"],
    ]


def test_what_a_build_is_made_of_beside_its_folder_is_kept() -> None:
    spec = {
        "context": "/app/a",
        "dockerfile_inline": "FROM x\n",
        "additional_contexts": {"more": "/app/b", "base": "docker-image://alpine"},
        "labels": {"l": "1"},
        "no_cache": False,
    }
    build = small({"a": {"build": spec}}).service("a").build
    assert build == Build(
        "/app/a",
        "",
        contexts=(("base", "docker-image://alpine"), ("more", "/app/b")),
        rest='{"dockerfile_inline": "FROM x\\n", "labels": {"l": "1"}}',
    )


def test_what_a_service_reads_of_configs_and_secrets_is_kept_and_never_shown() -> None:
    stack = small(
        {"a": {"image": "a", "configs": [{"source": "c"}], "secrets": [{"source": "s"}]}},
        configs={"c": {"content": "kq8vPz"}},
        secrets={"s": {"environment": "TOKEN"}, "other": {"file": "/x"}},
    )
    assert stack.service("a").reads == (
        Read("content", "kq8vPz", "/c"),
        Read("environment", "TOKEN", "/run/secrets/s"),
    )
    assert "kq8vPz" not in repr(stack)


@pytest.mark.parametrize(
    ("services", "completes"),
    [
        ({"a": {"restart": "no"}}, True),
        ({"a": {"restart": "on-failure:3"}}, True),
        ({"a": {"restart": "no", "healthcheck": {"test": ["CMD", "true"]}}}, False),
        (
            {"a": {"restart": "on-failure", "ports": [{"target": 80, "published": "8080"}]}},
            False,
        ),
        ({"a": {}}, False),
        ({"a": {"restart": "unless-stopped"}}, False),
        ({"a": {}, "b": {"depends_on": {"a": {"condition": "service_healthy"}}}}, False),
        (
            {
                "a": {"restart": "always"},
                "b": {"depends_on": {"a": {"condition": "service_completed_successfully"}}},
            },
            True,
        ),
    ],
)
def test_a_service_that_ends_by_itself_is_known_by_its_restart_or_who_waits_for_it(
    services: dict[str, Any], completes: bool
) -> None:
    stack = small({name: {"image": "x", **raw} for name, raw in services.items()})
    assert stack.service("a").completes is completes


@pytest.mark.parametrize(
    ("restart", "others", "lasts"),
    [
        ("no", {}, False),
        ("on-failure", {}, True),
        (
            "on-failure",
            {"b": {"depends_on": {"a": {"condition": "service_completed_successfully"}}}},
            False,
        ),
    ],
)
def test_one_whose_end_nobody_awaits_may_run_on(
    restart: str, others: dict[str, Any], lasts: bool
) -> None:
    services = {"a": {"restart": restart}, **others}
    stack = small({name: {"image": "x", **raw} for name, raw in services.items()})
    assert stack.service("a").lasts is lasts


def test_what_is_external_is_no_part_of_the_stack() -> None:
    stack = small(
        {},
        networks={"own": {"name": "app_own", "ipam": {}}, "o": {"name": "out", "external": True}},
        volumes={"data": None, "v": {"name": "theirs", "external": True}},
    )
    assert stack.networks == ("app_own",)
    assert sorted(stack.parts) == ["network app_own", "volume data"]
    assert stack.external == ("network out", "volume theirs")


def test_a_definition_is_the_same_to_whichever_compose_prints_it() -> None:
    """Newer ones leave out what is empty."""
    plain = small({}, networks={"n": {"name": "n"}}).parts
    assert small({}, networks={"n": {"name": "n", "ipam": {}, "internal": False}}).parts == plain
    assert small({}, networks={"n": {"name": "n", "internal": True}}).parts != plain


@pytest.mark.parametrize(
    ("printed", "seconds"), [("5m0s", 300), ("1m30s", 90), ("1h0m0s", 3600), ("500ms", 0.5)]
)
def test_a_start_period_is_read_as_compose_prints_it(printed: str, seconds: float) -> None:
    service = small({"a": {"image": "a", "healthcheck": {"start_period": printed}}}).service("a")
    assert service.start_period == seconds


ASKED = [
    ({}, False),
    ({"web": {"smoke": ["true"]}}, False),
    ({"web": {"probe": {"port": 80}}}, True),
    ({"web": {"gates": [{"name": "site", "url": "http://app.example/"}]}}, True),
    ({"web": {"checks": {"queue": ["ask"]}}}, True),
    ({"web": {"link": {"command": ["call"]}}}, True),
]


@pytest.mark.parametrize(("hints", "proves"), ASKED)
def test_a_release_is_proved_where_something_asks_whether_it_works(
    hints: dict[str, Any], proves: bool
) -> None:
    stack = small({"web": {"build": {"context": "/app"}}}, **{"x-deploy": hints})
    assert stack.proves is proves


@pytest.mark.parametrize(
    ("address", "asked"),
    [
        ("", "127.0.0.1"),
        ("0.0.0.0", "127.0.0.1"),  # as compose writes it
        ("::", "127.0.0.1"),
        ("10.0.0.5", "10.0.0.5"),
        ("fd00::5", "[fd00::5]"),
    ],
)
def test_a_port_is_asked_where_it_is_published(address: str, asked: str) -> None:
    ports = [{"target": 80, "published": "8080", "host_ip": address}]
    service = small({"web": {"image": "web", "ports": ports}}).service("web")
    assert service.listens_at(8080) == asked
    assert service.listens_at(9090) == "127.0.0.1"
