"""Job summaries, whole; what others wrote (a subject, an answer) never becomes markup."""

from __future__ import annotations

from pathlib import Path

import pytest

from scripts.ci import summary

from . import samples

DATA = Path(__file__).with_name("data")
FAILED = (
    "error: ubuntu: red gates: probe:core-api-1; ubuntu is back at 4f2c0000, proved",
    '  probe:core-api-1: answered 200 with status = "unhealthy": </pre>```',
)

SUMMARIES = {
    "plan": summary.of_plan(samples.PLAN.to_json()),
    "plan-first": summary.of_plan(samples.FIRST.to_json()),
    "plan-nothing": summary.of_plan(samples.NOTHING.to_json()),
    "deploy": summary.of_release(samples.views()[0], samples.record()),
    "deploy-went": summary.of_failed(samples.failed()),
    "superseded": summary.of_superseded(samples.COMMIT, "main has moved on to 4f2c0000"),
    "watch": summary.of_watched("doctor", 0, 12.3, (), ()),
    "watch-red": summary.of_watched("ssl.status", 1, 2.2, ["ubuntu: <b>ends</b>"], FAILED[:1]),
    "deploy-nothing": summary.of_nothing("ubuntu"),
    "deploy-failed": summary.of_failure("ubuntu", "deploy", 1, 83.4, FAILED),
    "deploy-refused": summary.of_failure("ubuntu", "deploy", 2, 0.2, ()),
    "deploy-stranded": summary.of_failure("ubuntu", "deploy", 3, 600, FAILED[:1]),
    "deploy-killed": summary.of_failure("ubuntu", "deploy", 137, 59.6, ()),
}


@pytest.mark.parametrize("name", SUMMARIES)
def test_the_summary_is_word_for_word(name: str) -> None:
    assert SUMMARIES[name] == (DATA / f"{name}.md").read_text()


def test_no_golden_file_is_left_over() -> None:
    assert {file.stem for file in DATA.glob("*.md")} == set(SUMMARIES)


def test_who_writes_a_subject_or_a_log_line_writes_no_markup_and_nothing_invisible() -> None:
    hidden = "a\x1b[2J\u202eb\u2028| <script> [x](y) \ud800\x85`\x00\x7f"
    shown = r"a\\x1b\[2J\\u202eb \| &lt;script&gt; \[x\](y) \\ud800 \`\\x00\\x7f"
    plan = {**samples.PLAN.to_json(), "subject": hidden, "commit": "`\x1b`", "notes": [hidden]}
    markdown = summary.of_plan(plan)
    assert f"- {shown}\n" in markdown
    assert rf"`\x1b` {shown}, since" in markdown
    failed = summary.of_failure("ubuntu", "deploy", 1, 0, ["error: x", f"  \t{hidden}\r</pre>"])
    assert (
        "\n  \ta\\x1b[2J\\u202eb\\u2028| &lt;script&gt; [x](y) \\ud800\\x85`\\x00\\x7f\\r" in failed
    )
    assert failed.count("</pre>") == 1
    for text in (markdown, failed):
        text.encode()
        assert all(one in "\n\t" or one.isprintable() for one in text)
