"""Visits the site as a person does: runs on a server, in the resolver's image, with its browser.

Reads one JSON object from standard input: where the names of the site lead, the certificate to
trust by its key, a shop's page and what it sells. Registers, makes a list, adds the page by its
address, and waits until what it sells appears without a reload. Prints as JSON what the browser
complained of, and the last sight as a PNG in base64.
"""

from __future__ import annotations

import base64
import json
import shutil
import sys
import time
from typing import Any

from playwright.sync_api import sync_playwright  # type: ignore[import-not-found] # in that image

PATIENCE = 60_000
"""Milliseconds until something must be seen."""


def visit(wanted: dict[str, Any], page: Any) -> None:
    page.goto("https://wishwith.me/")
    page.get_by_role("button", name="Create an account").click()
    page.get_by_label("Your name").fill("Ada")
    page.get_by_label("Email").fill(f"{time.time_ns()}@example.org")
    page.get_by_label("Password").fill("correct horse battery")
    page.get_by_role("button", name="Create account").click()
    page.get_by_label("Name of a new list").fill("Birthday")
    page.get_by_role("button", name="Create").click()
    wish = page.get_by_label("What do you wish for? A name, or the address of its page")
    for text in ("A good umbrella", wanted["shop"]):
        wish.fill(text)
        page.get_by_role("button", name="Add", exact=True).click()
    page.get_by_role("heading", name=wanted["sells"]).wait_for()


def main() -> None:
    wanted = json.loads(sys.stdin.readline())
    complaints: list[str] = []
    with sync_playwright() as playwright:
        leads = wanted["address"]
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium-headless-shell"),
            args=[
                "--no-sandbox",
                f"--host-resolver-rules=MAP wishwith.me {leads}, MAP *.wishwith.me {leads}",
                f"--ignore-certificate-errors-spki-list={wanted['key']}",
            ],
        )
        page = browser.new_page(viewport={"width": 1280, "height": 800})
        page.set_default_timeout(PATIENCE)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on(
            "console",
            lambda said: complaints.append(said.text) if said.type == "error" else None,
        )
        try:
            visit(wanted, page)
        finally:
            sight = base64.b64encode(page.screenshot()).decode()
            text = page.inner_text("body")
            print(json.dumps({"complaints": complaints, "text": text, "sight": sight}))
        browser.close()


if __name__ == "__main__":
    main()
