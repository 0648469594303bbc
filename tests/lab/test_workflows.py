"""The workflows before real servers: deployed, gone back, superseded, taken back, watched."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.lab.commits import replaced
from tests.lab.deployments import FAB
from tests.lab.full import full
from tests.lab.scenes import HEALTH, PAGE, Scene
from tests.workflows.playing import LEFT_OUT, OK, RED, Played, Runner

pytest_plugins = ("tests.lab.deployed", "tests.lab.staged")


@dataclass
class Hosted:
    """A repository whose pushes are deployed, and the machine on which its workflows run."""

    folder: Path
    checkout: Path
    scene: Scene

    def play(self, name: str, commit: str, **inputs: str) -> Played:
        """A run that ``commit`` started, with ``main`` as it stands now."""
        (self.folder / "summary.md").write_text("")
        event = {"github": {"sha": commit}, "inputs": inputs, "secrets": {}}
        return Runner(self, event, {}).play(name)

    def push(self, commit: str) -> str:
        self.scene.origin.point(commit)
        return commit

    @property
    def summary(self) -> str:
        return (self.folder / "summary.md").read_text()


@pytest.fixture
def hosted(scene: Scene, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Hosted:
    monkeypatch.setenv("HOSTS_INI", str(scene.operator.hosts_ini))
    (tmp_path / "fab").symlink_to(FAB)
    return Hosted(tmp_path, scene.lab.folder / "origin.git", scene)


@full
@pytest.mark.timeout(1500)
def test_pushes_are_deployed_go_back_and_overtake_each_other(scene: Scene, hosted: Hosted) -> None:
    before = scene.runs
    page = replaced("<title>Wish With Me</title>", "<title>Wish With Me, pushed</title>")
    good = hosted.push(scene.change("Another title", {PAGE: page}))
    played = hosted.play("deploy.yml", good)
    assert played.jobs["deploy"] == OK, played.log
    assert scene.runs == good
    assert "## ubuntu: verified" in hosted.summary
    assert "## montreal: left as it is" in hosted.summary
    assert "| outside:site | green |" in hosted.summary
    assert "::notice title=ubuntu%3A verified::" in played.log

    sick = replaced('        return {"status": "healthy"', '        return {"status": "sick"')
    broken = hosted.push(scene.change("An API that is not well", {HEALTH: sick}))
    played = hosted.play("deploy.yml", broken)
    assert played.jobs["deploy"] == RED
    assert scene.runs == good
    assert "rolled back, proved" in hosted.summary
    assert f"-{broken[:8]}, failed" in hosted.summary
    assert "::error title=ubuntu%3A deploy failed with exit code 1::" in played.log

    assert hosted.play("deploy.yml", good).jobs == {
        "turn": OK,
        "tests": LEFT_OUT,
        "deploy": LEFT_OUT,
    }
    hosted.push(good)
    assert hosted.play("hotfix.yml", good, ref=before).jobs["deploy"] == OK
    assert f"ubuntu runs {good[:8]}, which has it already" in hosted.summary
    assert scene.runs == good

    assert hosted.play("rollback.yml", good, server="ubuntu", to=before).jobs == {"rollback": OK}
    assert scene.runs == before
    assert "## ubuntu: verified" in hosted.summary
    scene.operator.must("db.backup")
    hosted.play("watch.yml", good)
    titles = ("## doctor: ", "## ssl.status: ", "## db.verify: passed\n")
    assert [title for title in titles if title not in hosted.summary] == []
