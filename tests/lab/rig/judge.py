"""A judge of TLS that this project did not write: testssl, in the mirror's container."""

from __future__ import annotations

import json
from dataclasses import dataclass

from .docker import LabError, docker, last_line
from .place import Place

DEADLINE = 240
"""Seconds; on an idle machine it needs some thirty."""
TOLERATED = ("OK", "INFO", "LOW")
ASKED = (
    "--protocols",
    "--std",
    "--fs",
    "--server-preference",
    "--server-defaults",
    "--headers",
    "--vulnerable",
)
"""All that it knows but for what ends in no finding: lists of ciphers and of simulated clients."""


@dataclass(frozen=True)
class Finding:
    """What it says of one thing; ``severity`` is its own word, from OK to CRITICAL or WARN."""

    id: str
    severity: str
    finding: str


def findings_of_testssl(place: Place, address: str, domain: str, authority: str) -> list[Finding]:
    """Everything that testssl says of port 443 of an address, asked for a domain.

    ``authority``: the certificate, in PEM, of whom it is to trust besides the public ones.
    """
    docker("exec", "-i", place.mirror, "sh", "-c", "cat >/tmp/authority.pem", stdin=authority)
    report = "/tmp/testssl.json"
    words = ["testssl", "--quiet", "--color", "0", "--warnings", "batch", "--nodns", "none"]
    words += ["--ip", address, "--add-ca", "/tmp/authority.pem", "--jsonfile", report]
    words += ["--overwrite", *ASKED, f"https://{domain}"]
    done = docker("exec", place.mirror, *words, timeout=DEADLINE, check=False)
    if done.returncode >= 240:
        raise LabError(f"testssl could not judge {domain}: {last_line(done.stdout)}")
    told = json.loads(docker("exec", place.mirror, "cat", report).stdout)
    return [Finding(one["id"], one["severity"], one["finding"]) for one in told]
