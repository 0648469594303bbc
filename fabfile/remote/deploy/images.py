"""The images of a server, and the names that they have there."""

from __future__ import annotations

from ...model.deploy.content import LABEL, Wanted
from ...model.image_names import repository
from ..host import Host
from ..output import Output

PULL = 900
CACHE = "5GB"
"""What the build cache may take after a build."""
PROJECT = "com.docker.compose.project"
"""Label that compose gives to what it makes, to images that it builds too."""


def keep_under_id(host: Host, reference: str) -> None:
    """Give an image a second name, so that building its first one again does not lose it."""
    script = """
id=$(docker image inspect --format '{{.Id}}' "$1") || exit 0
short=${id#sha256:}
docker tag "$id" "$1-${short:0:12}"
"""
    host.write(["bash", "-c", script, "keep-image", reference])


def trim_cache(host: Host) -> None:
    """Keep the build cache under its limit, what was used last first; images are not touched.

    Engines from 28 on call the limit by another name.
    """
    script = """
docker builder prune --all --force --max-used-space "$1" >/dev/null 2>&1 ||
  docker builder prune --all --force --keep-storage "$1"
"""
    host.write(["bash", "-c", script, "trim-cache", CACHE], timeout=300, check=False)


def keep_newest(host: Host, project: str, reference: str, number: int) -> None:
    """Remove what this collection built of an image's name, but for so many: the newest ones."""
    script = """
docker image ls --filter "label=$1" --filter "label=$2" --format '{{.Repository}}:{{.Tag}}' "$3" |
  tail -n "+$(($4 + 1))" | while IFS= read -r name; do docker image rm "$name"; done
"""
    labels = [LABEL, f"{PROJECT}={project}"]
    words = ["keep-newest", *labels, repository(reference), str(number)]
    host.write(["bash", "-c", script, *words], timeout=300, check=False)


def pull(host: Host, reference: str) -> Output:
    """Pull an image that the stack names."""
    return host.write(["docker", "pull", "-q", reference], timeout=PULL, check=False)


def move_stable(host: Host, wanted: Wanted) -> None:
    """Let the name in the compose file point at the wanted image."""
    if wanted.reference != wanted.stable:
        name(host, wanted.reference, wanted.stable)


def name(host: Host, reference: str, more: str) -> None:
    """Give an image one more name."""
    host.write(["docker", "tag", reference, more])


def our_images(host: Host, project: str) -> list[str]:
    """Ids of the images that this collection built for a compose project, by their labels."""
    words = ["docker", "image", "ls", "--all", "--quiet", "--no-trunc"]
    words += ["--filter", f"label={LABEL}", "--filter", f"label={PROJECT}={project}"]
    output = host.read(words)
    return sorted(set(output.stdout.split()))


def remove_image(host: Host, identity: str) -> None:
    """Remove an image with all its names."""
    host.write(["docker", "image", "rm", "--force", identity])
