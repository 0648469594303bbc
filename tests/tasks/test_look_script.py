"""The look script itself, run by bash over a real repository and programs that answer as told."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from fabfile.model.answer import parse
from fabfile.model.facts import Facts
from fabfile.model.freeze import Freeze
from fabfile.remote.look import SCRIPT
from tests.unit.backups import backup

MARK = "@@mark"
DOCKER = """\
#!/bin/sh
case "$*" in
  "version --format"*) echo 26.1.5 ;;
  "compose version"*) echo 2.26.1 ;;
  *"config --format json") sed "s/WHO/${INTRUDER:-nobody}/" "$HOME/config" ;;
  *"config --hash"*) echo 'web 1f' ;;
  "info --format"*) echo / ;;
  "image ls"*) echo 'sha256:aa|app/web|current' ;;
  "network ls"*) echo 'bridge|' ;;
esac
"""


class Place:
    """A server's folders below a temporary one, its repository, and its programs."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.origin = folder / "origin"
        self.checkout = folder / "checkout"
        self.root = folder / "root"
        for made in (self.origin, self.checkout, self.root / "locks"):
            made.mkdir(parents=True)
        programs = folder / "bin"
        programs.mkdir()
        for name, text in {"docker": DOCKER, "sudo": "#!/bin/sh\nexit 1\n"}.items():
            (programs / name).write_text(text)
            (programs / name).chmod(0o755)
        (folder / "config").write_text('{"name": "app"}')
        self.environment = {
            "PATH": f"{programs}:{os.environ['PATH']}",
            "HOME": str(folder),
            "TMPDIR": str(folder),
            "GIT_CONFIG_GLOBAL": "/dev/null",
        }
        for name in ("AUTHOR", "COMMITTER"):
            self.environment[f"GIT_{name}_NAME"] = "Somebody"
            self.environment[f"GIT_{name}_EMAIL"] = "somebody@example.org"
        self.git("init", "-q", "-b", "main")

    def git(self, *words: str, where: Path | None = None) -> str:
        done = subprocess.run(
            ["git", "-C", str(where or self.origin), *words],
            env=self.environment,
            capture_output=True,
            text=True,
            check=True,
        )
        return done.stdout.strip()

    def commit(self, subject: str, **files: str) -> str:
        """Change files in a new commit at the origin."""
        return self.commit_files(subject, files)

    def commit_files(self, subject: str, files: dict[str, str]) -> str:
        for path, text in files.items():
            (self.origin / path).parent.mkdir(parents=True, exist_ok=True)
            (self.origin / path).write_text(text)
        self.git("add", "-A")
        self.git("commit", "-q", "--allow-empty", "-m", subject)
        return self.git("rev-parse", "HEAD")

    def look(self, ref: str = "main") -> Facts:
        words = [self.checkout, self.root, self.origin, ref, "compose/app.yml", MARK, "20"]
        done = subprocess.run(
            ["bash", "-c", SCRIPT, "look", *map(str, words)],
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert "\n" not in done.stderr.strip(), done.stderr
        return parse(done.stdout, MARK)

    def files(self) -> list[tuple[str, float]]:
        """Every file with the time of its last change."""
        return sorted(
            (str(path), path.lstat().st_mtime)
            for path in self.folder.rglob("*")
            if not path.is_relative_to(self.origin)
        )


@pytest.fixture
def place(tmp_path: Path) -> Place:
    made = Place(tmp_path / "place")
    made.commit_files("First", {"compose/app.yml": "{}", ".env.example": "A=\n"})
    return made


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


def test_a_record_that_was_torn_hides_no_other(place: Place) -> None:
    for number, text in enumerate(["{}", '{"id": "torn', ""]):
        folder = place.root / "releases" / str(number)
        folder.mkdir(parents=True)
        (folder / "release.json").write_text(text)
    assert place.look("").releases == ()


def test_a_host_without_docker_or_sudo_still_answers(place: Place) -> None:
    (place.folder / "bin/docker").write_text("#!/bin/sh\necho 'permission denied' >&2\nexit 1\n")
    facts = place.look()
    assert facts.docker == "error: permission denied"
    assert facts.sudo is False
    assert facts.containers == ()


def test_the_manifests_of_the_backups_are_read_and_a_torn_one_is_none(place: Place) -> None:
    folder = place.root / "backups"
    folder.mkdir()
    for number in (2, 1):
        (folder / f"db_{number}.sql.zst.json").write_text(backup(number).to_manifest() + "\n")
    (folder / "db_3.sql.zst.json").write_text('{"about":{\n')
    assert place.look("").backups == (backup(1), backup(2))


CRONTAB = """\
#!/bin/sh
[ "$*" = -l ] || exit 1
printf '0 1 * * * /theirs\\n# BEGIN wishwithme\\n%s\\n# END wishwithme\\n0 2 * * * /more\\n' \
  '0 3 * * * /root/operator/job db.backup --quiet'
"""


def test_of_a_crontab_only_our_block_is_seen_with_how_its_jobs_ended(place: Place) -> None:
    assert place.look("").jobs == ()
    program = place.folder / "bin" / "crontab"
    program.write_text(CRONTAB)
    program.chmod(0o755)
    jobs = place.root / "operator" / "jobs"
    jobs.mkdir(parents=True)
    for name, text in {"db.backup": "", "db.backup.failure": "a\nb\n", "db.x.success": ""}.items():
        (jobs / name).write_text(text)
        os.utime(jobs / name, (5, 1_795_420_000))
    (seen,) = place.look("").jobs
    assert (seen.task, seen.when) == ("db.backup", "0 3 * * *")
    assert (seen.since, seen.succeeded, seen.failed) == (1_795_420_000, 0, 1_795_420_000)
    assert seen.why == "a b"


@contextmanager
def held(*words: str | Path) -> Iterator[None]:
    """Hold a lock in the block."""
    script = ["bash", "-c", "echo held; read -r line"]
    holding = subprocess.Popen(
        ["flock", *words, *script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert holding.stdout
    assert holding.stdout.readline() == "held\n"
    yield
    holding.communicate("end\n")


def test_who_holds_the_lock_is_told_while_it_is_held(place: Place) -> None:
    locks = place.root / "locks"
    (locks / "holder").write_text("anna\n")
    (locks / "died").write_text("bert\n")
    seen = place.look("")
    assert (seen.holder, seen.lingering) == ("", "")
    with held("--no-fork", locks), held("--shared", "--close", locks / "step"):
        seen = place.look("")
        assert (seen.holder, seen.lingering) == ("anna", "")


def test_who_died_is_told_while_a_step_goes_on(place: Place) -> None:
    locks = place.root / "locks"
    with held("--shared", "--close", locks / "step"):
        assert place.look("").lingering == "somebody without a name"
        (locks / "died").write_text("bert\n")
        seen = place.look("")
        assert (seen.holder, seen.lingering) == ("", "bert")
        (locks / "holder").write_text("whose server lost its power\n")
        assert place.look("").lingering == "whose server lost its power"
    assert place.look("").lingering == ""


def test_a_freeze_is_seen(place: Place) -> None:
    assert place.look("").freeze is None
    made = Freeze("anna", 1_795_420_000, "a sale")
    (place.root / "locks" / "frozen").write_text(f"{made.to_json()}\n")
    assert place.look("").freeze == made
