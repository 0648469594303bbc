"""What an ACME client says, and where it keeps what an authority gave."""

from __future__ import annotations

from itertools import pairwise
from urllib.parse import urlsplit

ABOUT = ("Ask for help", "Hint: ", "See the logfile", "Some challenges have failed")
"""Beginnings of certbot's lines that say nothing of a cause."""


def lineage(directory: str) -> str:
    """The name of a directory's certificate: another directory (staging, say) has another."""
    return urlsplit(directory).netloc.replace(":", "-")


def cause(output: str) -> str:
    """Why certbot got no certificate, in one line."""
    lines = [line.strip() for line in output.split("\n")]
    details = {
        key: [line.removeprefix(f"{key}:").strip() for line in lines if line.startswith(f"{key}:")]
        for key in ("Domain", "Detail")
    }
    if details["Domain"] and details["Detail"]:
        return f"{details['Domain'][0]}: {details['Detail'][0]}"
    told = [line for line in lines if line and not line.startswith(ABOUT)]
    for line, following in pairwise(told):
        if line == "An unexpected error occurred:":
            return following
    return told[-1] if told else "certbot says nothing"
