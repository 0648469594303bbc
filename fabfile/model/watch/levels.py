"""How bad a line of a log is."""

from __future__ import annotations

LEVELS = ("debug", "info", "warning", "error", "critical")
"""From the least to the worst."""
ALIKE = {
    "trace": "debug", "log": "info", "notice": "info", "warn": "warning", "err": "error",
    "fatal": "critical", "panic": "critical", "crit": "critical", "alert": "critical",
    "emerg": "critical",
    # The signs of Redis.
    ".": "debug", "-": "info", "*": "info", "#": "warning",
}  # fmt: skip
"""Other words for them."""
