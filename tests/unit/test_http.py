"""Asking with curl on a server: what it is given, and its answers whatever the bodies hold."""

from __future__ import annotations

import json
import os
import re
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from invoke import Context

from fabfile.model.probe import Answer, Probe, Question
from fabfile.remote.host import Host
from fabfile.remote.http import CURL, ask_on_server
from fabfile.remote.output import Output, Timeout

from .builders import SERVER

TOKEN = 'tok"en\\1'


class Answering(Host):
    """A host whose curl answers each question with a status, headers and a body."""

    def __init__(self, *answers: tuple[int, str, str], cut: bool = False) -> None:
        super().__init__(SERVER, Context())
        self.answers = answers
        self.cut = cut
        self.words: tuple[str, ...] = ()
        self.given = ""

    def read(
        self, words: object, *, stdin: str = "", timeout: Timeout = 30, check: bool = True
    ) -> Output:
        self.words = tuple(words)  # type: ignore[arg-type]
        self.given = stdin
        found = re.search(r'write-out = "\\n(\w+) ', stdin)
        assert found
        text = ""
        for status, headers, body in self.answers:
            head = f"HTTP/1.1 {status} X\r\n{headers}\r\n" if status else ""
            meta = {
                "http_code": status,
                "time_total": 0.5,
                "errormsg": None if status else "connection refused",
            }
            text += f"{head}{body}\n{found[1]} {json.dumps(meta)}\n"
        return Output(28 if self.cut else 0, text, "curl: (28) timed out" if self.cut else "")


def questions(count: int, **probe: object) -> list[Question]:
    return [
        Question(f"q{number}", f"https://app.example/{number}", Probe(**probe))  # type: ignore[arg-type]
        for number in range(count)
    ]


def test_nothing_to_ask_asks_nothing() -> None:
    host = Answering()
    assert ask_on_server(host, [], {}) == []
    assert host.words == ()


def test_an_answer_has_status_body_headers_and_time() -> None:
    host = Answering((200, "X-Reached: 172.20.0.4:80\r\nContent-Type: text/plain\r\n", "ok\n"))
    (answer,) = ask_on_server(host, questions(1), {})
    assert (answer.status, answer.body, answer.seconds) == (200, "ok\n", 0.5)
    assert answer.headers == {"x-reached": "172.20.0.4:80", "content-type": "text/plain"}


def test_no_answer_says_why() -> None:
    (answer,) = ask_on_server(Answering((0, "", "")), questions(1), {})
    assert (answer.status, answer.error) == (0, "connection refused")


def test_questions_that_curl_did_not_get_to_have_its_last_words() -> None:
    host = Answering((200, "", "first"), cut=True)
    first, second, third = ask_on_server(host, questions(3), {})
    assert first.body == "first"
    assert second == third == Answer(0, error=second.error)
    assert second.error.endswith("curl: (28) timed out")


@given(
    st.lists(
        st.tuples(
            st.integers(min_value=100, max_value=599),
            st.sampled_from(["", "A: b\r\n", "A: b: c\r\nD:\r\n"]),
            st.text(max_size=80) | st.sampled_from(["\r\n\r\n", "\nHTTP/1.1 200 OK\r\n\r\n", "{}"]),
        ),
        min_size=1,
        max_size=4,
    )
)
def test_every_body_comes_back_as_it_was_sent(sent: list[tuple[int, str, str]]) -> None:
    answers = ask_on_server(Answering(*sent), questions(len(sent)), {})
    assert [(answer.status, answer.body) for answer in answers] == [
        (status, body) for status, _, body in sent
    ]


def test_a_bearer_goes_by_standard_input_and_is_quoted() -> None:
    host = Answering((200, "", ""))
    ask_on_server(host, questions(1, bearer="TOKEN"), {"TOKEN": TOKEN})
    assert 'header = "Authorization: Bearer tok\\"en\\\\1"' in host.given.splitlines()
    assert not [word for word in host.words if "tok" in word]


def test_a_question_connects_where_it_says_and_asks_only_http() -> None:
    host = Answering((200, "", ""))
    question = Question("gate", 'https://app.example/"x"', Probe(), "127.0.0.1:443")
    ask_on_server(host, [question], {}, "CERTIFICATE")
    lines = host.given.splitlines()
    assert 'url = "https://app.example/\\"x\\""' in lines
    assert 'connect-to = "::127.0.0.1:443"' in lines
    assert 'proto = "=http,https"' in lines
    assert "globoff" in lines
    assert host.words[-1] == "CERTIFICATE"


@pytest.mark.parametrize("trust", ["", "a certificate"])
def test_what_a_person_has_set_for_curl_changes_no_question(tmp_path: Path, trust: str) -> None:
    (tmp_path / ".curlrc").write_text('write-out = "of ~/.curlrc"\n')
    (tmp_path / "asked").write_text("answered")
    done = subprocess.run(
        ["bash", "-c", CURL, "curl", trust],
        input=f'url = "file://{tmp_path}/asked"\n',
        env={"HOME": str(tmp_path), "PATH": os.environ["PATH"]},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "answered"


def test_no_proxy_of_the_servers_network_stands_before_the_stacks_own_addresses() -> None:
    """Set in /etc/environment, it would answer for every gate."""
    host = Answering((200, "", "x"), (200, "", "y"))
    ask_on_server(host, questions(2), {})
    assert host.given.count('noproxy = "*"\n') == 2
