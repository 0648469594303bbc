"""Schedule: which tasks cron starts on a server, when, and how each of them last ended.

The entries stand in a marked block of the login user's crontab. Whatever else a crontab holds is
somebody else's and survives to the byte, also the block of another root: a block is that of the
root whose program its entries start.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from ..inventory import Server
from ..own_jobs import OwnJob
from ..stack import Stack

BEGIN = "# BEGIN wishwithme"
END = "# END wishwithme"
NOTE = "# Written by fab cron.install, taken out by fab cron.remove. The server's own time zone."
DAY, WEEK = 26 * 3600, 8 * 24 * 3600
"""Seconds after which something that succeeds daily, or weekly, is missed."""
ADDRESSES = re.compile(r"[\w.+-]+(@[\w.-]+)?(,[\w.+-]+(@[\w.-]+)?)*", re.ASCII)
ELSEWHERE = frozenset(
    {"host", "port", "user", "key", "calls", "edge", "connection", "builder", "registry"}
)
"""Keys of hosts.ini that say how a server is reached, or other servers: no matter on itself."""
LINE = re.compile(r"[^\n]*\n|[^\n]+")
ENTRY = re.compile(r"((?:\S+ ){4}\S+) (.+)")
MAILTO = re.compile(r"\s*MAILTO\s*=\s*(.*)")
OWN, OWN_TASK = "app:", "cron.run"
"""What a job of the application's own begins with here, and the task that does it."""
AGAIN = "fab cron.install puts it back"
"""What helps when the crontab is not as it was installed."""
NO_DAEMON = (
    "no cron daemon runs on the server, so nothing starts the jobs:"
    " sudo apt-get install cron, sudo systemctl enable --now cron"
)
"""What status, doctor and cron say of a server that has jobs and nobody who starts them."""


@dataclass(frozen=True)
class Job:
    """A task that cron starts."""

    task: str
    flags: tuple[str, ...]
    when: str
    """Cron's five fields."""
    bound: int
    """Seconds without a success after which the job is late; 0: something else tells that."""
    needs: str
    """What a server must have for it, as :func:`due` looks for it."""

    @property
    def runs(self) -> str:
        """The task of the collection that does it."""
        return OWN_TASK if self.task.startswith(OWN) else self.task


JOBS = (
    # Its bound is that of the manifests: a backup by hand counts as well.
    Job("db.backup", ("--quiet",), "0 3 * * *", 0, "database"),
    Job("db.verify", ("--quiet",), "30 3 * * *", DAY, "database"),
    Job("db.prune", (), "0 4 * * *", DAY, "database"),
    Job("db.base", ("--quiet",), "30 4 * * 0", WEEK, "archive"),
    # Twice a day, as the authority asks for, and not at the full hour, when everybody asks.
    Job("ssl.renew", ("--quiet",), "17 5,17 * * *", DAY, "domains"),
    Job("cron.heal", (), "* * * * *", 0, "heal"),
)
"""Every job of ours. All but the last wait for each other, in this order."""


@dataclass(frozen=True)
class Entry:
    """A job as it stands in a server's crontab, and how it last ended; times in seconds."""

    task: str
    when: str
    since: int = 0
    """When it was installed; 0: unknown."""
    succeeded: int = 0
    """Time of the last success; 0: never."""
    failed: int = 0
    """Time of the last failure; 0: never."""
    why: str = ""
    """The error of the last failure."""
    differs: str = ""
    """How the crontab is not as it was installed; empty: it is, or nobody wrote that down."""

    def late(self, now: int) -> str:
        """Why a person should look at it; empty when all is well."""
        if self.differs:
            return f"{self.differs}; {AGAIN}"
        if self.failed > self.succeeded:
            return f"failed {ago(now - self.failed)}: {self.why or 'see its log'}"
        bound = next((job.bound for job in JOBS if job.task == self.task), 0)
        if not bound or now - max(self.succeeded, self.since) <= bound:
            return ""
        last = f"the last one {ago(now - self.succeeded)}" if self.succeeded else "never yet"
        return f"no success within {bound // 3600} h: {last}"


def program(root: PurePosixPath) -> PurePosixPath:
    """What cron starts for this root of a server's state."""
    return root / "operator" / "job"


def due(server: Server, stack: Stack) -> tuple[Job, ...]:
    """The jobs of a server: those whose task has something to do there."""
    hint = stack.database.hints.database if stack.database else None
    archive = hint.archive.service if hint and hint.archive else None
    has = {
        "database": hint is not None,
        "archive": archive in [service.name for service in stack.services],
        "domains": bool(server.domains),
        "heal": stack.heal is not None,
    }
    return (*(job for job in JOBS if has[job.needs]), *map(_own, stack.jobs))


def _own(job: OwnJob) -> Job:
    return Job(f"{OWN}{job.name}", (), job.schedule, 0, "")


def changed(entries: Sequence[Entry], server: Server, stack: Stack) -> list[str]:
    """What of the application's own jobs is not in the crontab as the stack has it, a line each."""
    there = {one.task: one.when for one in entries if one.task.startswith(OWN)}
    found = []
    for job in map(_own, stack.jobs):
        when = there.pop(job.task, "")
        if not when:
            found.append(f"job {job.task} is not in the crontab: fab cron.install puts it there")
        elif when != job.when:
            how = f"at '{when}' in the crontab and at '{job.when}' in the stack"
            found.append(f"job {job.task} is {how}: fab cron.install changes it")
    out = "fab cron.install" if due(server, stack) else "fab cron.remove"
    told = "is in the crontab and not in the stack any more"
    return [*found, *(f"job {task} {told}: {out} takes it out" for task in there)]


def install(
    crontab: str, jobs: Sequence[Job], root: PurePosixPath, user: str, mailto: str = ""
) -> str:
    """The crontab with the block of these jobs, and all else as it was.

    ``user``: whose crontab it is. ``mailto``: who gets what a job prints, which is what failed;
    empty: as the block said before, else whoever gets the rest. ValueError when the marks of the
    block are not a pair.
    """
    before, old, after = _split(crontab, root)
    if old is None and before and not before.endswith("\n"):
        before += "\n"
    mailto = mailto or mail_of(crontab, root)
    entries = [_entry(job, root) for job in jobs]
    if mailto:
        # An assignment holds for every entry below it, also for those of others.
        mails = [line for line in before.split("\n") if MAILTO.fullmatch(line)]
        entries = [f"MAILTO={mailto}", *entries, mails[-1] if mails else f"MAILTO={user}"]
    block = "".join(f"{line}\n" for line in (BEGIN, NOTE, *entries, END))
    return before + block + after


def remove(crontab: str, root: PurePosixPath) -> str:
    """The crontab without the block; ValueError when its marks are not a pair."""
    before, _, after = _split(crontab, root)
    return before + after


def mail_of(crontab: str, root: PurePosixPath) -> str:
    """The address that the block names; empty: none."""
    lines = block_of(crontab, root).split("\n")
    found = (match for line in lines if (match := MAILTO.fullmatch(line)))
    return next((match[1] for match in found), "")


def block_of(crontab: str, root: PurePosixPath) -> str:
    """The block of this root in a crontab; empty: it has none."""
    return _split(crontab, root)[1] or ""


def parse(
    blocks: str,
    root: PurePosixPath,
    stamps: Mapping[str, tuple[int, str]],
    installed: str = "",
) -> tuple[Entry, ...]:
    """The jobs of this root in the blocks, how each last ended, and those installed that are gone.

    ``stamps``: time and text of the files that ``remote/schedule/job.sh`` writes: ``TASK`` (there
    since), ``TASK.success`` and ``TASK.failure`` (with the error as its text). ``installed``: the
    block as it was installed last; empty: nobody wrote that down.
    """
    there, wanted = list(_entries(blocks, root)), list(_entries(installed, root))
    entries = []
    for task, when, line in there:
        edited = bool(installed) and (task, when, line) not in wanted
        differs = "its entry in the crontab is not the one that was installed" if edited else ""
        entries.append(_read(stamps, task, when, differs))
    standing = {task for task, *_ in there}
    gone = "its entry is not in the crontab any more"
    entries += [_read(stamps, task, when, gone) for task, when, _ in wanted if task not in standing]
    return tuple(entries)


def _read(files: Mapping[str, tuple[int, str]], task: str, when: str, differs: str) -> Entry:
    never = (0, "")
    failed, why = files.get(f"{task}.failure", never)
    succeeded, _ = files.get(f"{task}.success", never)
    since, _ = files.get(task, never)
    return Entry(task, when, since, succeeded, failed, why, differs)


def _entries(block: str, root: PurePosixPath) -> Iterable[tuple[str, str, str]]:
    """Task, time and line of each entry that starts the program of this root."""
    for line in block.split("\n"):
        found = None if line.startswith("#") or MAILTO.fullmatch(line) else ENTRY.fullmatch(line)
        if not found or not found[2].startswith(f"{_command(root)} "):
            continue
        words = _words(found[2])
        if len(words) > 1:
            yield words[1], found[1], line


def _words(command: str) -> list[str]:
    """None where a quote has no end: such an entry is no job of ours."""
    try:
        return shlex.split(command)
    except ValueError:
        return []


def _entry(job: Job, root: PurePosixPath) -> str:
    return f"{job.when} {_command(root, job.task, *job.flags)}"


def _command(root: PurePosixPath, *words: str) -> str:
    """The program of this root with these words, as an entry has it."""
    return shlex.join([str(program(root)), *words]).replace("%", r"\%")


def _split(crontab: str, root: PurePosixPath) -> tuple[str, str | None, str]:
    """What stands before this root's block, the block (None: there is none), what stands after."""
    lines = LINE.findall(crontab)
    marks = [(at, line.rstrip("\n")) for at, line in enumerate(lines)]
    marks = [(at, line) for at, line in marks if line in (BEGIN, END)]
    places = [at for at, _ in marks]
    pairs = [slice(*pair) for pair in zip(places[::2], places[1::2], strict=False)]
    ours = [pair for pair in pairs if any(_entries("".join(lines[pair]), root))]
    if [line for _, line in marks] != [BEGIN, END] * len(pairs) or len(ours) > 1:
        raise ValueError(f"'{BEGIN}' and '{END}' do not stand there in pairs, one for each root")
    if not ours:
        return crontab, None, ""
    first, last = ours[0].start, ours[0].stop + 1
    return "".join(lines[:first]), "".join(lines[first:last]), "".join(lines[last:])


def local_inventory(server: Server) -> str:
    """The hosts.ini of a server that operates itself: the same settings, without SSH."""
    settings = {k: value for k, value in server.settings.items() if k not in ELSEWHERE}
    settings |= {"address": server.address, "connection": "local"}
    lines = [f"{key} = {value}" for key, value in settings.items()]
    return "\n".join(["# Written by fab cron.install.", f"[{server.name}]", *lines]) + "\n"


def ago(seconds: int) -> str:
    """How long ago something was, in the largest unit that leaves a number."""
    for unit, length, least in (("d", 86400, 2 * 86400), ("h", 3600, 3600), ("min", 60, 60)):
        if seconds >= least:
            return f"{seconds // length} {unit} ago"
    return f"{max(seconds, 0)} s ago"
