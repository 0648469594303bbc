"""What an OpenSSH client's configuration says of a host, as Paramiko reads it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

JUMP = re.compile(r"(?:(?P<user>[^@,]+)@)?(?P<host>[^@,:\[\]]+|\[[^\]]+\])(?::(?P<port>\d+))?")


def of_host(file: Path, host: str) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
    """What it says of a host, and of the jump host that it names for that; empty: none.

    ValueError tells what is wrong with the file, or with what it says.
    """
    from paramiko import SSHConfig, SSHException

    try:
        config = SSHConfig.from_path(str(file))
        found = config.lookup(host)
        jump = found.get("proxyjump", "none")
        if jump == "none":
            return found, {}
        parts = JUMP.fullmatch(jump)
        if not parts:
            raise ValueError(f"{file}: ProxyJump {jump}: one jump host is followed, not several")
        named = {key: value for key, value in parts.groupdict().items() if value}
        of_jump = config.lookup(named.pop("host").strip("[]"))
    except FileNotFoundError:
        raise ValueError(f"{file} does not exist") from None
    except (OSError, UnicodeDecodeError, SSHException) as error:
        raise ValueError(f"{file} cannot be read: {error}") from None
    return found, {**of_jump, **named}
