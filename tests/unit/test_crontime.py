"""The five fields of cron: what it takes, and what it would never come to."""

from __future__ import annotations

import pytest

from fabfile.model.crontime import wrong


@pytest.mark.parametrize(
    "text",
    ["* * * * *", "*/15 0-6 1,15 jan-mar mon-fri", "0 3 * * 7", "0-59/10,3 23 31 12 SUN"],
)  # fmt: skip
def test_what_cron_takes(text: str) -> None:
    assert wrong(text) == ""


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("60 * * * *", "'60' is no minute"),
        ("* 24 * * *", "'24' is no hour"),
        ("* * 0 * *", "'0' is no day of the month"),
        ("* * * 13 *", "'13' is no month"),
        ("* * * * 8", "'8' is no day of the week"),
        ("* * * * xyz", "'xyz' is no day of the week"),
        ("5/15 * * * *", "'5/15' is no minute"),
        ("9-5 * * * *", "'9-5' is no minute"),
        ("*/0 * * * *", "'*/0' is no minute"),
        (", * * * *", "'' is no minute"),
        ("٣ * * * *", "'٣' is no minute"),
        ("* * * *", "five fields"),
        ("*  * * * *", "five fields"),
        ("* * * * *\n* * * * * rm", "five fields"),
        ("@hourly", "five fields"),
        ("", "five fields"),
    ],
)
def test_what_it_does_not_take_is_named(text: str, part: str) -> None:
    assert part in wrong(text)
