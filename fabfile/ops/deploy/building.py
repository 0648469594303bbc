"""Where the images of a server are built: there, or on another machine that sends them."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterable, Iterator
from pathlib import PurePosixPath

from ...model.deploy import elsewhere
from ...model.deploy.elsewhere import Chain, Engine, Image
from ...model.deploy.plan import Kind, Plan, Step, Target
from ...model.errors import Trouble, refused
from ...model.inventory import LOCAL
from ...remote.deploy import building, compose, images
from ...remote.deploy.building import Packed
from ...remote.gathering import Gathering
from ...remote.host import Host
from ...remote.output import Output
from ..session import Session, at_once

KEPT = 256 << 20
"""Bytes that stay free on the server's disk while an image arrives (256 MiB)."""
FULL = "no space left on device"
"""What engines say of a full disk: then all of the layers would find no room either."""
NEWEST = 3
"""Images of a service that stay on the machine that runs ``fab``."""


class _NotLoaded(Trouble):
    """The engine did not take an image that had come whole."""


def require_builder(session: Session, name: str, plan: Plan) -> None:
    """Exit code 2 where somebody else is to build for this server and cannot."""
    if any(step.kind is Kind.BUILD for step in plan.steps):
        builder_of(session, name)


def builder_of(session: Session, name: str) -> str:
    """Who builds for a server, in words; empty: itself. Exit code 2 where that machine cannot."""
    try:
        builder = session.builder(name)
    except Trouble as trouble:
        told = f"{name}: its builder cannot be used: {trouble.message}"
        raise refused(told, trouble.evidence, about="builder") from None
    if builder is None:
        return ""
    there, _ = _engines(builder, session.host(name), layers=False)
    return f"{elsewhere.shown(builder.name)}, {there.platform}"


def _engines(builder: Host, host: Host, *, layers: bool) -> tuple[Engine, Engine]:
    """What both machines say of themselves; exit code 2 where one cannot build for the other."""
    there, here = at_once(
        lambda: building.know_engine(builder),
        lambda: building.know_engine(host, layers=layers),
    )
    if not here.platform:
        raise refused(f"{host.name}: no Docker engine answers ({here.error})")
    if why := elsewhere.why_not(builder.name, there, here):
        raise refused(f"{host.name}: {elsewhere.shown(builder.name)} cannot build for it: {why}")
    return there, here


class Building:
    """How the images of one deploy come to be on its server."""

    def __init__(
        self, session: Session, name: str, target: Target, pause: Callable[[], None]
    ) -> None:
        """``pause`` raises when somebody asked to end early."""
        self.target = target
        self._session = session
        self._name = name
        self._pause = pause
        self.dry: Callable[[Host], Host] | None = None
        """In a dry run: what makes a host unable to write."""

    def build(self, host: Host, step: Step, tree: PurePosixPath, apart: PurePosixPath) -> str:
        """Have the image of a service on the server; returns a note for the person who watches."""
        wanted = self.target.images[step.subject]
        if step.force:
            images.keep_under_id(host, wanted.reference)
        if builder := self._session.builder(self._name):
            if self.dry:
                self._rehearse(self.dry(builder), host, step.subject)
                return wanted.reference
            return self._elsewhere(builder, host, step, tree)
        together = Gathering(host)
        compose.build(together, apart, step.subject, fresh=step.force)
        images.trim_cache(together)
        _require(host, together.done()[0], f"the build of {step.subject} failed")
        return wanted.reference

    def _rehearse(self, builder: Host, host: Host, service: str) -> None:
        scratch = PurePosixPath("SCRATCH")
        building.build(builder, scratch, service, "", (), fresh=False)
        building.save(builder, scratch, self.target.images[service].reference)
        building.receive(host, Packed("IMAGE", 0), 0, ())
        building.load(host, Packed("IMAGE", 0))

    def _elsewhere(self, builder: Host, host: Host, step: Step, tree: PurePosixPath) -> str:
        there, here = _engines(builder, host, layers=True)
        reference = self.target.images[step.subject].reference
        image = building.know_image(builder, reference)
        if step.force or image is None or image.platform != here.platform:
            self._make(builder, host, step, tree, (there, here))
            image = building.know_image(builder, reference)
        if image is None or image.platform != here.platform:
            made = image.platform if image else "nothing"
            raise Trouble(f"{builder.name}: {reference} came out as {made}, not {here.platform}")
        if registry := host.server.registry:
            note = _by_registry(builder, host, reference, registry)
        else:
            engines = (there, here)
            copy = _Copy(self._session, builder, host, reference, image, engines, self._pause)
            note = copy.bring()
        alike = not (there.in_containerd or here.in_containerd)
        _verify(builder, host, reference, image, alike=alike)
        if builder.name == LOCAL:
            images.keep_newest(builder, self.target.stack.project, reference, NEWEST)
        return note

    def _make(
        self,
        builder: Host,
        host: Host,
        step: Step,
        tree: PurePosixPath,
        engines: tuple[Engine, Engine],
    ) -> None:
        there, here = engines
        checkout = host.server.path
        wanted = self.target.images[step.subject]
        assert wanted.build
        scratch = scratch_in(there)
        stack = elsewhere.stack_of_one(
            self.target,
            step.subject,
            checkout,
            scratch / "tree",
            here.platform if here.platform != there.platform else "",
        )
        paths = elsewhere.paths_of(wanted.build, self.target, checkout)
        with building.tree_of(host, tree, paths) as stream:
            given = building.chunks(stream)
            output = building.build(builder, scratch, step.subject, stack, given, fresh=step.force)
        images.trim_cache(builder)
        _require(builder, output, f"the build of {step.subject} failed")


def scratch_in(engine: Engine) -> PurePosixPath:
    """A folder of its own in the cache of a machine's user."""
    return engine.cache / "wishwithme" / "images" / secrets.token_hex(8)


class _Copy:
    """The way of one image from its builder to a server: what the server lacks of it, no more."""

    def __init__(
        self,
        session: Session,
        builder: Host,
        host: Host,
        reference: str,
        image: Image,
        engines: tuple[Engine, Engine],
        pause: Callable[[], None],
    ) -> None:
        self.builder, self.host = builder, host
        self.reference, self.image = reference, image
        self.there, self.here = engines
        self.console, self.pause = session.console, pause

    def bring(self) -> str:
        """Bring it; returns what came, in words."""
        # Containerd takes an image whole or not at all.
        known = frozenset() if self.here.in_containerd else self.here.chains
        try:
            note = self._parts(known)
        except _NotLoaded:
            if not known:
                raise
            told = (
                f"{self.reference} is sent with all of its layers: the engine takes no part of it"
            )
            self.console.line(self.host.name, told)
            note = self._parts(frozenset())
        return note

    def _parts(self, known: frozenset[Chain]) -> str:
        scratch = scratch_in(self.there)
        try:
            saved = building.save(self.builder, scratch, self.reference)
            assert saved
            total = len(saved.layers)
            lacking = saved.lacking(self.image.digests, known)
            parts = [] if self.here.in_containerd else saved.parts(lacking)
            zstd = self.there.zstd and self.here.zstd
            packed = building.pack(self.builder, scratch, parts, zstd=zstd)
            what = f"{len(lacking)} of {total} layers, {megabytes(packed.bytes)}"
            resumed = self._send(scratch, packed, what)
        finally:
            building.remove(self.builder, scratch)
        output = building.load(self.host, packed)
        if not output.ok:
            message = f"{self.host.name}: the engine does not take {self.reference}"
            if FULL in f"{output.stdout}{output.stderr}":
                helps = f"its disk is full: make room with fab {self.host.name}.prune"
                raise Trouble(f"{message}: {helps}", evidence=output.tail())
            raise _NotLoaded(message, evidence=output.tail())
        return what + resumed

    def _send(self, scratch: PurePosixPath, packed: Packed, what: str) -> str:
        offset = building.awaiting(self.host, packed, KEPT)
        resumed = f", resumed at {megabytes(offset)}" if offset else ""
        source = elsewhere.shown(self.builder.name)
        told = f"{self.reference} from {source}: {what}{resumed}"
        self.console.line(self.host.name, told)
        if offset < packed.bytes:
            with building.sent(self.builder, scratch, packed, offset) as stream:
                data = self._until_paused(building.chunks(stream))
                building.receive(self.host, packed, offset, data)
        return resumed

    def _until_paused(self, data: Iterable[bytes]) -> Iterator[bytes]:
        for chunk in data:
            self.pause()
            yield chunk


def _by_registry(builder: Host, host: Host, reference: str, registry: str) -> str:
    """Bring an image by a registry that both machines are logged in to; returns which one."""
    name = registry.partition("/")[0]
    helps = f"is that machine logged in (docker login {name})?"
    pushed = building.push(builder, reference, registry)
    _require(builder, pushed, f"{reference} cannot be pushed to {registry}; {helps}")
    pulled = building.pull(host, reference, registry)
    _require(host, pulled, f"{reference} cannot be pulled from {registry}; {helps}")
    return f"by {registry}"


def _verify(builder: Host, host: Host, reference: str, image: Image, *, alike: bool) -> None:
    """The image that arrived is the one that was sent, or it goes.

    ``alike``: both engines call images by the digest of their configuration.
    """
    found = building.know_image(host, reference)
    same = found and (found.id == image.id or not alike)
    if found and same and found.digests == image.digests:
        return
    host.write(["docker", "image", "rm", reference], check=False)
    what = found.id if found else "nothing"
    raise Trouble(
        f"{host.name}: {reference} arrived as {what} and is {image.id} on"
        f" {builder.name}; it was removed"
    )


def megabytes(size: int) -> str:
    """Bytes as people read them."""
    return f"{size / 1e6:.1f} MB"


def _require(host: Host, output: Output, what: str) -> None:
    if not output.ok:
        raise Trouble(f"{host.name}: {what}", evidence=output.tail())
