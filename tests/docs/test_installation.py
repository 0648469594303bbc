"""README's way to a real installation: no command of a page overwrites a server's settings."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
WRITES = re.compile(r"\b(scp|rsync|cp|mv|nano|vi)\b.*\.env\b|> ?\S*\.env\b")


def test_no_page_writes_settings_but_by_the_tasks_that_keep_the_former_ones() -> None:
    assert WRITES.search("ssh SERVER 'cat >x/.env' <.env.example")
    pages = [ROOT / "README.md", ROOT / "SECURITY.md", *(ROOT / "docs").glob("*.md")]
    lines = [line for page in pages for line in page.read_text().splitlines()]
    assert [line for line in lines if WRITES.search(line)] == []
    way = (ROOT / "README.md").read_text().partition("## A real installation")[2]
    steps = [line.split()[1] for line in way.splitlines() if line.startswith("fab ")]
    assert steps == ["hosts.pin", "bootstrap", "env.init", "deploy", "cron.install"]
