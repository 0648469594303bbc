"""Maintenance under load: a visitor gets an answer or the page, nothing else; deploys go on."""

from __future__ import annotations

import threading
import time
from collections import Counter
from typing import Self

import pytest

from tests.lab.asking import ask
from tests.lab.full import full
from tests.lab.rig import Server
from tests.lab.scenes import APP, Scene, ending
from tests.names import API, SITE

pytest_plugins = ("tests.lab.deployed", "tests.lab.staged")


class Visitor:
    """Somebody who asks the page and the API again and again, over new connections."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.over = threading.Event()
        self.answers: Counter[tuple[int, bool]] = Counter()
        """Status, and whether it said when to come back."""
        self._thread = threading.Thread(target=self._go_on)

    def _go_on(self) -> None:
        while not self.over.wait(0.3):  # the API takes ten a second of one client
            for host, path in ((SITE, "/"), (API, "/healthz")):
                answer = ask(self.server, host, path)
                self.answers[answer.status, bool(answer.all("retry-after"))] += 1

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.over.set()
        self._thread.join()


@full
@pytest.mark.timeout(600)
def test_on_and_off_give_answers_or_the_page_and_a_deploy_goes_on_behind(scene: Scene) -> None:
    commit = scene.change("Behind maintenance", {APP: ending(f"AWAY = {time.time_ns()}")})
    with Visitor(scene.ubuntu) as visitor:
        ran = scene.operator.fab("maintenance.on", "--why", "a move", "--until", "20m")
        assert ran.code == 0, ran
        try:
            assert ask(scene.ubuntu, SITE, "/").status == 503
            ran = scene.deploy(commit)
            assert ran.code == 0, ran
            assert scene.outcome(commit) == "verified"
            assert ask(scene.ubuntu, API, "/healthz").status == 503
            assert scene.operator.fab("ubuntu.health").code == 0
            told = scene.operator.json("status")["ubuntu"]["maintenance"]
            assert (told["why"], told["until"] - told["since"]) == ("a move", 1200)
            scene.plain_up_changes_nothing()
        finally:
            ran = scene.operator.fab("maintenance.off")
        assert ran.code == 0, ran
        before = visitor.answers.total()
        while visitor.answers.total() < before + 10:
            time.sleep(0.1)
    print(visitor.answers)
    assert {*visitor.answers} == {(200, False), (503, True)}
    assert ask(scene.ubuntu, SITE, "/").status == 200
    assert scene.operator.json("status")["ubuntu"]["maintenance"] is None
