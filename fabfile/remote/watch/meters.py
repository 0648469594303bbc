"""Asking a server's engine what it measures. Nothing is changed."""

from __future__ import annotations

from ...model.watch import disks, meters, networks
from ...model.watch.disks import Kept
from ...model.watch.meters import Process, Usage
from ...model.watch.networks import Member
from ..host import Host
from .aware import read

SPLIT = "--"
"""A line between two answers, which neither can hold alone."""
STATS = f"""
docker ps -q --no-trunc | xargs -r docker inspect --format \\
  '{{{{.Id}}}} {{{{.RestartCount}}}} {{{{.HostConfig.Memory}}}} {{{{.State.OOMKilled}}}}'
echo {SPLIT}
docker stats --no-stream --no-trunc --format '{{{{json .}}}}'
"""
TOP = """
docker ps --format '{{.Names}}' | while read -r name; do
  docker top "$name" -o pid,user,pcpu,rss,etimes,comm </dev/null 2>/dev/null | sed "1d;s/^/$name /"
done
"""
DISK = f"""
docker system df --format '{{{{json .}}}}'
echo {SPLIT}
sudo -n du -xsb "$1"/* 2>/dev/null || du -xsb "$1"/* 2>/dev/null || true
echo {SPLIT}
df -PB1 "$1" "$(docker info --format '{{{{.DockerRootDir}}}}')" 2>/dev/null | tail -n +2
"""
NETWORK = f"""
docker network ls -q | xargs -r docker network inspect --format '{{{{json .}}}}'
echo {SPLIT}
docker ps --format '{{{{.Names}}}}' |
  xargs -r docker inspect --format '{{{{.Name}}}} {{{{json .HostConfig.PortBindings}}}}' |
  sed 's#^/##'
"""
LONG = 60
"""Seconds that measuring may take: folders with many files take longest."""


def stats(host: Host) -> list[Usage]:
    """What each running container uses, of whatever project; takes two seconds."""
    boxes, measured = _parts(host, STATS)
    return meters.usages(measured, boxes)


def top(host: Host) -> list[Process]:
    """Every process in a container, the busiest first."""
    return meters.processes(read(host, TOP, "top", timeout=LONG))


def disk(host: Host) -> list[Kept]:
    """What takes room: what the engine keeps, and the folders below ``root``."""
    return disks.kept(host.name, *_parts(host, DISK, str(host.server.root)))


def network(host: Host) -> list[Member]:
    """Every network, who is in it, and what is published."""
    return networks.members(*_parts(host, NETWORK))


def _parts(host: Host, script: str, *words: str) -> list[str]:
    said = read(host, script, "measure", *words, timeout=LONG)
    return f"\n{said}".split(f"\n{SPLIT}\n")
