"""Comparing the answers of new replicas with those of the former ones, given at the same time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from math import ceil, exp, lgamma

from ..errors import refused

DURATION = 300
"""Seconds of a canary that is not told another time."""
LONGEST = 4 * 3600
"""Seconds that one may take: the lock of a server is lost after six hours."""
FEWEST = 50
"""Requests that each side must have answered, or nothing is judged. Spinnaker asks for at least 50
points for each metric (spinnaker.io/docs/guides/user/canary/best-practices)."""
MORE_ERRORS = 0.01
"""How much greater the part of answers 5xx may be: one point, as Flagger's examples have it (99 %
of the requests must succeed)."""
SLOWER, MORE_SECONDS = 1.5, 0.1
"""How much slower 95 of 100 answers may begin: half as slow again, and a tenth of a second, which
nobody notices (Nielsen, Usability Engineering, 1993)."""
CHANCE = 0.001
"""A difference that chance makes more often than this is none (Fisher's exact test, one-sided). A
canary is looked at every few seconds, and each look may err."""


@dataclass(frozen=True)
class Canary:
    """The new replicas get a share of the clients first."""

    share: int
    """Of 100."""
    seconds: int

    def __str__(self) -> str:
        return f"{self.share} % for {self.seconds} s"


def canary(share: int, seconds: int) -> Canary | None:
    """What ``--canary`` and ``--for`` ask for; None: nothing. Exit code 2 for what is none."""
    if not share:
        if seconds:
            raise refused("--for is how long a canary takes: it needs --canary, such as 10%")
        return None
    if seconds > LONGEST:
        raise refused(f"--for: a canary takes at most {LONGEST // 3600}h")
    return Canary(share, seconds or DURATION)


@dataclass(frozen=True)
class Answers:
    """What one side answered. ``times``: milliseconds until an answer began → how many."""

    times: Mapping[int, int] = field(default_factory=dict)
    errors: int = 0
    """How many of them were 5xx."""

    @property
    def total(self) -> int:
        """How many there were."""
        return sum(self.times.values())

    @property
    def rate(self) -> float:
        """The part that was 5xx."""
        return self.errors / self.total if self.total else 0.0

    @property
    def p95(self) -> float:
        """Seconds within which 95 of 100 answers began; 0 without any."""
        left = ceil(0.95 * self.total)
        for time in sorted(self.times):
            left -= self.times[time]
            if left <= 0:
                return time / 1000
        return 0.0

    def slower(self, seconds: float) -> int:
        """How many began later than that."""
        return sum(count for time, count in self.times.items() if time > seconds * 1000)

    def __add__(self, other: Answers) -> Answers:
        times = Counter(self.times) + Counter(other.times)
        return Answers(dict(times), self.errors + other.errors)

    def __str__(self) -> str:
        return f"{self.total} requests, {self.errors} 5xx ({self.rate:.1%}), p95 {self.p95:.3f} s"


@dataclass(frozen=True)
class Sides:
    """What both sides of one upstream answered in the same time."""

    new: Answers = Answers()
    former: Answers = Answers()

    def __add__(self, other: Sides) -> Sides:
        return Sides(self.new + other.new, self.former + other.former)

    def __str__(self) -> str:
        return f"new {self.new}; former {self.former}"

    @property
    def failing(self) -> str:
        """Why the new ones fail more often; empty: they do not, or chance may have done it."""
        new, former = self.new, self.former
        more = new.rate > former.rate + MORE_ERRORS
        if more and chance(new.errors, new.total, former.errors, former.total) < CHANCE:
            return f"the new replicas answer 5xx more often ({new.rate:.1%}, not {former.rate:.1%})"
        return ""

    @property
    def slow(self) -> str:
        """Why the new ones are slower; empty: they are not, or chance may have done it."""
        new, former = self.new, self.former
        limit = max(former.p95 * SLOWER, former.p95 + MORE_SECONDS)
        late = chance(new.slower(limit), new.total, former.slower(limit), former.total)
        if former.total and new.p95 > limit and late < CHANCE:
            return f"the new replicas are slower (p95 {new.p95:.3f} s, not {former.p95:.3f} s)"
        return ""


def merged(*seen: Mapping[str, Sides]) -> dict[str, Sides]:
    """Upstream → all that both of its sides answered."""
    found: dict[str, Sides] = {}
    for sides in seen:
        for name, one in sides.items():
            found[name] = found.get(name, Sides()) + one
    return found


def figures(seen: Mapping[str, Sides]) -> list[str]:
    """A line for each upstream."""
    return [f"{name}: {sides}" for name, sides in sorted(seen.items())]


def failing(seen: Mapping[str, Sides]) -> str:
    """Why new replicas must not get another request; empty: nothing speaks against it yet."""
    return _first((name, sides.failing) for name, sides in sorted(seen.items()))


def objection(seen: Mapping[str, Sides]) -> str:
    """Why the new replicas must not get all requests, at the end; empty: they are as good."""
    if why := failing(seen) or _first((name, one.slow) for name, one in sorted(seen.items())):
        return why
    whole = sum(seen.values(), Sides())
    for side, answers in (("new", whole.new), ("former", whole.former)):
        if answers.total < FEWEST:
            return (
                f"too few requests to judge: the {side} replicas answered {answers.total},"
                f" {FEWEST} are needed"
            )
    return ""


def _first(found: Iterable[tuple[str, str]]) -> str:
    return next((f"{name}: {why}" for name, why in found if why), "")


def chance(bad: int, total: int, other_bad: int, other_total: int) -> float:
    """How often chance alone puts so many bad ones or more on one side, the sums being as they are.

    Fisher's exact test, one-sided: the tail of the hypergeometric distribution.
    """
    whole, all_bad = total + other_total, bad + other_bad

    def terms() -> Iterator[float]:
        for count in range(bad, min(total, all_bad) + 1):
            if all_bad - count <= other_total:
                ways = _choose(total, count) + _choose(other_total, all_bad - count)
                yield exp(ways - _choose(whole, all_bad))

    return min(1.0, sum(terms()))


def _choose(many: int, few: int) -> float:
    """The logarithm of how many ways there are to choose."""
    return lgamma(many + 1) - lgamma(few + 1) - lgamma(many - few + 1)
