"""Backups of a gigabyte: throughput beside a raw ``pg_dump | zstd``, memory, and the way back."""

from __future__ import annotations

import json
import re
import statistics
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from tests.lab.deployments import Operator
from tests.lab.rig import Lab, Server

from . import report

ROUNDS = 5
BIG, SMALL = 2_300_000, 230_000
"""Items; the big ones make a dump of a gigabyte."""
RAW = (
    "s=$EPOCHREALTIME; set -o pipefail; docker exec wishwithme-postgres"
    " pg_dump -U wishwithme -d wishwithme </dev/null | zstd -q -c >/opt/wishwithme/raw"
    " && sync /opt/wishwithme/raw && e=$EPOCHREALTIME && rm /opt/wishwithme/raw"
    " && echo $(((${e/./} - ${s/./}) / 1000))"
)
FILL = """
INSERT INTO users (id, email, password_hash, name)
SELECT md5('u' || i)::uuid, 'load-' || i || '@example.org', '-', 'Somebody'
FROM generate_series(1, 1000) i;
INSERT INTO wishlists (id, user_id, name)
SELECT md5('w' || i)::uuid, md5('u' || i)::uuid, 'Wishes ' || i FROM generate_series(1, 1000) i;
INSERT INTO items (id, wishlist_id, title, source_url, image_url, price, currency)
SELECT md5('i' || i)::uuid, md5('w' || (i % 1000 + 1))::uuid,
    'A thing that somebody wishes for, in colour ' || i % 17 || ' and size ' || i % 9,
    'https://shop.example/catalogue/' || md5(i::text) || '/offer?variant=' || i || md5('s' || i),
    'https://images.shop.example/large/' || md5('p' || i) || '/' || i || '.jpg',
    i % 100000 / 100.0, 'EUR'
FROM generate_series(1, {items}) i;
VACUUM ANALYZE;
"""
EMPTY = "DELETE FROM users WHERE email LIKE 'load-%'; VACUUM FULL"
PIPELINE = ("bash", "docker", "tee", "zstd", "tail", "cat", "sha256sum")


def run() -> None:
    """Measure, and write the section of the page."""
    lab = Lab()
    operator, ubuntu = Operator(lab.hosts_ini), lab.server("ubuntu")
    operator.must("deploy")
    try:
        psql(ubuntu, FILL.format(items=SMALL))
        *_, small = _backup(operator, ubuntu)
        psql(ubuntu, EMPTY)
        psql(ubuntu, FILL.format(items=BIG))
        raw: list[float] = []
        dumps: list[float] = []
        commands: list[float] = []
        peaks: list[float] = []
        for _ in range(ROUNDS):
            raw.append(int(ubuntu.must(["bash", "-c", RAW], user="ubuntu")) / 1000)
            dump, command, peak = _backup(operator, ubuntu)
            dumps.append(dump)
            commands.append(command)
            peaks.append(peak)
        verified = operator.must("db.verify").seconds
        restored = operator.must("db.restore", "--from", "newest", "--yes")
        steps = restored.out
    finally:
        operator.fab("db.restore", "--drop-old", "--yes")
        psql(ubuntu, EMPTY)
    made = operator.json("db.list")["backups"][0]
    rows = [
        ["`pg_dump \\| zstd` by hand, synced", f"{report.told(raw)} s", ""],
        ["the dump of `fab db.backup`", f"{report.told(dumps)} s", _rate(raw, dumps)],
        ["`fab db.backup`, the whole command", f"{report.told(commands)} s", _rate(raw, commands)],
        ["memory of its pipeline, 1 GB", f"{report.told(peaks)} MiB", f"0.1 GB: {small:.1f} MiB"],
        ["`fab db.verify`, the whole command", f"{verified:.1f} s", ""],
        ["`fab db.restore`, the whole command", f"{restored.seconds:.1f} s", _swap(steps)],
    ]
    held = sum(made["rows"].values())
    text = f"{report.machine()}. Median of {ROUNDS} (range), by turns; {held} rows.\n\n"
    report.write("backup", text + report.table(("what", "measured", "beside"), rows))


def _rate(raw: list[float], ours: list[float]) -> str:
    return f"{statistics.median(raw) / statistics.median(ours):.2f} of its rate"


def _swap(shown: str) -> str:
    found = re.search(r"swap \S+ ([\d.]+)s", shown)
    return f"of which callers are held: {found[1]} s at most" if found else ""


def psql(server: Server, script: str) -> str:
    """What a script of SQL prints."""
    words = ["docker", "exec", "-i", "wishwithme-postgres", "psql", "-X", "-q", "-U", "wishwithme"]
    done = server.exec([*words, "-v", "ON_ERROR_STOP=1"], stdin=script, timeout=900)
    assert done.returncode == 0, done.stderr
    return done.stdout


def _backup(operator: Operator, server: Server) -> tuple[float, float, float]:
    """Seconds of the dump and of the command, and MiB that its pipeline's processes had at most."""
    with _peak(server) as found:
        ran = operator.must("db.backup", "--json")
    return json.loads(ran.out)["seconds"], ran.seconds, max(found)


@contextmanager
def _peak(server: Server) -> Iterator[list[float]]:
    """What the processes on the server outside of its containers take, several times a second."""
    found = [0.0]
    over = threading.Event()
    words = ["ps", "-e", "-o", "rss=,comm=,euser="]

    def watch() -> None:
        while not over.wait(0.3):
            lines = [line.split()[:3] for line in server.must(words).splitlines()]
            found.append(
                sum(int(rss) for rss, name, user in lines if user == "ubuntu" and name in PIPELINE)
                / 1024
            )

    watching = threading.Thread(target=watch)
    watching.start()
    try:
        yield found
    finally:
        over.set()
        watching.join()
