"""What git does not hand over is named, never built empty or mounted unseen."""

from __future__ import annotations

from dataclasses import replace

import pytest

from fabfile.model.deploy.content import Tree
from fabfile.model.deploy.handed import not_handed_over
from fabfile.model.stack import Build, Mount, Read, Service

from .builders import CHECKOUT, STACK, TREE, built, commit, service

SUBMODULE = ("160000", "x")
LINK = ("120000", "x")
MOUNTING = service("m", mounts=(Mount("bind", f"{CHECKOUT}/conf", "/conf"),))
READING = service("r", reads=(Read("file", f"{CHECKOUT}/conf/key"),))
MORE = built(
    "b", "api", build=Build(f"{CHECKOUT}/services/api", "", contexts=(("x", f"{CHECKOUT}/lib"),))
)


def gaps(*services: Service, tree: Tree, filtered: tuple[str, ...] = ()) -> list[str]:
    seen = commit(tree={**TREE, **tree}, filtered=filtered)
    return not_handed_over(replace(STACK, services=services), seen, CHECKOUT)


def submodule(path: str) -> str:
    return f"{path} is a submodule, which no deploy fetches; put its files here"


@pytest.mark.parametrize(
    ("one", "tree", "said"),
    [
        (built("b", "api"), {"services/api/lib": SUBMODULE}, "build context services/api: {}"),
        (built("b", "api"), {"services/api": SUBMODULE}, "build context services/api: {}"),
        (MORE, {"lib/deep": SUBMODULE, "lib": ("040000", "l")}, "build context lib: {}"),
        (MOUNTING, {"conf/site": SUBMODULE}, "m mounts conf: {}"),
        (READING, {"conf": SUBMODULE}, "r reads conf/key: {}"),
    ],
)
def test_a_submodule_below_or_above_what_is_used_is_named(
    one: Service, tree: Tree, said: str
) -> None:
    (path,) = (name for name, entry in tree.items() if entry == SUBMODULE)
    assert said.format(submodule(path)) in gaps(one, tree=tree)


def test_a_submodule_that_nothing_uses_is_no_matter() -> None:
    assert gaps(built("b", "api"), MOUNTING, tree={"docs/theme": SUBMODULE}) == []


@pytest.mark.parametrize(
    ("one", "where"),
    [
        (built("b", "api"), "build context services/api"),
        (MOUNTING, "m mounts conf"),
        (READING, "r reads conf/key"),
    ],
)
def test_a_file_that_a_filter_would_fill_is_named_where_it_is_used(
    one: Service, where: str
) -> None:
    path = "services/api/model.bin" if "build" in where else "conf/key"
    said = f"{where}: {path} is kept elsewhere by a filter (LFS); put it into git itself"
    assert gaps(one, tree={}, filtered=(path, "docs/film.mp4")) == [said]


@pytest.mark.parametrize(
    ("one", "link", "where"),
    [
        (built("b", "api"), "services/api", "build context services/api"),
        (MOUNTING, "conf", "m mounts conf"),
        (READING, "conf", "r reads conf/key"),
    ],
)
def test_a_link_hides_what_it_points_to_and_is_named(one: Service, link: str, where: str) -> None:
    """A change of what it points to would be no change of the link: never deployed."""
    said = f"{where}: {link} is a link; name what it points to"
    assert said in gaps(one, tree={link: LINK})


def test_a_link_inside_what_is_used_is_handed_over_as_it_is() -> None:
    assert gaps(built("b", "api"), tree={"services/api/latest": LINK}) == []
