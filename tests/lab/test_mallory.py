"""A user of the servers without sudo and without Docker reads, holds and reaches nothing."""

from __future__ import annotations

from tests.lab.full import full
from tests.lab.malice import USER, attacked, failed, secrets_of
from tests.lab.matrix_visits import BROKEN
from tests.lab.rig.output import wait_until
from tests.lab.rig.server import CHECKOUT
from tests.lab.scenes import PAGE, Scene, titled
from tests.lab.seen import STATE
from tests.names import SITE

pytest_plugins = ("tests.lab.deployed", "tests.lab.staged")

RULES = "wishwithme-guard"


@full
def test_a_local_user_reads_holds_and_reaches_nothing_while_others_work(scene: Scene) -> None:
    servers = [scene.ubuntu, scene.lab.server("montreal")]
    with attacked(servers, secrets_of(scene.lab)) as attacks:
        scene.deployed(scene.change("Attacked", {PAGE: titled("Attacked")}))
        scene.operator.must("db.backup")
        scene.operator.must("ubuntu.rollback", "--yes")
        scene.proves()
    assert failed(attacks) == []
    assert all(attack.tried["network"] > 50 for attack in attacks)
    assert all(attack.tried["files"] > 50 for attack in attacks)


def reaches(scene: Scene, user: str, url: str) -> bool:
    """Whether a user of the server itself gets any answer there."""
    words = ["curl", "-s", "-k", "-o", "/dev/null", "--max-time", "5", url]
    return scene.ubuntu.exec(words, user).returncode == 0


def test_published_ports_are_everybodys_and_containers_those_who_may_use_docker(
    scene: Scene,
) -> None:
    with attacked([scene.ubuntu], []):  # which makes the user
        pass
    proxy = f"http://{scene.boxes()['nginx'].address}:8090/generation"
    users = ("root", "ubuntu", USER)
    assert [reaches(scene, user, proxy) for user in users] == [True, True, False]
    for published in ("https://127.0.0.1/", f"https://{scene.ubuntu.address}/"):
        assert [reaches(scene, user, published) for user in users] == [True] * 3


def serves(scene: Scene) -> bool:
    """Whether the page is answered; a proxy that just starts cuts a connection."""
    try:
        return scene.get(SITE)[0] == 200
    except BROKEN:
        return False


@full
def test_after_a_start_of_the_server_local_users_reach_nothing_still(scene: Scene) -> None:
    scene.ubuntu.reboot()
    scene.ubuntu.wait_ready()
    wait_until(lambda: serves(scene), "the site is back", 120)
    assert f"-A OUTPUT -j {RULES}" in scene.ubuntu.must(["iptables", "-S"]).splitlines()
    with attacked([scene.ubuntu], secrets_of(scene.lab)) as attacks:
        assert scene.plan(scene.runs)["steps"] == []
    assert failed(attacks) == []


@full
def test_what_an_earlier_login_left_open_is_told_and_closed(scene: Scene) -> None:
    """To a group: an attack on all tests (``malice.py``) is not to have a success here."""
    open_ = [STATE, f"{STATE}/locks", f"{STATE}/backups", CHECKOUT]
    scene.ubuntu.must(["chmod", "770", *open_])
    scene.ubuntu.must(["chmod", "660", f"{STATE}/locks/step"])
    told = ", ".join(f"{path} (770)" for path in (STATE, f"{STATE}/backups", f"{STATE}/locks"))
    ran = scene.operator.fab("doctor")
    warning = f"folders with a mode that is not theirs: {told}, {CHECKOUT} (770)"
    assert warning in ran.out + ran.err
    assert scene.deploy(scene.runs).steps("ubuntu")[0] == f"bootstrap {STATE}"
    closed = scene.ubuntu.must(["stat", "-c", "%a", *open_, f"{STATE}/locks/step"]).split()
    assert closed == ["700"] * 4 + ["600"]
    scene.proves()
