"""Reading ``x-deploy``: what is not understood ends the command, and nothing is half read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import Any
from urllib.parse import urlsplit

from .duration import LENGTH, length
from .errors import Trouble, refused
from .hints import (
    START_FIRST,
    STOP_FIRST,
    Archive,
    Database,
    Gate,
    Hints,
    Migration,
    Update,
    Volume,
)
from .names import DOMAIN, SERVER
from .probe import KINDS, Probe
from .typed import seconds

HINTS = frozenset(
    {"keep", "proxy", "probe", "smoke", "migrate", "gates", "link", "database", "hold", "volume"}
    | {"maintenance"}
    | {"upstreams", "names", "drain", "checks", "login", "update"}
)
MIGRATE = frozenset({"run", "current", "target", "known", "sql", "down", "down-sql"})
PROBE = frozenset({"status", "json", "contains", "bearer"})
MONITOR = 600
"""Most seconds that ``monitor`` may be."""
GATE = PROBE | {"name", "url", "loads"}


def parse_hints(service: str, raw: Mapping[str, Any] | None) -> Hints:
    """Read the entry of one service; what is not understood ends the command with exit code 2."""
    if not raw:
        return Hints()
    try:
        return _hints(service, raw)
    except (TypeError, ValueError, KeyError, AttributeError) as error:
        where = f"x-deploy.{service}"
        raise refused(f"{where}: {error}: not what docs/deploy.md says of it") from None


def _hints(service: str, raw: Mapping[str, Any]) -> Hints:
    where = f"x-deploy.{service}"
    _known(where, raw, HINTS)
    probe = raw.get("probe")
    if probe:
        _known(f"{where}.probe", probe, PROBE | {"port", "path"})
        if "port" not in probe:
            raise refused(f"{where}.probe: 'port' is missing")
    return Hints(
        keep=_yes(f"{where}.keep", raw.get("keep")),
        proxy=_yes(f"{where}.proxy", raw.get("proxy")),
        probe=_probe(probe) if probe else None,
        port=int(probe["port"]) if probe else 0,
        path=probe.get("path", "/") if probe else "/",
        smoke=words(f"{where}.smoke", raw.get("smoke")),
        migrate=_migration(service, raw["migrate"]) if raw.get("migrate") else None,
        gates=tuple(_gate(service, gate) for gate in raw.get("gates") or ()),
        link=words(f"{where}.link.command", (raw.get("link") or {}).get("command")),
        checks={
            name: words(f"{where}.checks.{name}", one)
            for name, one in (raw.get("checks") or {}).items()
        },
        login=words(f"{where}.login", raw.get("login")),
        hold=raw.get("hold", ""),
        maintenance=raw.get("maintenance", "").replace("$$", "$"),
        upstreams=_one_or_more(raw.get("upstreams") or ()),
        names=_names(f"{where}.names", raw.get("names") or {}),
        drain=_drain(f"{where}.drain", raw.get("drain", 0)),
        update=_update(f"{where}.update", raw.get("update") or {}),
        database=_database(service, raw["database"]) if raw.get("database") else None,
        volume=_volume(service, raw["volume"]) if raw.get("volume") else None,
    )


def words(where: str, raw: object) -> tuple[str, ...]:
    """A command: a list of words, never a line for a shell."""
    if raw is None:
        return ()
    if isinstance(raw, list) and all(isinstance(word, str | int | float) for word in raw):
        return tuple(str(word) for word in raw)
    raise refused(f"{where}: {raw!r} is no list of words, such as [sh, -c, exit 0]")


def _yes(where: str, raw: object) -> bool:
    if raw in (None, True, False):
        return bool(raw)
    raise refused(f"{where}: {raw!r} is neither true nor false")


def _drain(where: str, raw: object) -> int:
    """A number of seconds, or a duration such as ``2m``."""
    return seconds(where, str(raw)) if isinstance(raw, str) and not raw.isdigit() else int(str(raw))


def _update(where: str, raw: Mapping[str, Any]) -> Update:
    _known(where, raw, frozenset({"order", "parallelism", "monitor"}))
    order, parallelism = raw.get("order", ""), int(raw.get("parallelism", 0))
    if order not in ("", START_FIRST, STOP_FIRST):
        raise refused(f"{where}.order: '{order}' is neither {START_FIRST} nor {STOP_FIRST}")
    if parallelism < 0:
        raise refused(f"{where}.parallelism: {parallelism} is no number of replicas")
    monitor = _monitor(f"{where}.monitor", raw["monitor"]) if "monitor" in raw else Update.monitor
    return Update(order, parallelism, monitor)


def _monitor(where: str, raw: object) -> int:
    """A duration of whole seconds, as compose writes it."""
    text = str(raw)
    if LENGTH.fullmatch(text) and length(text) <= MONITOR:
        return int(length(text))
    raise refused(f"{where}: {raw!r} is no duration up to {MONITOR} s, such as 15s or 1m30s")


def known_hints(service: str, raw: Mapping[str, Any] | None) -> Hints:
    """The entry of one service as far as it is understood here; what is not is left out."""
    known = {}
    for key, value in (raw or {}).items():
        try:
            parse_hints(service, {key: value})
        except (Trouble, TypeError, ValueError, KeyError, AttributeError):
            continue
        known[key] = value
    return parse_hints(service, known)


def _one_or_more(raw: str | Sequence[str]) -> tuple[str, ...]:
    return (raw,) if isinstance(raw, str) else tuple(raw)


def _names(where: str, raw: Mapping[str, Any]) -> dict[str, tuple[str, ...]]:
    """They become part of nginx's configuration, so each is nothing but a domain name."""
    found = {group: _one_or_more(names) for group, names in raw.items()}
    for group, names in found.items():
        if not SERVER.fullmatch(group):
            raise refused(f"{where}: {group!r} is not the name of a group (a-z, 0-9, -)")
        for name in names:
            if not DOMAIN.fullmatch(str(name)):
                raise refused(f"{where}.{group}: {name!r} is not a domain name in small letters")
    return found


def _migration(service: str, raw: Mapping[str, Any]) -> Migration:
    _known(f"x-deploy.{service}.migrate", raw, MIGRATE)
    _complete(f"x-deploy.{service}.migrate", raw, {"run", "current", "target"})
    where = f"x-deploy.{service}.migrate"
    return Migration(**{key.replace("-", "_"): words(f"{where}.{key}", raw[key]) for key in raw})


def _database(service: str, raw: Mapping[str, Any]) -> Database:
    where = f"x-deploy.{service}.database"
    passwords = {"password", "former", "initial"}
    _known(where, raw, frozenset({"user", "name", "revision", "archive", *passwords}))
    _complete(where, raw, {"user", "name", *(passwords if "former" in raw else ())})
    archive = raw.get("archive")
    if archive:
        _known(f"{where}.archive", archive, frozenset({"service", "folder"}))
        _complete(f"{where}.archive", archive, {"service", "folder"})
    return Database(
        raw["user"],
        raw["name"],
        raw.get("revision", ""),
        Archive(archive["service"], archive["folder"]) if archive else None,
        raw.get("password", ""),
        raw.get("former", ""),
        raw.get("initial", ""),
    )


def _volume(service: str, raw: Mapping[str, Any]) -> Volume:
    where = f"x-deploy.{service}.volume"
    _known(where, raw, frozenset({"path", "dump", "stopped"}))
    _complete(where, raw, {"path"})
    return Volume(
        raw["path"],
        words(f"{where}.dump", raw.get("dump")),
        _yes(f"{where}.stopped", raw.get("stopped")),
    )


def _complete(where: str, raw: Mapping[str, Any], keys: AbstractSet[str]) -> None:
    missing = sorted(keys - set(raw))
    if missing:
        raise refused(f"{where}: {', '.join(missing)} is missing")


def _gate(service: str, raw: Mapping[str, Any]) -> Gate:
    _known(f"x-deploy.{service}.gates", raw, GATE)
    if unknown := sorted(set(raw.get("loads") or ()) - set(KINDS)):
        raise refused(
            f"x-deploy.{service}.gates.loads: unknown {', '.join(unknown)};"
            f" known: {', '.join(KINDS)}"
        )
    for key in ("name", "url"):
        if key not in raw:
            raise refused(f"x-deploy.{service}.gates: '{key}' is missing")
    if urlsplit(raw["url"]).port == 0:  # it also raises where the address cannot be read
        raise ValueError("port 0")
    return Gate(raw["name"], raw["url"], _probe(raw))


def _probe(raw: Mapping[str, Any]) -> Probe:
    return Probe(
        status=int(raw.get("status", 200)),
        json=raw.get("json") or {},
        contains=raw.get("contains", ""),
        loads=tuple(raw.get("loads") or ()),
        bearer=raw.get("bearer", ""),
    )


def _known(where: str, raw: Mapping[str, Any], known: frozenset[str]) -> None:
    if not isinstance(raw, Mapping):
        raise refused(f"{where}: not a mapping of keys to values")
    unknown = sorted(set(raw) - known)
    if unknown:
        raise refused(
            f"{where}: unknown key {', '.join(unknown)}; known: {', '.join(sorted(known))}"
        )
