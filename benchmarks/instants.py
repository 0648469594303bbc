"""Point-in-time recovery: how much is lost with the database, and how long the way back takes."""

from __future__ import annotations

import threading
import time

from tests.lab.deployments import Operator
from tests.lab.rig import Lab, Server
from tests.lab.rig.server import CHECKOUT

from . import report
from .backup import psql

SAMPLES = 50
SWITCH = "sed -i 's/^COMPOSE_PROFILES=.*/COMPOSE_PROFILES={}/' .env"
WRITES = "INSERT INTO lag VALUES (now());\nSELECT pg_sleep(0.005);\n" * 2000
LAG = """
SELECT coalesce(extract(epoch FROM flush_lag) * 1000, -1) FROM pg_stat_replication
WHERE application_name = 'pg_receivewal'
"""


def run() -> None:
    """Measure, and write the section of the page."""
    lab = Lab()
    operator, ubuntu = Operator(lab.hosts_ini), lab.server("ubuntu")
    ubuntu.must(["sh", "-c", f"cd {CHECKOUT}; {SWITCH.format('continuous')}"], user="ubuntu")
    operator.must("ubuntu.deploy")
    try:
        based = operator.must("db.base").seconds
        psql(ubuntu, "CREATE TABLE lag (at timestamptz)")
        lags = _lags(ubuntu)
        psql(ubuntu, "DROP TABLE lag")
        instant = psql(ubuntu, "\\t on\n\\a\nSELECT to_char(now(), 'YYYY-MM-DD\"T\"HH24:MI:SSOF')")
        back = operator.must("db.restore", "--yes", "--into", "proof", "--to-time", instant.strip())
        psql(ubuntu, "DROP DATABASE proof")
    finally:
        ubuntu.must(["sh", "-c", f"cd {CHECKOUT}; {SWITCH.format('')}"], user="ubuntu")
        operator.must("ubuntu.deploy", "--remove-orphans")
        psql(ubuntu, "SELECT pg_drop_replication_slot('continuous')")
    rows = [
        ["until a commit is on the receiver's disk, under writes", f"{report.told(lags)} ms"],
        ["`fab db.base`, the whole command", f"{based:.1f} s"],
        ["`fab db.restore --to-time --into`, the whole command", f"{back.seconds:.1f} s"],
    ]
    text = f"{report.machine()}. {len(lags)} samples: median (range); a small database.\n\n"
    report.write("instants", text + report.table(("what", "measured"), rows))


def _lags(server: Server) -> list[float]:
    """Milliseconds that PostgreSQL itself measures between its flush and the receiver's."""
    writing = threading.Thread(target=psql, args=(server, WRITES))
    writing.start()
    found: list[float] = []
    while writing.is_alive() and len(found) < SAMPLES:
        lag = float(psql(server, f"\\t on\n\\a\n{LAG}").strip() or -1)
        found += [lag] if lag >= 0 else []
        time.sleep(0.1)
    writing.join()
    return found
