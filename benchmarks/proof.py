"""The questions of our own gates as one script, so that everybody proves the same."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit

HEAD = r"""set -euo pipefail
address() { docker inspect -f '{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}' "$1"; }
answers() { curl -sS -f -m 5 "${@:2}" | grep -E -- "$1" >/dev/null; }"""


def script(stack: Mapping[str, Any]) -> str:
    """A bash script that ends with 0 when every gate of a stack is green, asked on its server.

    ``stack``: its compose file, whose ``x-deploy`` says what is asked. A profile's service is left
    out.
    """
    return "\n".join([HEAD, *_questions(stack), ""])


def _questions(stack: Mapping[str, Any]) -> Iterator[str]:
    for name, hints in stack["x-deploy"].items():
        service = stack["services"][name]
        container = service["container_name"]
        if "profiles" in service:
            continue
        if probe := hints.get("probe"):
            url = f'"http://$(address {container}):{probe["port"]}{probe["path"]}"'
            yield f"answers {shlex.quote(_wanted(probe))} {url}"
        for words in hints.get("checks", {}).values():
            yield shlex.join(["docker", "exec", container, *words])
        if link := hints.get("link"):
            yield shlex.join(["docker", "exec", container, *link["command"]])
        for gate in hints.get("gates", ()):
            to = f"{urlsplit(gate['url']).hostname}:443:127.0.0.1"
            words = ["--resolve", to, "--cacert", "/opt/wishwithme/certs/fullchain.pem"]
            yield shlex.join(["answers", _wanted(gate), *words, gate["url"]])


def _wanted(probe: Mapping[str, Any]) -> str:
    """A regular expression of what the answer must say."""
    if "contains" in probe:
        return re.escape(probe["contains"]).replace("\\ ", " ")
    [(key, value)] = probe["json"].items()
    return f"{json.dumps(key)}: ?{json.dumps(value)}"
