"""A share of the clients for new replicas: what the scripts write and refuse."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path, PurePosixPath

import pytest

from fabfile.model.errors import REFUSED, Trouble
from fabfile.model.facts import Split
from fabfile.remote.deploy import proxy
from fabfile.remote.host import Host

from .proxying import loads, program, told, written

SPLIT = """\
split_clients $client $side { # who gets what
    * "";
}
"""
SIDED = """\
split_clients $client $side { # who gets what
    10% -new;
    * -former;
}
"""
FORMER, NEW = "0123456789ab", "ba9876543210"


def upstreams(host: Host) -> str:
    return "\n".join(written(host, "upstreams")) + "\n"


@pytest.fixture
def splitting(host: Host) -> Host:
    """The files say how the clients are split."""
    file = Path(host.server.path / "upstreams.conf")
    file.write_text(SPLIT + file.read_text())
    return host


def shared(host: Host) -> None:
    """One of the new ones of web gets 10 % of the clients."""
    split = Split(10, 1800000000, {"web": (f"{NEW}ffff",)})
    proxy.load(host, replace(told(), pins={"web": (FORMER,)}, split=split))


def test_each_upstream_is_there_for_each_side_too(splitting: Host, stubs: Path) -> None:
    shared(splitting)
    api = ["api-1:8000", "api-2:8000"]
    (servers,) = loads(stubs)
    assert servers == [
        *api,
        f"{FORMER}:80",
        *api,
        f"{FORMER}:80",
        *api,
        f"{NEW}:80",
    ]
    text = upstreams(splitting)
    assert text.startswith(SIDED)
    assert text.count("split_clients") == 1
    names = [line.split()[1] for line in text.splitlines() if line.startswith("upstream ")]
    assert names == ["api", "web", "api-former", "web-former", "api-new", "web-new"]


def test_what_the_proxy_answers_tells_of_both_sides(splitting: Host, stubs: Path) -> None:
    shared(splitting)
    (line,) = [one for one in written(splitting, "generation") if "/pinned" in one]
    assert f'return 200 "/ 10 1800000000; web {FORMER} / {NEW}\\n"' in line


def test_the_next_load_without_a_share_has_no_sides(splitting: Host, stubs: Path) -> None:
    shared(splitting)
    proxy.load(splitting, replace(told(), pins={"web": (NEW,)}))
    assert upstreams(splitting).startswith(SPLIT)
    assert loads(stubs)[-1] == ["api-1:8000", "api-2:8000", f"{NEW}:80"]


def test_without_a_split_nothing_is_loaded_and_nothing_changes(host: Host, stubs: Path) -> None:
    proxy.load(host, told())
    before = upstreams(host)
    with pytest.raises(Trouble, match="nginx does not load what was written") as no:
        shared(host)
    assert no.value.evidence[0].startswith("no split_clients stands beside the upstreams")
    assert upstreams(host) == before


@pytest.fixture
def tree(splitting: Host, stubs: Path, tmp_path: Path) -> PurePosixPath:
    """A commit's tree; whatever nginx is asked, it has nothing against it."""
    program(stubs, "docker", "#!/bin/bash\n")
    found = tmp_path / "tree"
    found.mkdir()
    for name in ("upstreams.conf", "more.conf"):
        (found / name).write_text(Path(splitting.server.path / name).read_text())
    return PurePosixPath(found)


def test_both_sides_are_tried_before_anything_changes(splitting: Host, tree: PurePosixPath) -> None:
    assert proxy.test(splitting, tree, {"web"}, told(), "p:1", split=["web"]).ok
    text = Path(tree / ".proxy/upstreams.conf").read_text()
    assert "    50% -new;" in text.splitlines()
    assert text.count("server web:80") == 3


@pytest.mark.parametrize(
    ("service", "remove", "said"),
    [
        ("worker", "", "no upstream names worker: it is not behind the proxy"),
        (
            "web",
            SPLIT,
            "no split_clients stands beside the upstreams (docs/deploy.md, A share of the clients)",
        ),
    ],
)
def test_who_can_get_no_share_is_refused(
    splitting: Host, tree: PurePosixPath, service: str, remove: str, said: str
) -> None:
    file = Path(tree / "upstreams.conf")
    file.write_text(file.read_text().replace(remove, ""))
    with pytest.raises(Trouble) as no:
        proxy.test(splitting, tree, {"web"}, told(), "p:1", split=[service])
    assert (no.value.message, no.value.code) == (f"ubuntu: --canary: {said}", REFUSED)
