"""The deploy that a user of pyinfra would write for this stack.

Going back is the same with the former commit. ``--data``: ref, repository; edge, the site's door
seen from here; proof, the questions asked on the server.
"""

from __future__ import annotations

import ssl
from http.client import HTTPSConnection
from pathlib import Path

from pyinfra import host
from pyinfra.facts.git import GitLocalCommit
from pyinfra.operations import git, python, server

CHECKOUT = "/home/ubuntu/wish-with-me-codex"
UP = "docker compose up -d --no-build --wait --wait-timeout 120"
OUTSIDE = (("", "/", "Wish With Me"), ("api.", "/healthz", '"healthy"'))


def prove_from_outside() -> None:
    """Ask as somebody who opens the site does."""
    trust = ssl.create_default_context()
    trust.check_hostname, trust.verify_mode = False, ssl.CERT_NONE
    for prefix, path, says in OUTSIDE:
        name = f"{prefix}{host.data.site}"
        site = HTTPSConnection(host.data.edge, timeout=10, context=trust)
        site.request("GET", path, headers={"Host": name})
        answer = site.getresponse()
        if answer.status != 200 or says not in answer.read().decode():
            raise ValueError(f"{name}{path} does not say {says}")
        site.close()


changed = host.get_fact(GitLocalCommit, repo=CHECKOUT) != host.data.ref
if changed:
    git.repo(
        name="Code",
        src=host.data.repository,
        dest=CHECKOUT,
        branch=host.data.ref,
        pull=False,
    )
    server.shell(name="Images", commands=["docker compose build"], _chdir=CHECKOUT)
    server.shell(
        name="Migrations",
        commands=["docker compose run --rm -T --no-deps core-api alembic upgrade head"],
        _chdir=CHECKOUT,
    )
    # By itself: compose may stop what depends on a service that it recreates, where it is to bring
    # both up.
    server.shell(name="The API", commands=[f"{UP} --no-deps core-api"], _chdir=CHECKOUT)
server.shell(name="The stack, healthy", commands=[UP], _chdir=CHECKOUT)
if changed:
    server.shell(
        name="The proxy looks its upstreams up again",
        commands=["docker exec wishwithme-nginx nginx -s reload"],
    )
server.shell(
    name="Proof on the server",
    commands=[Path(host.data.proof).read_text(encoding="utf-8")],
    _shell_executable="bash",
    _retries=10,
    _retry_delay=1,
)
python.call(name="Proof from outside", function=prove_from_outside)
