"""Preflight: everything that must hold before a server is touched, each failure one line."""

from __future__ import annotations

from collections.abc import Sequence

from ..access.envfile import Findings, check, foreign_encoding, parse, schema
from ..access.folders import FOLDERS
from ..certificates.certificate import ending, is_readable
from ..facts import Facts
from ..inventory import Server
from ..maintenance import Maintenance
from ..versions import COMPOSE, version
from .budget import MINIMUM_FREE
from .unset import unset, without_env

STEERING = {
    "COMPOSE_PROJECT_NAME": "take the stack for another one, whose names are all in use",
    "COMPOSE_ENV_FILES": "read other settings than this file",
    "COMPOSE_DISABLE_ENV_FILE": "read no settings",
    "COMPOSE_PATH_SEPARATOR": "take COMPOSE_FILE for several files",
    "COMPOSE_REMOVE_ORPHANS": "remove containers that nobody asked it to remove",
}
"""Keys of ``.env`` by which compose would do another thing than was decided, and what."""
CURL = (7, 70)
"""Oldest curl that tells how each of several questions went."""
START_INTERVAL = 25
"""Oldest engine that honours ``start_interval``."""
PACKAGES = {"flock": "util-linux", "timeout": "coreutils"}
"""Debian's packages whose name is not the program's."""
PROGRAMS = ("bash", "git", "docker", "curl", "openssl", "flock", "timeout", "tar")
"""Programs that a server must have."""


def missing_programs(names: Sequence[str]) -> str:
    """What to say of programs that a server lacks."""
    if "docker" in names:
        return "no Docker on this server; fab bootstrap installs it"
    packages = sorted({PACKAGES.get(name, name) for name in names})
    return (
        f"missing on the server: {', '.join(names)}; install: sudo apt-get install"
        f" {' '.join(packages)}"
    )


def engine_problems(facts: Facts) -> dict[str, list[str]]:
    """What is wrong with the engine or with compose: check of doctor → a line each.

    Nothing more can be told of the stack then.
    """
    if engine := _engine(facts):
        return {"engine": [engine]}
    if version(facts.compose) < COMPOSE:
        told = "docker compose is missing or older than 2.20; install the docker compose plugin"
        return {"compose": [told]}
    return {}


def host_problems(server: Server, facts: Facts) -> dict[str, list[str]]:
    """What is wrong with the host itself: check of doctor → a line each."""
    return {
        "certificate": _certificate(server, facts),
        "programs": _curl(facts.curl),
        "disk": _disks(server, facts),
        "folders": _folders(server, facts),
    }


def _certificate(server: Server, facts: Facts) -> list[str]:
    if not facts.certificate.strip() or is_readable(facts.certificate):
        return []
    told = (
        f"{server.root}/certs/fullchain.pem is not a certificate; remove it and privkey.pem:"
        " the next deploy makes a self-made one"
    )
    return [told]


def _disks(server: Server, facts: Facts) -> list[str]:
    return [
        f"disk {disk.mount} has {disk.free >> 20} MiB free, a deploy needs"
        f" {MINIMUM_FREE >> 20} MiB; free some space (fab {server.name}.prune, old backups)"
        for disk in facts.disks
        if disk.free < MINIMUM_FREE
    ]


def _folders(server: Server, facts: Facts) -> list[str]:
    problems = []
    for name in FOLDERS:
        path = str(server.root / name)
        state = facts.folders.get(path)
        if state and (state.owner != facts.user or state.mode & 0o700 != 0o700):
            problems.append(
                f"{path} belongs to {state.owner} with mode {state.mode:o}; run:"
                f" sudo chown {facts.user} {path} && sudo chmod u+rwx {path}"
            )
    for clone in (server.path, server.path / ".git"):
        found = facts.folders.get(str(clone))
        if found and found.owner != facts.user:
            problems.append(
                f"{clone} belongs to {found.owner}, so git refuses to work there; run:"
                f" sudo chown -R {facts.user} {server.path}"
            )
            break
    if not facts.has_folder(server.root) and not facts.sudo:
        problems.append(
            f"{server.root} does not exist and {facts.user} may not use sudo to make it; run once:"
            f" sudo install -d -m 700 -o {facts.user} {server.root}"
        )
    folder = facts.folders.get(str(server.root))
    if folder and folder.owner != facts.user and not facts.sudo:
        problems.append(
            f"{server.root} belongs to {folder.owner};"
            f" run once: sudo chown {facts.user} {server.root}"
        )
    return problems


def _curl(found: str) -> list[str]:
    if not found or version(found) >= CURL:
        return []
    return [f"curl {found} is too old to ask the gates; install curl 7.70 or newer"]


def _engine(facts: Facts) -> str:
    if not facts.docker:
        return "no Docker engine answers; start it: sudo systemctl start docker"
    if not facts.docker.startswith("error"):
        return ""
    text = facts.docker.lower()
    if "not found" in text:
        return "no Docker on this server; fab bootstrap installs it"
    if "permission denied" in text:
        remedy = f"sudo usermod -aG docker {facts.user}"
        return f"user {facts.user} may not use Docker; run once: {remedy}"
    reason = facts.docker.removeprefix("error:").strip()
    return f"no Docker engine answers; start it: sudo systemctl start docker ({reason})"


def commit_problems(server: Server, facts: Facts) -> list[str]:
    """Why the wanted commit cannot be had."""
    commit = facts.commit
    if commit is None:
        return []
    if not commit.fault:
        return [_tracked_env(commit.id)] if ".env" in commit.tree else []
    if commit.fault == "unknown":
        return [f"{server.repository} has no commit, branch or tag '{commit.error}'; push it first"]
    if commit.fault == "ambiguous":
        several = f"{server.repository} has several commits of that name: {commit.error}"
        return [f"{several}; give the whole id of the one that is meant"]
    return [f"git cannot read {server.repository}: {commit.error}"]


def _tracked_env(commit: str) -> str:
    return (
        f"commit {commit[:8]} tracks .env, where this server keeps its secrets;"
        " run in the repository: git rm --cached .env, add .env to .gitignore, and commit"
    )


def env_findings(server: Server, facts: Facts) -> Findings:
    """What is wrong with the server's ``.env``; never shows a value."""
    where = server.path / ".env"
    if facts.env_stat is None:
        return Findings(without_env(where, facts))
    problems = []
    owner, mode = facts.env_stat
    if int(mode, 8) & 0o077:
        problems.append(f"{where} has mode {mode}: others can read it; chmod 600 {where}")
    if owner != facts.user:
        problems.append(f"{where} belongs to {owner}; run: sudo chown {facts.user} {where}")
        if not facts.env:
            return Findings(tuple(problems))
    if encoding := foreign_encoding(facts.env):
        return Findings((*problems, f"{where} is {encoding}; save it as UTF-8 without a mark"))
    env = parse(facts.env)
    problems += [
        f".env: {key} makes compose {what}; remove it"
        for key, what in STEERING.items()
        if key in env.values
    ]
    expected = {"COMPOSE_FILE": server.compose_file, "STATE_ROOT": str(server.root)}
    problems += [
        f".env: {key} is not '{value}', which hosts.ini says"
        for key, value in expected.items()
        if env.values.get(key, value) != value
    ]
    commit = facts.commit
    bare = commit is not None and commit.bare
    if not (bare or any(env.values.values())):
        return Findings((*problems, f"{where} is empty: fab env.init fills it"))
    if commit is None or commit.fault or bare:  # nobody knows its rules
        return Findings((*problems, *env.problems, *unset(where, commit)))
    found = check(env, commit.effective, schema(commit.example), *server.names)
    return Findings((*problems, *found.problems), found.warnings)


def is_another_stack(facts: Facts) -> bool:
    """Whether the settings give the stack another name: all that runs would only be foreign."""
    return "COMPOSE_PROJECT_NAME" in parse(facts.env).values


def unreadable(facts: Facts) -> list[str]:
    """The records and manifests that a look cannot read, in one line."""
    names = ", ".join(facts.unreadable)
    return [f"cannot be read, and counts as not there: {names}"] if names else []


def warnings(facts: Facts) -> dict[str, list[str]]:
    """What a deploy survives, but a person should know: check of doctor → a line each."""
    old = (
        f"engine {facts.docker} ignores start_interval (needs 25):"
        " the first health probe comes late"
    )
    return {
        "changes": [
            *([f"{facts.freeze}; deploys are refused"] if facts.freeze else []),
            *([_away(facts.maintenance, facts.now)] if facts.maintenance else []),
        ],
        "records": unreadable(facts),
        "certificate": [f"certificate: {text}" for text in ending(facts.certificate, facts.now)],
        "engine": [old] if (0,) < version(facts.docker) < (START_INTERVAL,) else [],
    }


def _away(maintenance: Maintenance, now: int) -> str:
    over = "; that has passed" if maintenance.over(now) else ""
    return f"{maintenance}{over}; fab maintenance.off ends it"
