"""Wild inputs are drawn the same way every time: a red test stays red until it is mended."""

from __future__ import annotations

from hypothesis import settings

settings.register_profile("unit", deadline=None, derandomize=True, database=None, max_examples=100)
settings.load_profile("unit")
