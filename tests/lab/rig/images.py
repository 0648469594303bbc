"""All images of a lab: its servers, its mirror, and the base images that the stacks name.

Docker Hub is asked once, and only when something is missing. Where it cannot be reached, stand-ins
are built; an image that the engine already has is used as it is.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from functools import cached_property

from .bases import Image
from .docker import LabError, docker, last_line
from .output import say, step
from .place import IMAGES, Place
from .recipes import HUB_BASE, arguments_of, build, exists, import_base

PROBE_IMAGE = "hello-world:latest"
PROBE_DEADLINE = 20
PULL_DEADLINE = 900


class Images:
    """Makes each image once, whoever asks first; several may be in the making at a time."""

    def __init__(self, place: Place) -> None:
        self._place = place
        self._pool = ThreadPoolExecutor(max_workers=16)
        self._lock = threading.RLock()
        self._making: dict[str, Future[str]] = {}

    def start(self, key: str, make: Callable[[], str]) -> Future[str]:
        """Begin to make an image, or join whoever already does."""
        with self._lock:
            if key not in self._making:
                self._making[key] = self._pool.submit(make)
            return self._making[key]

    def recipe(self, name: str) -> Future[str]:
        """An image built from a recipe of ours, on the base."""
        return self.start(name, lambda: self._build(name, {}))

    def provide(self, image: Image) -> Future[str]:
        """A base image of the stacks: the engine's own, pulled, or a stand-in."""
        return self.start(str(image), lambda: self._provide(image))

    def close(self) -> None:
        """Wait for what is being made and take no more."""
        self._pool.shutdown(cancel_futures=True)

    @cached_property
    def hub(self) -> bool:
        """Whether the engine can pull from Docker Hub; asked once."""
        if exists(PROBE_IMAGE):
            docker("rmi", "-f", PROBE_IMAGE, check=False)
        try:
            asked = docker("pull", "-q", PROBE_IMAGE, timeout=PROBE_DEADLINE, check=False)
        except LabError:
            reason = f"no answer within {PROBE_DEADLINE} s"
        else:
            if asked.returncode == 0:
                docker("rmi", PROBE_IMAGE, check=False)
                return True
            reason = last_line(asked.stderr).removeprefix("Error response from daemon: ")
        say(f"Docker Hub cannot be reached, building stand-ins ({reason[:90]})")
        return False

    def _hub(self) -> bool:
        with self._lock:
            return self.hub

    def _base(self) -> str:
        return self.start("base", self._make_base).result()

    def _make_base(self) -> str:
        pulled = self._place.image("base", "hub")
        if exists(pulled):
            return pulled
        if any_stand_in_base(self._place) or not self._hub():
            return import_base(self._place)
        self._pull(HUB_BASE, pulled)
        return pulled

    def _provide(self, image: Image) -> str:
        if exists(str(image)):
            return str(image)
        if not any_stand_in_base(self._place) and self._hub():
            pulled = self._place.image(image.path, image.tag)
            self._pull(str(image), pulled)
            return pulled
        recipe = image.name.rpartition("/")[2]
        if not (IMAGES / recipe / "Dockerfile").exists():
            raise LabError(f"{image}: Docker Hub cannot be reached and there is no stand-in for it")
        version = image.tag.partition("-")[0]
        known = {"VERSION": version, "MAJOR": version.partition(".")[0]}
        if not known.keys() & arguments_of(recipe):
            return self.recipe(recipe).result()
        return self._build(recipe, known)

    def _build(self, recipe: str, known: dict[str, str]) -> str:
        arguments = {key: known[key] for key in arguments_of(recipe) & known.keys()}
        if "PYTHON" in arguments_of(recipe):
            arguments["PYTHON"] = self.recipe("python").result()
        arguments["BASE"] = self._base()
        return build(self._place, recipe, arguments)

    def _pull(self, name: str, ours: str) -> None:
        """Pull under a name of our own, which goes with the lab; the user's images stay as they were."""
        with step(f"image {name} pulled"):
            docker("pull", "-q", name, timeout=PULL_DEADLINE)
        docker("tag", name, ours)
        docker("rmi", name)


def any_stand_in_base(place: Place) -> bool:
    """Whether this lab once had to do without Docker Hub; it then stays with its stand-ins."""
    listed = docker("images", "-q", place.image("base", "*"), "--filter", place_filter(place))
    return bool(listed.stdout.strip())


def place_filter(place: Place) -> str:
    """The filter for images that carry this lab's label."""
    return f"label={place.label}"
