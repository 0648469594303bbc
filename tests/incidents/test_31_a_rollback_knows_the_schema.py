"""Old code met a newer schema: ``Can't locate revision '007'``, after an image-only rollback."""

from __future__ import annotations

import time

from tests.lab.commits import replaced
from tests.lab.deployments import refused
from tests.lab.full import full
from tests.lab.onlooking import followed
from tests.lab.revisions import revision, schema_kept
from tests.lab.scenes import Scene, step_names
from tests.lab.seen import untouched

pytest_plugins = ("tests.lab.deployed", "tests.lab.staged")

MODELS = "services/core-api/app/models.py"
REVISION = "SELECT version_num FROM alembic_version"
COLUMN = "SELECT count(*) FROM information_schema.columns WHERE column_name = 'note'"
STATUS = "    status: Mapped[str] = mapped_column(String(20), server_default=Status.READY)\n"
MAPPED = replaced(STATUS, f"{STATUS}    note: Mapped[str | None]\n")
"""The newer code reads and writes the column with every item."""


@full
def test_it_is_refused_with_the_backup_and_goes_down_only_when_asked(scene: Scene) -> None:
    """Up before any is replaced, down after the last one that needs it: nobody notices."""
    old = scene.record(scene.last()["id"])
    back = old["back_to"] or old["id"]
    commit = scene.change("A note on each item", {**revision(), MODELS: MAPPED})
    with schema_kept(scene):
        with scene.only_replaces("core-api"):
            ran = scene.deployed(commit)
        steps = ran.steps("ubuntu")
        assert [step for step in steps if step.startswith("migrate")] == ["migrate core-api"]
        assert steps.index("review core-api") < steps.index("backup postgres")
        assert steps.index("migrate core-api") < steps.index("start core-api")
        assert "(008 → 009)" in ran.out
        record = scene.record(commit)
        assert (old["schema"], record["schema"]) == ("008", "009")
        shelf = {one["name"]: one for one in scene.operator.json("db.list")["backups"]}
        secured = shelf[record["backup"]]
        assert (secured["schema"], bool(secured["verified"])) == ("008", True)

        with untouched(scene.ubuntu):
            ran = scene.operator.fab("ubuntu.rollback")
        assert refused(ran) == (
            f"ubuntu: the database is at revision 009, which release {back} does not know;"
            " --migrations down takes it down to 008; to bring back what was before it:"
            " fab ubuntu.rollback --migrations keep,"
            f" then fab db.restore --on ubuntu --from {record['backup']}"
        )

        with scene.only_replaces("core-api"), followed(scene, ["10.98.1.1"]) as onlooking:
            ran = scene.operator.fab("ubuntu.rollback", "--migrations", "down")
        assert ran.code == 0, ran
        assert "warning: the downgrade 009 → 008 drops column items.note" in ran.out
        assert onlooking.report["refused"] == 0, onlooking
        assert onlooking.complete, onlooking
        assert scene.runs == old["commit"]
        record = scene.record(scene.last()["id"])
        assert (record["outcome"], record["schema"]) == ("verified", "008")
        assert step_names(record)[-2:] == ["retire core-api", "downgrade core-api"]
        assert (scene.asks_database(REVISION), scene.asks_database(COLUMN)) == ("008", "0")
        assert record["backup"] != secured["name"]


@full
def test_a_destructive_migration_needs_a_word_and_is_shown(scene: Scene) -> None:
    """Its image must be built to be asked; nothing that runs is touched, and no backup is made."""
    drop = f'op.drop_column("items", "price")  # an image of its own: {time.time_ns()}'
    commit = scene.change("No prices", revision(up=drop, down="pass"))
    shelf = scene.operator.json("db.list")["backups"]
    with scene.only_replaces():
        ran = scene.deploy(commit)
    assert (ran.code, ran.error) == (
        2,
        (
            "ubuntu: the migration 008 → 009 is destructive; --allow-destructive runs it after a"
            " verified backup; the running system was not touched"
        ),
    ), ran
    assert ran.evidence == ["migration 008 → 009 drops column items.price"]
    assert scene.operator.json("db.list")["backups"] == shelf
    plan = scene.operator.fab("ubuntu.plan", "--ref", commit)
    assert (plan.code, plan.evidence) == (2, ran.evidence), plan
    shown = scene.plan(commit, "--allow-destructive")
    assert ran.evidence[0] in shown["notes"]
