"""Command lines back to words, and words to what they mean."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

LOOKING = frozenset(
    {
        "look",
        "look-machine",
        "glance",
        "ask-engine",
        "certificates",
        "openssl",
        "leave-proxy",
        "watch-sides",
        "date",
        "give-name",
        "idle",
        "reach",
        "which",
        "ports",
        "curl",
        "docker logs",
        "cat",
        "know",
        "logs",
        "top",
        "measure",
        "events",
        "docker image ls",
        "lock",
        "died",
        "backups",
        "bases",
        "docker exec",
        "docker inspect",
        "crontab",
        "find-python",
        "volumes",
        "env",
        "send",
        "check-settings",
        "probe-settings",
        "journal-read",
        "between",
        # They tell of a change, and are none of what a transcript is about.
        "journal",
        "tail",
        "know-engine",
        "docker image inspect",
        "send-tree",
        "send-image",
        "told",
    }
)
"""Kinds of commands that change nothing."""


@dataclass(frozen=True)
class Command:
    """What was asked for: its kind, and the words that tell it from others of that kind."""

    kind: str
    words: tuple[str, ...]
    project_folder: str = ""
    files: tuple[str, ...] = ()

    @property
    def looks(self) -> bool:
        """Whether it changes nothing."""
        if self.kind == "docker run":
            return "migrate" in self.words
        return self.kind in LOOKING or (self.kind == "compose run" and self.words[0] == "call")

    def __str__(self) -> str:
        return f"{self.kind} {_subject(self)}".rstrip()


WORD = re.compile(r"""(?:'[^']*'|"[^"]*"|[^\s'"])+""")
"""A word as ``shlex.join`` quotes it. ``shlex.split`` would take its time over the long scripts."""
PIECE = re.compile(r"""'([^']*)'|"([^"]*)"|([^\s'"]+)""")


GUARD = ["flock", "--shared", "--close", "/opt/app/locks/step", "bash", "-c"]


SHELL = re.compile(
    r"set [+]x; export SHLVL=9; printf '%s%s\\n' (\w+) (\w+);"
    r" printf '%s%s\\n' \1 \2 >&2; exec (.*)",
    re.DOTALL,
)
"""What the login shell does before it becomes the command: it marks both streams."""


def mark(line: str) -> str:
    """What the login shell prints on both streams before the command begins."""
    found = SHELL.fullmatch(line)
    assert found, f"not marked: {line[:80]}"
    return f"{found[1]}{found[2]}\n"


def command(line: str) -> str:
    """What the login shell becomes."""
    found = SHELL.fullmatch(line)
    assert found, f"not marked: {line[:80]}"
    return found[3]


def turn(line: str) -> str:
    """The token of the turn in which a line is to run; empty: it is in none."""
    words = _words(line)
    return words[9] if words[:6] == GUARD else ""


def split(line: str) -> tuple[str, ...]:
    """The words of a line as a shell gets it, without turn, deadline and empty input."""
    words = _words(line)
    words = words[10:] if words[:6] == GUARD else words
    assert words[:2] == ["timeout", "--kill-after=5"], f"no deadline: {line[:80]}"
    if words[-1] == "</dev/null":
        words.pop()
    return tuple(words[3:])


def _words(line: str) -> list[str]:
    return ["".join(map("".join, PIECE.findall(word))) for word in WORD.findall(line)]


def understand(words: Sequence[str]) -> Command:
    """What words mean."""
    if words[:2] == ("bash", "-c") and words[3] == "migrate":
        return understand(words[8:])
    if words[:2] == ("bash", "-c") and words[3] == "leash":
        return understand(words[5:])
    if words[:2] == ("bash", "-c") and words[3] == "docker compose":
        return _compose(list(words[4:]))
    if words[:2] == ("bash", "-c"):
        return Command(words[3], tuple(words[4:]))
    if words[0] == "docker":
        verbs = 2 if words[1] == "image" else 1
        return Command(" ".join(words[: verbs + 1]), tuple(words[verbs + 1 :]))
    return Command(words[0], tuple(words[1:]))


def _compose(words: list[str]) -> Command:
    files: list[str] = []
    folder = ""
    while words[0].startswith("-"):
        option, value, *words = words
        if option == "-f":
            files.append(value)
        elif option in ("--project-directory", "--project-name"):
            folder = value
    plain = [word for word in words[1:] if word not in ("--rm", "--no-deps", "-T")]
    if "--name" in plain:
        del plain[plain.index("--name") : plain.index("--name") + 2]
    if words[0] == "run":
        plain = [*plain[1:], plain[0]]
    return Command(f"compose {words[0]}", tuple(plain), folder, tuple(files))


def _subject(command: Command) -> str:
    """The one word or two by which a transcript tells a command from others of its kind."""
    words = command.words
    subjects = {
        "fetch": lambda: words[2][:8],
        "worktree": lambda: words[2][:8],
        "checkout": lambda: words[1][:8],
        "put": lambda: _below(words[0]),
        "docker pull": lambda: words[-1],
        "docker tag": lambda: f"{_untagged(words[0])} {_tag(words[1])}",
        "docker run": lambda: _one_off(words),
        "docker exec": lambda: words[-1],
        "docker image rm": lambda: _untagged(words[-1]),
        "compose build": lambda: " ".join(words),
        "compose up": lambda: _up(words),
        "compose run": lambda: f"{words[-1]} {' '.join(words[:-1])}",
        "reload": lambda: words[0],
        "load-proxy": lambda: " ".join(words[7:]),
        "mend-proxy": lambda: words[7],
        "hold-proxy": lambda: _pinned(words[5]),
        "switch-proxy": lambda: _pinned(words[5]),
        "split-proxy": lambda: _split(words[5]),
        "start-proxy": lambda: f"{words[8]}{' by force' if words[11] else ''}",
        "start-beside": lambda: _first_words(words[12]),
        "retire": lambda: _first_words(words[12]).replace("-#", ""),
        "remove": lambda: words[0],
        "watch": lambda: f"{words[1]} s",
        "backup": lambda: words[1],
        "base": lambda: words[1],
        "recover": lambda: words[1],
        "forget": lambda: words[0],
        "remove-bases": lambda: " ".join(words[4:]),
        "touch": lambda: " ".join(_below(word) for word in words),
        "volume": lambda: words[1],
        "refill": lambda: f"{words[0]} {_below(words[1])}",
        "verify": lambda: words[7],
        "send": lambda: _below(words[0]),
        "receive": lambda: words[1],
        "load": lambda: f"{_below(words[0])} {words[4].partition('_')[0]}",
        "swap": lambda: " ".join(word.rstrip("0123456789") for word in words[2:5]),
        "acme": lambda: words[5],
        "authority": lambda: words[2],
        "bootstrap": lambda: " ".join(words[1:]),
        "build-apart": lambda: " ".join(words[2:]),
        "save-image": lambda: _untagged(words[1]),
        "docker image inspect": lambda: _untagged(words[-1]),
        "keep-newest": lambda: words[2],
        "docker stop": lambda: words[-1],
        "docker start": lambda: words[-1],
        "own-job": lambda: words[1],
        "remove-backups": lambda: " ".join(words[1:]),
    }
    return subjects[command.kind]() if command.kind in subjects else ""


def _pinned(pins: str) -> str:
    """The services in pins, and how many containers each: without their ids."""
    rows = (row.split() for row in pins.split(";"))
    return ", ".join(f"{len(ids)} {service}" for service, *ids in rows)


def _split(pins: str) -> str:
    """The share of the clients, and how many containers of which service get it."""
    (_, share, _), *rows = (row.split() for row in pins.split(";"))
    new = {row[0]: len(row) - row.index("/") - 1 for row in rows if "/" in row}
    return f"{share}% {', '.join(f'{count} {service}' for service, count in new.items())}"


def _first_words(lines: str) -> str:
    return " ".join(line.split()[0] for line in lines.splitlines())


def _below(path: str) -> str:
    """A path without what differs from run to run."""
    parts = PurePosixPath(path).parts[-3:]
    if "releases" in parts or "backups" in parts:
        return parts[-1]
    return path.rpartition("/")[2].partition(".")[2] if "/build/" in path else "/".join(parts[-2:])


def _tag(name: str) -> str:
    tag = name.rpartition(":")[2]
    return "passed" if "-passed-" in tag else tag


def _untagged(reference: str) -> str:
    name, _, tag = reference.rpartition(":")
    return name if len(tag) == 16 else reference


def _one_off(words: Sequence[str]) -> str:
    if "nginx" in words:
        return "nginx -t"
    reference = words[words.index("/dev/stdin") + 1]
    return f"{_untagged(reference)} {' '.join(words[words.index(reference) + 1 :])}"


def _up(words: Sequence[str]) -> str:
    return f"{words[-1]}{' by force' if '--force-recreate' in words else ''}"
