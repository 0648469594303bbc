"""The questions of our own gates as one script, so that everybody proves the same."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit

HEAD = r"""set -euo pipefail
containers() {
  docker ps -q --filter "label=com.docker.compose.project=$project" \
    --filter "label=com.docker.compose.service=$1" \
    --filter label=com.docker.compose.oneoff=False | grep .
}
address() { docker inspect -f '{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}' "$1"; }
answers() { curl -sS -f -m 5 "${@:2}" | grep -E -- "$1" >/dev/null; }"""

FIRST = '''docker exec "${all%%$'\\n'*}"'''
"""Before a command in one replica of a service."""


def script(stack: Mapping[str, Any]) -> str:
    """A bash script that ends with 0 when every gate of a stack is green, asked on its server.

    ``stack``: its compose file, whose ``x-deploy`` says what is asked. A profile's service is left
    out.
    """
    return "\n".join([HEAD, f"project={stack['name']}", *_questions(stack), ""])


def _questions(stack: Mapping[str, Any]) -> Iterator[str]:
    for name, hints in stack["x-deploy"].items():
        if "profiles" in stack["services"][name]:
            continue
        if {"probe", "checks", "link"} & set(hints):
            yield f"all=$(containers {name})"
        if probe := hints.get("probe"):
            url = f'"http://$(address "$one"):{probe["port"]}{probe["path"]}"'
            asked = f"answers {shlex.quote(_wanted(probe))} {url}"
            yield f"for one in $all; do {asked}; done"
        for words in hints.get("checks", {}).values():
            yield f"{FIRST} {shlex.join(words)}"
        if link := hints.get("link"):
            yield f"{FIRST} {shlex.join(link['command'])}"
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
