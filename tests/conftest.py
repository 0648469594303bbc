"""What holds for every test."""

from __future__ import annotations

import signal

import pytest

# What helpers assert is told with its values, as in a test itself.
pytest.register_assert_rewrite("tests.edge", "tests.features", "tests.lab", "tests.tasks")

# A background job of a shell ignores Ctrl-C, and so would all that a test starts there. A handler,
# unlike being ignored, is not inherited: what is started has the default again.
signal.signal(signal.SIGINT, signal.default_int_handler)
