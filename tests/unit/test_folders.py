"""The folders of a server's state: whose they are, and what is done where they are not."""

from __future__ import annotations

import pytest

from fabfile.model.access.folders import FOLDERS, modes, warnings

from .builders import CHECKOUT, ROOT, SERVER, facts, folders
from .planning import plan, steps

LOOSE = [str(ROOT), f"{ROOT}/locks", str(CHECKOUT)]


def test_everything_is_the_deploying_users_but_what_users_of_containers_read() -> None:
    assert {path for path, mode in modes(SERVER).items() if mode != 0o700} == {
        f"{ROOT}/proxy",
        f"{ROOT}/certs/trust",
    }
    assert set(modes(SERVER)) == {
        str(ROOT),
        str(CHECKOUT),
        *(f"{ROOT}/{name}" for name in FOLDERS),
    }


def test_folders_that_stand_open_are_told_and_closed_by_one_step() -> None:
    seen = {**facts().folders, **folders(*LOOSE, mode=0o775)}
    told = f"{ROOT} (775), {ROOT}/locks (775), {CHECKOUT} (775)"
    made = steps(plan(folders=seen))
    assert made[0] == (
        "bootstrap /opt/app",
        "3 of its folders have other modes than theirs",
    )
    assert warnings(SERVER, facts(folders=seen)) == [
        f"folders with a mode that is not theirs: {told}; a deploy corrects them"
    ]


@pytest.mark.parametrize("name", ["proxy", "certs/trust"])
def test_what_a_login_of_a_strict_umask_closed_is_opened_for_containers(name: str) -> None:
    seen = {**facts().folders, **folders(f"{ROOT}/{name}", mode=0o700)}
    assert steps(plan(folders=seen))[0][1] == "1 of its folders have other modes than theirs"
    assert f"{ROOT}/{name} (700)" in warnings(SERVER, facts(folders=seen))[0]


def test_well_closed_folders_need_nothing() -> None:
    assert warnings(SERVER, facts()) == []
