"""Reading ``hosts.ini``.

The file is strict: an unknown key, a missing value, a duplicate section and a bad port are all
reported at once, each with its line number, because an inventory that is half understood deploys
to the wrong place.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from ..access.way_in import completed
from ..data.offsite import Offsite
from ..data.retention import Keep
from ..errors import refused
from ..inventory import ACME_DIRECTORY, ITSELF, LOCAL, SETTLE, Inventory, Server
from .entries import Section, Value, sections_of
from .sections import DEFAULTS
from .values import PARSERS

REQUIRED = ("host", "user", "key", "path", "root", "repository", "branch", "compose")
REQUIRED_LOCAL = ("path", "root", "repository", "branch", "compose")
SshConfig = Callable[[Path, str], tuple[Mapping[str, Any], Mapping[str, Any]]]
"""A file and a host to what is said of it and of its jump host; ValueError: what is wrong."""


def _unread(file: Path, _host: str) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
    raise ValueError(f"{file} is not read here")


def parse(text: str, file: Path, ssh: SshConfig = _unread) -> Inventory:
    """Read the text of ``hosts.ini``; ``file`` is where it came from, ``ssh`` reads ssh_config.

    ``key``, ``secrets`` and ``ssh_config`` are relative to the folder of ``file`` (``~`` is the
    operator's home), and ``known_hosts`` stands beside it. Every problem is reported in one
    :class:`Trouble` (exit code 2), one line each: ``FILE:LINE: what is wrong``.
    """
    problems: list[str] = []
    sections = sections_of(text, file, problems)
    defaults = sections.pop(DEFAULTS, Section(0, {}))
    calls = {
        name: called.text
        for name, section in sections.items()
        if (called := section.values.get("calls", defaults.values.get("calls")))
    }
    servers = []
    for name, section in sections.items():
        values = {**defaults.values, **section.values}
        called = values.get("calls")
        if called and (called.text not in sections or called.text == name):
            problems.append(f"{file}:{called.line}: calls = {called.text}: no such other server")
        elif called and _calls_itself(name, calls):
            problems.append(f"{file}:{called.line}: calls = {called.text}: they call each other")
        builder = values.get("builder")
        if builder and (wrong := _no_builder(builder.text, sections)):
            problems.append(f"{file}:{builder.line}: builder = {builder.text}: {wrong}")
        registry = values.get("registry")
        if registry and (builder is None or builder.text == ITSELF):
            told = f"nothing comes by it while builder = {ITSELF}"
            problems.append(f"{file}:{registry.line}: registry = {registry.text}: {told}")
        server = _server(name, section.line, values, file, problems, ssh)
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


def _no_builder(name: str, sections: Mapping[str, Section]) -> str:
    """Why nobody is meant by that; empty: somebody is."""
    if name not in (ITSELF, LOCAL):
        return "" if name in sections else f"neither {ITSELF}, {LOCAL} nor a server of this file"
    return f"[{name}] is a server of that name: name it otherwise" if name in sections else ""


def _calls_itself(name: str, calls: dict[str, str]) -> bool:
    """Whether the chain of calls from ``name`` comes back to it."""
    seen: list[str] = []
    at = name
    while at and at not in seen:
        seen.append(at)
        at = calls.get(at, "")
    return at == name


def _server(
    name: str,
    line: int,
    values: dict[str, Value],
    file: Path,
    problems: list[str],
    ssh: SshConfig,
) -> Server | None:
    before = len(problems)
    read = _read(values, file, problems, ssh)
    needed = REQUIRED_LOCAL if read.get("connection") == "local" else REQUIRED
    problems.extend(
        f"{file}:{line}: [{name}]: '{key}' is missing"
        for key in needed
        if key not in read and key not in values and not (key == "key" and read.get("agent"))
    )
    if len(problems) > before:
        return None
    host = read.get("host", "127.0.0.1")
    connection = read.get("connection", "ssh")
    builder = read.get("builder", ITSELF)
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
        acme_directory=read.get("acme_directory", ACME_DIRECTORY),
        acme_email=read.get("acme_email", ""),
        cdn_ranges=read.get("cdn_ranges", ()),
        cdn_header=read.get("cdn_header", "X-Forwarded-For"),
        cdn_purge=read.get("cdn_purge", ""),
        calls=read.get("calls", ""),
        commit_status=read.get("commit_status", ""),
        allow=read.get("allow", ()),
        address=read.get("address", host),
        edge=read.get("edge"),
        settle=read.get("settle", SETTLE),
        compression=read.get("compression", "zstd"),
        keep=Keep(
            **{k[5:]: value for k, value in read.items() if k.startswith("keep_")},
        ),
        connection=connection,
        known_hosts=file.parent / "known_hosts",
        settings={key: value.text for key, value in values.items()},
        offsite=Offsite(
            **{k[3:]: value for k, value in read.items() if k.startswith("s3_")},
            recipient=read.get("age_recipient", ""),
        ),
        open_ports=read.get("open_ports", ()),
        engine=read.get("engine", ""),
        passphrase=read.get("passphrase", False),
        agent=read.get("agent", False),
        secrets=file.parent / read["secrets"] if "secrets" in read else None,
        gateway=read.get("gateway"),
        groups=read.get("groups", ()),
        builder=ITSELF if builder in (name, connection) else builder,
        registry=read.get("registry", ""),
    )


def _read(
    values: dict[str, Value], file: Path, problems: list[str], ssh: SshConfig
) -> dict[str, Any]:
    """The values of a section, parsed, with what its ``ssh_config`` adds."""
    read: dict[str, Any] = {}
    for key, value in values.items():
        try:
            read[key] = PARSERS[key](value.text)
        except ValueError as error:
            problems.append(f"{file}:{value.line}: {key}: {error}")
    if "ssh_config" in read and "host" in read and read.get("connection") != "local":
        try:
            return completed(read, *ssh(file.parent / read["ssh_config"], read["host"]))
        except ValueError as error:
            problems.append(f"{file}:{values['ssh_config'].line}: ssh_config: {error}")
    return read
