"""hosts.ini: what is read, and every way in which it is refused."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path, PurePosixPath

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from fabfile.model.data.retention import Keep
from fabfile.model.errors import REFUSED, Trouble
from fabfile.model.hosts.hosts_ini import parse
from fabfile.model.hosts.values import PARSERS
from fabfile.model.inventory import Inventory, Server

FILE = Path("/srv/fleet/hosts.ini")
KEYS = (
    "host", "port", "user", "key", "passphrase", "agent", "gateway", "ssh_config", "path", "root",
    "repository", "branch", "compose", "domains",
    "acme_directory", "acme_email", "cdn_ranges", "cdn_header", "cdn_purge", "commit_status",
    "calls", "allow",
    "open_ports", "engine", "address", "edge",
    "settle", "compression",
    "keep_daily", "keep_weekly", "keep_monthly", "s3_bucket", "s3_prefix",
    "s3_endpoint", "s3_region", "s3_storage_class", "age_recipient", "secrets",
    "connection", "groups", "builder", "registry",
)  # fmt: skip

NO_DIRECTORY = "is not an https:// address of a directory"
DEFAULTS = """\
[defaults]
user = ubuntu
key = id
path = /home/ubuntu/app
root = /opt/app
repository = git://origin/app.git
branch = main
compose = compose/app.yml
"""


def read(text: str) -> Inventory:
    return parse(text, FILE)


def refusal(text: str) -> tuple[str, ...]:
    """The lines that name what is wrong, however many there are."""
    with pytest.raises(Trouble) as caught:
        read(text)
    assert caught.value.code == REFUSED
    if caught.value.evidence:
        assert caught.value.message == f"{FILE}: {len(caught.value.evidence)} problems"
        return caught.value.evidence
    return (caught.value.message,)


def calling(**calls: str) -> Inventory:
    sections = [
        f"[{name}]\nhost = {name}\n" + (f"calls = {other}\n" if other else "")
        for name, other in calls.items()
    ]
    return read(DEFAULTS + "".join(sections))


def test_a_section_with_every_key_is_read_whole() -> None:
    inventory = read(
        """\
# a comment
; another
[ubuntu]
host = 192.0.2.7
port = 2222
user = deploy
key = keys/ubuntu
path = /home/deploy/app
root = /srv/state
repository = https://example.org/app.git
branch = release/1.x
compose = compose/ubuntu.yml
domains = example.org, api.example.org
acme_directory = https://acme.example.org:14000/dir
acme_email = admin@example.org
cdn_ranges = 203.0.113.0/24, 2001:db8::/32
cdn_header = CF-Connecting-IP
cdn_purge = https://cdn.example/purge
calls = montreal
allow = 203.0.113.7/32, 2001:db8::7/128
open_ports = 80, 443
engine = docker
address = 10.0.0.7
edge = 127.0.0.1:8443
settle = 60
compression = gzip
keep_daily = 14
keep_monthly = 0
connection = ssh

[montreal]
host = 192.0.2.8
user = deploy
key = /keys/montreal
path = /home/deploy/app
root = /srv/state
repository = https://example.org/app.git
branch = main
compose = compose/montreal.yml
"""
    )
    assert inventory.servers[0] == Server(
        name="ubuntu",
        host="192.0.2.7",
        port=2222,
        user="deploy",
        key=Path("/srv/fleet/keys/ubuntu"),
        path=PurePosixPath("/home/deploy/app"),
        root=PurePosixPath("/srv/state"),
        repository="https://example.org/app.git",
        branch="release/1.x",
        compose=(PurePosixPath("compose/ubuntu.yml"),),
        domains=("example.org", "api.example.org"),
        acme_directory="https://acme.example.org:14000/dir",
        acme_email="admin@example.org",
        cdn_ranges=("203.0.113.0/24", "2001:db8::/32"),
        cdn_header="CF-Connecting-IP",
        cdn_purge="https://cdn.example/purge",
        calls="montreal",
        allow=("203.0.113.7/32", "2001:db8::7/128"),
        open_ports=(80, 443),
        engine="docker",
        address="10.0.0.7",
        edge=("127.0.0.1", 8443),
        settle=60,
        compression="gzip",
        keep=Keep(daily=14, weekly=4, monthly=0),
        connection="ssh",
        known_hosts=Path("/srv/fleet/known_hosts"),
    )


def test_what_a_section_leaves_out_has_its_documented_value() -> None:
    (server,) = read(f"{DEFAULTS}[ubuntu]\nhost = 192.0.2.7\n").servers
    assert (server.port, server.settle, server.connection) == (22, 30, "ssh")
    assert (server.address, server.edge, server.calls) == ("192.0.2.7", None, "")
    assert (server.domains, server.allow) == ((), ())
    assert server.acme_directory == "https://acme-v02.api.letsencrypt.org/directory"
    assert server.acme_email == ""
    assert (server.cdn_ranges, server.cdn_header) == ((), "X-Forwarded-For")
    assert server.cdn_purge == ""
    assert (server.compression, server.keep) == ("zstd", Keep(daily=7, weekly=4, monthly=6))


def test_a_section_goes_before_the_defaults() -> None:
    inventory = read(f"{DEFAULTS}[one]\nhost = one\nbranch = next\n[two]\nhost = two\n")
    assert [server.branch for server in inventory.servers] == ["next", "main"]


def test_defaults_are_no_server() -> None:
    assert [s.name for s in read(f"{DEFAULTS}[one]\nhost = one\n").servers] == ["one"]


def test_a_relative_key_starts_at_the_folder_of_the_file() -> None:
    (server,) = read(f"{DEFAULTS}[one]\nhost = one\nkey = ../keys/one\n").servers
    assert server.key == Path("/srv/fleet/../keys/one")


@pytest.mark.parametrize("user", ["first.last", "Root", "deploy_1", "1st", "svc-web"])
def test_a_user_is_called_as_users_are_called(user: str) -> None:
    (server,) = read(f"{DEFAULTS}[one]\nhost = one\nuser = {user}\n").servers
    assert server.user == user


@pytest.mark.parametrize(
    ("written", "name"),
    [
        ("xn--e1afmkfd.xn--p1ai", "xn--e1afmkfd.xn--p1ai"),
        ("xn--bcher-kva.example", "xn--bcher-kva.example"),
        ("Example.COM", "example.com"),
        ("a.xn--vermgensberatung-pwb", "a.xn--vermgensberatung-pwb"),
    ],
)
def test_a_domain_may_be_of_any_language_in_its_ascii_form(written: str, name: str) -> None:
    (server,) = read(f"{DEFAULTS}[one]\nhost = one\ndomains = {written}\n").servers
    assert server.domains == (name,)


@pytest.mark.parametrize(
    ("host", "address", "place"),
    [
        ("2001:DB8:0::1", "2001:db8::1", "[2001:db8::1]"),
        ("::1", "::1", "[::1]"),
        ("192.0.2.7", "192.0.2.7", "192.0.2.7"),
        ("my_host.lan", "my_host.lan", "my_host.lan"),
    ],
)
def test_an_address_of_either_family_has_its_form_in_a_url(
    host: str, address: str, place: str
) -> None:
    (server,) = read(f"{DEFAULTS}[one]\nhost = {host}\n").servers
    assert (server.address, server.place) == (address, place)


def test_a_tilde_is_the_operators_home(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/operator")
    (server,) = read(f"{DEFAULTS}[one]\nhost = one\nkey = ~/.ssh/one\n").servers
    assert server.key == Path("/home/operator/.ssh/one")


def test_a_server_that_the_tasks_run_on_needs_no_host_user_or_key() -> None:
    (server,) = read(
        """\
[here]
connection = local
path = /home/ubuntu/app
root = /opt/app
repository = git://origin/app.git
branch = main
compose = app.yml
"""
    ).servers
    assert (server.host, server.connection) == ("127.0.0.1", "local")


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("colour = red", f"unknown key 'colour'; known: {', '.join(KEYS)}"),
        ("port =", "'port' has no value"),
        ("port = 0", "port: '0' is not a port (1 to 65535)"),
        ("port = 65536", "port: '65536' is not a port (1 to 65535)"),
        ("port = -1", "port: '-1' is not a port (1 to 65535)"),
        ("port = 22 ; ssh", "port: '22 ; ssh' is not a port (1 to 65535)"),
        ("port = ٢٢", "port: '٢٢' is not a port (1 to 65535)"),
        ("user = a:b", "user: 'a:b' is not a user name"),
        ("address = 2001:db8::g", "address: '2001:db8::g' is not a host name or address"),
        ("address = ::1::2", "address: '::1::2' is not a host name or address"),
        ("domains = пример.рф", "domains: 'пример.рф' must be written in punycode (xn--…)"),
        ("domains = example.xn--", "domains: 'example.xn--' is not a domain name"),
        ("user = -oProxyCommand=x", "user: '-oProxyCommand=x' is not a user name"),
        ("path = app", "path: 'app' is not an absolute path below /"),
        ("path = ~/app", "path: '~/app' is not an absolute path below /"),
        ("root = /", "root: '/' is not an absolute path below /"),
        ("root = /opt/../etc", "root: '/opt/../etc' is not an absolute path below /"),
        ("compose = /etc/app.yml", "compose: '/etc/app.yml' is not a path inside the repository"),
        ("compose = ../app.yml", "compose: '../app.yml' is not a path inside the repository"),
        ("compose = a.yml,", "compose: '' is not a path inside the repository"),
        ("compose = a.yml:b.yml", "compose: 'a.yml:b.yml' is not a path inside the repository"),
        ("compose = a.yml, a.yml", "compose: 'a.yml, a.yml' names a file twice"),
        ("branch = -q", "branch: '-q' is not a branch name"),
        ("branch = a b", "branch: 'a b' is not a branch name"),
        ("repository = -uX", "repository: '-uX' is not the address of a git repository"),
        ("repository = a b", "repository: 'a b' is not the address of a git repository"),
        ("domains = a.example,", "domains: '' is not a domain name"),
        ("domains = localhost", "domains: 'localhost' is not a domain name"),
        ("acme_directory = http://a/", f"acme_directory: 'http://a/' {NO_DIRECTORY}"),
        ("acme_email = -x@a.example", "acme_email: '-x@a.example' is not an email address"),
        ("edge = 127.0.0.1", "edge: '127.0.0.1' is not HOST:PORT"),
        ("edge = 127.0.0.1:http", "edge: 'http' is not a port (1 to 65535)"),
        ("edge = -x:443", "edge: '-x' is not a host name or address"),
        ("address = a;b", "address: 'a;b' is not a host name or address"),
        (
            "engine = podman",
            "engine: 'podman' is not 'docker': without 'engine' it is the distribution's",
        ),
        ("settle = 601", "settle: '601' is not a number of seconds (0 to 600)"),
        ("settle = 1.5", "settle: '1.5' is not a number of seconds (0 to 600)"),
        ("watch = 15", "'watch' is x-deploy.SERVICE.update.monitor of the compose file"),
        ("connection = telnet", "connection: 'telnet' is neither 'ssh' nor 'local'"),
        ("groups = eu, Web", "groups: 'Web' is not the name of a group (a-z, 0-9, -)"),
        ("just words", "neither [section] nor key = value: 'just words'"),
        ("[half", "neither [section] nor key = value: '[half'"),
        ("host = two", "'host' stands twice in this section"),
        ("calls = nobody", "calls = nobody: no such other server"),
        ("calls = one", "calls = one: no such other server"),
        ("builder = nobody", "builder = nobody: neither server, local nor a server of this file"),
        (
            "registry = r.example",
            "registry = r.example: nothing comes by it while builder = server",
        ),
        ("[one]", "section [one] stands twice"),
        ("[Two]", "'Two' is not the name of a server (a-z, 0-9, -)"),
        ("[]", "'' is not the name of a server (a-z, 0-9, -)"),
    ],
)
def test_a_wrong_line_is_named_with_its_number(line: str, problem: str) -> None:
    number = DEFAULTS.count("\n") + 3
    text = f"{DEFAULTS}[one]\nhost = one\n{line}\n"
    assert refusal(text) == (f"{FILE}:{number}: {problem}",)


def test_every_required_key_that_is_missing_is_named_at_its_section() -> None:
    assert refusal("\n[one]\nhost = one\n") == tuple(
        f"{FILE}:2: [one]: '{key}' is missing"
        for key in ("user", "key", "path", "root", "repository", "branch", "compose")
    )


def test_all_problems_are_reported_at_once_each_with_its_line() -> None:
    assert refusal(
        """\
lost = 1
[defaults]
user = ubuntu
path = /home/ubuntu/app
root = /opt/app
repository = git://origin/app.git
branch = main
compose = app.yml
[one]
host = one
port = ssh
colour = red
key =
[one]
[two]
host = two
key = id
calls = three
"""
    ) == (
        f"{FILE}:1: 'lost = 1' stands before any [section]",
        f"{FILE}:12: unknown key 'colour'; known: {', '.join(KEYS)}",
        f"{FILE}:13: 'key' has no value",
        f"{FILE}:14: section [one] stands twice",
        f"{FILE}:11: port: 'ssh' is not a port (1 to 65535)",
        f"{FILE}:9: [one]: 'key' is missing",
        f"{FILE}:18: calls = three: no such other server",
    )


def test_a_wrong_default_is_reported_once_not_once_per_server() -> None:
    text = f"{DEFAULTS}port = ssh\n[one]\nhost = one\n[two]\nhost = two\n"
    assert refusal(text) == (f"{FILE}:9: port: 'ssh' is not a port (1 to 65535)",)


@pytest.mark.parametrize("text", ["", "# nothing yet\n", DEFAULTS])
def test_an_inventory_without_a_server_is_refused(text: str) -> None:
    assert refusal(text) == (f"{FILE}:1: no server: a section such as [ubuntu] is missing",)


def test_a_home_that_does_not_exist_is_named_like_any_other_problem() -> None:
    text = f"{DEFAULTS}[one]\nhost = one\nkey = ~nobody-of-this-name/id\n"
    (problem,) = refusal(text)
    assert problem.startswith(f"{FILE}:11: key: ")


def test_an_unknown_server_is_answered_with_the_known_ones() -> None:
    inventory = calling(one="", two="")
    with pytest.raises(Trouble) as caught:
        inventory.server("three")
    assert (caught.value.code, caught.value.message) == (
        REFUSED,
        f"{FILE}: no server [three]; known servers: one, two",
    )


def test_a_server_that_is_called_comes_before_its_caller() -> None:
    assert calling(a="b", b="").called_first() == ["b", "a"]


def test_a_chain_of_calls_is_ordered_from_its_end() -> None:
    assert calling(a="b", b="c", c="").called_first() == ["c", "b", "a"]


def test_servers_that_call_nobody_keep_the_order_of_the_file() -> None:
    assert calling(a="", b="", c="").called_first() == ["a", "b", "c"]


CIRCLE = f"{DEFAULTS}[a]\nhost = a\ncalls = b\n[b]\nhost = b\ncalls = "


def test_two_servers_that_call_each_other_are_refused_with_both_lines() -> None:
    assert refusal(f"{CIRCLE}a\n") == (
        f"{FILE}:11: calls = b: they call each other",
        f"{FILE}:14: calls = a: they call each other",
    )


def test_a_longer_circle_of_calls_is_refused_with_every_line_of_it() -> None:
    assert refusal(f"{CIRCLE}c\n[c]\nhost = c\ncalls = b\n") == (
        f"{FILE}:14: calls = c: they call each other",
        f"{FILE}:17: calls = b: they call each other",
    )


def test_a_circle_that_goes_through_the_defaults_is_refused_too() -> None:
    text = f"{DEFAULTS}calls = a\n[a]\nhost = a\ncalls = b\n[b]\nhost = b\n"
    assert f"{FILE}:12: calls = b: they call each other" in refusal(text)


@given(st.dictionaries(st.sampled_from("abcde"), st.sampled_from("abcde"), min_size=1))
def test_the_order_holds_every_server_once_and_the_called_one_first(calls: dict[str, str]) -> None:
    names = sorted({*calls, *calls.values()})
    acyclic = {name: other for name, other in calls.items() if other > name}
    order = calling(**{name: acyclic.get(name, "") for name in names}).called_first()
    assert sorted(order) == names
    assert all(order.index(other) < order.index(name) for name, other in acyclic.items())


def test_the_callers_of_a_server_are_those_that_name_it() -> None:
    inventory = calling(a="c", b="c", c="")
    assert [server.name for server in inventory.callers_of("c")] == ["a", "b"]
    assert inventory.callers_of("a") == ()


LINE = re.compile(rf"{re.escape(str(FILE))}:(\d+): \S")
ENTRY = st.one_of(
    st.text(max_size=30),
    st.builds("{} = {}".format, st.sampled_from(KEYS), st.text(max_size=20)),
    st.builds("[{}]".format, st.text(max_size=8)),
    st.sampled_from(["[one]", "[defaults]", *DEFAULTS.splitlines(), "host = one"]),
)


@given(st.lists(ENTRY, max_size=15).map("\n".join))
@example(f"{DEFAULTS}[one]\nhost = one\nkey = ~nobody/x")
@example("\ufeff[one]")
def test_any_text_is_an_inventory_or_a_list_of_numbered_lines(text: str) -> None:
    assert all(
        (found := LINE.match(problem)) and 1 <= int(found[1]) <= max(len(text.splitlines()), 1)
        for problem in outcome(text)
    )


def outcome(text: str) -> tuple[str, ...]:
    """The problems of a text; none when it is an inventory."""
    try:
        assert read(text).servers
    except Trouble as trouble:
        return trouble.evidence or (trouble.message,)
    return ()


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("203.0.113.0/24, x", "'x' is not a range of addresses such as 203.0.113.0/24"),
        ("203.0.113.7/24", "'203.0.113.7/24' is not a range of addresses such as 203.0.113.0/24"),
        ("0.0.0.0/0", "'0.0.0.0/0' is everybody"),
    ],
)
def test_a_cdn_has_ranges_and_is_not_everybody(text: str, why: str) -> None:
    with pytest.raises(ValueError) as raised:  # noqa: PT011 - its words are compared
        PARSERS["cdn_ranges"](text)
    assert str(raised.value) == why
    assert PARSERS["cdn_ranges"]("203.0.113.0/24, 2001:db8::/32") == (
        "203.0.113.0/24",
        "2001:db8::/32",
    )


def test_another_user_logs_in_there_and_the_same_one_at_the_jump_host() -> None:
    server = replace(
        read(DEFAULTS + "[ubuntu]\nhost = h\ngateway = jump.example\n").servers[0], user="us"
    )
    other = server.with_user("root")
    assert other.gateway
    assert (other.user, other.gateway.user) == ("root", "us")
    assert server.with_user("") == server


def built_by(text: str) -> list[str]:
    found = parse(DEFAULTS + text, FILE)
    return [there.name if (there := found.builder_of(one)) else "" for one in found.servers]


def test_who_builds_for_a_server_is_itself_this_machine_or_another_one() -> None:
    two = "[two]\nhost = two\n"
    assert built_by(f"[one]\nhost = one\n{two}") == ["", ""]
    assert built_by(f"[one]\nhost = one\nbuilder = local\n{two}builder = one\n") == ["local", "one"]
    assert built_by(f"builder = two\n[one]\nhost = one\n{two}") == ["two", ""]
    assert built_by("builder = local\n[one]\nhost = one\nconnection = local\n") == [""]


def test_a_server_that_is_called_as_no_server_may_be_builds_for_nobody() -> None:
    assert refusal(f"{DEFAULTS}builder = local\n[local]\nhost = one\n") == (
        f"{FILE}:9: builder = local: [local] is a server of that name: name it otherwise",
    )


def test_the_machine_that_runs_fab_is_reached_without_ssh() -> None:
    text = f"{DEFAULTS}builder = local\ngateway = jump\npassphrase = ask\n[one]\nhost = one\n"
    found = parse(text, FILE)
    there = found.builder_of(found.servers[0])
    assert there
    assert (there.connection, there.gateway, there.passphrase, there.user) == (
        "local",
        None,
        False,
        "",
    )


def test_what_is_no_registry_is_refused() -> None:
    text = f"{DEFAULTS}builder = local\nregistry = https://r.example\n[one]\nhost = one\n"
    assert refusal(text) == (
        (
            f"{FILE}:10: registry: 'https://r.example' is not a registry with a path, such as"
            " registry.example.com/team"
        ),
    )
