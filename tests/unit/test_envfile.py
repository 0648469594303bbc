""".env: read as compose reads it, checked against its schema, and never shown."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from fabfile.model.access.envfile import (
    EnvFile,
    Findings,
    Rule,
    check,
    digest,
    digests,
    parse,
    schema,
)

from .bad_domains import BAD_DOMAINS

ROOT = Path(__file__).resolve().parents[2]
STRONG = "8f3kQz17Lm5vXw92Tb6NpRc4"


def problems(rule: Rule, value: str | None, server: str = "ubuntu") -> tuple[str, ...]:
    env = EnvFile({} if value is None else {rule.key: value})
    found = check(env, dict(env.values), [rule], server)
    assert found.warnings == ()
    return found.problems


# --- reading


def test_plain_quoted_and_exported_lines_are_read() -> None:
    assert parse("A=1\nexport B='two words'\nC=\"3\"\n# no\n\nD=\n") == EnvFile(
        {"A": "1", "B": "two words", "C": "3", "D": ""}
    )


def test_nothing_is_expanded() -> None:
    assert parse("A=x\nB=$A-${A}\n").values["B"] == "$A-${A}"


def test_a_carriage_return_is_named_with_the_first_line_that_has_one() -> None:
    assert parse("A=1\nB=2\r\nC=3\r\n").problems == (
        ".env:2: carriage return (CRLF); save the file with LF line ends",
    )


def test_a_key_that_stands_twice_is_named_with_its_second_line() -> None:
    assert parse("A=1\nB=2\nA=3\n") == EnvFile({"A": "1", "B": "2"}, (".env:3: A stands twice",))


@pytest.mark.parametrize("line", ["=value", "A B=1", "'unclosed", "lonely", "LONELY", "export B"])
def test_a_line_that_is_no_assignment_is_named_by_its_number_alone(line: str) -> None:
    assert parse(f"A=1\n{line}\n") == EnvFile({"A": "1"}, (".env:2: not KEY=value",))


# --- the schema


def test_annotations_hold_for_the_key_below_them() -> None:
    assert schema(
        """\
# The owner's password. Make one.
# @required @secret @min=16 @urlsafe @server=ubuntu,montreal
PASSWORD=

PLAIN=value
"""
    ) == (
        Rule("PASSWORD", "", True, True, 16, True, servers=("ubuntu", "montreal")),
        Rule("PLAIN", "value"),
    )


def test_annotations_of_several_comment_lines_add_up() -> None:
    assert schema("# @required\n# words\n# @min=4\nA=\n") == (
        Rule("A", "", required=True, minimum=4),
    )


def test_a_blank_line_ends_a_comment_that_belongs_to_nothing() -> None:
    assert schema("# @required\n\nA=\n") == (Rule("A", ""),)


def test_an_address_in_a_comment_is_no_annotation() -> None:
    assert schema("# write to ops@required.example or a@min=3\nA=\n") == (Rule("A", ""),)


def test_annotations_do_not_leak_to_the_next_key() -> None:
    assert schema("# @secret\nA=\nB=\n") == (Rule("A", "", secret=True), Rule("B", ""))


def test_a_rule_without_servers_holds_everywhere() -> None:
    assert Rule("A", "").applies_to("montreal")
    assert Rule("A", "", servers=("ubuntu",)).applies_to("ubuntu")
    assert not Rule("A", "", servers=("ubuntu",)).applies_to("montreal")
    assert Rule("A", "", servers=("ubuntu",)).applies_to("staging", "ubuntu")


def test_the_schema_of_this_repository_knows_its_secrets() -> None:
    rules = {rule.key: rule for rule in schema((ROOT / ".env.example").read_text())}
    token = rules["RU_BEARER_TOKEN"]
    assert (token.required, token.secret, token.minimum, token.urlsafe) == (True, True, 32, True)
    assert rules["POSTGRES_PASSWORD"].servers == ("ubuntu",)
    assert not rules["STATE_ROOT"].secret


# --- the check of one key


@pytest.mark.parametrize(
    ("rule", "value", "found"),
    [
        (Rule("A", ""), None, ()),
        (Rule("A", ""), "", ()),
        (Rule("A", "", required=True), None, (".env: A is missing",)),
        (Rule("A", "", required=True), "", (".env: A is empty",)),
        (Rule("A", "", required=True), "x", ()),
        (Rule("A", "", minimum=4), "abc", (".env: A has 3 characters; at least 4",)),
        (Rule("A", "", minimum=4), "abcd", ()),
        (Rule("A", "", urlsafe=True), "aZ9._~-", ()),
        (Rule("A", "", secret=True), STRONG, ()),
        (Rule("A", "", required=True, servers=("montreal",)), None, ()),
    ],
)
def test_a_rule_finds_exactly_what_breaks_it(
    rule: Rule, value: str | None, found: tuple[str, ...]
) -> None:
    assert problems(rule, value) == found


@pytest.mark.parametrize(("value", "warned"), [("https", 0), ("https://a", 0), ("http", 1)])
def test_what_travels_in_clear_is_warned_of(value: str, warned: int) -> None:
    rule = Rule("A", "", https=True)
    assert (
        check(EnvFile({"A": value}), {"A": value}, [rule], "ubuntu").warnings
        == (".env: A is not https: whoever is on the way reads all, tokens too",) * warned
    )


@pytest.mark.parametrize("character", ["%", "@", "/", ":", "+", "$", " ", "é", "#", "?"])
def test_a_character_that_breaks_an_address_is_refused(character: str) -> None:
    assert problems(Rule("A", "", urlsafe=True), f"ab{character}cd") == (
        ".env: A may only hold A-Z a-z 0-9 . _ ~ - (it becomes part of a URL)",
    )


@pytest.mark.parametrize("value", BAD_DOMAINS)
def test_a_domain_is_a_name_and_nothing_more(value: str) -> None:
    assert problems(Rule("A", "", domain=True), value) == (
        ".env: A is not a domain name such as example.org, in small letters",
    )
    for good in ("example.org", "xn--mnchen-3ya.example", "a-1.b.example"):
        assert problems(Rule("A", "", domain=True), good) == ()


def test_who_has_no_domain_yet_is_told_what_to_add() -> None:
    for value, what in ((None, "missing"), ("", "empty")):
        assert problems(Rule("A", "", required=True, domain=True), value) == (
            f".env: A is {what}: add A= and your site's name, as example.org",
        )


def test_a_domain_that_compose_reads_otherwise_is_told_once() -> None:
    rule = Rule("A", "", required=True, domain=True)
    for seen in ("", "x.example"):
        found = check(EnvFile({"A": "$HOST.example"}), {"A": seen}, [rule], "ubuntu")
        assert len(found.problems) == 1


@pytest.mark.parametrize(
    "weak",
    [
        "changeme",
        "please-change-me-now",
        "CHANGE_ME_IN_PRODUCTION",
        "an-example-value-0123",
        "your-secret-key-here-x",
        "placeholder-8f3kQz17Lm",
        "development-only-8f3kQz",
        "postgres-password-8f3k",
        "insert-here-8f3kQz17Lm",
        "TODO-8f3kQz17Lm5vXw92",
        "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
        "12345678901234567890",
        "0123456789abcdef0123456789abcdef",
        "abcdefabcdefabcdefabcdef",
        "ababababababababababab",
    ],
)
def test_a_weak_or_example_secret_is_refused(weak: str) -> None:
    assert problems(Rule("A", "", secret=True), weak) == (
        ".env: A is an example or weak value; make one: openssl rand -hex 32",
    )


def test_several_rules_broken_by_one_value_are_all_named() -> None:
    rule = Rule("A", "", required=True, secret=True, minimum=12, urlsafe=True)
    assert problems(rule, "change me!") == (
        ".env: A has 10 characters; at least 12",
        ".env: A is an example or weak value; make one: openssl rand -hex 32",
        ".env: A may only hold A-Z a-z 0-9 . _ ~ - (it becomes part of a URL)",
    )


def test_an_unknown_key_is_a_warning_and_stops_nothing() -> None:
    assert check(EnvFile({"B": "1"}), {}, [Rule("A", "")], "ubuntu") == Findings(
        (), (".env: B is not in .env.example: nothing reads it",)
    )


def test_what_is_wrong_with_the_lines_comes_first() -> None:
    env = parse("A=1\r\n")
    found = check(env, {"A": "1"}, [Rule("B", "", required=True)], "ubuntu")
    assert found.problems[0].startswith(".env:1: carriage return")
    assert found.problems[-1] == ".env: B is missing"


# --- what compose reads

QUOTE = "put the value in single quotes"


@pytest.mark.parametrize(
    ("value", "seen", "cause"),
    [
        ("abc$def123", "abc", f"'$' starts a variable; write '$$', or {QUOTE}"),
        (" padded", "padded", f"blanks at its edge; {QUOTE}"),
        ("half #whole", "half", f"' #' starts a comment; {QUOTE}"),
        ("a\\nb", "a\nb", f"quotes or escapes are read differently; {QUOTE}"),
    ],
)
def test_a_value_that_compose_reads_differently_shows_its_length_and_the_cause(
    value: str, seen: str, cause: str
) -> None:
    found = check(EnvFile({"A": value}), {"A": seen}, [Rule("A", "")], "ubuntu")
    assert found.problems == (
        f".env: A: compose reads {len(seen)} characters of {len(value)}: {cause}",
    )


def test_the_length_that_counts_is_the_one_that_compose_sees() -> None:
    env = EnvFile({"A": f"abcd${STRONG}"})
    found = check(env, {"A": "abcd"}, [Rule("A", "", minimum=16)], "ubuntu")
    assert found.problems[0] == ".env: A has 4 characters; at least 16"


def test_a_required_value_that_compose_reads_as_empty_is_empty() -> None:
    env = EnvFile({"A": "$NOWHERE"})
    found = check(env, {"A": ""}, [Rule("A", "", required=True)], "ubuntu")
    assert found.problems[0] == ".env: A is empty"


# --- secrecy

RULES = [
    Rule("PASSWORD", "", required=True, secret=True, minimum=16, urlsafe=True),
    Rule("TOKEN", "", required=True, secret=True, minimum=32),
    Rule("PLAIN", "x"),
]
VALUE = st.text("abcXYZ789$#'\" \\%@=/+", min_size=4, max_size=24).map(lambda text: f"zq{text}qz")
KEY = st.sampled_from(["PASSWORD", "TOKEN", "PLAIN", "OTHER"])
ASSIGNMENT = st.tuples(KEY, VALUE)


@given(
    st.lists(st.one_of(ASSIGNMENT, VALUE), max_size=6),
    st.sampled_from(["\n", "\r\n", "\n\n"]),
    st.booleans(),
)
@example([("PASSWORD", ""), "zqthe-password-on-a-line-of-its-own"], "\n", False)
@example(["zqbase64/+padded=="], "\n", False)
def test_no_message_ever_holds_a_value(
    entries: list[tuple[str, str] | str], end: str, mangled: bool
) -> None:
    lines = [entry if isinstance(entry, str) else "=".join(entry) for entry in entries]
    env = parse(end.join(lines) + end)
    effective = {
        key: value[: len(value) // 2] if mangled else value for key, value in env.values.items()
    }
    found = check(env, effective, RULES, "ubuntu")
    for message in (*found.problems, *found.warnings):
        assert "zq" not in message


# --- digests


def test_a_digest_tells_values_apart_and_depends_on_its_salt() -> None:
    assert digest("a", "salt") == digest("a", "salt")
    assert len({digest("a", "salt"), digest("b", "salt"), digest("a", "pepper")}) == 3


def test_digests_hold_every_key_and_no_value() -> None:
    made = digests({"B": STRONG, "A": ""}, "salt")
    assert list(made) == ["A", "B"]
    assert STRONG not in json.dumps(made)
    assert made["B"] == digest(STRONG, "salt")
