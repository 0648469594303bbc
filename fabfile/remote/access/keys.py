"""SSH keys on the operator's machine: why one cannot be used, in one line."""

from __future__ import annotations

import os
from functools import cache
from pathlib import Path

from paramiko import Agent, PasswordRequiredException, PKey, SSHException
from paramiko.pkey import UnknownKeyType

from ...model.watch.key import Kind


def loaded(path: Path, passphrase: str = "") -> PKey:
    """A private key, with its certificate where one stands beside it.

    Read once for all servers that it is for: that takes longer than to use it.
    """
    stamp = path.stat()
    return _loaded(path, passphrase, (stamp.st_mtime_ns, stamp.st_size))


@cache
def _loaded(path: Path, passphrase: str, _stamp: tuple[int, int]) -> PKey:
    # Where cryptography reads the key it takes bytes alone.
    return PKey.from_path(path, passphrase.encode() or None)  # type: ignore[arg-type]


def key_problem(path: Path, passphrase: str = "") -> str:
    """What keeps this private key from being used; empty when nothing does."""
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        return f"key {path} does not exist"
    except (PermissionError, IsADirectoryError) as error:
        return f"key {path} cannot be read: {error.strerror}"
    if b"\r" in data:
        return f"key {path} has CRLF line ends; remove them: sed -i 's/\\r$//' {path}"
    if data.startswith((b"ssh-", b"ecdsa-")):
        return f"key {path} is a public key; name the private one"
    try:
        loaded(path, passphrase)
    except (PasswordRequiredException, TypeError):
        return _locked(path)
    except (SSHException, ValueError, UnknownKeyType, IndexError) as error:
        if passphrase:
            return f"key {path} does not open with that passphrase"
        if "password" in str(error).lower() or "encrypted" in str(error).lower():
            return _locked(path)
        return f"key {path} is not a readable private key ({error})"
    return ""


def kind_of(path: Path, passphrase: str = "") -> Kind | None:
    """Of a key that can be used; None: of any other."""
    try:
        key = loaded(path, passphrase)
        return Kind(key.get_name(), key.get_bits(), path.stat().st_mode & 0o777)
    except (OSError, SSHException, ValueError, TypeError, UnknownKeyType, IndexError):
        return None


def _locked(path: Path) -> str:
    return (
        f"key {path} has a passphrase; make one without: ssh-keygen -p -N '' -f {path},"
        " or let a person be asked: passphrase = ask in hosts.ini"
    )


def agent_problem() -> str:
    """What keeps the keys of the operator's ssh-agent from being used; empty when nothing does."""
    if not os.environ.get("SSH_AUTH_SOCK"):
        return "agent = yes, and no ssh-agent runs here: eval $(ssh-agent) && ssh-add KEY"
    agent = Agent()
    held = agent.get_keys()
    agent.close()
    return "" if held else "agent = yes, and the ssh-agent holds no key: ssh-add KEY"
