"""The checks of ``fab doctor``: which there are, in which order, and how each came out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ..access.envfile import Findings

OK, WARN, FAIL = "ok", "warn", "fail"
STYLES = {FAIL: "red", WARN: "yellow", OK: ""}
"""How a line with each is shown."""

CHECKS: Mapping[str, str] = {
    # the way in
    "key": "whether it can be used, who may read it, and of which kind it is",
    "host key": "whether it is the one that is pinned",
    "login": "whether the server answers and lets the user in",
    "sessions": "how many commands at once its sshd allows on a connection (MaxSessions)",
    "login shell": "whether it runs what it is given",
    # what its user may do there
    "user": "who works there, and who else may use the engine",
    "sudo": "whether it can be used without a password",
    "folders": "the owners and modes of the server's state and of the checkout",
    "local users": "what other users of the server reach of the containers",
    # what runs the containers
    "programs": "whether those that the tasks need are there, and new enough",
    "engine": "whether it answers, may be used, and is new enough",
    "engine's kind": "rootless, user namespaces, live-restore",
    "compose": "whether it is there and new enough",
    "builder": "whether the one that hosts.ini names can build for the server",
    # the machine
    "disk": "how much is free",
    "inodes": "how many more files there can be",
    "memory": "whether what the services reserve is there",
    "cpus": "whether no service is limited to more than there are",
    "clock": "whether it agrees with this machine's",
    # what is to run there
    "clone": "whether git can work in the checkout",
    "remote": "whether the repository can be read and has the branch",
    "stack": "whether compose and we understand it",
    "names": "whether names of containers, networks and volumes are free",
    "ports": "whether nobody else has those that it publishes",
    "health checks": "none that asks localhost or with HEAD, and none missing",
    "probes": "whether anything asks if a release works",
    ".env": "whether it has what .env.example demands",
    "former .env": "whether releases keep none that nobody needs",
    # what runs there
    "changes": "a change that runs, died or failed; a frozen server; a canary",
    "records": "whether all of them can be read",
    "images": "how old those are that run",
    "stops": "whether each container ends when it is told to",
    "idle connections": "whether services keep them longer than the proxy",
    # who reaches it
    "DNS": "whether the site's names lead to the server",
    "certificate": "whether it is valid, for these names, trusted and served",
    "firewall": "whether this machine reaches what is published, and nothing else",
    "packets": "whether those of the containers fit through the network (MTU)",
    "link": "whether the server that it calls answers its services, and how fast",
    # what happens by itself
    "cron": "whether jobs are started and succeed",
    "backup": "whether the last one is young, verified, packed and elsewhere",
}
"""Name → what is asked, in the order in which they are shown."""


@dataclass(frozen=True)
class Check:
    """How one check came out on one server."""

    name: str
    verdict: str
    text: str
    """What was found, with its remedy where it is not well: one line."""

    @property
    def line(self) -> str:
        """As it is shown: ``warn disk: …``."""
        return f"{self.verdict:4} {self.name}: {self.text.removeprefix(f'{self.name}: ')}"

    def view(self) -> dict[str, str]:
        """As the stable JSON of ``docs/json.md``."""
        return {"check": self.name, "verdict": self.verdict, "text": self.text}


def judged(found: Mapping[str, Findings], well: Mapping[str, str]) -> list[Check]:
    """Every check that was made, those that are well with what ``well`` tells of them.

    One that neither has a finding nor is in ``well`` was not made.
    """
    return [check for name in CHECKS for check in _judged(name, found.get(name), well.get(name))]


def _judged(name: str, found: Findings | None, well: str | None) -> Iterator[Check]:
    problems = dict.fromkeys(found.problems if found else ())
    warnings = dict.fromkeys(found.warnings if found else ())
    yield from (Check(name, FAIL, text) for text in problems)
    yield from (Check(name, WARN, text) for text in warnings if text not in problems)
    if well is not None and not problems and not warnings:
        yield Check(name, OK, well)
