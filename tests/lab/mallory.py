"""A local user without rights who attacks: runs on a server as ``mallory``, in plain Python.

Reads one line of JSON from standard input: ``secrets``, texts that no process may show. Then it
tries, again and again until standard input ends, to read, hold, change and reach what is the
application's. Each success is a line ``SUCCESS`` on standard output, told once; ``READY`` says that
the attack is under way, ``TRIED`` how much was tried at its end.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import shutil
import socket
import struct
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

STATE = Path("/opt/wishwithme")
CHECKOUT = Path("/home/ubuntu/wish-with-me-codex")
GUESSES = (
    *(STATE / name for name in (".", "data", "data/postgres", "data/redis", "data/wal")),
    *(STATE / name for name in ("data/redis/appendonlydir", "data/redis/dump.rdb", "backups")),
    *(STATE / name for name in ("releases", "proxy", "proxy/generation.conf", "proxy/acme")),
    *(STATE / name for name in ("locks", "locks/step", "locks/holder", "locks/frozen")),
    *(STATE / name for name in ("locks/died", "certs", "certs/privkey.pem", "certs/trust")),
    *(STATE / name for name in ("certs/trust/peer.pem", "build", "operator", "operator/job")),
    *(STATE / name for name in ("operator/jobs", "operator/jobs/lock", "operator/hosts.ini")),
    *(STATE / name for name in ("operator/logs", "acme", "authority", "authority/authority.pem")),
    *(CHECKOUT / name for name in (".", ".env", ".git", ".git/HEAD", ".git/config", "compose")),
    Path("/home/ubuntu/.wishwithme-2192126144.lock"),
    Path("/usr/local/sbin/wishwithme-guard"),
)
"""Names that are known from the public repository, for folders that cannot be listed."""
EVERYBODYS = ("/", "/opt", "/home", "/home/ubuntu", "/tmp", "/var/tmp", "/usr/local/sbin")
"""Held all the time: whoever takes one of them for a lock waits for ever."""
SCRATCH = ("look", "proxy", "swap", "load", "volume", "backup", "base", "verify", "receive", "acme")
PORTS = (80, 443, 5432, 6379, 8000, 8001, 8080, 8090)
HOSTS = range(2, 16)
"""The last numbers that the containers of a small network have."""
LONGEST = 6 * 3600

told: set[str] = set()
tried: dict[str, int] = {}
over = threading.Event()
lock = threading.Lock()


def success(what: str) -> None:
    with lock:
        if what not in told:
            told.add(what)
            print(f"SUCCESS {what}", flush=True)


def attempt(kind: str) -> None:
    tried[kind] = tried.get(kind, 0) + 1


def hold(path: Path) -> None:
    """Hold a lock on whatever can be opened, for a moment."""
    with contextlib.suppress(OSError):
        opened = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW)
        try:
            fcntl.flock(opened, fcntl.LOCK_EX | fcntl.LOCK_NB)
            success(f"hold {path}")
            time.sleep(0.5)
        finally:
            os.close(opened)


def look_into(path: Path) -> None:
    """Read a file or list a folder; then write to it."""
    attempt("files")
    if path.is_symlink():
        return
    if path.is_dir():
        with contextlib.suppress(OSError):
            below = list(path.iterdir())
            success(f"list {path}")
            for one in below:
                look_into(one)
        with contextlib.suppress(OSError):
            mine = path / ".mallory"
            os.close(os.open(mine, os.O_CREAT | os.O_EXCL | os.O_WRONLY))
            success(f"create in {path}")
            mine.unlink()
    else:
        for kind, flag in (("read", os.O_RDONLY), ("write", os.O_WRONLY)):
            with contextlib.suppress(OSError):
                os.close(os.open(path, flag | os.O_NONBLOCK | os.O_NOFOLLOW))
                success(f"{kind} {path}")
    hold(path)


def files() -> None:
    for path in GUESSES:
        try:
            look_into(path)
        except PermissionError:
            attempt("files")


def scratch() -> None:
    """Look into what others have in /tmp, and lay a link where they may write next."""
    for path in TMP.iterdir():
        with contextlib.suppress(OSError):
            owner = path.lstat().st_uid
            if owner not in (os.getuid(), 0) or (owner == 0 and path.name.startswith("wishwithme")):
                attempt("scratch")
                look_into(path)
                link(path.with_name(f"{path.name}.tmp"))


TMP = Path("/tmp")
BAIT = Path.home() / f"bait{os.getpid()}"
planted: set[Path] = set()


def link(path: Path) -> None:
    path.symlink_to(BAIT)
    planted.add(path)


def plant() -> None:
    """Names that somebody may clear, write or follow: folders of mallory's, and links to them."""
    BAIT.mkdir(exist_ok=True)
    BAIT.chmod(0o777)
    kept = BAIT / "kept"
    if not kept.exists() and "bait" in tried:
        success("make somebody remove what a link in /tmp leads to")
    kept.write_text("kept\n")
    for name in SCRATCH:
        folder = TMP / f"wishwithme-{name}.planted{os.getpid()}"
        filled = folder / "filled"
        if folder.exists() and not filled.exists():
            success(f"make somebody clear {folder}")
        with contextlib.suppress(OSError):
            folder.mkdir(exist_ok=True)
            planted.add(folder)
            folder.chmod(0o777)
            filled.mkdir(exist_ok=True)
        with contextlib.suppress(OSError):
            link(folder.with_suffix(f".linked{os.getpid()}"))
    for written in BAIT.iterdir():
        if written != kept:
            success(f"make somebody write {written.name} where a link in /tmp leads to")
    attempt("bait")


def bridges() -> Iterator[str]:
    """The first three numbers of each network that a bridge of the engine leads to."""
    for line in Path("/proc/net/route").read_text().splitlines()[1:]:
        interface, destination, *_ = line.split()
        if interface.startswith("br-"):
            address = socket.inet_ntoa(struct.pack("<L", int(destination, 16)))
            yield address.rpartition(".")[0]


def network() -> None:
    for prefix in set(bridges()):
        for host in HOSTS:
            for port in PORTS:
                if over.is_set():
                    return
                attempt("network")
                with contextlib.suppress(OSError):
                    socket.create_connection((f"{prefix}.{host}", port), timeout=0.2).close()
                    success(f"connect {prefix}.{host}:{port}")


def engine() -> None:
    attempt("engine")
    with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX) as asked:
        asked.connect("/var/run/docker.sock")
        success("ask the engine")


def processes(secrets: list[str]) -> None:
    for process in Path("/proc").iterdir():
        if not process.name.isdigit():
            continue
        with contextlib.suppress(OSError):
            if process.stat().st_uid == os.getuid():
                continue
            attempt("processes")
            words = (process / "cmdline").read_bytes().decode("utf-8", "replace")
            if any(secret in words for secret in secrets):
                success(f"see a secret in the words of {words[:40]!r}")
            for name in ("environ", "fd/0", "mem"):
                os.close(os.open(process / name, os.O_RDONLY | os.O_NONBLOCK))
                success(f"read {name} of {words[:40]!r}")


def again(what: Callable[[], None], pause: float) -> threading.Thread:
    def loop() -> None:
        while not over.is_set():
            what()
            over.wait(pause)

    thread = threading.Thread(target=loop, daemon=True)
    thread.start()
    return thread


def main() -> None:
    wanted = json.loads(sys.stdin.readline())
    held = [os.open(path, os.O_RDONLY) for path in EVERYBODYS if os.access(path, os.R_OK)]
    for one in held:
        with contextlib.suppress(OSError):
            fcntl.flock(one, fcntl.LOCK_EX | fcntl.LOCK_NB)
    plant()
    threads = [
        again(files, 0.2),
        again(scratch, 0.02),
        again(plant, 0.5),
        again(network, 0.5),
        again(engine, 1),
        again(lambda: processes(wanted["secrets"]), 0.05),
    ]
    print("READY", flush=True)
    threading.Timer(LONGEST, over.set).start()
    sys.stdin.read()
    over.set()
    for thread in threads:
        thread.join(10)
    for path in (*planted, BAIT):
        shutil.rmtree(path, ignore_errors=True)
        with contextlib.suppress(OSError):
            path.unlink()
    print(f"TRIED {json.dumps(tried)}", flush=True)
    os._exit(0)


if __name__ == "__main__":
    main()
