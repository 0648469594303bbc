"""The lab's own images: recipes in ``tests/lab/images``, each built once and named by content."""

from __future__ import annotations

import hashlib
import re
import shutil
import tempfile
from pathlib import Path

from . import machine
from .docker import LabError, docker, last_line, run
from .output import say, step
from .place import IMAGES, Place

RELEASE = "trixie"
BASE = "base"
# As in Debian's own images: apt leaves nothing of its work in a layer.
APT_LEAVES_NOTHING = """
DPkg::Post-Invoke { "rm -f /var/cache/apt/archives/*.deb /var/cache/apt/archives/partial/*.deb"; };
Dir::Cache::pkgcache "";
Dir::Cache::srcpkgcache "";
"""
TRIMMED = ("/usr/share/man/*", "/usr/share/doc/*", "/usr/share/locale/*", "/usr/share/info/*")


def exists(image: str) -> bool:
    """Whether the engine has this image."""
    return not docker("image", "inspect", "--format", "ok", image, check=False).returncode


def known(recipe: str) -> bool:
    """Whether there is a recipe of that name."""
    return (IMAGES / recipe / "Dockerfile").exists()


def arguments_of(recipe: str) -> set[str]:
    """The build arguments that a recipe's Dockerfile declares."""
    text = (IMAGES / recipe / "Dockerfile").read_text()
    return set(re.findall(r"^ARG (\w+)$", text, re.MULTILINE))


def build(place: Place, recipe: str, arguments: dict[str, str]) -> str:
    """Build a recipe unless an image of exactly this content is there; returns its name."""
    folder = IMAGES / recipe
    parts = [f"{key}={value}" for key, value in sorted(arguments.items())]
    for file in sorted(path for path in folder.rglob("*") if path.is_file()):
        mode = f"{file.stat().st_mode & 0o111:o}"
        parts += [str(file.relative_to(folder)), mode, file.read_text()]
    image = place.image(recipe, _digest(parts))
    if exists(image):
        return image
    words = ["build", "-q", "-t", image, "--label", place.image_label]
    for key, value in arguments.items():
        words += ["--build-arg", f"{key}={value}"]
    with step(f"image {recipe} built"):
        docker(*words, folder, timeout=600)
    return image


def base_name(release: str) -> str:
    """What the base of that release of Debian is called; only bare hosts have another one."""
    return BASE if release == RELEASE else f"{BASE}-{release}"


def import_base(place: Place, release: str) -> str:
    """Make the base of every stand-in from Debian packages; returns its name."""
    # What changes from day to day is the authority that a machine trusts; the rest takes a second
    # to find out and stays as it was when the base was made.
    image = place.image(
        base_name(release), _digest([machine.certificates(), Path(__file__).read_text()])
    )
    if exists(image):
        return image
    _require_mmdebstrap()
    with step("image base made from Debian packages"), tempfile.TemporaryDirectory() as scratch:
        archive = Path(scratch, "base.tar")
        _mmdebstrap(release, Path(scratch), archive)
        docker("import", "--change", f"LABEL {place.image_label}", archive, image, timeout=120)
    return image


def _mmdebstrap(release: str, folder: Path, archive: Path) -> None:
    facts = machine.look(release)
    folder.chmod(0o755)  # its hooks read from here without root's rights
    (folder / "machine.crt").write_text(facts.certificates)
    (folder / "pip.conf").write_text(facts.pip_conf)
    (folder / "npmrc").write_text(facts.npmrc)
    (folder / "50clean").write_text(APT_LEAVES_NOTHING)
    words: list[str | Path] = ["mmdebstrap", "--quiet", "--variant=minbase", "--format=tar"]
    words += ["--include=ca-certificates", '--aptopt=Acquire::Languages "none"']
    words += [f"--aptopt={option.rstrip(';')}" for option in facts.apt_options]
    # Images are thrown away, so nothing is gained by syncing each file of a package to disk.
    words += ["--dpkgopt=force-unsafe-io"]
    words += [f"--dpkgopt=path-exclude={pattern}" for pattern in TRIMMED]
    words += [
        f"--customize-hook=copy-in {folder}/pip.conf {folder}/npmrc /etc",
        f"--customize-hook=copy-in {folder}/50clean /etc/apt/apt.conf.d",
        '--customize-hook=rm -f "$1"/var/cache/apt/*.bin',
        f"--customize-hook=copy-in {folder}/machine.crt /usr/local/share/ca-certificates",
        '--customize-hook=chroot "$1" update-ca-certificates',
    ]
    done = run([*words, release, archive, *facts.apt_sources], timeout=300)
    if done.returncode:
        raise LabError(f"mmdebstrap failed: {last_line(done.stderr)}")


def _require_mmdebstrap() -> None:
    if shutil.which("mmdebstrap"):
        return
    if not shutil.which("apt-get"):
        raise LabError("Docker Hub cannot be reached, and stand-ins can only be made on Debian")
    say("installing mmdebstrap, which makes the base of the stand-ins")
    install = ["apt-get", "install", "-y", "-qq", "--no-install-recommends", "mmdebstrap"]
    for words in (["apt-get", "update", "-qq"], install):
        done = run(words, timeout=300)
        if done.returncode:
            raise LabError(f"mmdebstrap cannot be installed: {last_line(done.stderr)}")


def _digest(parts: list[str]) -> str:
    sha = hashlib.sha256()
    for part in parts:
        sha.update(f"{len(part)}:{part}".encode())
    return sha.hexdigest()[:12]
