"""The features, each as what it writes into a project."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from .project import HEALTH, PORT, REDIS, Project, asleep

Write = Callable[[Project], object]


@dataclass(frozen=True)
class Feature:
    """Something that a compose file may say."""

    name: str
    """As docs/own-project.md has it."""
    write: Write
    refused: str = ""
    """What a plan says, and does not go on; empty: it is carried out."""
    without: frozenset[str] = frozenset()
    """Features that contradict it: no compose file has both."""


FEATURES: list[Feature] = []


def feature(
    name: str, refused: str = "", without: tuple[str, ...] = ()
) -> Callable[[Write], Write]:
    def add(write: Write) -> Write:
        FEATURES.append(Feature(name, write, refused, frozenset(without)))
        return write

    return add


@feature("an image without a tag")
def untagged(project: Project) -> None:
    project.services["cache"] = {"image": "redis", "stop_grace_period": "1s"}


@feature("an image with a digest")
def with_digest(project: Project) -> None:
    project.services["pinned"] = {"image": project.digest, "stop_grace_period": "1s"}


@feature("`env_file`")
def env_file(project: Project) -> None:
    project.main["env_file"] = ["app.env"]
    project.files["app.env"] = f"LEVEL_FILE={project.level}\n"
    project.says(f"LEVEL_FILE={project.level}")


@feature("`extends`")
def extends(project: Project) -> None:
    project.main["extends"] = {"file": "shared/base.yaml", "service": "base"}
    base = {"services": {"base": {"environment": {"LEVEL_BASE": str(project.level)}}}}
    project.files["shared/base.yaml"] = project.dump(base)
    project.says(f"LEVEL_BASE={project.level}")


@feature("`include`")
def include(project: Project) -> None:
    project.top["include"] = ["parts/compose.yaml"]
    other = {"services": {"other": asleep(environment={"LEVEL": str(project.level)})}}
    project.files["parts/compose.yaml"] = project.dump(other)
    project.moved.add("other")


@feature("several compose files")
def several_files(project: Project) -> None:
    project.others.append("compose.production.yaml")
    over = {"services": {"app": {"environment": {"LEVEL_OVER": str(project.level)}}}}
    project.files["compose.production.yaml"] = project.dump(over)
    project.says(f"LEVEL_OVER={project.level}")


@feature("a profile that is off")
def profile_off(project: Project) -> None:
    project.services["debugger"] = {"image": "nowhere.example/none", "profiles": ["debug"]}


@feature("`configs` of a file")
def config_file(project: Project) -> None:
    project.top.setdefault("configs", {})["settings"] = {"file": "settings.conf"}
    project.files["settings.conf"] = f"config-file {project.level}\n"
    project.main.setdefault("configs", []).append(
        {"source": "settings", "target": "/run/configs/level-file"}
    )
    project.says(f"config-file {project.level}")


@feature("`configs` with `content`")
def config_content(project: Project) -> None:
    project.top.setdefault("configs", {})["inline"] = {"content": f"config-text {project.level}"}
    project.main.setdefault("configs", []).append(
        {"source": "inline", "target": "/run/configs/level-text"}
    )
    project.says(f"config-text {project.level}")


@feature("`secrets` of a file")
def secret_file(project: Project) -> None:
    project.top.setdefault("secrets", {})["level-secret"] = {"file": "token.txt"}
    project.files["token.txt"] = f"secret-file {project.level}\n"
    project.main.setdefault("secrets", []).append("level-secret")
    project.says(f"secret-file {project.level}")


@feature("`secrets` of `environment`", without=("no `.env`",))
def secret_environment(project: Project) -> None:
    project.top.setdefault("secrets", {})["level-env"] = {"environment": "TOKEN"}
    assert project.env is not None
    project.env["TOKEN"] = f"secret-env-{project.level}"
    project.main.setdefault("secrets", []).append("level-env")
    project.says(f"secret-env-{project.level}")


@feature("an external network")
def external_network(project: Project) -> None:
    project.top.setdefault("networks", {})["shared"] = {"external": True}
    project.main.setdefault("networks", []).extend(["default", "shared"])
    project.external.append("network shared")


@feature("an external volume")
def external_volume(project: Project) -> None:
    project.top.setdefault("volumes", {})["archive"] = {"external": True}
    project.main.setdefault("volumes", []).append("archive:/archive")
    project.external.append("volume archive")


@feature("a named volume (`keep`)")
def named_volume(project: Project) -> None:
    project.top.setdefault("volumes", {})["data"] = {}
    project.services["db"] = {
        "image": REDIS, "volumes": ["data:/data"], "stop_grace_period": "1s",
    }  # fmt: skip
    project.top.setdefault("x-deploy", {})["db"] = {"keep": True}


@feature("a mounted file")
def mounted_file(project: Project) -> None:
    project.files["conf/level"] = f"mounted {project.level}\n"
    project.main.setdefault("volumes", []).append("./conf:/run/conf:ro")
    project.says(f"mounted {project.level}")


@feature("`deploy.replicas`", without=("`container_name`",))
def replicas(project: Project) -> None:
    project.main["deploy"] = {"replicas": 2}
    project.main.pop("ports", None)


@feature("a one-shot (`service_completed_successfully`)")
def one_shot(project: Project) -> None:
    project.services["once"] = {
        "build": "app", "command": ["python", "/app.py", "--once", str(project.level)],
    }  # fmt: skip
    project.depends("once", "service_completed_successfully")
    project.moved.add("once")


@feature("`depends_on` with `service_healthy`")
def healthy(project: Project) -> None:
    test = {"test": ["CMD", "true"], "interval": "1s"}
    project.services["ready"] = asleep(healthcheck=test)
    project.depends("ready", "service_healthy")


@feature("`restart: on-failure`")
def on_failure(project: Project) -> None:
    project.services["worker"] = asleep(restart="on-failure")


@feature("`container_name`")
def container_name(project: Project) -> None:
    project.main["container_name"] = "the-app"


@feature("no `.env`")
def no_env(project: Project) -> None:
    project.env = None


@feature("an nginx as docs/proxy.md has it", without=("another proxy (Traefik, Caddy)",))
def our_proxy(project: Project) -> None:
    project.main.pop("ports", None)
    project.services["proxy"] = {
        "image": "nginx:1.31.3-alpine",
        "ports": [f"{PORT}:80"],
        "volumes": ["./proxy:/etc/nginx:ro", f"{project.root}/proxy:/etc/deploy/proxy:ro"],
        "stop_grace_period": "2s",
    }
    project.files |= {
        "proxy/nginx.conf": NGINX,
        "proxy/upstreams.conf": UPSTREAMS,
    }
    alone = "container_name" in project.main
    app = {"probe": {"port": 5000}, **({} if alone else {"update": {"order": "start-first"}})}
    hints = project.top.setdefault("x-deploy", {})
    hints |= {"app": app, "proxy": {"proxy": True, "upstreams": "proxy/upstreams.conf"}}


@feature("another proxy (Traefik, Caddy)")
def another_proxy(project: Project) -> None:
    project.main.pop("ports", None)
    project.services["edge"] = {"image": "caddy:2", "ports": [f"{PORT}:80"]}


@feature("several stacks on a server")
def neighbour(project: Project) -> None:
    project.neighbour = True


@feature("`network_mode: service:NAME`", "network_mode is that of app")
def shared_network(project: Project) -> None:
    project.services["inner"] = asleep(network_mode="service:app")


@feature("`volumes_from`", "volumes_from follows another container")
def volumes_from(project: Project) -> None:
    project.services["reader"] = asleep(volumes_from=["app"])


@feature("`scale: 0`", "0 replicas: use a profile to leave it out")
def no_replica(project: Project) -> None:
    project.services["none"] = asleep(scale=0)


@feature("`pull_policy: always`", "pull_policy always would run another image")
def always(project: Project) -> None:
    project.services["fresh"] = asleep(pull_policy="always")


@feature("`label_file`", "label_file is read in the old checkout")
def label_file(project: Project) -> None:
    project.services["labelled"] = asleep(label_file=["./labels"])
    project.files["labels"] = "a=b\n"


@feature("`provider`", "a provider runs it, and no container")
def provider(project: Project) -> None:
    project.services["cloud"] = {"provider": {"type": "somebody"}}


@feature("`models`", "models are run by the engine, not carried out here")
def models(project: Project) -> None:
    project.top["models"] = {"tiny": {"model": "somebody/tiny"}}
    project.services["thinker"] = asleep(models=["tiny"])


@feature("replicas that publish one port", "crowd: 2 replicas cannot publish port 8099")
def crowd(project: Project) -> None:
    project.services["crowd"] = asleep(deploy={"replicas": 2}, ports=["8099:80"])


@feature("an external network that is not there", "network absent, which the stack calls external")
def absent_network(project: Project) -> None:
    project.top.setdefault("networks", {})["absent"] = {"external": True}
    project.services["lonely"] = asleep(networks=["absent"])


@feature("`proxy: true` for another proxy", "proxy of edge2: caddy is no nginx")
def mistaken(project: Project) -> None:
    project.services["edge2"] = {"image": "caddy:2"}
    project.top.setdefault("x-deploy", {})["edge2"] = {"proxy": True}


UPSTREAMS = """\
upstream app {
    zone app 64k;
    server app:5000 resolve max_fails=0;
    keepalive_timeout 60s;
}
"""
NGINX = """\
user nginx;
pid /run/nginx.pid;
error_log /dev/stderr warn;
worker_shutdown_timeout 1m;
events {}
http {
    keepalive_min_timeout 10s;
    resolver 127.0.0.11 valid=2s ipv6=off;
    proxy_next_upstream error timeout;
    proxy_http_version 1.1;
    proxy_set_header Connection "";
    include /etc/deploy/proxy/upstreams.conf;
    server {
        listen 80;
        location / { proxy_pass http://app; }
    }
    server {
        listen 8090;
        include /etc/deploy/proxy/generation*.conf;
        location / { return 404; }
    }
}
"""
__all__ = ["FEATURES", "HEALTH", "Feature"]
