"""What the services' images are made from."""

from __future__ import annotations

import re

from .outcome import ROOT


def python_of_images() -> str:
    """The minor version of the Python that all of the services' images run."""
    text = "".join(file.read_text() for file in sorted(ROOT.glob("services/*/Dockerfile")))
    (version,) = set(re.findall(r"^FROM python:(\d+\.\d+)", text, flags=re.MULTILINE))
    return str(version)
