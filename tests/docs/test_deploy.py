"""docs/deploy.md: every step, hint, mark, folder and exit code is the code's own."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from fabfile.model import errors
from fabfile.model.access.envfile import ANNOTATION, schema
from fabfile.model.access.folders import FOLDERS
from fabfile.model.deploy.plan import Kind
from fabfile.model.errors import Trouble
from fabfile.model.x_deploy import GATE, HINTS, MIGRATE, PROBE, parse_hints

from .tables import first_column, tables

ROOT = Path(__file__).resolve().parents[2]
HINT_ROWS, PROBE_ROWS, MIGRATE_ROWS = tables("deploy.md")["x-deploy"]


def test_every_kind_of_step_is_told_in_the_order_of_a_deploy() -> None:
    assert first_column("deploy.md", "How a deploy goes") == [kind.value for kind in Kind]


def test_every_exit_code_has_its_meaning() -> None:
    codes = [errors.DONE, errors.FAILED, errors.REFUSED, errors.STRANDED]
    assert first_column("deploy.md", "The way back") == [str(code) for code in codes]


def test_every_hint_is_told_and_its_example_is_understood() -> None:
    assert {row[0] for row in HINT_ROWS} == HINTS
    for key, _, example in HINT_ROWS:
        if key != "migrate":
            parse_hints("web", {key: yaml.safe_load(example)})


def test_every_key_of_a_probe_and_a_gate_is_told() -> None:
    assert {row[0] for row in PROBE_ROWS} == PROBE | GATE | {"port", "path"}
    required = [row[0] for row in PROBE_ROWS if row[2] == "required"]
    assert required == ["port", "name", "url"]
    hints = parse_hints("web", {"probe": {"port": 80}})
    told = {row[0]: row[2] for row in PROBE_ROWS}
    assert hints.probe is not None
    assert (told["path"], told["status"]) == (hints.path, str(hints.probe.status))
    for key in ("json", "contains", "bearer"):
        assert told[key] == "none"
        assert not getattr(hints.probe, key)


def test_every_command_of_a_migration_is_told_and_needed_as_told() -> None:
    whole = {row[0]: ["true"] for row in MIGRATE_ROWS}
    assert whole.keys() == MIGRATE
    parse_hints("web", {"migrate": whole})
    needed = {row[0]: whole[row[0]] for row in MIGRATE_ROWS if row[2] == "required"}
    parse_hints("web", {"migrate": needed})
    for key in needed:
        with pytest.raises(Trouble, match=f"migrate: {key} is missing"):
            parse_hints("web", {"migrate": {k: v for k, v in whole.items() if k != key}})


def test_every_mark_of_the_settings_is_told_and_does_something() -> None:
    told = first_column("deploy.md", ".env")
    used = {mark for mark, _ in ANNOTATION.findall((ROOT / ".env.example").read_text())}
    assert {mark.lstrip("@").partition("=")[0] for mark in told} == used
    (plain,) = schema("KEY=\n")
    for mark in told:
        (marked,) = schema(f"# {mark}\nKEY=\n")
        assert marked != plain


def test_every_folder_on_a_server_is_told() -> None:
    assert first_column("deploy.md", "What stands on a server") == list(FOLDERS)
