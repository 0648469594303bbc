"""What the stack's file says while replicas stand beside others: as many as there are."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from fabfile.model.errors import Trouble
from fabfile.remote.deploy import beside
from fabfile.remote.host import Host

from .proxying import ran, told
from .replicating import API, STACK_FILE, WEB, exist, names, retire, start, starting

pytestmark = pytest.mark.usefixtures("engine")
MORE = {"services": {"web": {"deploy": {"replicas": 4}}, "api": {"scale": 3}}}


def counts(text: str) -> list[object]:
    """The documents of a file; compose merges them, the later ones into the first."""
    return list(yaml.safe_load_all(text))


def started(host: Host) -> None:
    page, api = replace(WEB, counted="replicas"), replace(API, counted="scale", replicas=2)
    start(host, starting(page, 4), starting(api, 3))


def test_from_the_first_new_replica_on_the_file_says_how_many_there_are(
    host: Host, stubs: Path, stack: Path
) -> None:
    stack.chmod(0o640)
    started(host)
    assert counts((stubs / "meanwhile-1").read_text()) == [yaml.safe_load(STACK_FILE), MORE]
    assert counts(stack.read_text()) == [yaml.safe_load(STACK_FILE), MORE]
    assert stack.stat().st_mode & 0o777 == 0o640


@pytest.mark.parametrize("text", [STACK_FILE, STACK_FILE.rstrip("\n"), f"{STACK_FILE}\n\n"])
def test_once_the_former_have_gone_the_file_is_as_it_was(
    host: Host, stack: Path, text: str
) -> None:
    stack.write_text(text)
    started(host)
    assert stack.read_text() != text
    beside.retire(host, told(), "app", [], [])
    assert stack.read_text() == text


def test_a_second_run_says_its_own_number_alone(host: Host, stack: Path) -> None:
    started(host)
    page = replace(WEB, counted="replicas")
    start(host, starting(page, 6))
    more = {"services": {"web": {"deploy": {"replicas": 6}}}}
    assert counts(stack.read_text()) == [yaml.safe_load(STACK_FILE), more]


def test_where_there_are_as_many_as_the_file_says_it_is_left(host: Host, stack: Path) -> None:
    """Replicas that come in the place of other services."""
    start(host, starting(replace(API, replicas=3), 3))
    assert stack.read_text() == STACK_FILE


@pytest.mark.parametrize("variable", ["SICK", "BORN_web"])
def test_where_no_new_one_starts_the_file_is_as_it_was(
    host: Host, stack: Path, monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    monkeypatch.setenv(variable, "running unhealthy")
    with pytest.raises(Trouble):
        started(host)
    assert stack.read_text() == STACK_FILE


def test_where_compose_takes_no_second_word_the_file_is_as_it_was_and_they_start(
    host: Host, stubs: Path, stack: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The service is that of another file, which this one includes."""
    monkeypatch.setenv("INCLUDED", "yes")
    started(host)
    assert stack.read_text() == STACK_FILE
    assert len(ran(stubs, "compose")) == 2
    assert len(ran(stubs, "start")) == 2


def test_where_the_file_cannot_be_written_no_replica_is_made(
    host: Host, stubs: Path, stack: Path
) -> None:
    stack.unlink()
    with pytest.raises(Trouble, match=r"app\.yml cannot be written"):
        started(host)
    assert ran(stubs, "tag", "compose", "rename") == []


@pytest.mark.usefixtures("switched")
def test_whom_somebodys_compose_has_made_anew_goes_with_the_former(
    host: Host, stubs: Path, engine: Path
) -> None:
    """It makes them of the new image, once that has the name; the proxy asks none of them."""
    exist(stubs, "web-id-7", "web", "app-web-7")
    retire(host, ["web-id-1", "web-id-2"], ["web-id-3", "web-id-4"])
    assert names(engine) == {
        "api-id-1": "app-api-1",
        "web-id-3": "app-web-1",
        "web-id-4": "app-web-2",
    }
