"""The lab's own images: recipes under ``tests/lab/images``, each built once and named by content."""

from __future__ import annotations

import hashlib
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

from . import machine
from .docker import LabError, docker, last_line, run
from .output import say, step
from .place import IMAGES, Place

RELEASE = "trixie"
HUB_BASE = f"debian:{RELEASE}-slim"
TRIMMED = ("/usr/share/man/*", "/usr/share/doc/*", "/usr/share/locale/*", "/usr/share/info/*")


def digest(*parts: str | bytes) -> str:
    """A short name for what these parts say together."""
    sha = hashlib.sha256()
    for part in parts:
        data = part.encode() if isinstance(part, str) else part
        sha.update(len(data).to_bytes(8, "big") + data)
    return sha.hexdigest()[:12]


def exists(image: str) -> bool:
    """Whether the engine has this image already."""
    return not docker("image", "inspect", "--format", "ok", image, check=False).returncode


def arguments_of(recipe: str) -> set[str]:
    """The build arguments that a recipe's Dockerfile declares."""
    return set(
        re.findall(r"^ARG (\w+)$", (IMAGES / recipe / "Dockerfile").read_text(), re.MULTILINE)
    )


def build(place: Place, recipe: str, arguments: dict[str, str]) -> str:
    """Build a recipe unless an image of exactly this content is there; returns its name."""
    folder = IMAGES / recipe
    parts = [f"{key}={value}" for key, value in sorted(arguments.items())]
    for file in sorted(path for path in folder.rglob("*") if path.is_file()):
        parts += [
            str(file.relative_to(folder)),
            f"{file.stat().st_mode & 0o111:o}",
            file.read_text(),
        ]
    image = place.image(recipe, digest(*parts))
    if exists(image):
        return image
    words = ["build", "-q", "-t", image, "--label", place.label]
    for key, value in arguments.items():
        words += ["--build-arg", f"{key}={value}"]
    with step(f"image {recipe} built"):
        docker(*words, folder, timeout=600)
    return image


def import_base(place: Place) -> str:
    """Make the base of every stand-in from Debian packages; returns its name."""
    certificates = machine.certificates()
    extra = [*machine.apt_sources(RELEASE), *machine.apt_options()]
    image = place.image(
        "base", digest(certificates, machine.pip_conf(), machine.npmrc(), *extra, *TRIMMED)
    )
    if exists(image):
        return image
    _require_mmdebstrap()
    with step("image base made from Debian packages"), tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        folder.chmod(0o755)
        (folder / "machine.crt").write_text(certificates)
        (folder / "pip.conf").write_text(machine.pip_conf())
        (folder / "npmrc").write_text(machine.npmrc())
        archive = folder / "base.tar"
        _mmdebstrap(folder, archive)
        docker("import", "--change", f"LABEL {place.label}", archive, image, timeout=120)
    return image


def _mmdebstrap(folder: Path, archive: Path) -> None:
    words: list[str | Path] = ["mmdebstrap", "--quiet", "--variant=minbase", "--format=tar"]
    words += ["--include=ca-certificates", '--aptopt=Acquire::Languages "none"']
    words += [f"--aptopt={option.rstrip(';')}" for option in machine.apt_options()]
    words += [f"--dpkgopt=path-exclude={pattern}" for pattern in TRIMMED]
    words += [
        f"--customize-hook=copy-in {folder}/pip.conf {folder}/npmrc /etc",
        f"--customize-hook=copy-in {folder}/machine.crt /usr/local/share/ca-certificates",
        '--customize-hook=chroot "$1" update-ca-certificates',
        RELEASE,
        archive,
        *machine.apt_sources(RELEASE),
    ]
    done = run(words, timeout=300)
    if done.returncode:
        raise LabError(f"mmdebstrap failed: {last_line(done.stderr)}")


def _require_mmdebstrap() -> None:
    if shutil.which("mmdebstrap"):
        return
    remedy = "Docker Hub cannot be reached and mmdebstrap, which makes stand-ins, is missing"
    if not shutil.which("apt-get"):
        raise LabError(f"{remedy} (it needs Debian or Ubuntu)")
    say("installing mmdebstrap")
    words = ["apt-get", "install", "-y", "-qq", "--no-install-recommends", "mmdebstrap"]
    if subprocess.run(words, stdin=subprocess.DEVNULL, capture_output=True, check=False).returncode:
        raise LabError(f"{remedy}; as root: apt-get update && apt-get install mmdebstrap")
