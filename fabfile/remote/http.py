"""Asking probes on a server with curl, many in one round trip."""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping, Sequence

from ..model.maintenance import PASS
from ..model.probe import Answer, Question
from .host import Host

TIMEOUT = 10
"""Seconds that one probe may take."""
BODY = 1 << 20
"""Bytes of a body that are read."""
CURL = """
# Without the person's own ~/.curlrc.
[ -n "$1" ] || exec curl --disable --silent --config -
authority=$(mktemp) || exit 73
trap 'rm -f "$authority"' EXIT
printf '%s\\n' "$1" >"$authority"
# By environment: an option would hold for the first question only.
CURL_CA_BUNDLE=$authority curl --disable --silent --config -
"""


def purge(host: Host, url: str, token: str) -> str:
    """Ask a CDN to forget all that it keeps; why it did not, or nothing.

    The form is Cloudflare's: a POST that says so, with the token as bearer, which goes by stdin.
    """
    lines = [
        f"url = {_quoted(url)}",
        "globoff",
        "fail",
        "show-error",
        f"max-time = {TIMEOUT}",
        'proto = "=https"',
        'header = "Content-Type: application/json"',
        f"header = {_quoted(f'Authorization: Bearer {token}')}",
        f"data = {_quoted(json.dumps({'purge_everything': True}))}",
    ]
    words = ["bash", "-c", "exec curl --disable --silent --config -", "purge-cdn", url]
    output = host.write(words, stdin="\n".join(lines) + "\n", timeout=TIMEOUT + 2, check=False)
    return "" if output.ok else "; ".join(output.tail(1)) or f"exit code {output.code}"


def ask_on_server(
    host: Host, questions: Sequence[Question], env: Mapping[str, str], trust: str = ""
) -> list[Answer]:
    """Ask all questions from the server itself, with curl. ``env`` holds the bearers.

    ``trust`` is a certificate (PEM text) that takes the place of the server's own authorities;
    empty: those. Bearers go by stdin, never into argv.
    """
    if not questions:
        return []
    mark = secrets.token_hex(8)
    config = "next\n".join(_curl(question, env, mark) for question in questions)
    output = host.read(
        ["bash", "-c", CURL, "curl", trust],
        stdin=config,
        timeout=(TIMEOUT + 2) * len(questions),
        check=False,
    )
    chunks = output.stdout.split(f"\n{mark} ")
    answers = []
    body = chunks[0]
    for chunk in chunks[1:]:
        meta, _, following = chunk.partition("\n")
        answers.append(_answer(meta, body))
        body = following
    missing = len(questions) - len(answers)
    return answers + [Answer(0, error="; ".join(output.tail(3)) or "no answer")] * missing


def _answer(said: str, text: str) -> Answer:
    try:
        meta = json.loads(said)
    except ValueError:
        return Answer(0, error="the server's curl does not tell how it went; 7.70 or newer does")
    head, _, body = text.partition("\r\n\r\n")
    headers: dict[str, str] = {}
    for line in head.split("\r\n")[1:]:
        name, _, value = line.partition(":")
        key = name.strip().lower()
        headers[key] = f"{headers[key]}, {value.strip()}" if key in headers else value.strip()
    return Answer(
        status=int(meta["http_code"]),
        body=body,
        headers=headers,
        error=meta.get("errormsg") or "no answer",
        seconds=float(meta["time_total"]),
    )


def _curl(question: Question, env: Mapping[str, str], mark: str) -> str:
    lines = [
        f"url = {_quoted(question.url)}",
        "globoff",
        'noproxy = "*"',
        "include",
        f"max-time = {TIMEOUT}",
        f"max-filesize = {BODY}",
        'proto = "=http,https"',
        'header = "User-Agent: wishwithme-probe"',
        f'write-out = "\\n{mark} %{{json}}\\n"',
    ]
    if question.connect:
        lines.append(f"connect-to = {_quoted(f'::{question.connect}')}")
    if question.probe.bearer:
        token = env.get(question.probe.bearer, "")
        lines.append(f"header = {_quoted(f'Authorization: Bearer {token}')}")
    if question.maintenance:
        lines.append(f"header = {_quoted(f'{PASS}: {question.maintenance}')}")
    return "\n".join(lines) + "\n"


def _quoted(text: str) -> str:
    """A string in curl's configuration file."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'
