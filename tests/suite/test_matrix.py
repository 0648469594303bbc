"""The fault matrix is the plan's: no step without a row, no row twice; its parts are the whole."""

from __future__ import annotations

import subprocess
from collections import Counter
from dataclasses import asdict

import pytest
from invoke import Context, Exit

import tasks
from fabfile.model.deploy.plan import Kind
from tests.lab import matrix_page
from tests.lab.matrix import (
    BESIDE,
    BY_HAND,
    Cell,
    Fault,
    Row,
    chosen,
    matrix,
    merged,
    sample,
    share,
    table,
)
from tests.lab.matrix_plan import LEFT_OUT, NAMED_BY_COMMIT, ROOT, plans, rows
from tests.lab.matrix_play import Played
from tests.lab.matrix_trap import CALLS
from tests.stack.files import SERVERS, compose
from tests.suite.shard import parse_shard

CELLS = matrix(rows())


def test_its_rows_are_the_steps_of_the_plans_each_once() -> None:
    steps = {
        (plan.server, step.kind, "" if step.kind in NAMED_BY_COMMIT else step.subject)
        for plan in plans()
        for step in plan.steps
    }
    assert Counter((row.server, row.kind, row.subject) for row in rows()) == Counter(steps)


def test_every_kind_of_step_has_a_row_or_a_reason() -> None:
    found = {row.kind for row in rows()}
    assert found | set(LEFT_OUT) == set(Kind)
    assert found & set(LEFT_OUT) == set()
    assert found == set(CALLS)


@pytest.mark.parametrize("server", SERVERS)
def test_every_service_of_every_stack_is_replaced_or_kept(server: str) -> None:
    model = compose(server)
    kept = {name for name, hints in model["x-deploy"].items() if hints.get("keep")}
    always = {name for name, one in model["services"].items() if "profiles" not in one}
    made = [row for row in rows() if row.server == server and row.kind in (Kind.ROLL, Kind.START)]
    assert {name for row in made for name in row.subject.split(", ")} == always - kept


def test_it_is_every_step_with_every_fault_and_by_hand_where_replicas_are_replaced() -> None:
    assert Counter((cell.row, cell.fault) for cell in CELLS) == Counter(
        (row, fault)
        for row in rows()
        for fault in Fault
        if fault not in BY_HAND or row.kind in BESIDE
    )


def test_the_sample_holds_the_way_to_the_switch_and_both_ways() -> None:
    played = sample(CELLS)
    assert [cell.row.kind for cell in played] == [Kind.HOLD, Kind.START, Kind.SWITCH]
    assert [cell.fault for cell in played] == [Fault.KILLED, Fault.REBOOT, Fault.FULL]
    assert {cell.together for cell in played} == {True, False}
    assert chosen(CELLS, full=False, shard="") == played


@pytest.mark.parametrize("parts", [1, 3, 7, 500])
def test_the_shards_are_the_whole_each_cell_once(parts: int) -> None:
    shards = [share(CELLS, part, parts) for part in range(1, parts + 1)]
    assert Counter(cell for shard in shards for cell in shard) == Counter(CELLS)
    assert chosen(CELLS, full=True, shard=f"1/{parts}") == shards[0]
    assert chosen(CELLS, full=True, shard="") == CELLS


@pytest.mark.parametrize(
    "text", ["", "1", "0/2", "3/2", "1/0", "a/b", "1/2/3", "-1/2", "1/ 2", "²/3", "1/2\n"]
)
def test_a_shard_that_is_none_is_refused_in_one_line(text: str) -> None:
    with pytest.raises(ValueError, match="is not i/n with 1 <= i <= n"):
        parse_shard(text)


def test_a_shard_is_two_numbers() -> None:
    assert [parse_shard(text) for text in ("1/1", "2/6", "12/12")] == [(1, 1), (2, 6), (12, 12)]


@pytest.mark.parametrize(
    ("full", "shard", "said"),
    [
        (True, "3/2", "test: --shard '3/2' is not i/n with 1 <= i <= n"),
        (False, "1/2", "test: --shard is a part of --full"),
    ],
)
def test_the_task_refuses_a_shard_that_it_cannot_play(full: bool, shard: str, said: str) -> None:
    with pytest.raises(Exit) as refused:
        tasks.test.body(Context(), full=full, shard=shard)
    assert (refused.value.code, refused.value.message) == (2, said)


@pytest.mark.parametrize(
    "words",
    [
        *("--shard 1/2", "--full --shard", "--full --shard 0/2", "--full --shard x"),
        *("--fast --full", "--services --collection", "--services --fast"),
    ],
)
def test_the_script_refuses_what_it_does_not_know(words: str) -> None:
    done = subprocess.run(
        [ROOT / "scripts/test", *words.split()], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr.count("\n"), done.stdout) == (2, 1, "")


ROW, OTHER = Row("ubuntu", Kind.FETCH), Row("ubuntu", Kind.ROLL, "api")


def result(row: Row, fault: Fault, code: int | None, **more: object) -> dict[str, object]:
    return {**asdict(Played(str(row), fault.value, code, "deploy", passed=True)), **more}


def test_the_last_result_of_a_cell_counts_and_one_that_is_no_more_is_forgotten() -> None:
    first, second = (result(ROW, Fault.FULL, code) for code in (0, 1))
    gone = result(Row("moon", Kind.FETCH), Fault.FULL, 0)
    assert merged([first, gone], [second], [ROW]) == [second]


def test_the_table_shows_each_cell_and_those_that_were_not_run() -> None:
    results = [
        result(ROW, Fault.KILLED, None),
        result(ROW, Fault.REBOOT, 1, outage=7.6, mended="recover"),
        result(OTHER, Fault.FULL, 3, passed=False),
    ]
    lines = table([ROW, OTHER], results).splitlines()
    assert lines[2:] == [
        "| ubuntu: fetch | killed deploy"
        + " | not run" * 4
        + " | 1 recover 8 s | not run | not run |"
        + "  |" * 4,
        "| ubuntu: roll api" + " | not run" * 7 + " | **failed** 3 deploy |" + "  |" * 4,
    ]


def test_the_page_shows_what_was_kept() -> None:
    page = matrix_page.PAGE.read_text()
    shown = page.partition(matrix_page.BEGIN)[2].partition(matrix_page.END)[0]
    assert shown == matrix_page.shown(matrix_page.kept())


def test_a_cell_is_called_by_its_step_and_its_fault() -> None:
    assert str(Cell(OTHER, Fault.CTRL_C, together=True)) == "ubuntu: roll api, Ctrl-C"
