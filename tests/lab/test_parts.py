"""Parts of the rig that need no lab."""

from __future__ import annotations

import os
import socket
import subprocess
import threading
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.lab.rig import LabError, bases, environment, machine, relay
from tests.lab.rig.bases import Image
from tests.lab.rig.docker import run
from tests.lab.rig.output import wait_until
from tests.lab.rig.place import ROOT, Place
from tests.lab.rig.storage import Storage, Unreachable

EXAMPLE = """
# The stack. @required
COMPOSE_FILE=

# @required @secret @min=32
TOKEN=

# @required @secret
# @server=montreal
ONLY_THERE=
RESOLVER_CPUS=2.0
PLAIN=value
"""


def test_base_images_are_read_from_dockerfiles_and_compose_files(tmp_path: Path) -> None:
    (tmp_path / "services/api").mkdir(parents=True)
    (tmp_path / "services/api/Dockerfile").write_text(
        "ARG VERSION=3.12\n"
        "FROM --platform=$BUILDPLATFORM python:${VERSION}-slim AS build\n"
        "FROM build AS test\n"
        "FROM registry.example.org/team/runtime:1\n"
        "COPY --from=build /x /x\n"
        "COPY --chown=a:b --from=owner/tool:2 /y /y\n"
    )
    (tmp_path / "compose").mkdir()
    (tmp_path / "compose/docker-compose.yml").write_text(
        "services:\n"
        "  api: {image: 'ours/api:current', build: ../services/api}\n"
        "  redis: {image: 'redis:7'}\n"
        "  cache: {image: redis}\n"
    )
    assert [str(image) for image in bases.needed(tmp_path)] == [
        "owner/tool:2",
        "python:3.12-slim",
        "redis:7",
        "redis:latest",
    ]


def test_official_images_stand_under_library_in_a_registry() -> None:
    assert (Image("redis", "7").path, Image("a/b", "1").path) == ("library/redis", "a/b")


def test_the_stacks_of_this_checkout_need_images_that_have_a_stand_in() -> None:
    names = {image.name for image in bases.needed(ROOT)}
    assert {"nginx", "postgres", "python", "redis"} <= names
    assert [name for name in names if not (ROOT / "tests/lab/images" / name).is_dir()] == []


@pytest.fixture
def place(tmp_path: Path) -> Place:
    (tmp_path / ".lab").mkdir()
    (tmp_path / ".env.example").write_text(EXAMPLE)
    return Place(tmp_path)


def values(text: str) -> dict[str, str]:
    return dict(line.split("=", 1) for line in text.splitlines())


def test_blank_secrets_are_made_once_and_shared_by_the_servers(place: Place) -> None:
    one = values(environment.fill(place, "ubuntu", {"COMPOSE_FILE": "a.yml"}))
    other = values(environment.fill(place, "montreal", {"COMPOSE_FILE": "b.yml"}))
    assert one["TOKEN"] == other["TOKEN"]
    assert len(one["TOKEN"]) == 64
    assert (place.folder / "secrets.json").stat().st_mode & 0o777 == 0o600


def test_a_key_of_another_server_is_left_out(place: Place) -> None:
    one = values(environment.fill(place, "ubuntu", {"COMPOSE_FILE": "a.yml"}))
    assert list(one) == ["COMPOSE_FILE", "TOKEN", "RESOLVER_CPUS", "PLAIN"]
    assert (one["COMPOSE_FILE"], one["RESOLVER_CPUS"], one["PLAIN"]) == ("a.yml", "1.0", "value")


def test_a_required_key_that_nobody_knows_is_named(place: Place) -> None:
    with pytest.raises(LabError, match=r"^\.env\.example wants COMPOSE_FILE, for which"):
        environment.fill(place, "ubuntu", {})


def test_two_checkouts_have_two_labs(tmp_path: Path) -> None:
    one, other = Place(tmp_path / "a"), Place(tmp_path / "b")
    assert one.name("ubuntu") != other.name("ubuntu")
    assert Place(tmp_path / "a").label == one.label


def test_two_labs_of_one_checkout_share_its_images(tmp_path: Path) -> None:
    one, other = Place(tmp_path), Place(tmp_path, 2)
    assert (one.image("x", "y"), one.image_label) == (other.image("x", "y"), other.image_label)
    assert one.name("ubuntu") != other.name("ubuntu")
    assert (one.label != other.label, one.folder != other.folder) == (True, True)
    other.folder.mkdir()
    assert one.others == [other]


def test_pip_is_told_nothing_that_only_this_machine_has(monkeypatch: pytest.MonkeyPatch) -> None:
    listed = (
        ":env:.find-links='/opt/x'\n"
        "global.extra-index-url='file:///opt/x/simple https://pypi.example.org/simple'\n"
        "global.cert='/home/me/ca.pem'\n"
    )

    def answer(words: Sequence[str]) -> subprocess.CompletedProcess[str]:
        return subprocess.CompletedProcess(words, 0, listed if "pip" in words else "", "")

    monkeypatch.setattr(machine, "run", answer)
    for name in ("https_proxy", "HTTPS_PROXY"):
        monkeypatch.delenv(name, raising=False)
    assert machine.look("trixie").pip_conf == (
        "[global]\n"
        "cert = /etc/ssl/certs/ca-certificates.crt\n"
        "extra-index-url = https://pypi.example.org/simple\n"
    )


def test_a_command_that_outlives_its_time_is_one_line() -> None:
    with pytest.raises(LabError, match=r"^sleep 9 … did not end within 0\.1 s$"):
        run(["sleep", "9"], timeout=0.1)


def test_a_missing_program_is_named() -> None:
    with pytest.raises(LabError, match=r"^no-such-program is not installed$"):
        run(["no-such-program"])


def test_a_wait_names_what_did_not_come() -> None:
    with pytest.raises(LabError, match=r"^the sun rises not within 0\.1 s$"):
        wait_until(lambda: False, "the sun rises", 0.1)


@pytest.mark.parametrize("endpoint", ["tcp://192.0.2.1:2375", "ssh://someone@192.0.2.1"])
def test_a_remote_engine_is_refused(endpoint: str) -> None:
    done = subprocess.run(
        [ROOT / "scripts/engine"],
        env={**os.environ, "DOCKER_HOST": endpoint},
        capture_output=True,
        text=True,
        timeout=20,
        check=False,
    )
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == (
        f"engine: the docker client points at {endpoint}; "
        "unset DOCKER_HOST or choose a local context\n"
    )


def test_a_relay_hands_on_all_bytes_after_one_direction_has_ended() -> None:
    def shout_back(far: socket.socket) -> None:
        connection = far.accept()[0]
        heard = b"".join(iter(lambda: connection.recv(65536), b""))
        connection.sendall(heard.upper())
        connection.close()

    with socket.create_server(("127.0.0.1", 0)) as far:
        threading.Thread(target=shout_back, args=[far], daemon=True).start()
        with (
            relay.delay(far.getsockname(), 0.05) as address,
            socket.create_connection(address, timeout=5) as near,
        ):
            near.sendall(b"ab" * 500_000)
            near.shutdown(socket.SHUT_WR)
            heard = b"".join(iter(lambda: near.recv(65536), b""))
    assert heard == b"AB" * 500_000


def test_a_relay_that_ends_cuts_its_connections() -> None:
    with socket.create_server(("127.0.0.1", 0)) as far:
        with relay.delay(far.getsockname(), 0.01) as address:
            near = socket.create_connection(address, timeout=5)
            connection = far.accept()[0]
        assert (near.recv(1), connection.recv(1)) == (b"", b"")
        near.close()
        connection.close()


def test_a_relay_to_nowhere_closes_at_once() -> None:
    with socket.create_server(("127.0.0.1", 0)) as gone:
        nowhere = gone.getsockname()
    with (
        relay.delay(nowhere, 0.01) as address,
        socket.create_connection(address, timeout=5) as near,
    ):
        assert near.recv(1) == b""


def test_only_a_machine_that_reaches_no_container_goes_without_an_s3_server(
    place: Place, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Its scenes are skipped there; whatever else is wrong with it is an error."""
    monkeypatch.setattr("platform.system", lambda: "Darwin")
    with pytest.raises(Unreachable, match=r"^no S3 server: containers' addresses lead nowhere"):
        Storage(place).start("any")
    monkeypatch.setattr("platform.system", lambda: "Linux")
    monkeypatch.setattr("sys.executable", str(tmp_path / "python"))
    with pytest.raises(LabError, match="weed is not installed here") as caught:
        Storage(place).start("any")
    assert not isinstance(caught.value, Unreachable)
