"""The application that the simulated servers run: services that no Python has ever heard of.

A word in capitals in a service's or the proxy's files makes it misbehave, see :data:`FAULTS`.
"""

from __future__ import annotations

import json
from typing import Any

FAULTS = {
    "BUILD FAILS": "the image cannot be built",
    "CRASHES ON IMPORT": "the image ends at once wherever it is started",
    "NEVER HEALTHY": "the container starts and its health check fails",
    "DIES LATER": "the container is healthy and then ends",
    "PROBE RED": "the container is healthy and its deep probe says otherwise",
    "MIGRATION FAILS": "moving the schema ends with an error",
    "SYNTAX ERROR": "the proxy refuses this configuration",
    "NEVER LOADED": "the proxy accepts this configuration and keeps the one that it has",
    "OUTSIDE RED": "the proxy answers 502 to those who come from outside",
}

PASSWORD = "pW7fQ2kLx9Tz4RvB8mNc"
TOKEN = "tK3hJ8sDf5Gq1WzXc7VbNm2RtYp6LkQe"
SALT = 'sL"4\\$Ty9[k]Vb2Nq7Wd8Xe'
"""A secret that JSON, markup and shells would each write differently."""

ENV_EXAMPLE = """\
# @required
COMPOSE_FILE=
STATE_ROOT=/opt/app
# @required @secret @min=16 @urlsafe @server=ubuntu
DB_PASSWORD=
# @required @secret @min=32 @urlsafe
TOKEN=
# @secret
SALT=
MODE=plain
"""


def env(server: str) -> str:
    """The ``.env`` of a server."""
    lines = [f"COMPOSE_FILE=compose/{server}.yml", "STATE_ROOT=/opt/app", f"TOKEN={TOKEN}"]
    lines += [f"DB_PASSWORD={PASSWORD}"] if server == "ubuntu" else []
    return "\n".join([*lines, f"SALT='{SALT}'", "MODE=plain", ""])


def _built(name: str, *depends: str, replicas: int = 0, **environment: str) -> dict[str, Any]:
    """A service that is built here. With ``replicas`` it is replaced beside, else in place."""
    image = name.partition("-")[0]
    many: dict[str, Any] = {"deploy": {"replicas": replicas}}
    return {
        "image": f"app/{image}:current",
        "build": {"context": f"../services/{image}", "dockerfile": "Dockerfile"},
        **(many if replicas else {"container_name": f"app-{name}"}),
        "environment": environment,
        "depends_on": {other: {"condition": "service_healthy"} for other in depends},
    }


def _data(name: str, **environment: str) -> dict[str, Any]:
    return {
        "image": f"{name}:1",
        "container_name": f"app-{name}",
        "environment": environment,
        "volumes": [{"type": "volume", "source": f"{name}_data", "target": "/data"}],
    }


def _proxy(server: str, port: int, *depends: str) -> dict[str, Any]:
    mounts = {f"../nginx/{server}": "/etc/nginx", "${STATE_ROOT}/proxy": "/etc/app/proxy"}
    return {
        "image": "proxy:1",
        "container_name": "app-proxy",
        "ports": [{"target": port, "published": str(port), "protocol": "tcp"}],
        "volumes": [
            {"type": "bind", "source": source, "target": target, "read_only": True}
            for source, target in {**mounts, "${STATE_ROOT}/certs": "/etc/app/certs"}.items()
        ],
        "depends_on": {other: {"condition": "service_healthy"} for other in depends},
    }


API: dict[str, Any] = {
    "probe": {"port": 8000, "path": "/deep", "json": {"status": "healthy"}},
    "smoke": ["try", "import"],
    "migrate": {
        "run": ["migrate", "up"],
        "current": ["migrate", "current"],
        "target": ["migrate", "target"],
        "known": ["migrate", "known"],
        "sql": ["migrate", "up", "{from}", "{to}"],
        "down": ["migrate", "down", "{to}"],
        "down-sql": ["migrate", "down", "{from}", "{to}"],
    },
}
WORKER: dict[str, Any] = {
    "probe": {"port": 8000, "path": "/deep", "json": {"status": "healthy"}, "bearer": "TOKEN"},
    "smoke": ["try", "import"],
}
PASSWORD_NEEDED = "${DB_PASSWORD:?set DB_PASSWORD in .env}"
TOKEN_NEEDED = "${TOKEN:?set TOKEN in .env}"
API_SETTINGS = {
    "DATABASE": f"db://app:{PASSWORD_NEEDED}@db/app",
    "TOKEN": TOKEN_NEEDED,
    "SALT": "${SALT}",
}

UBUNTU: dict[str, Any] = {
    "name": "app",
    "services": {
        "db": _data("db", PASSWORD=PASSWORD_NEEDED, DB_USER="app", DB_NAME="app"),
        "api": _built("api", "db", replicas=2, **API_SETTINGS),
        "web": _built("web", MODE="${MODE:-plain}"),
        "proxy": _proxy("ubuntu", 443, "api", "web"),
    },
    "networks": {"default": {"name": "app-network"}},
    "volumes": {"db_data": {"driver_opts": {"device": "${STATE_ROOT}/data/db"}}},
    "x-deploy": {
        "db": {"keep": True},
        "api": {**API, "link": {"command": ["call", "worker"]}},
        "web": {"probe": {"port": 80, "path": "/", "contains": "Welcome"}},
        "proxy": {
            "proxy": True,
            "maintenance": "set $$again {seconds}; return 503;",
            "gates": [
                {"name": "site", "url": "https://app.example/", "contains": "Welcome"},
                {
                    "name": "api",
                    "url": "https://api.app.example/deep",
                    "json": {"status": "healthy"},
                },
            ],
        },
    },
}

DATABASE = {
    "user": "DB_USER",
    "name": "DB_NAME",
    "password": "DB_PASSWORD",
    "revision": "SELECT revision",
}
"""The hint that makes ``db`` a database that can be backed up."""

MONTREAL: dict[str, Any] = {
    "name": "app",
    "services": {
        "worker-1": _built("worker-1", TOKEN=TOKEN_NEEDED),
        "worker-2": _built("worker-2", TOKEN=TOKEN_NEEDED),
        "proxy": _proxy("montreal", 8001, "worker-1", "worker-2"),
    },
    "networks": {"default": {"name": "app-network"}},
    "x-deploy": {
        "worker-1": WORKER,
        "worker-2": WORKER,
        "proxy": {
            "proxy": True,
            "gates": [
                {
                    "name": "worker",
                    "url": "https://{address}:8001/deep",
                    "json": {"status": "healthy"},
                    "bearer": "TOKEN",
                }
            ],
        },
    },
}

FILES: dict[str, str] = {
    ".env.example": ENV_EXAMPLE,
    "README.md": "An application\n",
    "compose/ubuntu.yml": json.dumps(UBUNTU),
    "compose/montreal.yml": json.dumps(MONTREAL),
    "nginx/ubuntu/nginx.conf": "upstreams api web\n",
    "nginx/montreal/nginx.conf": "upstreams worker-1 worker-2\n",
    "services/api/.dockerignore": ".env\n",
    "services/api/Dockerfile": "FROM python:3\n",
    "services/api/app.py": "api, first version\n",
    "services/api/schema": "001\n",
    "services/web/.dockerignore": ".env\n",
    "services/web/Dockerfile": "FROM proxy:1\n",
    "services/web/index.html": "Welcome\n",
    "services/worker/.dockerignore": ".env\n",
    "services/worker/Dockerfile": "FROM python:3\n",
    "services/worker/app.py": "worker, first version\n",
}
