"""Telling people of outcomes: whom, of what, and the same trouble once."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace

from ..model.access.envfile import parse
from ..model.errors import REFUSED, Trouble, as_trouble
from ..model.telling import URLS, Message, Outcome, findings
from ..remote import notifying
from ..remote.host import Host
from ..remote.notifying import News
from .session import Session, job, occasion, operator, side_by_side

TOLD = ("db.backup", "db.verify", "volume.backup", "ssl.renew")
"""Tasks of which people are told how they ended, whoever started them. Of all others that cron
starts they are told that it fails, and that this is over."""
FAILS = "fails"
"""The one trouble that a task can have."""


def urls_of(env: str) -> tuple[str, ...]:
    """The addresses that the text of an ``.env`` names; none: nobody is told."""
    return tuple(parse(env).values.get(URLS, "").split()) if URLS in env else ()


@contextmanager
def change_told(session: Session, outcome: Outcome, hosts: Mapping[str, Host]) -> Iterator[None]:
    """Tell how the block ends, which changes what runs on servers. ``outcome``: without its end.

    Nothing where it was refused, and nothing was touched: whoever typed it reads that.
    """
    start = time.monotonic()
    urls = _urls(hosts)  # before a way back brings an earlier .env
    try:
        yield
    except Trouble as trouble:
        if trouble.code != REFUSED:
            tell(session, urls, ended(outcome, start, trouble).message)
        raise
    tell(session, urls, ended(outcome, start).message)


def begun(task: str, servers: Sequence[str], commit: str, subject: str, author: str) -> Outcome:
    """An outcome without its end."""
    return Outcome(
        task, (*servers,), operator(), occasion(), 0, commit=commit, subject=subject, author=author
    )


def ended(outcome: Outcome, start: float, trouble: Trouble | None = None) -> Outcome:
    """The same outcome with its end, which is now. ``start``: by the monotonic clock."""
    done = replace(outcome, seconds=time.monotonic() - start)
    if trouble is None:
        return done
    return replace(done, code=trouble.code, error=trouble.message, evidence=trouble.evidence)


@contextmanager
def task_told(session: Session, task: str) -> Iterator[None]:
    """Tell how a task ends, where people want to know that; see :data:`TOLD`.

    That it fails is told once for each server, and once that this is over.
    """
    name = job() or task
    if not (job() or task in TOLD):
        yield
        return
    start = time.monotonic()
    trouble: Trouble | None = None
    with _ended_by_cron():
        try:
            yield
        except BaseException as error:
            trouble = as_trouble(error)
            raise
        finally:
            if job() or trouble is None or trouble.code != REFUSED:
                try:
                    _tell_task(session, ended(begun(name, (), "", "", ""), start, trouble))
                except KeyboardInterrupt:
                    session.console.warn("", "nobody was told: nobody waited for it")


@contextmanager
def _ended_by_cron() -> Iterator[None]:
    """A job that takes too long is ended by a signal: that is then like a Ctrl-C."""
    if not job():
        yield
        return
    former = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, former)


def _tell_task(session: Session, outcome: Outcome) -> None:
    """A failure where it is news; a success where something was done, or a failure is over."""
    hosts = {name: host for name, host in session.opened().items() if urls_of(host.env)}
    family, troubles = outcome.task, [FAILS] if outcome.code else []
    done = {*hosts} & {*session.journal.parts}
    found = side_by_side(lambda name: _settle(session, hosts[name], family, troubles), [*hosts])
    news = {name: one for name, one in found.items() if one.new or one.over}
    told = {*news}
    if not outcome.code and family in TOLD:
        told |= done
    servers = tuple(name for name in hosts if name in told)
    is_over = any(one.over for one in news.values())
    message = replace(outcome, servers=servers, is_over=is_over).message
    for name in tell(session, _urls({name: hosts[name] for name in servers}), message):
        if name in news:
            _forget(session, hosts[name], family, troubles, news[name])


def findings_told(session: Session, name: str, found: Mapping[str, Sequence[str]]) -> None:
    """Tell what an examination of a server found that people do not know, and what is over.

    ``found``: name of a check → its lines.
    """
    host = session.opened().get(name)
    if host is None or not urls_of(host.env):
        return
    # From the server itself a few things look otherwise than from outside.
    family = "doctor.here" if host.server.connection == "local" else "doctor"
    news = _settle(session, host, family, [*found])
    if not (news.new or news.over):
        return
    lines = [line for one in news.new for line in found[one]]
    message = findings(name, lines, news.over)
    if tell(session, _urls({name: host}), message):
        _forget(session, host, family, [*found], news)


def _settle(session: Session, host: Host, family: str, troubles: Sequence[str]) -> News:
    """What is news there. Where that cannot be found out, all is: better twice than never."""
    try:
        return notifying.settle(host, family, troubles)
    except Trouble as trouble:
        why = trouble.message.removeprefix(f"{host.name}: ")
        session.console.warn(host.name, f"what people know cannot be read: {why}")
        return News(tuple(troubles), ())


def _forget(session: Session, host: Host, family: str, troubles: Sequence[str], news: News) -> None:
    """Nobody was told: the next time it is news again."""
    _settle(session, host, family, [*({*troubles} - {*news.new}), *news.over])


def _urls(hosts: Mapping[str, Host]) -> dict[str, tuple[str, ...]]:
    return {name: urls_of(host.env) for name, host in hosts.items()}


def tell(session: Session, urls: Mapping[str, Sequence[str]], message: Message) -> list[str]:
    """Tell everybody whom these servers name, once; the servers of which nobody was told.

    Whoever cannot be told is a warning, and changes nothing of what the command came to.
    """
    redact = session.console.redact
    shown = Message(redact(message.title), (*map(redact, message.lines),), message.is_trouble)
    every = [*dict.fromkeys(url for some in urls.values() for url in some)]
    if not every:
        return []
    whys = notifying.send(every, shown)
    for why in whys.values():
        session.console.warn("", f"not told: {why}")
    return [name for name, some in urls.items() if some and {*some} <= {*whys}]
