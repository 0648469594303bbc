"""Projects built as public ones are, which nobody here wrote: their structure, none of their text.

Each has the services, the wiring and the habits of one; what they run is this place's own app.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from .catalogue import Write
from .project import PYTHON, REDIS, Project, app, asleep

LOGS = {"driver": "json-file", "options": {"max-size": "10m", "max-file": "3"}}
READY = {"test": ["CMD", "true"], "interval": "1s", "retries": 5}


@dataclass(frozen=True)
class Shape:
    """What a project is like."""

    name: str
    like: str
    """The public project."""
    write: Write


SHAPES: list[Shape] = []


def shape(name: str, like: str) -> Callable[[Write], Write]:
    def add(write: Write) -> Write:
        SHAPES.append(Shape(name, like, write))
        return write

    return add


@shape("a site, its database and an nginx of its own", "docker/awesome-compose, nginx-flask-mysql")
def site(project: Project) -> None:
    project.files["db/password.txt"] = f"level {project.level}\n"
    project.files["app/Dockerfile"] = (
        f'FROM {PYTHON} AS builder\nCOPY app.py /\nCMD ["python", "/app.py"]\nFROM builder AS dev\n'
    )
    project.files["proxy/Dockerfile"] = "FROM nginx:1.31.3-alpine\nCOPY page.html /page.html\n"
    project.files["proxy/.dockerignore"] = ".git\n"
    project.files["proxy/page.html"] = "a page\n"
    project.main.update(
        build={"context": "app", "target": "builder"},
        restart="unless-stopped",
        secrets=[{"source": "db-password", "target": "level-db"}],
        networks=["backnet", "frontnet"],
        logging=LOGS,
    )
    project.depends("db", "service_healthy")
    project.services["db"] = {
        "image": REDIS,
        "restart": "unless-stopped",
        "healthcheck": {"test": ["CMD-SHELL", 'test -n "$$(cat /run/secrets/db-password)"'],
                        "interval": "1s"},
        "secrets": ["db-password"],
        "volumes": ["db-data:/data"],
        "networks": ["backnet"],
        "environment": ["MODE=example", "PASSWORD_FILE=/run/secrets/db-password"],
        "expose": [6379, 16379],
        "stop_grace_period": "1s",
        "logging": LOGS,
    }  # fmt: skip
    project.services["proxy"] = {
        "build": "proxy",
        "restart": "unless-stopped",
        "ports": ["8089:80"],
        "depends_on": {"app": {"condition": "service_healthy"}},
        "networks": ["frontnet"],
        "stop_grace_period": "1s",
        "logging": LOGS,
    }
    project.top |= {
        "volumes": {"db-data": None},
        "secrets": {"db-password": {"file": "db/password.txt"}},
        "networks": {"backnet": None, "frontnet": None},
    }
    project.says(f"level {project.level}")
    project.moved.add("db")


@shape("a vote: no tags, two networks, several workers", "dockersamples/example-voting-app")
def vote(project: Project) -> None:
    project.top |= {
        "version": "3",
        "volumes": {"db-data": None},
        "networks": {"front-tier": None, "back-tier": None},
    }
    project.files["worker/Dockerfile"] = f'FROM {PYTHON}\nCOPY run.sh /\nCMD ["sh", "/run.sh"]\n'
    project.files["worker/.dockerignore"] = ".git\n"
    project.files["worker/run.sh"] = f"trap 'exit 0' TERM # {project.level}\nsleep 9d & wait\n"
    project.files["app/shared/level"] = f"level {project.level}\n"
    project.main.update(
        command="python /app.py",
        volumes=["./app/shared:/run/app"],
        networks=["front-tier", "back-tier"],
    )
    project.services["redis"] = {
        "image": "redis",
        "container_name": "redis",
        "ports": ["6379"],
        "networks": ["back-tier"],
        "stop_grace_period": "1s",
    }
    project.services["db"] = {
        "image": REDIS,
        "container_name": "db",
        "volumes": ["db-data:/data"],
        "networks": ["back-tier"],
        "stop_grace_period": "1s",
    }
    project.services["worker"] = {
        "build": {"context": "worker"},
        "networks": ["back-tier"],
        "stop_grace_period": "1s",
        "deploy": {
            "mode": "replicated",
            "replicas": 2,
            "labels": ["APP=VOTING"],
            "restart_policy": {"condition": "on-failure", "delay": "10s", "max_attempts": 3},
            "placement": {"constraints": ["node.role == manager"]},
        },
    }
    project.says(f"level {project.level}")
    project.moved.add("worker")


@shape(
    "an API behind Traefik: env_file, a one-shot, several files, a network of others",
    "fastapi/full-stack-fastapi-template",
)
def behind_traefik(project: Project) -> None:
    project.env = {"STACK_NAME": "app", "IMAGE": "shop/backend", "LEVEL": str(project.level)}
    name = "${IMAGE?Variable not set}:${TAG-latest}"
    router = "traefik.http.routers.${STACK_NAME?Variable not set}-backend"
    project.main.pop("ports")
    project.main.update(
        image=name,
        build={"context": "./app"},
        restart="always",
        networks=["shared", "default"],
        env_file=[".env"],
        environment=["LEVEL_OF=${LEVEL}", "SMTP_HOST=${SMTP_HOST-}"],
        labels=["traefik.enable=true", f"{router}-http.rule=Host(`api.example.org`)"],
        depends_on={
            "db": {"condition": "service_healthy", "restart": True},
            "prestart": {"condition": "service_completed_successfully"},
        },
    )
    project.services["db"] = {
        "image": REDIS,
        "restart": "always",
        "healthcheck": READY,
        "volumes": ["app-db-data:/data"],
        "env_file": [".env"],
        "stop_grace_period": "1s",
    }
    project.services["prestart"] = {
        "image": name,
        "build": {"context": "./app"},
        "networks": ["shared", "default"],
        "depends_on": {"db": {"condition": "service_healthy", "restart": True}},
        "command": "python /app.py --once",
        "env_file": [".env"],
    }
    project.services["other-front"] = {
        "image": "${OTHER_IMAGE-nowhere}:${TAG-latest}",
        "profiles": ["other"],
        "build": {"context": "./other"},
    }
    traefik = {
        "image": "caddy:2",
        "ports": ["8089:80"],
        "restart": "always",
        "networks": ["shared", "default"],
        "stop_grace_period": "1s",
    }
    project.top |= {"volumes": {"app-db-data": None}, "networks": {"shared": {"external": True}}}
    project.files["compose.traefik.yaml"] = project.dump({"services": {"edge": traefik}})
    project.others.append("compose.traefik.yaml")
    project.external.append("network shared")
    project.says(f"LEVEL_OF={project.level}")
    project.moved |= {"db", "prestart"}


@shape("a scheduler: one image for all, shared settings, a one-shot before them", "apache/airflow")
def scheduler(project: Project) -> None:
    common = {
        "image": PYTHON,
        "environment": {"LEVEL": str(project.level), "MODE": "${MODE:-plain}", "EXTRA": ""},
        "volumes": ["${PROJECT_DIR:-.}/dags:/run/dags", "${PROJECT_DIR:-.}/logs:/run/logs"],
        "user": "${RUN_UID:-0}:0",
        "stop_grace_period": "1s",
    }
    before = {
        "redis": {"condition": "service_healthy"},
        "postgres": {"condition": "service_healthy"},
    }
    after = {**before, "init": {"condition": "service_completed_successfully"}}
    sleep = ["sleep", "infinity"]
    project.files["dags/level"] = f"level {project.level}\n"
    project.services = {
        "postgres": asleep(healthcheck=READY, restart="always", volumes=["db-volume:/data"]),
        "redis": {
            "image": REDIS, "expose": [6379], "healthcheck": READY, "restart": "always",
            "stop_grace_period": "1s",
        },
        "app": {**common, **app(), "restart": "always", "depends_on": after},
        "scheduler": {**common, "command": sleep, "restart": "always", "depends_on": after,
                      "healthcheck": {"test": ["CMD-SHELL", 'test -n "$${HOSTNAME}"']}},
        "worker": {**common, "command": sleep, "restart": "always",
                   "environment": {**common["environment"], "SIGNALS": "0"},  # type: ignore[dict-item]
                   "depends_on": {**after, "app": {"condition": "service_healthy"}}},
        "init": {**common, "entrypoint": "/bin/bash", "user": "0:0", "depends_on": before,
                 "command": ["-c", 'mkdir -p /run/logs/first && echo "$$(id -u) is ready"\n']},
        "cli": {**common, "profiles": ["debug"], "command": ["bash", "-c", "python"]},
        "flower": {**common, "profiles": ["flower"], "ports": ["5555:5555"]},
    }  # fmt: skip
    del project.main["image"]
    project.top["volumes"] = {"db-volume": None}
    project.says(f"level {project.level}")
    project.moved |= {"scheduler", "worker", "init"}
