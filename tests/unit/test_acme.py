"""What certbot says, in one line."""

from __future__ import annotations

import pytest

from fabfile.model.certificates.acme import cause, lineage

CHALLENGE = """\
Saving debug log to /opt/app/acme/logs/letsencrypt.log
Renewing an existing certificate for app.example and api.app.example

Certbot failed to authenticate some domains (authenticator: webroot). The Certificate Authority
  Domain: api.app.example
  Type:   connection
  Detail: 192.0.2.9: Fetching http://api.app.example/x: Timeout

Hint: The Certificate Authority failed to download the temporary challenge files

Some challenges have failed.
Ask for help or search for solutions at https://community.letsencrypt.org. See the logfile
"""
UNEXPECTED = """\
Saving debug log to /opt/app/acme/logs/letsencrypt.log
An unexpected error occurred:
too many certificates already issued
Ask for help or search for solutions at https://community.letsencrypt.org.
"""


@pytest.mark.parametrize(
    ("output", "told"),
    [
        (CHALLENGE, "api.app.example: 192.0.2.9: Fetching http://api.app.example/x: Timeout"),
        (UNEXPECTED, "too many certificates already issued"),
        (
            "Another instance of Certbot is already running.\nAsk for help\n",
            "Another instance of Certbot is already running.",
        ),
        ("", "certbot says nothing"),
    ],
    ids=["challenge", "unexpected", "other", "nothing"],
)
def test_the_cause_is_one_line(output: str, told: str) -> None:
    assert cause(output) == told


def test_every_directory_has_a_certificate_of_its_own() -> None:
    """So that one of a staging never passes for one that browsers trust."""
    assert lineage("https://acme-v02.api.example/directory") == "acme-v02.api.example"
    assert lineage("https://192.0.2.1:14000/dir") == "192.0.2.1-14000"
