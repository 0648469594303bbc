"""How many examples a search draws: all under ``scripts/test --full``, a tenth in every run.

They are drawn the same way every time, so a run of few finds what it found before.
"""

from __future__ import annotations

import os

from hypothesis import HealthCheck, settings


def examples(number: int) -> settings:
    """The settings of a search of so many examples."""
    return settings(
        max_examples=number if "TEST_FULL" in os.environ else number // 10,
        suppress_health_check=[HealthCheck.too_slow],
    )
