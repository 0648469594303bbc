"""Two databases change their names while nobody asks them, and back when what follows is red."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ...model.errors import STRANDED, Trouble
from ..deploy.proxy import WORKERS
from ..host import Host
from .postgres import CAUSE, Postgres, trouble

HELD = 71
"""Exit code of the swap: it is done, but the proxy holds callers back."""
SWAP = WORKERS + CAUSE + Path(__file__).with_name("swap.sh").read_text(encoding="utf-8")


@dataclass(frozen=True)
class Swap:
    """One database in the place of another; see ``swap.sh``."""

    live: str
    aside: str
    """The name that the live one gets; empty: there is none."""
    incoming: str
    proxy: str
    """Container that holds callers back; empty: none."""
    address: str
    held: str
    """What the proxy reads while it does."""
    proof: str
    epoch: str
    command: Sequence[str] = ()
    """Run under the new names, before callers are let in."""


def swap(host: Host, postgres: Postgres, how: Swap) -> None:
    """Swap two databases in one transaction; when that fails, the names are as they were.

    Exit code 3 when the names are swapped, but the proxy does not let callers in again.
    """
    words = [
        "bash",
        "-c",
        SWAP,
        "swap",
        postgres.container,
        postgres.user,
        how.live,
        how.aside,
    ]
    words += [how.incoming, how.proxy, how.address, str(host.server.root / "proxy"), how.held]
    output = host.write([*words, how.proof, how.epoch, *how.command], timeout=900, check=False)
    if output.code == HELD:
        message = trouble(host, "the databases are swapped", output).message
        raise Trouble(message, code=STRANDED)
    if not output.ok:
        raise trouble(host, "the databases were not swapped", output)
