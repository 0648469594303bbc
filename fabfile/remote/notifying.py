"""Telling people: which troubles are news, and messages through the library apprise."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

from ..model.telling import Message
from .host import Host

SCRIPT = Path(__file__).with_name("told.sh").read_text(encoding="utf-8")
DEADLINE = 15.0
"""Seconds that all who are told together may take."""
SHOWN = 20
"""Characters of the name of a service that are shown."""
PATIENCE = 10
"""Seconds that looking up what was told may take."""


class News(NamedTuple):
    """Names of troubles that people do not know of yet, and of known ones that are over."""

    new: tuple[str, ...]
    over: tuple[str, ...]


def settle(host: Host, family: str, troubles: Iterable[str]) -> News:
    """What of the troubles that there are now is news; the server remembers them as told."""
    words = ["bash", "-c", SCRIPT, "told", str(host.server.root / "releases"), family]
    stdin = "".join(f"{name}\n" for name in troubles)
    lines = [
        line.partition(" ")
        for line in host.write(words, stdin=stdin, timeout=PATIENCE).stdout.splitlines()
    ]
    return News(
        tuple(name for kind, _, name in lines if kind == "new"),
        tuple(name for kind, _, name in lines if kind == "over"),
    )


def send(urls: Sequence[str], message: Message) -> dict[str, str]:
    """Tell all of them side by side; address → why it was not told, without the address itself."""
    # It takes a fifth of a second to import, which only those wait who tell somebody.
    from apprise import Apprise, NotifyFormat, NotifyType

    logger = logging.getLogger("apprise")
    logger.propagate = False  # its words hold addresses, and these hold secrets
    logger.addHandler(logging.NullHandler())
    kind = NotifyType.FAILURE if message.is_trouble else NotifyType.SUCCESS
    whys = dict.fromkeys(range(len(urls)), f"no answer within {DEADLINE:g} s")

    def tell(number: int) -> None:
        one = Apprise()
        if not one.add(urls[number]):
            whys[number] = "apprise knows no such address"
        elif one.notify(message.body, message.title, kind, body_format=NotifyFormat.TEXT):
            whys[number] = ""
        else:
            whys[number] = "it was not taken"

    threads = [threading.Thread(target=tell, args=(number,), daemon=True) for number in whys]
    for thread in threads:
        thread.start()
    end = time.monotonic() + DEADLINE
    for thread in threads:
        thread.join(max(end - time.monotonic(), 0))
    return {
        urls[number]: f"address {number + 1} of {len(urls)} ({kind_of(urls[number])}): {why}"
        for number, why in dict(whys).items()
        if why
    }


def kind_of(url: str) -> str:
    """Which service it is for: all of an address that may be shown."""
    kind, mark, _ = url.partition("://")
    return f"{kind[:SHOWN]}://" if mark and kind.isalnum() else "no address"
