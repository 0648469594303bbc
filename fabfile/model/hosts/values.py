"""The values of ``hosts.ini``: one parser per key; ValueError carries the words for a bad one."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from ipaddress import ip_address, ip_network
from pathlib import Path, PurePosixPath

from ..access.way_in import Gateway
from ..data.backup import SUFFIXES
from ..names import DOMAIN, RECIPIENT, SERVER

BRANCH = re.compile(r"(?!-)[A-Za-z0-9._/-]+")
HOST = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?")
USER = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]*")
BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
PREFIX = re.compile(r"[A-Za-z0-9._-]+(?:/[A-Za-z0-9._-]+)*")
ENDPOINT = re.compile(r"https?://[A-Za-z0-9.-]+(?::[0-9]+)?/?")
REGISTRY = re.compile(r"[a-z0-9.-]+(?::[0-9]+)?(?:/[a-z0-9._-]+)*")
WORD = re.compile(r"[A-Za-z0-9_-]+")
COMMIT_STATUS = (
    r"(?P<forge>github|gitlab):(?P<project>[\w.-]+(?:/[\w.-]+)+)"
    r"(?:@(?P<place>https://[A-Za-z0-9.-]+(?::[0-9]+)?(?:/[\w./-]*)?|http://127\.0\.0\.1:[0-9]+))?"
)
"""A token goes there: in the clear only to this machine itself."""
HTTPS = re.compile(r"https://[A-Za-z0-9.-]+(:[0-9]+)?/[!-~]*")
EMAIL = re.compile(r"[^@\s,-][^@\s,]*@[^@\s,]+")


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


def _files(text: str) -> tuple[PurePosixPath, ...]:
    names = [one.strip() for one in text.split(",")]
    for name in names:
        path = PurePosixPath(name)
        if not name or path.is_absolute() or ".." in path.parts or ":" in name:
            raise ValueError(f"'{name}' is not a path inside the repository")
    if len({*names}) < len(names):
        raise ValueError(f"'{text}' names a file twice")
    return tuple(map(PurePosixPath, names))


def _matching(pattern: re.Pattern[str], what: str) -> Callable[[str], str]:
    def check(text: str) -> str:
        if not pattern.fullmatch(text):
            raise ValueError(f"'{text}' is not {what}")
        return text

    return check


def _host(text: str) -> str:
    if ":" not in text:
        return _matching(HOST, "a host name or address")(text)
    try:
        return str(ip_address(text))
    except ValueError:
        raise ValueError(f"'{text}' is not a host name or address") from None


def _domains(text: str) -> tuple[str, ...]:
    names = tuple(name.strip().lower() for name in text.split(","))
    for name in names:
        if not name.isascii():
            raise ValueError(f"'{name}' must be written in punycode (xn--…)")
        _matching(DOMAIN, "a domain name")(name)
    return names


def _ranges(text: str) -> tuple[str, ...]:
    ranges = tuple(one.strip() for one in text.split(","))
    for one in ranges:
        try:
            wide = ip_network(one).prefixlen == 0
        except ValueError:
            raise ValueError(
                f"'{one}' is not a range of addresses such as 203.0.113.0/24"
            ) from None
        if wide:
            raise ValueError(f"'{one}' is everybody")
    return ranges


def _ports(text: str) -> tuple[int, ...]:
    return tuple(_port(one.strip()) for one in text.split(","))


def _edge(text: str) -> tuple[str, int]:
    host, colon, port = text.rpartition(":")
    if not colon:
        raise ValueError(f"'{text}' is not HOST:PORT")
    return _host(host.strip("[]")), _port(port)


def _gateway(text: str) -> Gateway:
    user, at, place = text.rpartition("@")
    literal = re.fullmatch(r"\[(?P<host>[^\]]+)\](?::(?P<port>.*))?", place)
    host, port = literal.groups() if literal else (*place.split(":", 1), None)[:2]
    if at:
        _matching(USER, "a user name")(user)
    return Gateway(_host(host or ""), _port(port) if port is not None else 22, user)


def _seconds(text: str) -> int:
    if not text.isascii() or not text.isdigit() or int(text) > 600:
        raise ValueError(f"'{text}' is not a number of seconds (0 to 600)")
    return int(text)


def _connection(text: str) -> str:
    if text not in ("ssh", "local"):
        raise ValueError(f"'{text}' is neither 'ssh' nor 'local'")
    return text


def _engine(text: str) -> str:
    if text != "docker":
        raise ValueError(f"'{text}' is not 'docker': without 'engine' it is the distribution's")
    return text


def _agent(text: str) -> bool:
    if text not in ("yes", "no"):
        raise ValueError(f"'{text}' is neither 'yes' nor 'no'")
    return text == "yes"


def _passphrase(text: str) -> bool:
    if text != "ask":
        raise ValueError(f"'{text}' is not 'ask': no passphrase stands in a file")
    return True


def _groups(text: str) -> tuple[str, ...]:
    names = tuple(one.strip() for one in text.split(","))
    for name in names:
        _matching(SERVER, "the name of a group (a-z, 0-9, -)")(name)
    return names


def _compression(text: str) -> str:
    if text not in SUFFIXES:
        raise ValueError(f"'{text}' is neither {' nor '.join(SUFFIXES)}")
    return text


def _places(text: str) -> int:
    if not text.isascii() or not text.isdigit() or int(text) > 1000:
        raise ValueError(f"'{text}' is not a number of backups (0 to 1000)")
    return int(text)


def _repository(text: str) -> str:
    if text.startswith("-") or any(blank in text for blank in " \t"):
        raise ValueError(f"'{text}' is not the address of a git repository")
    return text


PARSERS: Mapping[str, Callable[[str], object]] = {
    "host": _host,
    "port": _port,
    "user": _matching(USER, "a user name"),
    "key": _key,
    "passphrase": _passphrase,
    "agent": _agent,
    "gateway": _gateway,
    "ssh_config": _key,
    "path": _absolute,
    "root": _absolute,
    "repository": _repository,
    "branch": _matching(BRANCH, "a branch name"),
    "compose": _files,
    "domains": _domains,
    "acme_directory": _matching(HTTPS, "an https:// address of a directory"),
    "acme_email": _matching(EMAIL, "an email address"),
    "cdn_ranges": _ranges,
    "cdn_header": _matching(re.compile(r"[A-Za-z0-9-]+"), "the name of a header"),
    "cdn_purge": _matching(HTTPS, "an https:// address"),
    "commit_status": _matching(
        re.compile(COMMIT_STATUS),
        "a forge and a project such as github:OWNER/REPO or gitlab:GROUP/PROJECT@https://HOST",
    ),
    "calls": _matching(SERVER, "the name of a server"),
    "allow": _ranges,
    "open_ports": _ports,
    "engine": _engine,
    "address": _host,
    "edge": _edge,
    "settle": _seconds,
    "compression": _compression,
    "keep_daily": _places,
    "keep_weekly": _places,
    "keep_monthly": _places,
    "s3_bucket": _matching(BUCKET, "the name of a bucket"),
    "s3_prefix": _matching(PREFIX, "a path such as backups/site, without a slash at its ends"),
    "s3_endpoint": _matching(ENDPOINT, "the URL of an S3 server, such as https://s3.example.com"),
    "s3_region": _matching(WORD, "the name of a region"),
    "s3_storage_class": _matching(WORD, "the name of a storage class"),
    "age_recipient": _matching(RECIPIENT, "a public key of age (age1…)"),
    "secrets": _key,
    "connection": _connection,
    "groups": _groups,
    "builder": _matching(SERVER, "'server', 'local' or the name of a server"),
    "registry": _matching(REGISTRY, "a registry with a path, such as registry.example.com/team"),
}
