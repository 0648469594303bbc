"""SSH keys on the operator's machine: why one cannot be used, in one line."""

from __future__ import annotations

from pathlib import Path

from paramiko import PasswordRequiredException, PKey, SSHException
from paramiko.pkey import UnknownKeyType


def key_problem(path: Path) -> str:
    """What keeps this private key from being used without a person; empty when nothing does."""
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
        PKey.from_path(path)
    except (PasswordRequiredException, TypeError):
        return f"key {path} has a passphrase; make one without: ssh-keygen -p -N '' -f {path}"
    except (SSHException, ValueError, UnknownKeyType, IndexError) as error:
        if "password" in str(error).lower() or "encrypted" in str(error).lower():
            return f"key {path} has a passphrase; make one without: ssh-keygen -p -N '' -f {path}"
        return f"key {path} is not a readable private key ({error})"
    return ""
