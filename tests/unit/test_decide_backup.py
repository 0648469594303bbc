"""When a deploy plans a review and a backup: before a migration, on a database that runs."""

from __future__ import annotations

import pytest

from fabfile.model.deploy.plan import PREPARING, Kind, Wish
from fabfile.model.hints import Database, Hints

from .planning import changed, containers, plan, titles, with_service

ASKED = with_service(
    "db", hints=Hints(keep=True, database=Database("USER", "NAME", "SELECT revision"))
)
STACK = with_service("db", hints=Hints(keep=True, database=Database("USER", "NAME")))
API = changed("services/api/app.py")


def test_before_a_migration_the_running_database_is_backed_up() -> None:
    assert titles(plan(API, STACK)) == [
        "fetch 00000000",
        "build api-1",
        "smoke api-1",
        "backup db",
        "migrate api-1",
        "checkout 00000000",
        "roll api-1",
        "roll api-2",
    ]
    assert Kind.BACKUP in PREPARING


def test_a_database_whose_revision_can_be_asked_is_compared_with_the_image_before_that() -> None:
    made = titles(plan(API, ASKED))
    assert made[made.index("review api-1") :][:3] == ["review api-1", "smoke api-1", "backup db"]
    assert Kind.REVIEW in PREPARING
    assert "review api-1" not in titles(plan(API, ASKED, **containers(db={"state": "exited"})))
    assert "review api-1" not in titles(plan(API, ASKED, Wish(keep_schema=True)))
    assert "review api-1" not in titles(plan(API, STACK))


def test_a_schema_that_was_taken_down_goes_up_though_the_images_stay() -> None:
    wish = Wish(lowered=True)
    made = titles(plan(changed("services/web/index.html"), ASKED, wish))
    assert [title for title in made if "api" in title] == ["review api-1", "migrate api-1"]
    assert made.index("backup db") < made.index("migrate api-1")


def test_where_nothing_can_migrate_nothing_is_backed_up() -> None:
    assert "backup db" not in titles(plan(changed("services/web/index.html"), STACK))
    assert "backup db" not in titles(plan(API, STACK, Wish(keep_schema=True)))


def test_a_stack_without_a_database_migrates_as_it_is() -> None:
    assert "backup db" not in titles(plan(API))


@pytest.mark.parametrize("state", [None, {"state": "exited"}])
def test_a_database_that_does_not_run_yet_is_looked_at_when_it_does(
    state: dict[str, str] | None,
) -> None:
    made = titles(plan(API, STACK, **containers(db=state)))
    assert "backup db" not in made
    assert made.index("up db") < made.index("migrate api-1")
