"""A password's verifier as PostgreSQL keeps it."""

from __future__ import annotations

from base64 import b64decode

import pytest

from fabfile.model.access.verifier import scram
from fabfile.model.errors import Trouble


def test_it_is_the_one_of_the_standards_example() -> None:
    """RFC 7677, 3."""
    assert scram("KEY", "pencil", b64decode("W22ZaJ0SNY7soEsUEjb6gQ==")) == (
        "SCRAM-SHA-256$4096:W22ZaJ0SNY7soEsUEjb6gQ==$WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY=:"
        "wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU="
    )


@pytest.mark.parametrize("password", ["é" * 20, "a\nb", "\u2028"])
def test_a_password_that_would_have_to_be_prepared_is_refused(password: str) -> None:
    with pytest.raises(Trouble, match="KEY: a database's password is") as caught:
        scram("KEY", password, b"salt")
    assert password not in caught.value.message
