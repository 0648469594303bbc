"""``hosts.ini``: which servers there are and how they are reached.

The file is strict: an unknown key, a missing value, a duplicate section and a bad port are all
reported at once, each with its line number, because an inventory that is half understood deploys
to the wrong place.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from .errors import refused

SECTION = re.compile(r"\[([^\]]*)\]\s*")
NAME = re.compile(r"[a-z][a-z0-9-]*")
BRANCH = re.compile(r"(?!-)[A-Za-z0-9._/-]+")
HOST = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?|[0-9A-Fa-f:]+")
WATCH = 15
"""Default of ``watch``: a container that dies ten seconds after it was healthy is still seen."""
DOMAIN = re.compile(r"(?:[a-z0-9](?:[a-z0-9-]*[a-z0-9])?\.)+[a-z]{2,}")


@dataclass(frozen=True)
class Server:
    """One section of ``hosts.ini``, with ``[defaults]`` filled in."""

    name: str
    host: str
    """Address that SSH connects to."""
    port: int
    user: str
    key: Path
    """Private SSH key on the operator's machine."""
    path: PurePosixPath
    """The checkout on the server."""
    root: PurePosixPath
    """Root of the server's state: data, backups, releases, locks, proxy, certs, build."""
    repository: str
    branch: str
    compose: PurePosixPath
    """Compose file of the stack, relative to the checkout."""
    domains: tuple[str, ...]
    calls: str
    """Name of the server that this one's services call; empty when it calls none."""
    address: str
    """Address at which other servers reach this one."""
    edge: tuple[str, int] | None
    """Where probes from outside connect instead of the domain's own address, as (host, port)."""
    watch: int
    """Seconds after the last replacement in which no container may die."""
    connection: str
    """``ssh``, or ``local`` on the server itself."""
    known_hosts: Path


@dataclass(frozen=True)
class Inventory:
    """All servers of one ``hosts.ini``."""

    file: Path
    servers: tuple[Server, ...]

    def server(self, name: str) -> Server:
        """The server of that name; exit code 2 when there is none."""
        for server in self.servers:
            if server.name == name:
                return server
        known = ", ".join(server.name for server in self.servers) or "none"
        raise refused(f"{self.file}: no server [{name}]; known servers: {known}")

    def callers_of(self, name: str) -> tuple[Server, ...]:
        """The servers whose services call the server ``name``."""
        return tuple(server for server in self.servers if server.calls == name)

    def called_first(self) -> list[str]:
        """All names, a server that is called before the one that calls it."""
        order: list[str] = []

        for server in self.servers:
            chain = [server]
            while chain[-1].calls:
                chain.append(self.server(chain[-1].calls))
            order += [link.name for link in reversed(chain) if link.name not in order]
        return order


def _port(text: str) -> int:
    if not text.isascii() or not text.isdigit() or not 1 <= int(text) <= 65535:
        raise ValueError(f"'{text}' is not a port (1 to 65535)")
    return int(text)


def _key(text: str) -> Path:
    try:
        return Path(text).expanduser()
    except RuntimeError:
        raise ValueError(f"'{text}': no such user's home") from None


def _absolute(text: str) -> PurePosixPath:
    path = PurePosixPath(text)
    if not path.is_absolute() or ".." in path.parts or len(path.parts) < 2:
        raise ValueError(f"'{text}' is not an absolute path below /")
    return path


def _relative(text: str) -> PurePosixPath:
    path = PurePosixPath(text)
    if path.is_absolute() or ".." in path.parts:
        raise ValueError(f"'{text}' is not a path inside the repository")
    return path


def _matching(pattern: re.Pattern[str], what: str) -> Callable[[str], str]:
    def check(text: str) -> str:
        if not pattern.fullmatch(text):
            raise ValueError(f"'{text}' is not {what}")
        return text

    return check


def _domains(text: str) -> tuple[str, ...]:
    names = tuple(name.strip() for name in text.split(","))
    for name in names:
        _matching(DOMAIN, "a domain name")(name)
    return names


def _edge(text: str) -> tuple[str, int]:
    host, colon, port = text.rpartition(":")
    if not colon:
        raise ValueError(f"'{text}' is not HOST:PORT")
    return _matching(HOST, "a host name or address")(host.strip("[]")), _port(port)


def _seconds(text: str) -> int:
    if not text.isascii() or not text.isdigit() or int(text) > 600:
        raise ValueError(f"'{text}' is not a number of seconds (0 to 600)")
    return int(text)


def _connection(text: str) -> str:
    if text not in ("ssh", "local"):
        raise ValueError(f"'{text}' is neither 'ssh' nor 'local'")
    return text


def _repository(text: str) -> str:
    if text.startswith("-") or any(blank in text for blank in " \t"):
        raise ValueError(f"'{text}' is not the address of a git repository")
    return text


PARSERS: Mapping[str, Callable[[str], object]] = {
    "host": _matching(HOST, "a host name or address"),
    "port": _port,
    "user": _matching(re.compile(r"[a-z_][a-z0-9_-]*"), "a user name"),
    "key": _key,
    "path": _absolute,
    "root": _absolute,
    "repository": _repository,
    "branch": _matching(BRANCH, "a branch name"),
    "compose": _relative,
    "domains": _domains,
    "calls": _matching(NAME, "the name of a server"),
    "address": _matching(HOST, "a host name or address"),
    "edge": _edge,
    "watch": _seconds,
    "connection": _connection,
}
REQUIRED = ("host", "user", "key", "path", "root", "repository", "branch", "compose")
REQUIRED_LOCAL = ("path", "root", "repository", "branch", "compose")


def parse(text: str, file: Path) -> Inventory:
    """Read the text of ``hosts.ini``; ``file`` is where it came from.

    ``key`` is relative to the folder of ``file`` (``~`` is the operator's home), and
    ``known_hosts`` stands beside it. Every problem is reported in one :class:`Trouble`
    (exit code 2), one line each: ``FILE:LINE: what is wrong``.
    """
    problems: list[str] = []
    sections = _sections(text, file, problems)
    defaults = sections.pop("defaults", _Section(0, {}))
    servers = []
    for name, section in sections.items():
        values = {**defaults.values, **section.values}
        called = values.get("calls")
        if called and (called.text not in sections or called.text == name):
            problems.append(f"{file}:{called.line}: calls = {called.text}: no such other server")
        elif called and _calls_itself(name, sections):
            problems.append(f"{file}:{called.line}: calls = {called.text}: they call each other")
        server = _server(name, section.line, values, file, problems)
        if server:
            servers.append(server)
    if not sections and not problems:
        problems.append(f"{file}:1: no server: a section such as [ubuntu] is missing")
    problems = list(dict.fromkeys(problems))
    if len(problems) == 1:
        raise refused(problems[0])
    if problems:
        raise refused(f"{file}: {len(problems)} problems", problems)
    return Inventory(file, tuple(servers))


@dataclass(frozen=True)
class _Value:
    text: str
    line: int


@dataclass(frozen=True)
class _Section:
    line: int
    values: dict[str, _Value]


def _calls_itself(name: str, sections: dict[str, _Section]) -> bool:
    """Whether the chain of calls from ``name`` comes back to it."""
    seen: list[str] = []
    at = name
    while at in sections and at not in seen:
        seen.append(at)
        called = sections[at].values.get("calls")
        at = called.text if called else ""
    return at == name


def _sections(text: str, file: Path, problems: list[str]) -> dict[str, _Section]:
    sections: dict[str, _Section] = {}
    current: _Section | None = None
    for number, raw in enumerate(text.splitlines(), start=1):
        line = raw.strip()
        where = f"{file}:{number}"
        if not line or line[0] in "#;":
            continue
        if header := SECTION.fullmatch(line):
            name = header.group(1).strip()
            current = _Section(number, {})
            if name in sections:
                problems.append(f"{where}: section [{name}] stands twice")
            elif not NAME.fullmatch(name):
                problems.append(f"{where}: '{name}' is not the name of a server (a-z, 0-9, -)")
            else:
                sections[name] = current
        elif current is None:
            problems.append(f"{where}: '{line}' stands before any [section]")
        else:
            _assignment(line, number, where, current, problems)
    return sections


def _assignment(line: str, number: int, where: str, section: _Section, problems: list[str]) -> None:
    key, equals, value = (part.strip() for part in line.partition("="))
    if not equals:
        problems.append(f"{where}: neither [section] nor key = value: '{line}'")
    elif key not in PARSERS:
        problems.append(f"{where}: unknown key '{key}'; known: {', '.join(PARSERS)}")
    elif key in section.values:
        problems.append(f"{where}: '{key}' stands twice in this section")
    elif not value:
        problems.append(f"{where}: '{key}' has no value")
    else:
        section.values[key] = _Value(value, number)


def _server(
    name: str, line: int, values: dict[str, _Value], file: Path, problems: list[str]
) -> Server | None:
    before = len(problems)
    read: dict[str, Any] = {}
    for key, value in values.items():
        try:
            read[key] = PARSERS[key](value.text)
        except ValueError as error:
            problems.append(f"{file}:{value.line}: {key}: {error}")
    local = read.get("connection") == "local"
    missing = [key for key in (REQUIRED_LOCAL if local else REQUIRED) if key not in values]
    problems.extend(f"{file}:{line}: [{name}]: '{key}' is missing" for key in missing)
    if len(problems) > before:
        return None
    host = read.get("host", "127.0.0.1")
    return Server(
        name=name,
        host=host,
        port=read.get("port", 22),
        user=read.get("user", ""),
        key=file.parent / read.get("key", ""),
        path=read["path"],
        root=read["root"],
        repository=read["repository"],
        branch=read["branch"],
        compose=read["compose"],
        domains=read.get("domains", ()),
        calls=read.get("calls", ""),
        address=read.get("address", host),
        edge=read.get("edge"),
        watch=read.get("watch", WATCH),
        connection=read.get("connection", "ssh"),
        known_hosts=file.parent / "known_hosts",
    )
