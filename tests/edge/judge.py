"""A judge of TLS that this project did not write: sslyze, by Mozilla's intermediate rules."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

COMPLIANT = "OK - Compliant."
"""Its verdict when nothing is to be said."""


def verdict_of_sslyze(host: str, port: int, authority: Path) -> str:
    """What it says of who listens at ``port`` of 127.0.0.1 and is asked as ``host``.

    ``authority``: the certificate of whom it is to trust besides the public ones, PEM.
    """
    words = [sys.executable, "-m", "sslyze", "--mozilla_config", "intermediate"]
    words += ["--certinfo_ca_file", str(authority), f"{host}:{port}{{127.0.0.1}}"]
    done = subprocess.run(
        words, capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=90, check=False
    )
    told = [line for line in done.stdout.splitlines() if f"{host}:{port}: " in line]
    if done.returncode or len(told) != 1:
        return done.stdout + done.stderr
    return told[0].partition(f"{host}:{port}: ")[2]
