"""What a runner obeys is ours alone: groups, sections and annotations, whatever the lines say."""

from __future__ import annotations

import re

import pytest

from scripts.ci import runner

EVIL = "a\r\x1b[0Ksection_end:1:part_1\r\x1b[0K::error::x\x1b]0;title\x07"


def said(capsys: pytest.CaptureFixture[str]) -> str:
    return capsys.readouterr().err


@pytest.mark.parametrize(
    ("environ", "kind"),
    [
        ({}, runner.Log),
        ({"GITHUB_ACTIONS": "true"}, runner.GitHub),
        ({"GITLAB_CI": "true"}, runner.GitLab),
    ],
)
def test_who_runs_us_is_seen(environ: dict[str, str], kind: type) -> None:
    assert type(runner.of(environ)) is kind


def test_a_terminal_gets_the_lines_alone(capsys: pytest.CaptureFixture[str]) -> None:
    log = runner.Log()
    with log.part("fab plan"):
        log.line("a step")
    log.annotate(runner.ERROR, "t", "x")
    assert said(capsys) == "a step\n"


def test_a_group_of_github_ends_and_is_obeyed_again_when_the_work_fails(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with pytest.raises(ZeroDivisionError), runner.GitHub().part("fab\n::error::x plan%"):
        raise ZeroDivisionError
    group, stop, go, end = said(capsys).splitlines()
    assert group == "::group::fab%0A::error::x plan%25"
    assert re.fullmatch(r"::stop-commands::[0-9a-f]{32}", stop)
    assert go == f"::{stop.rpartition('::')[2]}::"
    assert end == "::endgroup::"


def test_two_groups_are_not_ended_by_the_same_word(capsys: pytest.CaptureFixture[str]) -> None:
    log = runner.GitHub()
    for _ in range(2):
        with log.part("x"):
            pass
    assert len({*re.findall("stop-commands::(.+)", said(capsys))}) == 2


def test_an_annotation_of_github_is_one_line_and_one_command(
    capsys: pytest.CaptureFixture[str],
) -> None:
    runner.GitHub().annotate(runner.WARNING, "a: b, c::d%\n::set", "50%\n::error::x\r\x1b[2J")
    assert said(capsys) == (
        "::warning title=a%3A b%2C c%3A%3Ad%25%0A%3A%3Aset::50%25%0A::error::x\\r\\x1b[2J\n"
    )


def test_a_section_of_gitlab_is_opened_and_closed_by_ours_alone(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("scripts.ci.runner.time.time", lambda: 1764000000.4)
    log = runner.GitLab()
    with log.part("fab plan\r"):
        log.line(EVIL)
    log.annotate(runner.ERROR, "t", "x")
    start, line, end, _ = said(capsys).split("\n")
    name = re.fullmatch(
        r"\x1b\[0Ksection_start:1764000000:(part_1_[0-9a-f]{8})\r\x1b\[0Kfab plan\\r", start
    )
    assert name
    assert end == f"\x1b[0Ksection_end:1764000000:{name[1]}\r\x1b[0K"
    assert line.isprintable()
