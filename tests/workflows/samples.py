"""An inventory, and what fab prints: made by the product's own views of a plan and a release."""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import Any

from fabfile.model.deploy.plan import Kind, Plan, Step
from fabfile.model.release import ACCEPTED, FAILED, Done, Release

HOSTS = """\
[defaults]
user = ubuntu
path = /home/ubuntu/app
root = /opt/app
repository = git://origin/app.git
branch = main
compose = compose/app.yml

[ubuntu]
host = 192.0.2.1
key = ssh/ubuntu
calls = far-away

[far-away]
host = 192.0.2.2
key = ssh/far

[third]
host = 192.0.2.3
key = ssh/third
"""

COMMIT = "1a2b3c4d" * 5
SINCE = "4f2c0000" * 5

PLAN = Plan(
    server="ubuntu",
    commit=COMMIT,
    subject="Answer | faster <b>now</b> `really`",
    since=SINCE,
    steps=(
        Step(Kind.FETCH, "1a2b3c4d", "the wanted commit"),
        Step(Kind.BUILD, "core-api", "wishwithme/core-api:0123 not on the server"),
        Step(
            Kind.START,
            "core-api",
            "services/core-api: 7 files in 3 commits since 4f2c0000: 2 new beside 2",
        ),
        Step(Kind.SWITCH, "core-api", "one load moves the requests to those that stay"),
        Step(Kind.RETIRE, "core-api", "2 that nobody asks"),
    ),
    untouched=("postgres", "redis"),
    notes=("edited on the server: M nginx/ubuntu/nginx.conf",),
    refusals=(),
)
FIRST = replace(PLAN, since="", steps=PLAN.steps[:1], untouched=(), notes=())
NOTHING = replace(PLAN, subject="Answer faster", steps=(), notes=())

RELEASE = Release(
    id="20261123T101500Z-1a2b3c4d",
    server="ubuntu",
    commit=COMMIT,
    subject="Answer ![faster](https://elsewhere.example/) #1",
    ref=COMMIT,
    who="somebody (CI run 17)",
    started=1_000,
    outcome=ACCEPTED,
    finished=1_125,
    gates=(
        Done("probe:core-api-1", "ok", 0.012, "200 deep"),
        Done("outside:site", "red", 5.0, "answered 502, expected 200: <html>\n|oops|"),
    ),
    waived=("outside:site",),
    backup="db_20261123T101501Z.dump.zst",
    steps=(
        Done("fetch 1a2b3c4d", "done", 1.24),
        Done("start core-api", "done", 61.0, "2 new, healthy | asked"),
    ),
)


def failed() -> dict[str, Any]:
    """The record of a release that went back."""
    steps = (RELEASE.steps[0], Done("start core-api", "failed", 60.0, "not healthy"))
    return record(replace(RELEASE, outcome=FAILED, steps=steps, gates=(), waived=(), backup=""))


def record(release: Release = RELEASE) -> dict[str, Any]:
    """What ``history --show --json`` prints of a release."""
    whole = asdict(release)
    del whole["env"], whole["env_salt"]
    return whole


def views() -> list[dict[str, Any]]:
    """What ``deploy --json`` prints."""
    return [RELEASE.view()]
