"""Names by content: what changes an image's tag, and what does not."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fabfile.model.deploy.content import (
    Tree,
    Wanted,
    beside,
    configuration,
    digest_of,
    files_below,
    inside,
    mounted_paths,
    wanted_images,
)
from fabfile.model.errors import REFUSED, Trouble
from fabfile.model.stack import Build, Mount, Read

from .builders import CHECKOUT, ROOT, STACK, TREE, built, service, target

API = f"{CHECKOUT}/services/api"


def reference(tree: Tree = TREE, **changes: Any) -> str:
    one = built("one", "api", **changes)
    return wanted_images(replace(STACK, services=(one,)), tree, CHECKOUT)["one"].reference


def built_with(**changes: Any) -> str:
    return reference(build=replace(Build(API, f"{API}/Dockerfile"), **changes))


def with_file(path: str, mode: str = "100644", identity: str = "changed") -> Tree:
    return {**TREE, path: (mode, identity)}


def refusal(**changes: Any) -> str:
    with pytest.raises(Trouble) as caught:
        reference(**changes)
    assert caught.value.code == REFUSED
    return caught.value.message


def test_twins_have_one_image() -> None:
    images = target().images
    assert images["api-1"].reference == images["api-2"].reference


def test_the_tag_is_sixteen_hex_digits_of_the_content() -> None:
    name, _, tag = reference().partition(":")
    assert name == "app/api"
    assert len(tag) == 16
    assert set(tag) <= set("0123456789abcdef")


def test_the_stable_name_is_the_one_in_the_compose_file() -> None:
    assert target().images["web"].stable == "app/web:current"


def test_a_pulled_image_is_its_own_name() -> None:
    assert target().images["db"] == Wanted("db", "db:1", "db:1", None)


@pytest.mark.parametrize(
    "tree",
    [
        with_file("services/api/app.py"),
        with_file("services/api/app.py", mode="100755", identity="a1"),
        with_file("services/api/new.py"),
        with_file("services/api/deep/new.py"),
        with_file("services/api/Dockerfile"),
        {path: entry for path, entry in TREE.items() if path != "services/api/app.py"},
    ],
    ids=["content", "mode", "added", "added deep", "Dockerfile", "removed"],
)
def test_any_change_of_the_context_is_another_image(tree: Tree) -> None:
    assert reference(tree) != reference()


def test_a_renamed_file_is_another_image() -> None:
    tree = {path: entry for path, entry in TREE.items() if path != "services/api/app.py"}
    assert reference({**tree, "services/api/main.py": TREE["services/api/app.py"]}) != reference()


def test_build_arguments_and_target_are_part_of_the_content() -> None:
    tags = {
        built_with(),
        built_with(args=(("A", "1"),)),
        built_with(args=(("A", "2"),)),
        built_with(args=(("B", "1"),)),
        built_with(target="production"),
        built_with(dockerfile=f"{API}/app.py"),
    }
    assert len(tags) == 6


def test_a_dockerfile_outside_the_context_counts() -> None:
    elsewhere = Build(API, f"{CHECKOUT}/services/web/Dockerfile")
    before = reference(build=elsewhere)
    assert reference(with_file("services/web/Dockerfile"), build=elsewhere) != before


@pytest.mark.parametrize(
    "path", ["services/web/index.html", "services/api-2/app.py", "README.md", "services/apiary"]
)
def test_a_file_elsewhere_changes_nothing(path: str) -> None:
    assert reference(with_file(path)) == reference()


def test_what_the_container_is_made_with_changes_no_image() -> None:
    assert reference(config_hash="other", container="other") == reference()


FILES = st.dictionaries(
    st.sampled_from(["services/api/a", "services/api/b", "services/api/d/c", "services/web/x"]),
    st.tuples(st.sampled_from(["100644", "100755", "120000"]), st.sampled_from(["i1", "i2"])),
)


@given(FILES, FILES)
def test_two_trees_have_one_image_exactly_when_their_contexts_are_equal(a: Tree, b: Tree) -> None:
    def below(tree: Tree) -> dict[str, tuple[str, str]]:
        return {path: entry for path, entry in tree.items() if path.startswith("services/api/")}

    equal = below({**TREE, **a}) == below({**TREE, **b})
    assert (reference({**TREE, **a}) == reference({**TREE, **b})) == equal


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (
            Build("/srv/elsewhere", "/srv/elsewhere/Dockerfile"),
            "service one: its build context lies outside the repository",
        ),
        (
            Build(f"{CHECKOUT}/gone", f"{CHECKOUT}/gone/Dockerfile"),
            "service one: the commit has no build context 'gone'",
        ),
        (
            Build(API, f"{API}/Containerfile"),
            "service one: the commit has no 'services/api/Containerfile'",
        ),
    ],
)
def test_a_context_that_the_commit_does_not_have_is_an_error_never_nothing_to_do(
    build: Build, message: str
) -> None:
    assert refusal(build=build) == message


def test_only_what_stands_in_the_checkout_counts_as_mounted_configuration() -> None:
    one = service(
        "one",
        mounts=(
            Mount("bind", f"{CHECKOUT}/nginx", "/etc/nginx"),
            Mount("bind", f"{CHECKOUT}/conf/a.conf", "/a.conf"),
            Mount("bind", f"{ROOT}/certs", "/certs"),
            Mount("volume", "data", "/data"),
        ),
    )
    assert mounted_paths(one, CHECKOUT) == ("conf/a.conf", "nginx")


def test_configuration_names_only_services_that_mount_some() -> None:
    assert list(configuration(STACK, TREE, CHECKOUT)) == ["proxy"]


def test_configuration_follows_the_mounted_files_and_nothing_else() -> None:
    before = configuration(STACK, TREE, CHECKOUT)
    assert configuration(STACK, with_file("nginx/nginx.conf"), CHECKOUT) != before
    assert configuration(STACK, with_file("nginx/site.conf"), CHECKOUT) != before
    assert configuration(STACK, with_file("nginx-other/nginx.conf"), CHECKOUT) == before
    assert configuration(STACK, with_file("services/api/app.py"), CHECKOUT) == before


def test_a_path_is_relative_to_the_checkout_or_it_is_elsewhere() -> None:
    assert inside(f"{CHECKOUT}/a/b", CHECKOUT) == "a/b"
    assert inside(str(CHECKOUT), CHECKOUT) == ""
    assert inside("/home/ubuntu/application", CHECKOUT) is None


def test_files_below_a_path_are_files_and_not_their_namesakes() -> None:
    assert [name for name, *_ in files_below(TREE, "services/web")] == [
        "services/web/Dockerfile",
        "services/web/index.html",
    ]
    assert files_below(TREE, "nginx/nginx.conf") == [("nginx/nginx.conf", "100644", "n0")]
    assert len(files_below(TREE, "")) == 6
    assert files_below(TREE, "services/we") == []


def test_a_digest_of_paths_does_not_depend_on_the_order_of_the_tree() -> None:
    backwards = dict(sorted(TREE.items(), reverse=True))
    assert digest_of(backwards, ["services"]) == digest_of(TREE, ["services"])


def test_a_file_that_moves_between_two_paths_is_noticed() -> None:
    a = {"x/f": ("100644", "1")}
    b = {"y/f": ("100644", "1")}
    assert digest_of(a, ["x", "y"]) != digest_of(b, ["x", "y"])


def with_more(**changes: Any) -> str:
    return built_with(contexts=(("more", f"{CHECKOUT}/services/web"),), **changes)


def test_everything_that_a_build_is_made_of_is_part_of_the_content() -> None:
    tags = {
        built_with(),
        built_with(rest='{"dockerfile_inline": "FROM a"}', dockerfile=""),
        built_with(rest='{"dockerfile_inline": "FROM b"}', dockerfile=""),
        built_with(rest='{"labels": {"l": "1"}}'),
        built_with(contexts=(("more", "docker-image://alpine:1"),)),
        built_with(contexts=(("more", "docker-image://alpine:2"),)),
        with_more(),
    }
    assert len(tags) == 7


def test_an_additional_context_counts_by_its_files() -> None:
    build = Build(API, f"{API}/Dockerfile", contexts=(("more", f"{CHECKOUT}/services/web"),))
    before = reference(build=build)
    assert reference(with_file("services/web/index.html"), build=build) != before
    assert reference(with_file("README.md"), build=build) == before


def test_an_additional_context_that_is_a_service_counts_by_its_image() -> None:
    def images(tree: Tree) -> str:
        base = built("base", "web")
        build = Build(API, f"{API}/Dockerfile", contexts=(("base", "service:base"),))
        stack = replace(STACK, services=(base, built("one", "api", build=build)))
        return wanted_images(stack, tree, CHECKOUT)["one"].reference

    assert images(with_file("services/web/index.html")) != images(TREE)


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (
            "/srv/elsewhere",
            "service one: its build context '/srv/elsewhere' lies outside the repository",
        ),
        (f"{CHECKOUT}/gone", "service one: the commit has no build context 'gone'"),
    ],
)
def test_an_additional_context_that_the_commit_does_not_have_is_an_error(
    value: str, message: str
) -> None:
    assert refusal(build=Build(API, f"{API}/Dockerfile", contexts=(("x", value),))) == message


def test_an_ignore_file_of_a_dockerfile_elsewhere_counts() -> None:
    build = Build(API, f"{CHECKOUT}/services/web/Dockerfile")
    ignoring = with_file("services/web/Dockerfile.dockerignore")
    assert reference(ignoring, build=build) != reference(build=build)


def test_the_port_of_a_registry_is_no_tag() -> None:
    assert reference(image="registry.example:5000/api:current").startswith(
        "registry.example:5000/api:"
    )


def texts(*reads: Read, tree: Tree = TREE, **effective: str) -> dict[str, str]:
    stack = replace(STACK, services=(service("one", reads=reads), service("two")))
    return beside(stack, tree, CHECKOUT, effective)


def test_a_config_counts_by_its_text_its_file_or_the_setting_that_it_is() -> None:
    assert list(texts(Read("content", "a"))) == ["one"]
    assert texts(Read("content", "a")) != texts(Read("content", "b"))
    of_file = Read("file", f"{CHECKOUT}/nginx/nginx.conf")
    assert texts(of_file) != texts(of_file, tree=with_file("nginx/nginx.conf"))
    assert texts(of_file) == texts(of_file, tree=with_file("nginx/other.conf"))
    assert texts(Read("environment", "K"), K="1") != texts(Read("environment", "K"), K="2")
    assert texts() == {}
