"""Usage errors: exit code 2, one line that names what is wrong and what may have been meant."""

from __future__ import annotations

import pytest

from .fakes.fleet import Fleet

KINDS = {
    "a task": [
        ("third.deploy", "{hosts}: no server [third]; known servers: ubuntu, montreal"),
        ("ubunto.deploy", ("{hosts}: no server [ubunto]; known servers: ubuntu, montreal;"
                          " did you mean ubuntu?")),
        ("ubuntu.deploi", "there is no task ubuntu.deploi; did you mean ubuntu.deploy?"),
        ("statuz", "there is no task statuz; did you mean status?"),
        ("ubuntu", "ubuntu is a group of tasks; fab --list ubuntu shows them"),
        ("ubuntu.xyz", "there is no task ubuntu.xyz; fab --list shows all"),
        ("ubuntu.unfreeze surplus", "there is no task surplus; fab --list shows all"),
        ("--help statuz", "there is no task statuz; did you mean status?"),
    ],
    "an option": [
        ("ubuntu.deploy --dry-rn", "ubuntu.deploy has no option --dry-rn; did you mean --dry-run?"),
        ("ubuntu.deploy --xyz", ("ubuntu.deploy has no option --xyz;"
                                " fab --help ubuntu.deploy shows all")),
        ("ubuntu.deploy -yx", ("ubuntu.deploy has no option -x;"
                              " fab --help ubuntu.deploy shows all")),
        ("--json status", ("fab has no option --json;"
                          " an option of a task stands behind it: fab TASK --json")),
        ("--lst", "fab has no option --lst; did you mean --list?"),
    ],
    "an option of Fabric behind a task": [
        ("ubuntu.deploy -d", "ubuntu.deploy has no option -d; fab --help ubuntu.deploy shows all"),
        ("ubuntu.deploy --dry", "ubuntu.deploy has no option --dry; did you mean --dry-run?"),
    ],
    "a missing value": [
        ("ubuntu.plan --ref", "--ref needs a value: --ref REF"),
        ("ubuntu.plan --ref --json", "--ref needs a value: --ref REF"),
        ("ubuntu.deploy --ref --dry-rn", "--ref needs a value: --ref REF"),
        ("ubuntu.deploy --wait", "--wait needs a value: --wait DURATION"),
        ("ubuntu.deploy --waive", "--waive needs a value: --waive GATE"),
        ("ubuntu.deploy --only --yes", "--only needs a value: --only SERVICE"),
        ("volume.restore", "volume.restore needs --service SERVICE"),
        ("ssl.install --key key.pem", "ssl.install needs --certificate FILE"),
        ("ssl.install", "ssl.install needs --certificate FILE, --key FILE"),
    ],
    "a value too many": [
        ("status --json=yes", "there is no task yes; fab --list shows all (--json takes no value)"),
    ],
    "a bad value": [
        ("ubuntu.logs --tail=many", "--tail 'many' is no number from 0 on"),
        ("ubuntu.history --number few", "--number 'few' is no number from 0 on"),
        ("ubuntu.logs --tail -5", "--tail '-5' is no number from 0 on"),
        ("ubuntu.deploy --wait soon", "--wait 'soon' is no duration: 90s, 10m or 1h"),
        ("ubuntu.deploy --canary 200%", "--canary '200%' is no share of the clients: 1% to 99%"),
        ("ubuntu.rollback --migrations dwn",
         "--migrations 'dwn' is not down or keep; did you mean down?"),
    ],
    "a list": [
        ("--list volum", "there is no group volum; did you mean volume?"),
        ("--list xyz", "there is no group xyz; fab --list shows all"),
        ("--list --list-format=jsn",
         "--list-format 'jsn' is not flat or nested or json; did you mean json?"),
    ],
    "a server as a value": [
        ("ssl.renew --server montrael", ("{hosts}: no server [montrael]; known servers: ubuntu,"
                                         " montreal; did you mean montreal?")),
        ("db.list --on ubunto", ("{hosts}: no server [ubunto]; known servers: ubuntu, montreal;"
                                " did you mean ubuntu?")),
    ],
}  # fmt: skip
CASES = [pytest.param(*case, id=case[0]) for cases in KINDS.values() for case in cases]


@pytest.mark.parametrize(("line", "why"), CASES)
def test_a_usage_error_is_one_line_before_any_connection(fleet: Fleet, line: str, why: str) -> None:
    ran = fleet.fab(line)
    assert (ran.code, ran.out, ran.err) == (2, "", f"error: {why.format(hosts=fleet.hosts)}\n")
    assert fleet.connections == []


@pytest.mark.parametrize("line", ["logs --service wep", "restart --service wep", "plan --only wep"])
def test_a_service_that_is_not_there_is_one_line_with_what_may_be_meant(
    running: Fleet, line: str
) -> None:
    with running.untouched():
        ran = running.fab(f"ubuntu.{line}")
    why = "no service 'wep' in the stack; services: db, api, web, proxy; did you mean web?"
    assert (ran.code, ran.error) == (2, why)
