"""A bad setting stops the start and is named; its value is not shown."""

import os
import subprocess
import sys

import pytest

from tests.conftest import SERVICE


def start(**environment: str) -> subprocess.CompletedProcess[str]:
    """Import the application as the smoke test of an image does."""
    return subprocess.run(
        [sys.executable, "-c", "import app.main"],
        cwd=SERVICE,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.parametrize("key", ["", "short-and-secret"])
def test_a_short_signing_key_stops_the_start_without_showing_it(key: str) -> None:
    done = start(JWT_SECRET_KEY=key)
    assert done.returncode == 1
    assert done.stdout == ""
    assert done.stderr.startswith("core-api cannot start: JWT_SECRET_KEY: ")
    assert "short-and-secret" not in done.stderr


def test_every_bad_setting_is_named_at_once() -> None:
    done = start(JWT_SECRET_KEY="short", DATABASE_URL="", DEBUG="perhaps")
    assert done.returncode == 1
    named = [line.split(": ")[1] for line in done.stderr.splitlines()]
    assert named == ["DATABASE_URL", "JWT_SECRET_KEY", "DEBUG"]


def test_good_settings_start() -> None:
    assert start().returncode == 0
