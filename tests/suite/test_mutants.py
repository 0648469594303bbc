"""The sample of mutants: which are drawn, and what their score says."""

from __future__ import annotations

import re
import tomllib
from importlib import import_module
from pathlib import Path

import pytest

from tests.suite import mutants

NAMES = {f"fabfile.model.stack.x_read__mutmut_{number}": "not checked" for number in range(1000)}


def test_the_same_code_has_the_same_sample() -> None:
    backwards = dict(reversed(NAMES.items()))
    assert len(set(mutants.drawn(mutants.MODEL, NAMES))) == mutants.MODEL.sample
    assert mutants.drawn(mutants.MODEL, backwards) == mutants.drawn(mutants.MODEL, NAMES)


def test_one_function_more_leaves_most_of_the_sample() -> None:
    more = NAMES | {f"fabfile.model.stack.x_new__mutmut_{number}": "" for number in range(50)}
    kept = set(mutants.drawn(mutants.MODEL, NAMES)) & set(mutants.drawn(mutants.MODEL, more))
    assert len(kept) > 0.9 * mutants.MODEL.sample


def results(killed: int, others: dict[str, str]) -> dict[str, str]:
    return {f"killed_{number}": "killed" for number in range(killed)} | others


def test_what_no_test_notices_or_reaches_lowers_the_score_and_is_named() -> None:
    said = mutants.judged(
        mutants.MODEL, results(4, {"late": "timeout", "missed": "survived", "far": "no tests"})
    )
    assert said.problem == "model: 5 of 7 mutants noticed (71 %); 80 % must be"
    assert said.output == (
        "model: 5 of 7 mutants noticed (71 %)\n  no tests     far\n  survived     missed\n"
    )


def test_enough_noticed_passes_and_still_names_the_missed() -> None:
    said = mutants.judged(mutants.MODEL, results(4, {"missed": "survived"}))
    assert (said.state, said.problem) == ("passed", "")
    assert said.output == "model: 4 of 5 mutants noticed (80 %)\n  survived     missed\n"


def test_the_copy_is_what_git_would_track_and_has_no_link_to_nothing(tmp_path: Path) -> None:
    mutants.copy_checkout(tmp_path / "copy")
    assert (tmp_path / "copy/fabfile/model/stack.py").is_file()
    assert (tmp_path / "copy/compose/.env").resolve() == (tmp_path / "copy/.env").resolve()
    assert not (tmp_path / "copy/.venv").exists()


def test_each_floor_is_broken_before_its_own_tests(tmp_path: Path) -> None:
    mutants.copy_checkout(tmp_path)
    mutants.configure(tmp_path, mutants.OPS)
    made = tomllib.loads((tmp_path / "pyproject.toml").read_text())["tool"]["mutmut"]
    assert made["only_mutate"] == ["fabfile/ops/*.py", "fabfile/ops/*/*.py"]
    assert made["pytest_add_cli_args_test_selection"] == ["tests/tasks"]


@pytest.mark.parametrize("floor", [mutants.MODEL, mutants.OPS], ids=lambda floor: floor.name)
def test_the_first_run_tries_one_mutant_of_a_function_that_there_is(floor: mutants.Floor) -> None:
    """Those of a module that every deploy goes through would take an hour."""
    module, _, name = floor.smallest.rpartition(".")
    function = re.fullmatch(r"x_(\w+)__mutmut_1", name)
    assert function
    assert callable(getattr(import_module(module), function[1]))
