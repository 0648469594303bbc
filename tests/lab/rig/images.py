"""All images of a lab: its servers, its mirror, and the base images that the stacks name.

Docker Hub is asked once, and only by a lab that has no image yet. Where it cannot be reached,
stand-ins are built; an image that the engine already has is used as it is.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from types import MappingProxyType

from . import recipes
from .bases import Image
from .docker import LabError, docker, last_line
from .output import say, step
from .place import Place

PROBE_IMAGE = "hello-world:latest"
PROBE_DEADLINE = 20
PULL_DEADLINE = 900


class Images:
    """Makes each image once, whoever asks first; several may be in the making at a time."""

    def __init__(self, place: Place) -> None:
        self._place = place
        # Makers wait for the images below theirs: there must be a thread for each.
        self._pool = ThreadPoolExecutor(max_workers=32)
        self._lock = threading.Lock()
        self._making: dict[str, Future[str]] = {}
        self._hub: Future[bool] = self._pool.submit(self._ask_hub)

    def recipe(self, name: str, facts: Mapping[str, str] = MappingProxyType({})) -> Future[str]:
        """An image built from a recipe of ours; ``facts``: what its Dockerfile declares.

        ``RELEASE`` among them is Debian's release that it stands on.
        """
        return self._start(" ".join([name, *facts.values()]), lambda: self._build(name, facts))

    def provide(self, image: Image) -> Future[str]:
        """A base image of the stacks: the engine's own, pulled, or a stand-in."""
        return self._start(str(image), lambda: self._provide(image))

    def close(self) -> None:
        """Wait for what is being made and begin nothing more."""
        self._pool.shutdown(cancel_futures=True)

    def _start(self, key: str, make: Callable[[], str]) -> Future[str]:
        with self._lock:
            if key not in self._making:
                self._making[key] = self._pool.submit(make)
            return self._making[key]

    def _ask_hub(self) -> bool:
        """Whether to pull from Docker Hub; a lab stays with what it was first made from."""
        ours = docker("images", "--format", "{{.Tag}}", self._place.image(recipes.BASE, "*"))
        if tags := ours.stdout.split():
            return "hub" in tags
        had = recipes.exists(PROBE_IMAGE)
        try:
            asked = docker("pull", "-q", PROBE_IMAGE, timeout=PROBE_DEADLINE, check=False)
        except LabError as error:
            reason = str(error)
        else:
            if asked.returncode == 0:
                if not had:
                    docker("rmi", PROBE_IMAGE)
                return True
            reason = last_line(asked.stderr).removeprefix("Error response from daemon: ")
        say(f"Docker Hub cannot be reached, building stand-ins ({reason})")
        return False

    def _base(self, release: str) -> str:
        return self._start(recipes.base_name(release), lambda: self._make_base(release)).result()

    def _make_base(self, release: str) -> str:
        if self._hub.result():
            ours = self._place.image(recipes.base_name(release), "hub")
            return self._pulled(f"debian:{release}-slim", ours)
        return recipes.import_base(self._place, release)

    def _provide(self, image: Image) -> str:
        if recipes.exists(str(image)):
            return str(image)
        if self._hub.result():
            ours = self._place.image(image.name.replace("/", "-"), image.tag)
            return self._pulled(str(image), ours)
        recipe = image.name.rpartition("/")[2]
        if not recipes.known(recipe):
            raise LabError(f"{image}: Docker Hub cannot be reached and there is no stand-in for it")
        version = image.tag.partition("-")[0]
        facts = {"VERSION": version, "MAJOR": version.partition(".")[0]}
        if facts.keys() & recipes.arguments_of(recipe):
            return self._build(recipe, facts)
        return self.recipe(recipe).result()

    def _build(self, recipe: str, facts: Mapping[str, str]) -> str:
        declared = recipes.arguments_of(recipe)
        arguments = {key: facts[key] for key in declared & facts.keys()}
        for below in (argument for argument in declared if recipes.known(argument.lower())):
            arguments[below] = self.recipe(below.lower()).result()
        if "BASE" in declared:
            arguments["BASE"] = self._base(facts.get("RELEASE", recipes.RELEASE))
        return recipes.build(self._place, recipe, arguments)

    def _pulled(self, name: str, ours: str) -> str:
        """Pull under a name that goes with the lab; the engine's other images stay as they were."""
        if recipes.exists(ours):
            return ours
        had = recipes.exists(name)
        if not had:
            with step(f"image {name} pulled"):
                docker("pull", "-q", name, timeout=PULL_DEADLINE)
        docker("tag", name, ours)
        if not had:
            docker("rmi", name)
        return ours
