"""inv lab.*: the lab from the command line."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from invoke import Collection, Context, Exit, task

from ..picture import draw
from . import demo
from .docker import LabError
from .lab import Lab
from .place import Place


@contextmanager
def _errors_in_one_line() -> Iterator[None]:
    try:
        yield
    except LabError as error:
        raise Exit(f"lab: {error}", 1) from None


@task(help={"labs": "how many labs, for tests that run side by side: each has its own servers"})
def up(_context: Context, labs: int = 1) -> None:
    """Bring up two disposable servers on this machine and publish HEAD to them."""
    with _errors_in_one_line():
        lab = Lab()
        lab.up()
        for number in range(2, labs + 1):
            Lab(Place(number=number)).up()
        print("\n".join(lab.status()))
        print("point tasks at it: HOSTS_INI=.lab/hosts.ini fab --list")


@task(help={"keep_images": "keep the images, so that the next start is a warm one"})
def down(_context: Context, keep_images: bool = False) -> None:
    """Remove the lab: containers, networks, volumes, images and .lab/."""
    with _errors_in_one_line():
        Lab().down(keep_images)


@task
def picture(_context: Context) -> None:
    """Draw the pictures in docs: deploy a change to ubuntu, in a lab where both are deployed."""
    with _errors_in_one_line():
        print(*draw(), sep="\n")


@task
def status(_context: Context) -> None:
    """Show the lab's containers and the ports that lead to them."""
    with _errors_in_one_line():
        print("\n".join(Lab().status()) or "there is no lab; inv lab.up brings one up")


@task(help={"ref": "what to publish as main"})
def push(_context: Context, ref: str = "HEAD") -> None:
    """Publish a commit of this checkout to the lab's git remote."""
    with _errors_in_one_line():
        Lab().push(ref)


@task
def seed(_context: Context) -> None:
    """Give the deployed site a person with wishes, and say how a browser here gets to it."""
    with _errors_in_one_line():
        lab = Lab()
        demo.seed(lab.door, lab.shop)
        print(f"{lab.door}/ for {demo.PERSON['email']}, password: {demo.PERSON['password']}")


ns = Collection("lab", up, down, status, push, seed, picture)
