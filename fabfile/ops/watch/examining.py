"""Examining: every check of one server, in three round trips."""

from __future__ import annotations

import re
from typing import Any

from ...model.certificates.certificate import Sighting
from ...model.deploy.budget import scanty
from ...model.deploy.plan import Target
from ...model.errors import Trouble
from ...model.examined import Examined
from ...model.findings import Gathered, by_check
from ...model.framing import lines_of
from ...model.inventory import Server
from ...model.probe import Verdict
from ...model.project.proposals import unproved
from ...model.release import killed
from ...model.schedule.jobs import NO_DAEMON
from ...model.watch.checks import FAIL, Check, judged
from ...model.watch.host_checks import clock, machine_problems, machine_warnings, skew
from ...model.watch.key import key_warnings
from ...model.watch.lint import health_checks
from ...model.watch.well import of_server, of_stack
from ...remote.access.keys import kind_of
from ...remote.asking import Asked, ask_all
from ...remote.deploy import idle
from ..certificates.serving import Place
from ..deploy.building import builder_of
from ..gates import link_asked
from ..pointing import astray, names_of
from ..session import Session
from ..sight import Sight, look_at
from .reaching import from_here
from .status import view
from .verdict import changes

SPEED = re.compile(r"([0-9.]+) MB/s")
SLOW = 1.0
"""MB/s below which a link is told to be slow."""


class Examination:
    """What is found on one server, check by check."""

    def __init__(self) -> None:
        self.problems = Gathered()
        self.warnings = Gathered()
        self.well: dict[str, str] = {}
        """Of each check that was made: what is told of it where it is well."""

    @property
    def checks(self) -> list[Check]:
        """How each came out."""
        return judged(by_check(self.problems, self.warnings), self.well)


def examine(session: Session, name: str) -> list[Check]:
    """Every check of one server; of one that cannot be worked with, why."""
    try:
        return _examined(session, name)
    except Trouble as trouble:
        said = trouble.message.removeprefix(f"{name}: ")
        about = trouble.about or "login"
        return [Check(about, FAIL, text) for text in (said, *trouble.evidence)]


def _examined(session: Session, name: str) -> list[Check]:
    host = session.host(name)
    before = host.clock()
    sight = look_at(session, name, closely=True)
    after = host.clock()
    seen = sight.facts.examined
    assert seen is not None
    made = Examination()
    for check, found in sight.found.items():
        made.problems.add(check, found.problems)
        made.warnings.add(check, found.warnings)
    _key(session, sight.server, made)
    _machine(sight, seen, made, skew(sight.facts.now, before, after))
    _history(sight, made)
    names = {*sight.server.domains, *(names_of(sight.target) if sight.target else ())}
    made.warnings.add("DNS", astray(session.inventory, sight.server, sorted(names)).values())
    if names:
        made.well["DNS"] = ", ".join(sorted(names))
    if sight.target:
        _stack(sight, sight.target, seen, made)
    _builder(session, sight, made)
    _firewall(session, sight, made)
    if sight.deployed:
        _asked(session, sight, made)
    return made.checks


def _key(session: Session, server: Server, made: Examination) -> None:
    if server.connection == "local":
        return
    if server.agent:
        made.well["key"] = "one of the ssh-agent's"
        return
    ask = session.passphrases(server)
    kind = kind_of(server.key, ask(server.key) if server.passphrase else "")
    if kind is None:
        return
    made.well["key"] = f"{kind.name}, for you alone"
    made.warnings.add("key", key_warnings(server, kind))


def _machine(sight: Sight, seen: Examined, made: Examination, ahead: float) -> None:
    server, facts = sight.server, sight.facts
    made.problems.add_all(machine_problems(server, seen))
    made.warnings.add_all(machine_warnings(server, facts, seen, sight.target))
    wrong, differs = clock(ahead)
    made.problems.add("clock", wrong)
    made.warnings.add("clock", differs)
    made.well |= of_server(server, facts, seen)


def _history(sight: Sight, made: Examination) -> None:
    """What runs there, how it ended, and what should have been done by itself."""
    facts, seen = sight.facts, view(sight, None)
    made.problems.add("stack", seen["problems"][len(sight.problems) :])
    made.warnings.add("changes", [*changes(sight.server.name, seen), *seen["generations"]])
    made.warnings.add("cron", [seen["cron"]] if seen["cron"] else [])
    late = [f"job {job['task']}: {job['late']}" for job in seen["jobs"] if job["late"]]
    made.warnings.add("cron", late)
    if seen["backup"] and seen["backup"]["stale"]:
        made.warnings.add("backup", [f"backup: {seen['backup']['stale']}"])
    if sight.deployed:
        made.warnings.add("stops", killed(facts.releases))
        made.well["stops"] = "each container has ended when it was told to"
    elif facts.cron == "no" and not facts.jobs:
        made.warnings.add("cron", [NO_DAEMON])


def _stack(sight: Sight, target: Target, seen: Examined, made: Examination) -> None:
    made.warnings.add("probes", unproved(target.stack, target.resolved))
    made.warnings.add("health checks", health_checks(target.stack, target.resolved, sight.facts))
    if not sight.deployed:
        made.warnings.add("memory", scanty(target, sight.facts))
    made.well |= of_stack(sight.server, sight.facts, seen, target)


def _builder(session: Session, sight: Sight, made: Examination) -> None:
    name = sight.server.name
    try:
        if builder := builder_of(session, name):
            made.well["builder"] = builder
    except Trouble as trouble:
        made.problems.add("builder", [trouble.message.removeprefix(f"{name}: ")])


def _firewall(session: Session, sight: Sight, made: Examination) -> None:
    told, well = from_here(session, sight)
    made.warnings.add("firewall", told)
    if well is not None:
        made.well["firewall"] = well


def _asked(session: Session, sight: Sight, made: Examination) -> None:
    """What is asked of a server that runs something, all in one round trip."""
    target = sight.target
    asked: dict[str, Asked[Any]] = {}
    place = Place(sight, called=bool(session.inventory.callers_of(sight.server.name)))
    if target is None or target.stack.proxy:
        asked["certificate"] = place.asked
    if target and (link := link_asked(target, sight.facts)):
        asked["link"] = link
    if target and (held := idle.asking(sight.server, target.stack)):
        asked["idle connections"] = held
    answers = dict(zip(asked, ask_all(sight.host, list(asked.values())), strict=True))
    if "certificate" in answers:
        _certificate(place, answers["certificate"], made)
    if "link" in answers:
        _link(sight.server, answers["link"], made)
    if "idle connections" in answers:
        made.warnings.add("idle connections", answers["idle connections"])
        made.well["idle connections"] = "kept longer than the proxy keeps them"


def _certificate(place: Place, sighting: Sighting, made: Examination) -> None:
    seen = sighting.view(place.wanted, place.sight.facts.now)
    made.problems.add("certificate", [f"certificate: {text}" for text in seen["problems"]])
    made.well["certificate"] = f"valid for {seen['days']} days more"


def _link(server: Server, verdict: Verdict, made: Examination) -> None:
    said = " ".join(lines_of(verdict.why))
    if not verdict.ok:
        made.problems.add("link", [said])
    elif any(float(speed) < SLOW for speed in SPEED.findall(said)):
        made.warnings.add("link", [f"slow: {said}; fab {server.name}.health asks it again"])
    else:
        made.well["link"] = said
