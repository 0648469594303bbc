"""Both sides of a canary: the share that the new replicas get, and what each side answered."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from ...model.deploy.comparing import Answers, Sides, merged
from ...model.errors import Trouble
from ...model.facts import SHORT
from ...model.framing import lines_of
from ..host import Host
from .proxy import LIBRARY, Told, refused_load

SPLIT = LIBRARY + 'rm -f "$1"\nload split\n'
END = """
umask 077
printf '%s\\n' "$2" >"$1.tmp" && mv -f "$1.tmp" "$1"
"""
SCRIPT = Path(__file__).with_name("sides.sh").read_text(encoding="utf-8")


@dataclass(frozen=True)
class Seen:
    """What some seconds of a canary showed."""

    until: str
    """The server's time up to which it is counted, as its log has it: seconds since 1970."""
    sides: Mapping[str, Sides]
    said: str = ""
    """``promote`` or ``rollback`` and who said it; empty: nobody ended it."""
    gone: bool = False
    """Whether a replica that the proxy names does not run any more."""


def now(host: Host) -> int:
    """The server's time."""
    return int(host.read(["date", "+%s"]).stdout)


def split(host: Host, told: Told) -> None:
    """Have the proxy give the new replicas of ``told`` their share of the clients."""
    output = host.write(told.words(host, SPLIT, "split-proxy", str(_word(host))), check=False)
    if not output.ok:
        raise refused_load(host, output)


def watch(host: Host, told: Told, since: str, seconds: int) -> Seen:
    """What both sides answer from ``since`` on, so many seconds at most from now."""
    assert told.split is not None
    new = [one[:SHORT] for ids in told.split.new.values() for one in ids]
    former = [one[:SHORT] for ids in told.pins.values() for one in ids]
    words = ["bash", "-c", SCRIPT, "watch-sides", str(_word(host)), told.service.container]
    words += [str(host.server.root / "proxy" / "upstreams.conf"), " ".join(new)]
    words += [" ".join([*former, *new]), since, str(seconds)]
    output = host.read(words, timeout=seconds + 60)
    found, seen, said, gone = "", [], "", False
    for line in lines_of(output.stdout):
        first, *rest = line.split()
        if first == "until":
            (found,) = rest
        elif first == "said":
            said = " ".join(rest)
        elif first == "gone":
            gone = True
        else:
            seen.append({first: _side(*rest)})
    if not found:
        raise Trouble(f"{host.name}: the log of the proxy cannot be read")
    return Seen(found, merged(*seen), said, gone)


def _side(side: str, failed: str, milliseconds: str, count: str) -> Sides:
    answers = Answers({int(milliseconds): int(count)}, int(count) if failed == "1" else 0)
    return Sides(new=answers) if side == "new" else Sides(former=answers)


def end(host: Host, word: str) -> None:
    """Tell the run that waits for a canary's end: ``promote`` or ``rollback``, and who says it."""
    host.write(["bash", "-c", END, "end-canary", str(_word(host)), word])


def heard(host: Host) -> None:
    """What was said counts for this canary alone."""
    host.write(["rm", "-f", str(_word(host))])


def _word(host: Host) -> PurePosixPath:
    return host.server.root / "locks" / "canary"
