"""What the proxy is told in maintenance, and what is kept of it."""

from __future__ import annotations

import pytest

from fabfile.model.errors import Trouble
from fabfile.model.maintenance import Maintenance, addresses, parse_maintenance

MADE = Maintenance("me@here", 1000, "a move", 0, (), "0f")


def test_what_the_proxy_reads() -> None:
    allowed = Maintenance("me", 1000, "why", 1600, ("203.0.113.7", "2001:db8::1"), "0f")
    assert allowed.text("set $x {seconds}; return 503;", 1100) == (
        "set $shut 1;\n"
        'if ($http_x_maintenance_pass = "0f") { set $shut 0; }\n'
        r'if ($remote_addr ~ "^(?:203\.0\.113\.7|2001:db8::1)$") { set $shut 0; }'
        "\nif ($shut) { set $x 500; return 503; }\n"
    )
    assert "remote_addr" not in MADE.text("return 503;", 1000)


@pytest.mark.parametrize(
    ("until", "now", "seconds", "over"),
    [
        (0, 1000, 600, False),
        (1030, 1000, 60, False),
        (4600, 1000, 3600, False),
        (1000, 1000, 60, True),
    ],
)
def test_when_visitors_may_ask_again(until: int, now: int, seconds: int, over: bool) -> None:
    made = Maintenance("me", 1000, "why", until, (), "0f")
    assert (made.seconds(now), made.over(now)) == (seconds, over)


def test_it_is_told_and_read_back_and_its_token_is_not_shown() -> None:
    assert parse_maintenance(MADE.to_json()) == MADE
    assert str(MADE) == "in maintenance since 1970-01-01 00:16:40 UTC by me@here: a move"
    assert "0f" not in repr(MADE)
    for text in ("", "no json", "{}", '{"who": 7}'):
        assert parse_maintenance(text) is None


def test_only_addresses_are_let_in() -> None:
    assert addresses(["203.0.113.7", "2001:DB8:0::1", "203.0.113.7"]) == (
        "203.0.113.7",
        "2001:db8::1",
    )
    for text in ("203.0.113.0/24", "office", "", "1.2.3.4\n"):
        with pytest.raises(Trouble, match="is no address such as"):
            addresses([text])
