"""What takes too long for every run: ``scripts/test --full`` sets ``TEST_FULL`` and runs it too."""

from __future__ import annotations

import os

import pytest

from tests.suite.outcome import BY_CHOICE

full = pytest.mark.skipif("TEST_FULL" not in os.environ, reason=BY_CHOICE)
