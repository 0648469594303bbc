"""Visits the site as a person does: runs on a server, in the resolver's image, with its browser.

Reads one JSON object from standard input: the site's name, where it leads, the certificate to
trust by its key, a shop's page and what it sells. Registers, leaves, signs in again, makes a
list, adds the page by its address, and waits until what it sells appears without a reload. Prints
as JSON what the browser complained of until then, its sights as PNGs in base64 by name, what is
kept and offered without a network, and what the page reads when it asks too often.
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


def visit(wanted: dict[str, Any], page: Any, email: str, sights: dict[str, str]) -> None:
    page.goto(f"https://{wanted['site']}/")
    page.get_by_role("button", name="Create an account").click()
    page.get_by_label("Your name").fill("Ada")
    sign(page, email, "Create account")
    page.get_by_role("button", name="Sign out").click()
    page.get_by_role("heading", name="Sign in").wait_for()
    sights["welcome"] = sight(page)
    sign(page, email, "Sign in")
    page.get_by_label("Name of a new list").fill("Birthday")
    page.get_by_role("button", name="Create").click()
    wish = page.get_by_label("What do you wish for? A name, or the address of its page")
    for text in ("A good umbrella", wanted["shop"]):
        wish.fill(text)
        page.get_by_role("button", name="Add", exact=True).click()
    page.get_by_role("heading", name=wanted["sells"]).wait_for()


def sign(page: Any, email: str, button: str) -> None:
    page.get_by_label("Email").fill(email)
    page.get_by_label("Password").fill("correct horse battery")
    page.get_by_role("button", name=button, exact=True).click()


def sight(page: Any) -> str:
    return base64.b64encode(page.screenshot()).decode()


SHELL = """async () => {
    await navigator.serviceWorker.ready;
    const names = await caches.keys();
    const kept = await (await caches.open(names[0])).match("/index.html");
    return [names.length, (await kept.text()).includes('id="app"')];
}"""
"""How many shells the browser keeps, and whether the one is that of the page."""


def lose_the_network(wanted: dict[str, Any], page: Any, sights: dict[str, str]) -> dict[str, Any]:
    """What is kept after a look at an address of the server, and what is offered offline."""
    page.goto(f"https://{wanted['site']}/health")
    page.goto(f"https://{wanted['site']}/")
    page.get_by_role("link", name="Birthday").click()
    page.get_by_role("heading", name="Birthday").wait_for()
    shell = page.evaluate(SHELL)
    page.context.set_offline(True)
    page.get_by_text("You are offline.").wait_for()
    sights["offline"] = sight(page)
    offers = page.locator("form:visible").count()
    page.context.set_offline(False)
    page.get_by_label("Name of a new list").wait_for()
    return {"shell": shell, "offers": offers}


TRIES = """async () => {
    const {api_url} = await (await fetch("/config.json")).json();
    const tried = [];
    for (let i = 0; i < 8; i++) {
        const answer = await fetch(`${api_url}/api/v1/auth/login`, {
            method: "POST",
            headers: {"Content-Type": "application/json"},
            body: JSON.stringify({email: "nobody@example.org", password: "never was one"}),
        });
        tried.push({status: answer.status, says: (await answer.json()).detail});
    }
    return tried;
}"""
"""What a page's own script learns of a limit that it runs into."""


def run_into_the_limit(page: Any, email: str, sights: dict[str, str]) -> Any:
    """What the page's script learns of it, and what the person sees who signs in just then."""
    tried = page.evaluate(TRIES)
    page.get_by_role("button", name="Sign out").click()
    sign(page, email, "Sign in")
    page.get_by_text("Too many requests").wait_for()
    sights["limit"] = sight(page)
    return tried


def main() -> None:
    wanted = json.loads(sys.stdin.readline())
    complaints: list[str] = []
    with sync_playwright() as playwright:
        site, leads = wanted["site"], wanted["address"]
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium-headless-shell"),
            args=[
                "--no-sandbox",
                f"--host-resolver-rules=MAP {site} {leads}, MAP *.{site} {leads}",
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
        sights: dict[str, str] = {}
        seen: dict[str, Any] = {"sights": sights}
        email = f"{time.time_ns()}@example.org"
        try:
            try:
                visit(wanted, page, email, sights)
            finally:
                sights["birthday"] = sight(page)
                seen |= {"complaints": list(complaints), "text": page.inner_text("body")}
            seen["offline"] = lose_the_network(wanted, page, sights)
            seen["limited"] = run_into_the_limit(page, email, sights)
        finally:
            print(json.dumps(seen))
        browser.close()


if __name__ == "__main__":
    main()
