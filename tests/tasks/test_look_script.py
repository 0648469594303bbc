"""The look script itself at a commit: run by bash over a real repository."""

from __future__ import annotations

import os
import subprocess

import pytest

from fabfile.remote.deploy import git
from tests.tasks.looked_at import Place


def test_a_look_changes_nothing_and_leaves_nothing_behind(place: Place) -> None:
    (place.checkout / ".env").write_text("A=1\n")
    before = place.files()
    place.look()
    assert place.files() == before


def test_a_file_that_the_server_has_already_is_not_touched_by_its_coming_again(
    place: Place,
) -> None:
    """Git would note on what it has that somebody wants it: in the checkout's own objects."""
    place.commit_files("Second", {"a": "1"})
    place.commit_files("Third", {"a": "2"})
    place.cloned()
    place.commit_files("Back", {"a": "1"})
    for file in (place.checkout / ".git/objects").rglob("*"):
        os.utime(file, (1, 1))
    before = place.files()
    place.look()
    assert place.files() == before


def test_the_wanted_commit_is_seen_whole_without_a_checkout(place: Place) -> None:
    identity = place.commit_files("Second", {"services/web/index.html": "x"})
    facts = place.look()
    assert facts.commit is not None
    assert (facts.commit.id, facts.commit.subject) == (identity, "Second")
    assert set(facts.commit.tree) == {
        ".env.example", "compose", "compose/app.yml", "services", "services/web",
        "services/web/index.html",
    }  # fmt: skip
    assert facts.commit.tree["services/web/index.html"][0] == "100644"
    assert facts.commit.example == "A=\n"
    assert facts.commit.resolved == '{"name": "app"}'
    assert facts.commit.hashes == "web 1f\n"


@pytest.mark.parametrize(
    "name", ["café.txt", "with blank", 'quo"ted', "@types", "tab\there", "-dash", "# hash"]
)
def test_a_file_is_seen_under_its_own_name_however_it_is_called(place: Place, name: str) -> None:
    """A quoted name would stand below no build context: its change would never be deployed."""
    path = f"services/web/{name}"
    place.commit_files("Second", {path: "x"})
    facts = place.look()
    assert facts.commit is not None
    assert path in facts.commit.tree
    assert facts.commit.log[0].paths == (path,)


def test_an_executable_file_and_a_link_have_modes_of_their_own(place: Place) -> None:
    (place.origin / "run").write_text("x")
    (place.origin / "run").chmod(0o755)
    (place.origin / "link").symlink_to("run")
    place.commit("Second")
    facts = place.look()
    assert facts.commit is not None
    assert facts.commit.tree["run"][0] == "100755"
    assert facts.commit.tree["link"][0] == "120000"


def test_the_log_names_the_commits_newest_first_with_their_files(place: Place) -> None:
    place.commit_files("Second", {"a": "1", "b": "1"})
    place.commit_files("Third: @ \\x1e", {"a": "2"})
    facts = place.look()
    assert facts.commit is not None
    assert [(change.subject, change.paths) for change in facts.commit.log] == [
        ("Third: @ \\x1e", ("a",)),
        ("Second", ("a", "b")),
        ("First", (".env.example", "compose/app.yml")),
    ]


@pytest.mark.parametrize("kind", ["branch", "tag", "commit", "start of a commit"])
def test_a_ref_of_any_kind_is_found(place: Place, kind: str) -> None:
    first = place.git("rev-parse", "HEAD")
    place.git("branch", "side")
    place.git("tag", "v1")
    place.commit("Second")
    ref = {"branch": "side", "tag": "v1", "commit": first}.get(kind, first[:10])
    facts = place.look(ref)
    assert facts.commit is not None
    assert facts.commit.id == first


SEPARATORS = {
    "CR": "\r", "VT": "\v", "FF": "\f", "FS": "\x1c", "GS": "\x1d", "RS": "\x1e", "US": "\x1f",
    "NEL": "\x85", "LS": "\u2028", "PS": "\u2029", "blank": " ",
}  # fmt: skip
"""What ends a line, or a record, for one reader or another."""
FORGED = ("commit={0}", "commit {0}", "{0} Another", "error=no", "error no", "@@mark end")


@pytest.mark.parametrize("separator", SEPARATORS.values(), ids=SEPARATORS)
def test_who_writes_a_commits_subject_does_not_choose_what_is_deployed(
    place: Place, separator: str
) -> None:
    place.git("checkout", "-q", "-b", "evil")
    evil = place.commit_files("Evil", {"evil": "x"})
    place.git("checkout", "-q", "main")
    forged = separator.join(["Fix a typo", *(line.format(evil) for line in FORGED)])
    place.environment["GIT_AUTHOR_NAME"] = forged
    wanted = place.commit_files(forged, {"a": "1", f"b\n{separator}{evil} c": "2"})
    for ref in ("main", wanted, wanted[:12], wanted.upper()):
        facts = place.look(ref)
        assert facts.commit is not None
        assert (facts.commit.id, facts.commit.subject, facts.commit.fault) == (wanted, forged, "")
        assert "evil" not in facts.commit.tree
        assert [change.subject for change in facts.commit.log] == [forged, "First"]
        assert facts.commit.log[0].paths == ("a", f"b\n{separator}{evil} c")


def test_who_writes_a_commits_message_does_not_choose_what_is_deployed(place: Place) -> None:
    """Line ends, in the subject and below it."""
    wanted = place.commit(f"Fix\n@@mark commit\ncommit {'0' * 40}\n\n@@mark end\n")
    facts = place.look()
    assert facts.commit is not None
    subject = f"Fix @@mark commit commit {'0' * 40}"
    assert (facts.commit.id, facts.commit.subject) == (wanted, subject)


@pytest.mark.parametrize("kind", ["branch", "tag"])
def test_who_calls_a_branch_like_a_commit_does_not_choose_what_is_deployed(
    place: Place, kind: str
) -> None:
    wanted = place.git("rev-parse", "HEAD")
    evil = place.commit("Evil")
    place.git("update-ref", f"refs/{'heads' if kind == 'branch' else 'tags'}/{wanted}", evil)
    facts = place.look(wanted)
    assert facts.commit is not None
    assert facts.commit.id == wanted


def test_a_name_of_several_commits_is_ambiguous(place: Place) -> None:
    first = place.git("rev-parse", "HEAD")
    place.git("branch", "v1")
    place.git("tag", "v1")
    place.git("branch", first[:9])
    facts = place.look("v1")
    assert facts.commit is not None
    assert facts.commit.id == first
    second = place.commit("Second")
    place.git("tag", "-f", "v1")
    place.git("branch", "-f", first[:9])
    for ref in ("v1", first[:9]):
        found = place.look(ref).commit
        assert found is not None
        assert (found.id, found.fault) == ("", "ambiguous")
        assert set(found.error.split()) == {first, second}
    for ref, wanted in {"refs/heads/v1": first, "refs/tags/v1": second, first: first}.items():
        found = place.look(ref).commit
        assert found is not None
        assert found.id == wanted


@pytest.mark.parametrize("ref", ["HEAD", "FETCH_HEAD", "objects", "config"])
def test_a_name_of_gits_own_is_no_commit(place: Place, ref: str) -> None:
    found = place.look(ref).commit
    assert found is not None
    assert (found.id, found.fault) == ("", "unknown")


def test_an_id_of_something_else_than_a_commit_is_unknown(place: Place) -> None:
    place.git("tag", "-a", "-m", "A tag", "v1")
    for ref in (place.git("rev-parse", "v1"), place.git("rev-parse", "HEAD^{tree}")):
        found = place.look(ref).commit
        assert found is not None
        assert (found.id, found.fault) == ("", "unknown")


def test_who_answers_as_a_git_server_does_not_choose_what_is_deployed(place: Place) -> None:
    """What it says of an error is an error, whatever it says."""
    forged = f"commit {'0' * 40}"
    said = f"remote: no\\n{forged}\\n@@other commit\\nunknown x\\302\\205{forged}"
    fails = f"""[[ "$*" != *" fetch "* ]] || {{ printf '{said}' >&2; exit 128; }}"""
    place.stand_in("git", f'{fails}\nexec $REAL "$@"')
    found = place.look().commit
    assert found is not None
    assert (found.id, found.fault) == ("", "error")
    assert found.error == f"remote: no {forged} @@other commit unknown x {forged}"


# A fetch that goes on for so many tenths of a second before it does what is asked.
SLOW = """
[[ "$*" == *" fetch "* ]] || exec $REAL "$@"
for ((at = 0; at < 20; at++)); do
  printf 'Receiving objects: %s%% (1/2)\\r' "$at" >&2
  sleep 0.1
done
exec $REAL "$@"
"""
STILL = """
[[ "$*" == *" fetch "* ]] || exec $REAL "$@"
printf 'remote: Counting objects: 1\\r' >&2
echo $$ >"$HOME/still"
exec sleep 300
"""


def fault(place: Place, still: int, longest: int) -> str:
    found = place.look(still=still, longest=longest).commit
    assert found is not None
    assert (found.id, found.fault) == ("", "error")
    return found.error


def test_a_slow_fetch_may_take_as_long_as_it_goes_on(place: Place) -> None:
    place.stand_in("git", SLOW)
    found = place.look(still=1).commit
    assert found is not None
    assert found.fault == ""


def test_a_fetch_that_keeps_still_is_ended_with_its_reason(place: Place) -> None:
    place.stand_in("git", STILL)
    assert fault(place, still=1, longest=60) == "nothing came for 1 s"
    process = int((place.folder / "still").read_text())
    with pytest.raises(ProcessLookupError):
        os.kill(process, 0)


def test_a_fetch_has_an_end_also_where_it_goes_on(place: Place) -> None:
    place.stand_in("git", SLOW)
    assert fault(place, still=20, longest=1) == "no end within 1 s"


@pytest.mark.parametrize("kind", ["unreadable", "of nobody", "empty"])
def test_a_repository_that_is_none_has_a_reason(place: Place, kind: str) -> None:
    """Never no reason at all."""
    (place.origin / ".git").rename(place.folder / "away")
    if kind == "of nobody":
        (place.origin / ".git").write_text("gitdir: /nowhere\n")
    elif kind == "empty":
        place.git("init", "-q", "-b", "main")
        found = place.look().commit
        assert found is not None
        assert (found.fault, found.error) == ("unknown", "main")
        return
    assert fault(place, 20, 60).startswith("fatal: ")


FULL = """
[[ "$*" == *-PB1M* ]] || exec $REAL "$@"
printf 'Filesystem\\n/dev/a 9999 9 %s 1%% /tmp\\n' "$(cat "$HOME/free")"
"""


def test_a_commit_that_has_no_room_is_not_laid_out(place: Place) -> None:
    """Its files are counted before one is written, in blocks of a disk."""
    with (place.origin / "large").open("wb") as file:
        file.truncate((3 << 20) - 4095)
    for number in range(256):
        (place.origin / str(number)).write_text("x")
    place.commit("Large")
    place.stand_in("df", FULL)
    (place.folder / "free").write_text("131")
    found = place.look().commit
    assert found is not None
    assert found.resolved == "unread: disk /tmp has 131 MiB free, and 132 MiB are needed"
    assert found.hashes == ""
    (place.folder / "free").write_text("132")
    found = place.look().commit
    assert found is not None
    assert found.resolved == '{"name": "app"}'


def test_the_version_of_the_servers_curl_is_seen(place: Place) -> None:
    place.stand_in("curl", "echo 'curl 7.68.0 (x86_64-pc-linux-gnu) libcurl/7.68.0'")
    assert place.look("").curl == "7.68.0"


def test_an_engine_that_hangs_is_none_that_has_nothing(place: Place) -> None:
    place.stand_in("docker", """[ "$1" != ps ] || exec sleep 10""")
    with pytest.raises(ValueError, match=r"ended in its section 'containers'$"):
        place.look(still=1)


def test_files_whose_names_are_no_text_are_told_apart_or_refused(place: Place) -> None:
    (place.origin / os.fsdecode(b"a\xff")).write_text("1")
    place.commit("Second")
    assert place.look().commit is not None
    (place.origin / os.fsdecode(b"a\xfe")).write_text("2")
    place.commit("Third")
    with pytest.raises(ValueError, match=r"several files whose names read 'a\ufffd'$"):
        place.look()


def test_an_unknown_ref_is_unknown(place: Place) -> None:
    facts = place.look("no-such-branch")
    assert facts.commit is not None
    assert (facts.commit.fault, facts.commit.error) == ("unknown", "no-such-branch")


def test_a_ref_that_looks_like_an_option_is_unknown(place: Place) -> None:
    facts = place.look("--help")
    assert facts.commit is not None
    assert (facts.commit.fault, facts.commit.error) == ("unknown", "--help")


def test_a_repository_that_is_not_there_is_an_error_in_gits_words(place: Place) -> None:
    place.origin.rename(place.folder / "elsewhere")
    facts = place.look()
    assert facts.commit is not None
    assert "does not appear to be a git repository" in facts.commit.error


def test_the_checkouts_own_commit_needs_no_repository(place: Place) -> None:
    place.git("clone", "-q", str(place.origin), str(place.folder / "clone"), where=place.folder)
    (place.folder / "clone").rename(place.checkout / "x")
    for entry in (place.checkout / "x").iterdir():
        entry.rename(place.checkout / entry.name)
    identity = place.git("rev-parse", "HEAD")
    place.origin.rename(place.folder / "elsewhere")
    facts = place.look("@local:HEAD")
    assert facts.commit is not None
    assert (facts.head, facts.commit.id) == (identity, identity)


def test_an_edited_file_of_the_checkout_is_named(place: Place) -> None:
    place.git("clone", "-q", str(place.origin), str(place.checkout), where=place.folder)
    (place.checkout / "compose/app.yml").write_text("{} # edited")
    (place.checkout / "untracked").write_text("x")
    assert place.look().edited == (" M compose/app.yml",)


def test_what_a_deploy_says_meanwhile_in_the_stacks_file_is_no_edit(place: Place) -> None:
    place.git("clone", "-q", str(place.origin), str(place.checkout), where=place.folder)
    stack = place.checkout / "compose/app.yml"
    assert not place.look().meanwhile
    script = f'{git.MEANWHILE}\nenough "$1" "web replicas 4"'
    subprocess.run(["bash", "-c", script, "enough", str(stack)], check=True)
    facts = place.look()
    assert (facts.meanwhile, facts.edited) == (True, ())
    stack.write_text(f"# by hand\n{stack.read_text()}")
    facts = place.look()
    assert (facts.meanwhile, facts.edited) == (False, (" M compose/app.yml",))


def test_an_edited_file_is_named_as_it_is_called(place: Place) -> None:
    place.commit_files("Second", {"café/menü": "x"})
    place.git("clone", "-q", str(place.origin), str(place.checkout), where=place.folder)
    (place.checkout / "café/menü").write_text("y")
    assert place.look().edited == (" M café/menü",)


def test_what_compose_refuses_is_an_error_in_one_line(place: Place) -> None:
    (place.folder / "config").unlink()
    facts = place.look()
    assert facts.commit is not None
    assert facts.commit.resolved.startswith("error: ")
    assert "\n" not in facts.commit.resolved.strip()


def test_compose_sees_no_variable_of_the_operators_session(place: Place) -> None:
    """A variable goes before the settings file: it would be deployed without being written down."""
    (place.folder / "config").write_text('{"name": "WHO"}')
    place.environment["INTRUDER"] = "somebody"
    facts = place.look()
    assert facts.commit is not None
    assert facts.commit.resolved == '{"name": "nobody"}'


def test_the_settings_are_read_with_owner_mode_and_every_line(place: Place) -> None:
    file = place.checkout / ".env"
    file.write_text("\n\nA=1\n# b\n")
    file.chmod(0o600)
    facts = place.look()
    assert facts.env == "\n\nA=1\n# b\n"
    assert facts.env_stat is not None
    assert facts.env_stat[1] == "600"


def test_folders_are_found_with_their_modes(place: Place) -> None:
    (place.root / "releases").mkdir(mode=0o700)
    facts = place.look("")
    assert facts.commit is None
    assert facts.folders[f"{place.root}/releases"].mode == 0o700
    assert f"{place.root}/backups" not in facts.folders
