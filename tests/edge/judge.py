"""A judge of TLS that this project did not write: sslyze, by Mozilla's intermediate rules."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path


def complaints_of_sslyze(host: str, port: int, authority: Path) -> list[str]:
    """What it finds wrong with who listens at ``port`` of 127.0.0.1 and is asked as ``host``.

    ``authority``: the certificate of whom it is to trust besides the public ones, PEM.
    """
    words = [sys.executable, "-m", "sslyze", "--mozilla_config", "intermediate"]
    words += ["--certinfo_ca_file", str(authority), f"{host}:{port}{{127.0.0.1}}"]
    done = subprocess.run(
        words, capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=90, check=False
    )
    _, judged, below = done.stdout.partition(f"    {host}:{port}: ")
    verdict, *told = below.strip().splitlines() or [""]
    complaints = [line.strip().removeprefix("* ") for line in told if line.strip()]
    wanted = (1, "FAILED - Not compliant.") if complaints else (0, "OK - Compliant.")
    assert judged, done.stdout + done.stderr
    assert (done.returncode, verdict) == wanted, done.stdout + done.stderr
    return complaints
