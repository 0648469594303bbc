"""Who is written down for what a CI does: the person who started it, and the number of the run."""

from __future__ import annotations

import pytest

from fabfile.ops.session import operator

VARIABLES = ("GITHUB_ACTOR", "GITHUB_RUN_ID", "GITLAB_USER_LOGIN", "CI_JOB_ID")


@pytest.mark.parametrize(
    ("environ", "who"),
    [
        ({"GITHUB_ACTOR": "ann", "GITHUB_RUN_ID": "17"}, "ann (CI run 17)"),
        ({"GITLAB_USER_LOGIN": "bob", "CI_JOB_ID": "4711"}, "bob (CI run 4711)"),
    ],
)
def test_a_ci_names_who_started_it(
    environ: dict[str, str], who: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    assert operator() == who


def test_half_of_what_a_ci_says_is_no_ci(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("CI_JOB_ID", "4711")
    assert "@" in operator()
    assert "4711" not in operator()
