"""Settings on real servers: read by compose as they were meant, and rotated under load."""

from __future__ import annotations

import random
import re
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from fabfile.model.access.envedit import written
from fabfile.model.access.envfile import parse
from fabfile.model.access.secrecy import secret_values
from fabfile.model.errors import Trouble
from tests.encrypted import set_up
from tests.lab.alone import alone
from tests.lab.deployments import Operator
from tests.lab.full import full
from tests.lab.load import loaded
from tests.lab.rig.server import CHECKOUT
from tests.lab.scenes import Scene
from tests.lab.searching import holding, words_seen
from tests.lab.seen import STATE

pytest_plugins = ("tests.lab.deployed", "tests.lab.staged")

SIGNS = "aZ09 -_=;:,.|&<>(){}[]*?!%@+~^/#'\"`$\\é☃\u2028\xa0"
WILD = 'q$(touch /tmp/here);`x` "y" é ${HOME} # -- nQ5rZ8yT2w'
DATABASE = "POSTGRES_PASSWORD"
SPARE = "YANDEX_CLIENT_SECRET"
PLACES = {
    "ubuntu": "core-api-1 ITEM_RESOLVER_TOKEN",
    "montreal": "item-resolver-1 RU_BEARER_TOKEN",
}


@pytest.fixture
def level(patient: Scene) -> Iterator[Scene]:
    """Both servers at one commit, with the lab's own settings, also afterwards."""
    scene, runs = patient, patient.runs
    scene.operator.must("deploy", "--ref", runs)
    password = setting(scene, "ubuntu", DATABASE)
    yield scene
    given_by_hand(scene, password)
    for name in PLACES:
        scene.lab.server(name).write_env()
    scene.operator.must("deploy", "--ref", runs, "--restart-data")


def setting(scene: Scene, name: str, key: str) -> str:
    """The value of a key in a server's ``.env``, as a shell finds it there."""
    script = f"sed -n 's/^{key}=//p' {CHECKOUT}/.env"
    return scene.lab.server(name).must(["sh", "-c", script]).strip()


def running(scene: Scene, name: str) -> str:
    """The token that a server's container has."""
    container, key = PLACES[name].split()
    words = ["docker", "exec", f"wishwithme-{container}", "printenv", key]
    return scene.lab.server(name).must(words).strip()


def given_by_hand(scene: Scene, password: str) -> None:
    """Have PostgreSQL take this password, whatever it takes now."""
    words = ["docker", "exec", "-i", "wishwithme-postgres", "psql", "-q", "-U", "wishwithme"]
    said = f"ALTER ROLE wishwithme PASSWORD '{password}'; ALTER ROLE wishwithme RESET ALL;\n"
    scene.ubuntu.must(words, stdin=said)


def takes(scene: Scene, password: str) -> bool:
    """Whether PostgreSQL takes a password from a service."""
    words = ["docker", "exec", "--env-file", "/dev/stdin", "wishwithme-postgres", "psql"]
    words += ["-w", "-h", scene.boxes()["postgres"].address, "-U", "wishwithme", "-c", "SELECT 1"]
    ran = scene.ubuntu.exec(words, stdin=f"PGPASSWORD={password}\n")
    assert ran.returncode == 0 or "password authentication failed" in ran.stderr, ran
    return ran.returncode == 0


@full
def test_a_wild_value_reaches_its_service_as_it_was_meant(level: Scene, tmp_path: Path) -> None:
    scene = level
    file = tmp_path / "value"
    file.write_text(WILD)
    with file.open() as value:
        ran = scene.operator.fab("env.set", SPARE, "--server", "ubuntu", stdin=value)
    assert (ran.code, ran.err) == (0, ""), ran
    assert "nQ5rZ8yT2w" not in ran.out
    assert scene.operator.json("env.check")["ubuntu"]["problems"] == []
    told = scene.operator.must("env.diff", "--server", "ubuntu").out
    assert re.search(rf"{SPARE} +[0-9a-f]{{8}} +changed since", told), told
    assert "made with another definition or environment: core-api;" in told
    assert scene.operator.json("env.explain", SPARE)["ubuntu"]["readers"] == ["core-api"]
    with scene.only_replaces("core-api"):
        scene.operator.must("ubuntu.deploy", "--ref", scene.runs)
    inside = ["docker", "exec", "wishwithme-core-api-1", "printenv", SPARE]
    assert scene.ubuntu.must(inside) == f"{WILD}\n"
    assert scene.ubuntu.exec(["ls", "/tmp/here"]).returncode != 0
    assert "env.set" in scene.operator.must("ubuntu.history").out


def wild(count: int) -> Iterator[str]:
    """Lines of so many values that are written; drawn the same way every time."""
    draw = random.Random(20)
    number = 0
    while number < count:
        value = "".join(draw.choices(SIGNS, k=draw.randint(0, 12)))
        with suppress(Trouble):
            yield written(f"WILD_{number}", value)
            number += 1


@full
def test_a_lost_env_comes_back_from_the_repository(level: Scene, tmp_path: Path) -> None:
    scene, name = level, "ubuntu"
    hosts = scene.operator.inventory(tmp_path, "defaults", secrets="secrets")
    operator = Operator(hosts, SOPS_AGE_KEY_FILE=str(set_up(tmp_path)))
    operator.must("env.save")
    copies = [(tmp_path / "secrets" / f"{one}.env").read_text() for one in PLACES]
    before = {one: scene.lab.server(one).must(["cat", f"{CHECKOUT}/.env"]) for one in PLACES}
    values = [value for text in before.values() for value in secret_values(text) if len(value) > 5]
    assert len(values) > 6
    assert not [value for value in values for text in copies if value in text]
    scene.lab.server(name).must(["rm", f"{CHECKOUT}/.env"])
    ran = operator.must("env.restore", "--server", name)
    assert not [value for value in values if value in ran.out + ran.err]
    words = ["stat", "-c", "%a %U", f"{CHECKOUT}/.env"]
    assert scene.lab.server(name).must(words).split() == ["600", "ubuntu"]
    assert parse(scene.lab.server(name).must(["cat", f"{CHECKOUT}/.env"])).values == (
        parse(before[name]).values
    )
    assert "nothing to do" in operator.must("deploy", "--ref", scene.runs).out
    scene.plain_up_changes_nothing()


@full
@pytest.mark.parametrize("name", PLACES)
def test_compose_reads_each_value_as_it_was_written(
    level: Scene, tmp_path: Path, name: str
) -> None:
    """Both servers have another compose. A push is refused where one is read otherwise."""
    scene, file = level, tmp_path / "env"
    scene.operator.must("env.pull", "--server", name, "--file", str(file))
    file.write_text(file.read_text() + "".join(wild(1000)))
    ran = scene.operator.must("env.push", "--server", name, "--file", str(file))
    assert "added: WILD_0, " in ran.out
    file.write_text(file.read_text().replace("WILD_0=", "WILD_0=$nothing"))
    ran = scene.operator.fab("env.push", "--server", name, "--file", str(file))
    assert ran.code == 2, ran
    assert [line for line in ran.evidence if line.startswith(".env: WILD_0: compose reads ")]


@full
@alone
def test_a_token_of_both_servers_is_rotated_and_no_visitors_request_fails(level: Scene) -> None:
    scene, before = level, running(level, "ubuntu")
    readers = scene.operator.json("env.explain", "RU_BEARER_TOKEN")
    assert readers["ubuntu"]["readers"] == ["core-api"]
    assert readers["montreal"]["readers"][0] == "item-resolver"
    with scene.only_replaces("core-api"), loaded(scene) as load:
        ran = scene.operator.must("env.rotate", "RU_BEARER_TOKEN")
    assert load.lost == []
    made = setting(scene, "ubuntu", "RU_BEARER_TOKEN")
    assert len(made) == 64
    assert made != before
    assert made not in ran.out + ran.err
    assert {setting(scene, name, "RU_BEARER_TOKEN") for name in PLACES} == {made}
    assert {running(scene, name) for name in PLACES} == {made}
    for name in PLACES:
        places = {
            place.partition("former-")[0] for place in holding(scene.lab.server(name), before)
        }
        assert places == {f"{CHECKOUT}/.env."}
    scene.proves()
    scene.plain_up_changes_nothing()


@full
@alone
def test_a_new_signing_key_ends_sign_ins_and_fails_nothing_else(level: Scene) -> None:
    scene = level
    with scene.only_replaces("core-api"), loaded(scene) as load:
        scene.operator.must("env.rotate", "JWT_SECRET_KEY")
    assert load.failed
    assert [line for line in load.failed if " 401 " not in line] == []
    assert load.doubled == []


@full
@alone
def test_the_databases_password_is_rotated_and_no_request_fails(level: Scene) -> None:
    """Twice: what the database was made with and what it took last are two passwords then."""
    scene, first = level, setting(level, "ubuntu", DATABASE)
    log_statements(scene)
    former = first
    for _ in range(2):
        with scene.only_replaces("core-api"), loaded(scene) as load:
            ran = scene.operator.must("env.rotate", DATABASE)
        assert load.lost == []
        made = setting(scene, "ubuntu", DATABASE)
        assert len(made) == 64
        assert takes(scene, made)
        assert not takes(scene, former)
        assert setting(scene, "ubuntu", "POSTGRES_FORMER_PASSWORD") == former
        assert setting(scene, "ubuntu", "POSTGRES_INITIAL_PASSWORD") == first
        logged = scene.ubuntu.must(["sh", "-c", "docker logs wishwithme-postgres 2>&1"])
        assert "SCRAM-SHA-256" not in logged
        assert not [one for one in (made, former) if one in logged + ran.out + ran.err]
        former = made
    scene.proves()
    scene.plain_up_changes_nothing()
    scene.operator.must("db.backup")


@full
@alone
def test_redis_gets_its_new_password_by_a_restart_that_was_allowed(level: Scene) -> None:
    scene, former = level, setting(level, "ubuntu", "REDIS_PASSWORD")
    with scene.only_replaces():
        ran = scene.operator.fab("env.rotate", "REDIS_PASSWORD")
    assert ran.code == 2, ran
    assert ran.error.endswith("the former REDIS_PASSWORD is back")
    assert setting(scene, "ubuntu", "REDIS_PASSWORD") == former
    with scene.only_replaces("redis", "core-api"):
        scene.operator.must("env.rotate", "REDIS_PASSWORD", "--restart-data")
    made = setting(scene, "ubuntu", "REDIS_PASSWORD")
    assert len(made) == 64
    for password, said in ((made, "PONG"), (former, "NOAUTH")):
        words = ["docker", "exec", "--env-file", "/dev/stdin", "wishwithme-redis", "redis-cli"]
        told = scene.ubuntu.exec([*words, "ping"], stdin=f"REDISCLI_AUTH={password}\n")
        assert said in told.stdout + told.stderr
    scene.proves()


def log_statements(scene: Scene) -> None:
    """Have PostgreSQL log each statement."""
    words = ["docker", "exec", "-i", "wishwithme-postgres", "psql", "-q", "-U", "wishwithme"]
    said = "ALTER ROLE wishwithme SET log_statement = 'all';\n"
    scene.ubuntu.must(words, stdin=said)


@full
@alone
def test_a_secret_stands_in_env_alone_while_it_is_rotated_and_afterwards(level: Scene) -> None:
    """Also in the words of no process, which every user of a server sees."""
    scene, values = level, set[str]()
    with words_seen([scene.lab.server(name) for name in PLACES]) as seen:
        for key in ("RU_BEARER_TOKEN", DATABASE):
            values |= secrets_of(scene)
            scene.operator.must("env.rotate", key)
    values |= secrets_of(scene)
    assert len(values) > 8
    for name in PLACES:
        assert "fabfile" in seen[name] or "docker" in seen[name], "nothing was sampled"
        assert not [value for value in values if value in seen[name]]
        places = holding(scene.lab.server(name), *values)
        assert [place for place in places if not MEANT.fullmatch(place)] == []


def secrets_of(scene: Scene) -> set[str]:
    """The secrets of both servers, as they stand in ``.env``."""
    texts = [scene.lab.server(name).must(["cat", f"{CHECKOUT}/.env"]) for name in PLACES]
    return {one for text in texts for one in secret_values(text) if len(one) > 5}


MEANT = re.compile(
    rf"{CHECKOUT}/\.env(\.former-.*)?|{STATE}/releases/[^/]+/env|container:.*"
    r"|/var/lib/docker/containers/[0-9a-f]{64}/config\.v2\.json"
)
"""Where secrets are meant to stand: the settings, those of a release, a container's environment.

That the engine keeps in a file for root alone, as long as the container is there.
"""
REPLICAS = (
    "--filter label=com.docker.compose.service=core-api"
    " --filter label=com.docker.compose.oneoff=False"
)


@full
@alone
@pytest.mark.parametrize("key", ["JWT_SECRET_KEY", DATABASE])
def test_a_rotation_that_fails_half_way_goes_back_without_a_failed_request(
    level: Scene, key: str
) -> None:
    """A new replica dies while it starts."""
    scene, before = level, setting(level, "ubuntu", key)
    serving = "|".join(one.id for one in scene.boxes().values() if one.service == "core-api")
    fresh = f"docker ps -q --no-trunc {REPLICAS} | grep -vE '{serving}' | head -n 1"
    kill = f"until {fresh} | xargs -r docker kill | grep .; do sleep 0.1; done"
    words = ["docker", "exec", scene.ubuntu.container, "timeout", "120", "sh", "-c", kill]
    with loaded(scene) as load, subprocess.Popen(words, stdout=subprocess.DEVNULL) as killing:
        ran = scene.operator.fab("env.rotate", key)
        killing.terminate()
    assert ran.code == 1, ran
    assert ran.error.endswith(f"the former {key} is back")
    assert setting(scene, "ubuntu", key) == before
    assert takes(scene, setting(scene, "ubuntu", DATABASE))
    assert load.lost == []
    (differs,) = scene.operator.json("env.diff", "--server", "ubuntu")
    assert [row["key"] for row in differs["keys"] if row["runs"]] == []
    assert differs["services"] == []
    scene.proves()
