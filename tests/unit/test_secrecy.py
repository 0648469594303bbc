"""What of an .env is a secret, in each form in which a program may print it."""

from __future__ import annotations

import json
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fabfile.model.access.envedit import with_value
from fabfile.model.access.secrecy import secret_values
from fabfile.model.errors import Trouble
from fabfile.model.framing import begun

EXAMPLE = "# @secret\nOWN=\nPLAIN=\n# @server=ubuntu\nTOKEN_KIND=\n"


def test_what_an_example_marks_is_secret_and_what_it_knows_otherwise_is_not() -> None:
    text = "OWN=hidden-word\nPLAIN=shown-word\nTOKEN_KIND=shown-too\n"
    assert secret_values(text, EXAMPLE) == ["hidden-word"]


def test_what_either_example_marks_is_secret() -> None:
    assert secret_values("A=hidden-word\n", "A=\n", "# @secret\nA=\n") == ["hidden-word"]


@pytest.mark.parametrize(
    "key", ["DB_PASSWORD", "TOKEN", "JWT_SECRET_KEY", "S3_ACCESS_KEY_ID", "SALT", "SENTRY_DSN"]
)
def test_a_key_that_no_example_knows_is_judged_by_its_name(key: str) -> None:
    assert secret_values(f"{key}=hidden-word\nDOMAIN=app.example\n", EXAMPLE) == ["hidden-word"]


def test_an_example_with_a_wrong_mark_hides_by_name() -> None:
    assert secret_values("TOKEN=hidden-word\n", "# @min=x\nTOKEN=\n") == ["hidden-word"]


@given(st.text(alphabet='aB9"$%/ é☃', min_size=1, max_size=12))
def test_a_secret_is_hidden_in_each_form_that_a_program_prints(value: str) -> None:
    try:
        text = with_value("", "TOKEN", value)
    except Trouble:
        return
    found = secret_values(text)
    assert {value, json.dumps(value)[1:-1], quote(value, safe=""), value.replace("$", "$$")} <= {
        *found
    }


def test_each_long_line_of_a_secret_is_hidden_by_itself() -> None:
    found = secret_values('KEY="-----BEGIN PRIVATE KEY-----\nMHcCAQEEIBgvHSm2hidden\nx\n"\n')
    assert "MHcCAQEEIBgvHSm2hidden" in found
    assert "x" not in found


def test_an_answer_that_ends_early_still_tells_its_settings() -> None:
    output = "\n@@m env\nTOKEN=a\nB=b"
    assert begun(output, "@@m", "env") == "TOKEN=a\nB=b"
    assert begun(f"{output}\n@@m head\nx", "@@m", "env") == "TOKEN=a\nB=b"
    assert begun(output, "@@m", "head") == ""
    assert begun("@@m env", "@@m", "env") == ""
