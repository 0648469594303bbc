"""A commit in which a service has another name, and what is said of the container it leaves."""

from __future__ import annotations

import re
from collections.abc import Mapping

from tests.lab.commits import Edit
from tests.lab.scenes import STACK

NOTE = "orphan: wishwithme-{} is of this project, but not in its stack; --remove-orphans"


def renamed(text: str) -> str:
    """The service frontend under the name page."""
    text = re.sub(r"^  frontend:", "  page:", text, flags=re.MULTILINE)
    return text.replace("      frontend: {condition", "      page: {condition")


def server_page(text: str) -> str:
    return text.replace("server frontend:80", "server page:80")


RENAMED: Mapping[str, Edit] = {STACK: renamed, "nginx/ubuntu/upstreams.conf": server_page}
