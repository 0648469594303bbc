"""Rolled back one commit too far: the "known good" was just the previous checkout."""

from __future__ import annotations

from tests.lab.deployments import refused
from tests.lab.full import full
from tests.lab.revisions import ADD, revision
from tests.lab.scenes import PAGE, Scene, step_names, titled
from tests.names import SITE

pytest_plugins = ("tests.lab.deployed", "tests.lab.staged")

BROKEN = f'{ADD}\n    op.execute("SELECT * FROM no_such_table")'
"""It fails half-way."""


@full
def test_the_way_back_is_the_last_release_that_was_verified(scene: Scene) -> None:
    """Two deploys in a row fail in their migration: each leaves the old release serving."""
    releases = scene.operator.json("ubuntu.history", "--number", "50")
    verified = next(release for release in releases if release["outcome"] == "verified")
    first = scene.record(verified["id"])
    good = scene.change("A page that is verified", {PAGE: titled("verified")})
    scene.deployed(good)

    bad = scene.change(
        "A migration that fails", {**revision("half_way", up=BROKEN), PAGE: titled("bad")}
    )
    worse = scene.change("On top of what failed", {PAGE: titled("worse")}, on=bad)
    for commit in (bad, worse):
        with scene.comes_back():
            ran = scene.deploy(commit)
        assert (ran.code, ran.error) == (
            1,
            f"ubuntu: the migration failed; ubuntu is back at {good[:8]}, proved",
        ), ran
        assert any("no_such_table" in line for line in ran.evidence), ran
        record = scene.record(commit)
        assert (record["outcome"], step_names(record)[-1]) == ("failed", "migrate core-api")
        assert scene.asks_database("SELECT version_num FROM alembic_version") == "008"
        columns = "SELECT count(*) FROM information_schema.columns WHERE column_name = 'half_way'"
        assert scene.asks_database(columns) == "0"

    assert bad[:8] in refused(scene.operator.fab("ubuntu.rollback", "--to", bad))
    ran = scene.operator.fab("ubuntu.rollback")
    assert ran.code == 0, ran
    assert scene.runs == first["commit"]
    assert scene.record(scene.last()["id"])["back_to"] == (first["back_to"] or first["id"])
    assert "verified</title>" not in scene.get(SITE)[1]
