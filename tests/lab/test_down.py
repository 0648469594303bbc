"""Taking a lab down removes all that is its own and nothing else."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.lab.rig import Lab
from tests.lab.rig.docker import docker
from tests.lab.rig.place import Place


@pytest.fixture
def other(lab: Lab, tmp_path: Path) -> Iterator[Place]:
    """Another checkout whose lab is only props: one of everything that a lab makes."""
    place = Place(tmp_path)
    empty = io.BytesIO()
    tarfile.open(fileobj=empty, mode="w").close()
    label = ["--label", place.label]
    image = place.image("server", "x")
    labelled = ["--change", f"LABEL {place.label}", "--change", 'CMD ["/x"]']
    docker("import", *labelled, "-", image, stdin=empty.getvalue())
    docker("import", "-", place.image("pulled", "x"), stdin=empty.getvalue())
    docker("network", "create", *label, place.network)
    for volume in (place.mirror, place.name("ubuntu")):
        docker("volume", "create", *label, volume)
    volume = f"{place.name('ubuntu')}:/lab"
    docker("create", *label, "--name", place.name("ubuntu"), "-v", volume, image)
    (place.folder / "host_keys").mkdir(parents=True)
    yield place
    Lab(place).down()


@pytest.fixture
def beside(other: Place) -> Place:
    """A second lab of that checkout."""
    place = Place(other.root, 2)
    docker("network", "create", "--label", place.label, place.network)
    place.folder.mkdir()
    return place


def left_of(place: Place) -> list[str]:
    """The kinds of things that still carry the label or a name of that lab."""
    chosen = ("--filter", f"label={place.label}")
    found = {
        "containers": docker("ps", "-aq", *chosen),
        "networks": docker("network", "ls", "-q", *chosen),
        "volumes": docker("volume", "ls", "-q", *chosen),
        "images": docker("images", "-aq", *chosen),
        "pulled images": docker("images", "-q", place.image("pulled", "x")),
    }
    return [kind for kind, listed in found.items() if listed.stdout]


def test_down_leaves_nothing(other: Place) -> None:
    assert left_of(other) == ["containers", "networks", "volumes", "images", "pulled images"]
    Lab(other).down()
    assert left_of(other) == []
    assert not other.folder.exists()


def test_down_keeps_images_and_what_the_mirror_holds_when_asked(other: Place) -> None:
    Lab(other).down(keep_images=True)
    assert left_of(other) == ["volumes", "images", "pulled images"]
    kept = docker("volume", "ls", "-q", "--filter", f"label={other.label}").stdout
    assert kept.strip() == other.mirror


def test_a_lab_beside_the_first_goes_alone_and_leaves_the_images(
    other: Place, beside: Place
) -> None:
    before = left_of(other)
    assert "networks" in left_of(beside)
    Lab(beside).down()
    assert "networks" not in left_of(beside)
    assert left_of(other) == before
    assert not beside.folder.exists()


def test_the_first_lab_takes_the_others_with_it(other: Place, beside: Place) -> None:
    Lab(other).down()
    assert left_of(beside) == []
    assert not beside.folder.exists()


def test_down_leaves_the_labs_of_other_checkouts_alone(lab: Lab, other: Place) -> None:
    before = lab.status()
    Lab(other).down()
    assert lab.status() == before
    assert lab.hosts_ini.exists()
