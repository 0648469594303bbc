"""Whatever others write, in whatever bytes, decides nothing and breaks nothing.

Ten thousand examples in all under ``--full``: commits, names of files, networks and labels,
records, manifests, a freeze, locks, job files, settings, a git server's errors, and what login
shells print.
"""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import replace
from io import BytesIO
from pathlib import Path, PurePosixPath
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from fabfile.model.access.reach import parse as parse_reach
from fabfile.model.answer import parse
from fabfile.model.certificates.acme import cause
from fabfile.model.data.backup import parse_manifest, stale
from fabfile.model.deploy.preflight import commit_problems, engine_problems, env_findings, warnings
from fabfile.model.errors import Trouble
from fabfile.model.facts import Facts
from fabfile.model.framing import lines_of
from fabfile.model.freeze import parse_freeze
from fabfile.model.hints import revision, revisions
from fabfile.model.probe import Answer, Probe, Question, judge
from fabfile.model.release import VERIFIED, parse_release
from fabfile.remote.commands.line import command_line
from fabfile.remote.commands.pipe import Marked
from fabfile.remote.output import Output

from .backups import backup
from .builders import SERVER, release
from .examples import examples

PLAIN = (Path(__file__).parent / "data" / "look.txt").read_text()
MARK = "@@5f0c1d9b8a7e6f42"
LOOK = PLAIN.replace("\n@@ ", f"\n{MARK} ")
FACTS = parse(LOOK, MARK)
WANTED = "0" * 39 + "2"
EVIL = "0" * 39 + "9"
NASTY = [
    *(b"\r", b"\v", b"\f", b"\x1c", b"\x1d", b"\x1e", b"\x1f", b"\x1b[2J", b"\x7f", b"\xff"),
    *(one.encode() for one in ("\x85", "\u2028", "\u2029", "\u202e", "\ufeff", "\U0001f600")),
    *(f"{word}{EVIL}".encode() for word in ("commit=", "commit ", "head=", "")),
    *(b"error=x", b"error x", b"unknown ", b"@@ end", b"@@ commit", b"edited=", b"proxy="),
    *(b'"', b"\\", b"'", b"{", b"[", b"}", b",", b":", b" ", b"\t", b"1e400", b"NaN", b"\\ud800"),
    *(b"|", b"=", b"\xc2", b"\xa0"),
]  # fmt: skip
LINE = st.builds(
    lambda nasty, data: data.replace(b"\0", b"").replace(b"\n", b"").join(nasty),
    st.lists(st.sampled_from(NASTY), max_size=5),
    st.binary(max_size=4),
)
"""One line of bytes, as a commit's subject is."""
TEXT = st.lists(LINE, max_size=2).map(b"\n".join)
"""Some lines, as a file is."""
JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**30), 10**30)
    | st.floats()
    | st.sampled_from(["", "verified", "\ud800", "../../x", "\u2028", 1 << 63, -1, float("inf")])
    | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=4,
)
many = examples(1000)


def read(data: bytes) -> str:
    """As an answer comes."""
    return data.decode("utf-8", "replace")


def seen(**sections: str) -> Facts:
    """The look with other texts in these sections."""
    look = LOOK
    for name, text in sections.items():
        start = look.index(f"{MARK} {name}\n") + len(f"{MARK} {name}\n")
        look = look[:start] + text + look[look.index(f"\n{MARK} ", start - 1) :]
    return parse(look, MARK, WANTED)


@many
@given(LINE, TEXT)
def test_subjects_and_names_of_files(subject: bytes, path: bytes) -> None:
    said, named = read(subject), f"x{read(path)}"
    log = f"\0{WANTED}\0{said}\0\n{named}\0"
    found = seen(
        log=log,
        tree=f"100644 blob aaaa\t{named}\0",
        edited=f" M {named}\0",
        filtered=f"{named}\0",
    )
    assert FACTS.commit is not None
    assert found.commit is not None
    assert found.commit.tree == {named: ("100644", "aaaa")}
    assert [(one.commit, one.subject, one.paths) for one in found.commit.log] == [
        (WANTED, said, (named,))
    ]
    assert found.edited == (f" M {named}",)
    assert found.commit.filtered == (named,)
    changed = {one: getattr(found.commit, one) for one in ("tree", "log", "filtered")}
    commit = replace(FACTS.commit, subject=said, **changed)
    assert found == replace(FACTS, commit=commit, edited=found.edited)


@many
@given(TEXT, st.sampled_from(["error", "unknown"]))
def test_a_git_servers_errors_and_refs(said: bytes, fault: str) -> None:
    start = LOOK.index(f"{MARK} commit\n")
    found = parse(
        f"{LOOK[:start]}{MARK} commit\n{fault} {read(said)}\n\n{MARK} end\n", MARK, WANTED
    )
    assert found.commit is not None
    assert (found.commit.id, found.commit.fault, found.commit.log) == ("", fault, ())
    assert replace(found, commit=FACTS.commit) == FACTS
    assert len(commit_problems(SERVER, found)) == 1


@many
@given(st.text(max_size=20), st.text(max_size=20), TEXT)
def test_networks_volumes_images_labels_and_folders(name: str, label: str, path: bytes) -> None:
    container = {
        **json.loads(LOOK[LOOK.index('{"id":"c1"') :].partition("\n")[0]),
        "labels": {"x": label},
    }
    found = seen(
        networks=f"{json.dumps([name, label], ensure_ascii=False)}\n",
        volumes=f"{json.dumps([name, label], ensure_ascii=False)}\n",
        images=f"{json.dumps(['id', name, label, '1MB', label], ensure_ascii=False)}\n",
        containers=f"{json.dumps(container, ensure_ascii=False)}\n",
        folders=f"700|directory|root|/{read(path)}\0",
    )
    assert (found.networks, found.volumes) == ({name: label}, {name: label})
    assert found.images == {f"{name}:{label}": "id", f"{name}@{label}": "id"}
    assert list(found.folders) == [f"/{read(path)}"]
    assert [(one.id, dict(one.labels)) for one in found.containers] == [("c1", {"x": label})]
    changed = ("networks", "volumes", "images", "sizes", "containers", "folders")
    same = {one: getattr(FACTS, one) for one in changed}
    assert replace(found, **same) == FACTS


@many
@given(TEXT, TEXT)
@example(b"", b"\0")
def test_locks_job_files_and_crontabs(said: bytes, job: bytes) -> None:
    text = read(job).replace("\0", "")
    found = seen(
        holder=read(said),
        lingering=read(said),
        jobs=f"db.backup.failure\0{7}\0{text}\0{text}\0x{text}\0\0",
    )
    changed = {one: getattr(FACTS, one) for one in ("holder", "lingering", "jobs")}
    assert replace(found, **changed) == FACTS
    assert (found.jobs[0].failed, found.jobs[0].succeeded) == (7, 0)
    assert replace(seen(crontab=read(said)), jobs=FACTS.jobs) == FACTS


@many
@given(TEXT)
@example(b'{"since": 1e400, "who": "a", "why": "b"}')
@example(b"[" * 10_000)
def test_a_freeze(text: bytes) -> None:
    found = parse_freeze(read(text))
    assert (found is None) == (text == b"")
    assert not found or str(found).startswith("frozen by ")
    assert replace(seen(frozen=read(text)), freeze=FACTS.freeze) == FACTS


RECORD = json.loads(replace(release("r2"), outcome="failed", error="x", waived=("link",)).to_json())
MANIFEST = json.loads(replace(backup(7), verified=0, failure="x").to_manifest())


def odd(whole: dict[str, Any], path: tuple[str, ...], value: Any, how: str) -> str:
    """A record with one value that is another, is missing, or is there twice."""
    raw = json.loads(json.dumps(whole))
    inside = raw
    for name in path[:-1]:
        inside = inside[name]
    if how == "gone":
        del inside[path[-1]]
    elif how == "other":
        inside[path[-1]] = value
    text = json.dumps(raw)
    if how == "twice":
        text = text.replace(
            f'"{path[-1]}":', f'"{path[-1]}": {json.dumps(value)}, "{path[-1]}":', 1
        )
    return text


HOW = st.sampled_from(["other", "gone", "twice"])


@many
@given(TEXT, st.sampled_from(sorted(RECORD)), JSON, HOW)
def test_records_of_releases(junk: bytes, field: str, value: Any, how: str) -> None:
    good = replace(release("r1"), outcome=VERIFIED)
    text = odd(RECORD, (field,), value, how)
    found = seen(releases=f"r1\0{good.to_json()}\0r2\0{text}\0r3\0{read(junk)}\0")
    assert found.releases[0] == good
    assert set(found.unreadable) <= {"releases/r2", "releases/r3", "backups/db_1.json"}
    assert "releases/r3" in found.unreadable
    assert ("releases/r2" in found.unreadable) == (len(found.releases) == 1)
    if (field, value) != ("outcome", VERIFIED):
        assert found.verified == good
    if how == "twice":
        assert found.releases == (good,)
    for one in found.releases:
        one.to_json().encode()
        assert parse_release(one.to_json()) == one


ABOUT = [("about", name) for name in MANIFEST["about"]]
FIELDS = [*ABOUT, *((name,) for name in MANIFEST)]


@many
@given(TEXT, st.sampled_from(FIELDS), JSON, HOW)
def test_manifests_of_backups(junk: bytes, path: tuple[str, ...], value: Any, how: str) -> None:
    good = backup(1)
    text = odd(MANIFEST, path, value, how)
    files = {f"{good.name}.json": good.to_manifest(), f"{backup(7).name}.json": text}
    rows = "".join(f"{name}\0{text}\0" for name, text in files.items())
    found = seen(backups=f"{rows}db_9.json\0{read(junk)}\0")
    assert good in found.backups
    assert len(found.backups) + len([one for one in found.unreadable if "db_" in one]) == 3
    assert isinstance(stale(found.backups, 0), str)
    if path != ("about", "verified"):
        assert [one.verified for one in found.backups if one != good] in ([], [0])
    assert parse_manifest(read(junk)) is None


@many
@given(TEXT, TEXT)
def test_settings_engines_and_certificates(text: bytes, said: bytes) -> None:
    found = seen(env=read(text), docker=read(said), certificate=read(text), example=read(said))
    with suppress(Trouble):
        env_findings(SERVER, found)
    engine_problems(found)
    warnings(found)
    same = {one: getattr(FACTS, one) for one in ("env", "docker", "certificate", "commit")}
    assert replace(found, **same) == FACTS


@many
@given(TEXT, st.binary(max_size=40), st.integers(1, 9))
def test_what_login_shells_print(before: bytes, own: bytes, size: int) -> None:
    line = command_line(["true"], 5, has_stdin=False)
    printed = before + line.mark.encode() + own
    assert line.own(printed.decode("latin-1")) == own.decode("latin-1")
    assert line.own(before.decode("latin-1")) is None

    class Printed(BytesIO):
        def end(self, _patience: float) -> tuple[int, bytes, bytes]:
            return 0, self.read(), printed

    pipe = Marked(Printed(printed), line)  # type: ignore[arg-type]
    assert b"".join(iter(lambda: pipe.read(size), b"")) == own
    assert pipe.end(5) == (0, b"", own)
    pipe = Marked(Printed(before), line)  # type: ignore[arg-type]
    assert (pipe.read(size), pipe.begun) == (b"", False)


@many
@given(TEXT)
@example(b"[" * 10_000)
@example(b'{"status": "healthy", "status": "ill"}')
def test_answers_of_services_and_of_migration_tools(body: bytes) -> None:
    question = Question("x", "http://x/", Probe(json={"status": "healthy"}))
    assert not judge(question, Answer(200, read(body))).ok
    assert revision(read(body)) in ("", *read(body).split())
    assert set(revisions(read(body))) <= set(read(body).split())


LINE_ENDS = "\v\f\x1c\x1d\x1e\x85\u2028\u2029"


def test_what_else_ends_a_line_ends_none_of_a_programs_output() -> None:
    said = f"one{LINE_ENDS}rules=yes"
    assert lines_of(f"\n{said}\r\ntwo\n\n") == [said, "two"]
    assert Output(1, "", f"{said}\n").tail() == Output(1, "", f"{said}\n").errors() == (said,)
    assert lines_of("") == lines_of("\n") == []
    found = parse_reach(f"subnet=a{LINE_ENDS}rules=yes|10.0.0.0/8\nhook=x{LINE_ENDS}rules=yes\n")
    assert not found.guarded
    assert cause(f"no{LINE_ENDS}Detail: a\n") == f"no{LINE_ENDS}Detail: a"


@pytest.mark.parametrize("name", ["host", "folders", "releases", "commit", "log", "jobs"])
@settings(max_examples=20, deadline=None)
@given(TEXT)
def test_a_section_that_is_not_ours_at_all_is_an_error_in_words(name: str, text: bytes) -> None:
    with suppress(ValueError):
        seen(**{name: read(text)})


def test_a_path_that_a_record_names_stays_where_it_is() -> None:
    """The id of a release is the name of its folder, and nothing else."""
    text = replace(release("../../home/x"), outcome=VERIFIED).to_json()
    found = seen(releases=f"r1\0{text}\0")
    assert (found.releases, found.verified) == ((), None)
    assert not found.has_folder(PurePosixPath("/home/x"))
