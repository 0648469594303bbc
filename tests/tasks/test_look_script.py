"""The look script itself at a commit: run by bash over a real repository."""

from __future__ import annotations

import pytest

from tests.tasks.place import Place


def test_a_look_changes_nothing_and_leaves_nothing_behind(place: Place) -> None:
    (place.checkout / ".env").write_text("A=1\n")
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


def test_an_unknown_ref_is_unknown(place: Place) -> None:
    facts = place.look("no-such-branch")
    assert facts.commit is not None
    assert (facts.commit.id, facts.commit.error) == ("", "unknown: no-such-branch")


def test_a_ref_that_looks_like_an_option_is_unknown(place: Place) -> None:
    facts = place.look("--help")
    assert facts.commit is not None
    assert facts.commit.error == "unknown: --help"


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
