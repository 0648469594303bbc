"""One decision for two servers: the called one first, and both or none."""

from __future__ import annotations

import json

import pytest

from fabfile.model.errors import refused

from .fakes.application import MONTREAL, TOKEN
from .fakes.engine import Ended
from .fakes.fleet import Fleet
from .fakes.machine import CHECKOUT, ROOT

BOTH = {
    "services/web/index.html": "Welcome again\n",
    "services/worker/app.py": "worker, second version\n",
}


def commits(fleet: Fleet) -> dict[str, int]:
    """Which commit, by its number, each server's checkout stands on."""
    return {name: int(machine.head[:8]) for name, machine in fleet.machines.items()}


def outcomes(fleet: Fleet, name: str) -> list[str]:
    return [
        f"back to {release.back_to[-1]}" if release.back_to else release.outcome
        for release in fleet.releases(name)
    ]


def test_the_called_server_is_proved_before_its_caller_is_touched(running: Fleet) -> None:
    running.origin.commit("Second", BOTH)
    assert running.fab("deploy").code == 0
    cut_over = [line for line in running.journal if ": compose up" in line or "watch" in line]
    assert cut_over == [
        "montreal: compose up worker-1",
        "montreal: compose up worker-2",
        "montreal: watch 15 s",
        "ubuntu: compose up web",
        "ubuntu: watch 15 s",
    ]
    assert commits(running) == {"ubuntu": 2, "montreal": 2}


@pytest.mark.parametrize("broken", ["services/web/Dockerfile", "services/worker/Dockerfile"])
def test_when_one_cannot_be_prepared_neither_is_touched_and_both_records_are_ended(
    running: Fleet, broken: str
) -> None:
    running.origin.commit("Second", {**BOTH, broken: "BUILD FAILS"})
    ran = running.fab("deploy")
    assert ran.code == 1
    assert ran.error.endswith("the running system was not touched")
    assert commits(running) == {"ubuntu": 1, "montreal": 1}
    assert not [line for line in running.journal if "compose up " in line]
    for name, machine in running.machines.items():
        assert outcomes(running, name) == ["verified", "failed"]
        assert machine.worktrees == {}
        assert machine.locks == {}


def test_when_the_called_server_fails_its_caller_is_never_touched(running: Fleet) -> None:
    running.origin.commit("Second", {**BOTH, "services/worker/app.py": "worker PROBE RED"})
    ran = running.fab("deploy")
    assert ran.code == 1, ran.everything
    assert ran.error.endswith("; montreal is back at 00000001, proved")
    assert commits(running) == {"ubuntu": 1, "montreal": 1}
    assert not [line for line in running.ubuntu.did if "compose up " in line]
    assert outcomes(running, "montreal") == ["verified", "failed", "back to 1"]
    assert outcomes(running, "ubuntu") == ["verified", "failed"]
    assert running.ubuntu.worktrees == {}


def test_when_the_caller_fails_the_called_server_goes_back_too(running: Fleet) -> None:
    running.origin.commit("Second", {**BOTH, "services/web/index.html": "Farewell"})
    ran = running.fab("deploy")
    assert ran.code == 1, ran.everything
    assert "ubuntu is back at 00000001, proved" in ran.error
    assert "montreal is back at 00000001, proved" in ran.error
    assert commits(running) == {"ubuntu": 1, "montreal": 1}
    for name in running.machines:
        assert running.releases(name)[-1].back_to == running.releases(name)[0].id
        assert running.fab(f"{name}.health").code == 0


def test_what_went_back_with_the_other_is_no_release_to_go_back_to(running: Fleet) -> None:
    running.origin.commit("Second", {**BOTH, "services/web/index.html": "Farewell"})
    running.fab("deploy")
    second = running.releases("montreal")[1]
    ran = running.fab(f"montreal.rollback --to {second.id}")
    assert ran.code == 2, ran.everything
    assert "no verified release" in ran.error


def test_when_the_caller_has_nothing_to_do_and_its_gates_fail_the_called_server_goes_back(
    running: Fleet,
) -> None:
    running.origin.commit("Second", {"services/worker/app.py": "worker, second version\n"})
    assert running.fab("ubuntu.deploy").code == 0
    web = running.ubuntu.engine.containers["app-web"]
    running.montreal.fail("watch", goes_on=True, first=lambda: setattr(web, "address", ""), times=1)
    ran = running.fab("deploy")
    assert any(line.startswith("[ubuntu] nothing to do: ") for line in ran.lines), ran.out
    assert ran.code == 1, ran.everything
    assert "; montreal is back at 00000001, proved" in ran.error
    assert commits(running)["montreal"] == 1


def test_a_token_that_was_changed_by_hand_on_both_and_fails_half_way_says_what_to_do(
    running: Fleet,
) -> None:
    """The caller goes back while the called server still has the new one."""
    before = {name: machine.env for name, machine in running.machines.items()}
    for machine in running.machines.values():
        path = f"{CHECKOUT}/.env"
        machine.files[path] = machine.env.replace(TOKEN, "nQ5rZ8yT2wKc7Jm4Xb9Lf3Vd6Gs1Hp0A")
    running.ubuntu.fail("switch-proxy", times=1)
    ran = running.fab("deploy")
    assert ran.code == 3, ran.everything
    assert ran.error.endswith(
        "FAILED: ubuntu: red gates: link; a person is needed: once the cause is gone, fab"
        " ubuntu.recover goes on from there; montreal is back at 00000001, proved"
    )
    assert {name: machine.env for name, machine in running.machines.items()} == before
    assert running.fab("ubuntu.recover").code == 0
    assert "nothing to do: db, api, web, proxy run what" in running.fab("ubuntu.deploy").out


def test_when_one_way_back_fails_the_other_is_still_gone(running: Fleet) -> None:
    running.origin.commit("Second", {**BOTH, "services/web/index.html": "Farewell"})
    running.ubuntu.fail("restore-env")
    ran = running.fab("deploy")
    assert ran.code == 3, ran.everything
    assert "a person is needed" in ran.error
    assert commits(running) == {"ubuntu": 2, "montreal": 1}


def test_a_change_of_one_server_leaves_the_other_as_it_is(running: Fleet) -> None:
    running.origin.commit("Second", {"nginx/montreal/nginx.conf": "upstreams worker-2 worker-1\n"})
    ran = running.fab("deploy")
    assert ran.code == 0, ran.everything
    assert "load-proxy app-proxy" in running.montreal.did
    assert "load-proxy app-proxy" not in running.ubuntu.did
    assert commits(running) == {"ubuntu": 2, "montreal": 2}


def test_a_broken_call_between_the_servers_fails_the_deploy_of_either(running: Fleet) -> None:
    """The caller's token is not the one that the called server expects."""
    env = running.montreal.env.replace("tK3h", "xK3h")
    running.montreal.files[f"{CHECKOUT}/.env"] = env
    ran = running.fab("montreal.deploy")
    assert ran.code == 1, ran.everything
    assert ran.error.startswith("montreal: red gates: link; montreal is back")
    assert ran.evidence == ["link: https://10.0.0.2:8001/deep answered 401"]


CHANGE = {"services/worker/app.py": "worker, second version\n"}


def test_a_link_that_is_red_for_the_callers_reasons_stops_a_deploy_before_it_begins(
    running: Fleet,
) -> None:
    """Nothing that is deployed here mends it; the way back would be as red."""
    env = running.ubuntu.env.replace("tK3h", "xK3h")
    running.ubuntu.files[f"{CHECKOUT}/.env"] = env
    running.origin.commit("Second", CHANGE)
    with running.untouched():
        ran = running.fab("montreal.deploy")
    assert ran.code == 2
    assert ran.error == (
        "montreal: the link from ubuntu is red before anything was changed, and this server"
        " answers: --waive link deploys all the same"
    )
    assert ran.evidence == ["link: https://10.0.0.2:8001/deep answered 401"]


def test_a_link_that_is_red_because_this_server_is_away_is_mended_by_its_deploy(
    running: Fleet,
) -> None:
    del running.montreal.engine.containers["app-proxy"]
    running.origin.commit("Second", CHANGE)
    ran = running.fab("montreal.deploy")
    assert ran.code == 0, ran.everything
    assert commits(running)["montreal"] == 2


def test_a_deploy_says_what_the_link_is_like(running: Fleet) -> None:
    ran = running.fab("ubuntu.deploy")
    assert "[ubuntu] link: https://10.0.0.2:8001/deep answered 200" in ran.lines


def test_a_link_without_an_end_is_said_to_have_none(running: Fleet) -> None:
    silence = Ended(124)
    running.ubuntu.fail("docker exec worker", ended=silence)
    ran = running.fab("ubuntu.health --json")
    (link,) = [gate for gate in ran.json if gate["gate"] == "link"]
    assert (link["ok"], link["why"]) == (False, "no end within 60 s")


def test_a_red_gate_can_be_waived_by_its_name_and_the_release_says_so(running: Fleet) -> None:
    env = running.montreal.env.replace("tK3h", "xK3h")
    running.montreal.files[f"{CHECKOUT}/.env"] = env
    ran = running.fab("montreal.deploy --waive link")
    assert ran.code == 0, ran.everything
    release = running.releases("montreal")[-1]
    assert (release.outcome, release.waived) == ("accepted", ("link",))
    assert "[montreal] warning: gate link is red and waived: link: " in "\n".join(
        ran.lines
    ).replace("waived: https", "waived: link: https")


def test_a_server_that_cannot_be_reached_stops_the_other_ones_deploy(running: Fleet) -> None:
    running.unreachable["montreal"] = refused("montreal: 10.0.0.2 does not answer")
    running.origin.commit("Second", BOTH)
    with running.untouched():
        ran = running.fab("ubuntu.deploy")
    assert ran.code == 2
    assert ran.error == (
        "montreal: 10.0.0.2 does not answer; without it the link to ubuntu cannot be proved:"
        " --waive link deploys all the same"
    )
    waived = running.fab("ubuntu.deploy --waive link")
    assert waived.code == 0, waived.everything
    assert commits(running)["ubuntu"] == 2


def test_only_the_caller_is_let_in(running: Fleet) -> None:
    assert running.montreal.proxy is not None
    assert running.montreal.proxy.allowed == ("10.0.0.1", "127.0.0.1")
    health = running.fab("montreal.health --json").json
    assert {gate["gate"] for gate in health} == {
        "probe:worker-1", "probe:worker-2", "probe:proxy", "outside:worker", "link",
    }  # fmt: skip
    assert all(gate["ok"] for gate in health)


def test_who_else_may_ask_a_called_server_stands_in_hosts_ini(running: Fleet) -> None:
    """On a server that nobody calls it would shut everybody else out: there it means nothing."""
    plain = running.hosts.read_text()
    allow = "allow = 203.0.113.7/32\n"
    hosts = plain.replace("[montreal]\n", f"[montreal]\n{allow}")
    running.hosts.write_text(hosts.replace("[ubuntu]\n", f"[ubuntu]\n{allow}"))
    ran = running.fab("deploy")
    assert ran.code == 0, ran.everything
    assert running.montreal.files[f"{ROOT}/proxy/allow.conf"] == (
        "allow 10.0.0.1;\nallow 203.0.113.7/32;\nallow 127.0.0.1;\ndeny all;\n"
    )
    assert f"{ROOT}/proxy/allow.conf" not in running.ubuntu.files


def test_a_changed_caller_is_written_and_loaded_before_it_is_locked_out(running: Fleet) -> None:
    text = running.hosts.read_text().replace(
        "host = 10.0.0.1", "host = 10.0.0.1\naddress = 10.0.0.9"
    )
    running.hosts.write_text(text)
    running.ubuntu.address = "10.0.0.9"
    ran = running.fab("montreal.deploy")
    assert ran.code == 0, ran.everything
    assert running.montreal.proxy is not None
    assert running.montreal.proxy.allowed == ("10.0.0.9", "127.0.0.1")


def test_a_renamed_service_is_new_first_and_its_orphan_is_named(running: Fleet) -> None:
    text = json.dumps(MONTREAL).replace("worker-2", "helper")
    model = json.loads(text)
    model["services"]["helper"]["image"] = "app/worker:current"
    running.origin.commit(
        "Rename",
        {
            "compose/montreal.yml": json.dumps(model),
            "nginx/montreal/nginx.conf": "upstreams worker-1 helper\n",
        },
    )
    ran = running.fab("montreal.deploy")
    assert ran.code == 0, ran.everything
    did = running.montreal.did
    assert did.index("compose up helper") < did.index("start-proxy proxy")
    assert (
        "[montreal] warning: orphan: app-worker-2 is of this project, but not in its stack;"
        " --remove-orphans" in ran.lines
    )
    assert "app-worker-2" in running.montreal.engine.containers
