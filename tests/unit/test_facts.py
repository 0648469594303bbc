"""Facts: the answer of the look script as values, and never half of it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path, PurePosixPath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fabfile.model.answer import parse
from fabfile.model.commit import Change, Commit
from fabfile.model.facts import Container, Disk, Folder
from fabfile.model.freeze import Freeze
from fabfile.model.schedule.jobs import Entry

from .backups import backup
from .builders import facts, release

LOOK = (Path(__file__).parent / "data" / "look.txt").read_text()
MARK = "@@"
FACTS = parse(LOOK, MARK)


def containers() -> dict[str, Container]:
    return {container.name: container for container in FACTS.containers}


def seen(section: str, text: str) -> str:
    """The look with another text in one section."""
    start = LOOK.index(f"{MARK} {section}\n") + len(f"{MARK} {section}\n")
    end = LOOK.index(f"\n{MARK} ", start - 1)
    return LOOK[:start] + text + LOOK[end:]


def test_the_host_is_read() -> None:
    assert (FACTS.user, FACTS.groups, FACTS.sudo) == ("ubuntu", ("ubuntu", "docker"), True)
    assert FACTS.curl == "8.5.0"
    assert (FACTS.now, FACTS.cpus) == (1795428922, 2)
    assert (FACTS.docker, FACTS.compose) == ("26.1.5+dfsg1", "2.26.1-4")


def test_folders_have_owner_octal_mode_and_kind() -> None:
    assert FACTS.folders["/opt/app/data/db"] == Folder("999", 0o700, "directory")
    assert FACTS.folders["/opt/app/certs/privkey.pem"] == Folder("ubuntu", 0o600, "regular file")
    assert FACTS.has_folder(PurePosixPath("/opt/app"))
    assert not FACTS.has_folder(PurePosixPath("/opt"))


def test_a_disk_that_holds_several_places_is_listed_once() -> None:
    assert FACTS.disks == (
        Disk("/", 52521566208, 21064286208),
        Disk("/var/lib/my docker", 10737418240, 9663676416),
    )


def test_memory_is_what_is_available_and_what_each_container_has_of_its_own() -> None:
    text = (
        "MemAvailable:    2048 kB\n"
        f"/sys/fs/cgroup/memory/docker/{'a' * 64}/memory.stat 1024\n"
        f"/sys/fs/cgroup/system.slice/docker-{'b' * 64}.scope/memory.stat 4096\n"
        f"/sys/fs/cgroup/memory/docker/{'c' * 64}/sub/memory.stat 512\n"
    )
    found = parse(seen("memory", text), MARK)
    assert found.memory == 2048 << 10
    assert found.anonymous == {"a" * 64: 1024, "b" * 64: 4096}
    nothing = parse(seen("memory", ""), MARK)
    assert (nothing.memory, nothing.anonymous) == (None, {})


def test_the_settings_keep_their_lines() -> None:
    assert FACTS.env_stat == ("ubuntu", "600")
    assert FACTS.env == "COMPOSE_FILE=compose/app.yml\n\n# a comment\nPASSWORD='a|b=c @@ d'\n"


def test_blank_lines_at_the_top_of_the_settings_still_count_as_lines() -> None:
    """Otherwise the numbers in messages are not those of the file."""
    assert parse(seen("env", "\n\nA=1\n"), MARK).env.startswith("\n\nA=1")


def test_missing_settings_are_none_and_not_empty() -> None:
    assert parse(seen("env_stat", ""), MARK).env_stat is None


def test_what_keeps_git_from_working_is_known() -> None:
    assert FACTS.clone == (("stale", "/home/ubuntu/app/.git/index.lock"),)


def test_the_checkout_has_its_head_and_every_edited_file() -> None:
    assert FACTS.head == "0" * 39 + "1"
    assert FACTS.meanwhile
    assert FACTS.edited == (" M nginx/nginx.conf", "R  b (was a)")


def test_what_cron_starts_is_read_with_how_it_ended() -> None:
    job = Entry(
        task="db.backup",
        when="0 3 * * *",
        since=1795420001,
        succeeded=1795420002,
        failed=1795420003,
        why="ubuntu: no backup was made: a|b",
    )
    assert FACTS.jobs == (job,)
    assert FACTS.cron == "yes"
    gone = replace(job, differs="its entry is not in the crontab any more")
    assert parse(seen("crontab", "/opt/app\n"), MARK).jobs == (gone,)
    assert parse(seen("installed", ""), MARK).jobs == (job,)


def test_a_server_without_a_checkout_has_no_head() -> None:
    assert parse(seen("head", ""), MARK).head == ""


def test_a_container_is_read_whole() -> None:
    assert containers()["app-api-1"] == Container(
        id="c1",
        name="app-api-1",
        image="sha256:aa",
        state="running",
        health="healthy",
        started="2026-11-23T10:00:00.123456789Z",
        exit_code=0,
        restarts=0,
        limit=512 << 20,
        labels={
            "com.docker.compose.config-hash": "3c",
            "com.docker.compose.oneoff": "False",
            "com.docker.compose.project": "app",
            "com.docker.compose.service": "api-1",
        },
        addresses={"app-network": "172.20.0.4", "zone": "10.0.0.4"},
        published=(),
        data=(),
    )


def test_a_container_knows_its_project_service_digest_and_address() -> None:
    container = containers()["app-api-1"]
    assert (container.project, container.service) == ("app", "api-1")
    assert (container.config_hash, container.address) == ("3c", "172.20.0.4")


def test_published_ports_are_listed_once_each() -> None:
    proxy = containers()["app-proxy"]
    assert (proxy.published, proxy.restarts, proxy.address) == (("80/tcp", "443/tcp"), 3, "")
    assert proxy.limit == 512 << 20


def test_a_one_off_container_is_of_no_service() -> None:
    container = containers()["app-api-1-run-5f"]
    assert (container.project, container.service) == ("app", "")


def test_a_container_made_by_hand_is_of_no_project() -> None:
    container = containers()["by-hand"]
    assert (container.project, container.service, container.addresses) == ("", "", {})


@pytest.mark.parametrize("number", ["x", "-1", "", "9" * 5000])
def test_a_container_with_a_number_that_compose_did_not_give_it_comes_last(number: str) -> None:
    own = containers()["app-api-1"]
    labels = {**own.labels, "com.docker.compose.container-number": number}
    odd = replace(own, name="odd", labels=labels)
    facts = replace(FACTS, containers=(odd, own))
    assert [one.name for one in facts.containers_of("app", "api-1")] == ["app-api-1", "odd"]


def test_a_service_is_found_by_its_project_and_name() -> None:
    found = FACTS.container("app", "api-1")
    assert found is not None
    assert found.name == "app-api-1"
    assert FACTS.container("other", "api-1") is None


def test_images_have_all_their_names_and_one_without_any_is_there_by_its_id() -> None:
    """After a pull by hand the image of the last release has no name, and is the way back."""
    assert FACTS.images == {
        "sha256:dd": "sha256:dd",
        "nginx@sha256:d1": "sha256:bb",
        "app/api:0123456789abcdef": "sha256:aa",
        "app/api:current": "sha256:aa",
        "nginx:1.31.3-alpine": "sha256:bb",
        "registry.example:5000/x:1": "sha256:ee",
    }


def test_images_have_the_size_that_the_engine_tells_and_stand_on_its_disk() -> None:
    assert FACTS.sizes["app/api:current"] == 247_000_000
    assert FACTS.sizes["nginx:1.31.3-alpine"] == 1_020_000_000
    assert FACTS.sizes["registry.example:5000/x:1"] == 91_100
    assert FACTS.storage == FACTS.disks[-1]


def test_networks_have_their_project_or_none() -> None:
    assert FACTS.networks == {"app-network": "app", "bridge": ""}


def test_sockets_that_take_anybody_count_in_both_families_and_protocols() -> None:
    assert FACTS.listening == frozenset({"80/tcp", "443/tcp", "53/udp"})


def test_volumes_are_named_with_their_project() -> None:
    assert FACTS.volumes == {"app_data": "app", "other": ""}


def test_the_holder_of_the_lock_is_named() -> None:
    assert FACTS.holder == "ops@desk since 10:00:00 UTC roll api-1"


def test_who_died_at_a_step_that_goes_on_and_who_froze_the_server_are_named() -> None:
    assert FACTS.lingering == "bert@desk since 09:00:00 UTC"
    assert FACTS.freeze == Freeze("anna@desk", 1_795_420_000, "a sale")


def test_the_loaded_configuration_is_what_the_proxy_answered() -> None:
    assert FACTS.generation == "0123456789abcdef"
    assert parse(seen("generation", ""), MARK).generation == ""


def test_a_torn_record_is_no_release_and_hides_no_other() -> None:
    assert [found.outcome for found in FACTS.releases] == ["verified", "failed"]


def test_the_last_good_release_is_the_last_that_passed() -> None:
    assert FACTS.verified == FACTS.releases[0]
    accepted = replace(release("r2"), outcome="accepted")
    dead = replace(release("r3"), outcome="running")
    assert facts(releases=(release("r1"), accepted, dead)).verified == accepted
    assert facts(releases=()).verified is None


def test_the_wanted_commit_is_read_whole() -> None:
    assert FACTS.commit == Commit(
        id="0" * 39 + "2",
        subject="Second: a = b",
        fault="",
        error="",
        tree={
            "README.md": ("100644", "aaaa"),
            "services": ("040000", "bbbb"),
            "services/run me": ("100755", "cccc"),
        },
        example="# @required\nA=\n",
        log=(
            Change("0" * 39 + "2", "Second: a = b", ("README.md", "services/run me")),
            Change("0" * 39 + "1", "First", ("README.md",)),
        ),
        resolved='{"name": "app"}\n',
        hashes="api-1 3c\n",
        effective={"A": "a", "PASSWORD": "x$y", "EMPTY": ""},
        filtered=("assets/logo.png",),
        blocked=("/home/ubuntu/app/conf",),
        unset=("WHO", "WHY"),
        contains_head=True,
        author="Ann Author",
    )


def test_the_changes_since_a_commit_are_those_after_it() -> None:
    commit = FACTS.commit
    assert commit is not None
    assert commit.since("0" * 39 + "1") == (commit.log[0],)
    assert commit.since("0" * 39 + "2") == ()
    assert commit.since("f" * 40) is None


@pytest.mark.parametrize(
    ("answer", "fault", "error"),
    [
        ("unknown no-such-branch", "unknown", "no-such-branch"),
        ("ambiguous 1a2b\n3c4d", "ambiguous", "1a2b 3c4d"),
        ("error fatal: unable to connect ", "error", "fatal: unable to connect"),
        ("error unknown: a\ncommit 12\n", "error", "unknown: a commit 12"),
        ("error ", "error", ""),
    ],
)
def test_a_commit_that_cannot_be_had_says_why(answer: str, fault: str, error: str) -> None:
    start = LOOK.index(f"{MARK} commit\n")
    found = parse(f"{LOOK[:start]}{MARK} commit\n{answer}\n\n{MARK} end\n", MARK).commit
    assert found is not None
    assert (found.id, found.fault, found.error) == ("", fault, error)


def test_a_look_without_a_ref_has_no_commit() -> None:
    start = LOOK.index(f"{MARK} commit\n")
    assert parse(f"{LOOK[:start]}{MARK} end\n", MARK).commit is None


def test_settings_that_compose_cannot_read_are_none_to_compare_with() -> None:
    found = parse(seen("effective", "no configuration"), MARK).commit
    assert found is not None
    assert found.effective == {}


@given(st.integers(min_value=0, max_value=len(LOOK.rstrip()) - 1))
def test_a_look_that_was_cut_off_is_an_error_that_names_where(length: int) -> None:
    with pytest.raises(ValueError, match=r"^the look at the server ended in its section '"):
        parse(LOOK[:length], MARK)


@given(st.text(max_size=200))
def test_an_answer_that_is_no_look_is_an_error(text: str) -> None:
    with pytest.raises(ValueError, match="ended in its section 'start'"):
        parse(text.replace(MARK, ""), MARK)


def test_text_that_looks_like_a_section_belongs_to_its_section_under_another_mark() -> None:
    assert parse(LOOK.replace("\n@@ ", "\n@@1f "), "@@1f") == FACTS


def test_a_backup_is_what_its_manifest_says_and_a_broken_manifest_is_none() -> None:
    assert FACTS.backups == ()
    whole = f"{backup(1).name}.json\0{backup(1).to_manifest()}\n\0"
    found = parse(seen("backups", f"db_half.json\0half a\0{whole}"), MARK)
    assert (found.backups, found.unreadable) == (
        (backup(1),),
        ("releases/20261123T100000Z-torn", "backups/db_half.json"),
    )
