"""Commit status: a forge shows beside a commit how its deploy ended."""

from __future__ import annotations

import re
from urllib.parse import quote

import requests

from ..model.hosts.values import COMMIT_STATUS

APIS = {"github": "https://api.github.com", "gitlab": "https://gitlab.com"}
"""Where each answers, unless the setting names another place."""
TIMEOUT = 10
"""Seconds."""
LONGEST = 140
"""Characters of a description that GitHub takes."""


def report(
    setting: str, token: str, commit: str, *, passed: bool, context: str, description: str
) -> str:
    """Report how a deploy of a commit ended; why it was not taken, empty: it was.

    ``setting``: ``commit_status`` of hosts.ini. ``context``: the line that it is in.
    """
    found = re.fullmatch(COMMIT_STATUS, setting)
    assert found
    forge, project = found["forge"], found["project"]
    place = (found["place"] or APIS[forge]).rstrip("/")
    words = description[:LONGEST]
    if forge == "github":
        url = f"{place}/repos/{project}/statuses/{commit}"
        headers = {"Authorization": f"Bearer {token}", "Accept": "application/vnd.github+json"}
        state = {"state": "success" if passed else "failure", "context": context}
    else:
        url = f"{place}/api/v4/projects/{quote(project, safe='')}/statuses/{commit}"
        headers = {"PRIVATE-TOKEN": token}
        state = {"state": "success" if passed else "failed", "name": context}
    try:
        answer = requests.post(
            url,
            json={**state, "description": words},
            headers=headers,
            timeout=TIMEOUT,
            allow_redirects=False,
        )
    except requests.RequestException as error:
        return f"{forge} cannot be asked ({type(error).__name__})"
    taken = answer.status_code in (requests.codes.ok, requests.codes.created)
    return "" if taken else f"{forge} answered {answer.status_code}"
