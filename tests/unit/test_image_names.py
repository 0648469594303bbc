"""Names of images: however a compose file writes one, it is the engine's."""

from __future__ import annotations

import pytest

from fabfile.model.image_names import familiar, repository

DIGEST = "sha256:" + "1" * 64


@pytest.mark.parametrize(
    ("written", "listed"),
    [
        ("redis:7", "redis:7"),
        ("redis", "redis:latest"),
        ("docker.io/library/redis:7", "redis:7"),
        ("docker.io/redis:7", "redis:7"),
        ("library/redis", "redis:latest"),
        ("index.docker.io/library/redis:7", "redis:7"),
        ("docker.io/somebody/app:1", "somebody/app:1"),
        (f"redis@{DIGEST}", f"redis@{DIGEST}"),
        (f"docker.io/library/redis:7@{DIGEST}", f"redis@{DIGEST}"),
        ("registry.example:5000/x", "registry.example:5000/x:latest"),
        ("registry.example:5000/library/x:1", "registry.example:5000/library/x:1"),
        (f"registry.example:5000/x:1@{DIGEST}", f"registry.example:5000/x@{DIGEST}"),
    ],
)
def test_a_name_is_the_one_by_which_the_engine_lists_the_image(written: str, listed: str) -> None:
    assert familiar(written) == listed
    assert familiar(listed) == listed


@pytest.mark.parametrize(
    ("name", "without"),
    [
        ("app:1", "app"),
        ("app", "app"),
        ("registry.example:5000/app", "registry.example:5000/app"),
        ("registry.example:5000/app:1", "registry.example:5000/app"),
        (f"app@{DIGEST}", "app"),
    ],
)
def test_a_repository_has_no_tag_but_the_port_of_its_registry(name: str, without: str) -> None:
    assert repository(name) == without
