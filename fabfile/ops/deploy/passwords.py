"""The database's password: which one of ``.env`` it takes, and when it gets the new one.

PostgreSQL's role has one at a time. Services that know the former one too need no moment at which
all change: they run with both first, and the database gets the new one when nobody needs another.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping

from ...model.access.envfile import parse
from ...model.access.verifier import scram
from ...model.errors import Trouble
from ...model.facts import Container, Facts
from ...model.hints import Database
from ...model.stack import Service, Stack
from ...remote.data import postgres
from ...remote.host import Host
from ...remote.look import look
from ...ui.console import Console
from ..data.databases import from_service

ASK = 30
"""Seconds that a log-in may take."""
SALT = 16
"""Bytes."""


def refusal(
    host: Host, service: Service, container: Container, values: Mapping[str, str], *keys: str
) -> str:
    """Why PostgreSQL takes none of the passwords that ``.env`` has under these keys.

    Empty: it takes one, or there is none to try. It is the first one's reason.
    """
    database, whys = from_service(service, container.image), list[str]()
    for password in filter(None, map(values.get, keys)):
        why = postgres.refusal(host, database, container.address, password, ASK)
        if not why:
            return ""
        whys.append(why)
    return whys[0] if whys else ""


def give(console: Console, host: Host, stack: Stack) -> None:
    """Give the database the password of ``.env``, once all who run know it.

    Only where it takes the former one still. Exit code 1 when that fails: it takes the former one.
    """
    service, hint = _rotatable(stack)
    if service is None or hint is None:
        return
    facts = look(host)
    values, there = parse(facts.env).values, facts.container(stack.project, service.name)
    if not values.get(hint.former) or there is None or there.state != "running":
        return
    if _others_run(stack, facts):
        return
    before = refusal(host, service, there, values, hint.password)
    if not before or refusal(host, service, there, values, hint.former):
        return
    database = from_service(service, there.image)
    with console.step(host.name, f"password {service.name}"):
        _set(host, database, hint.password, values)
        if why := refusal(host, service, there, values, hint.password):
            _set(host, database, hint.former, values)
            raise Trouble(f"{host.name}: {service.name} does not take its new password: {why}")


def give_back(host: Host, stack: Stack, values: Mapping[str, str]) -> None:
    """Give the database the password of a former ``.env``, before that comes back.

    Only where it does not take that. Who runs with the new one falls back to it.
    """
    service, hint = _rotatable(stack)
    if service is None or hint is None:
        return
    there = look(host).container(stack.project, service.name)
    if there and refusal(host, service, there, values, hint.password):
        _set(host, from_service(service, there.image), hint.password, values)


def _rotatable(stack: Stack) -> tuple[Service | None, Database | None]:
    service = stack.database
    hint = service.hints.database if service else None
    return (service, hint) if hint and hint.former else (None, None)


def _set(host: Host, database: postgres.Postgres, key: str, values: Mapping[str, str]) -> None:
    verifier = scram(key, values[key], secrets.token_bytes(SALT))
    postgres.give_password(host, database, verifier)


def _others_run(stack: Stack, facts: Facts) -> bool:
    """Whether a container runs with other settings than compose makes of ``.env`` now."""
    return any(
        container.config_hash != service.config_hash
        for service in stack.services
        for container in facts.containers_of(stack.project, service.name)
    )
