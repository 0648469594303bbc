"""The files that a project gets, made from templates and from what was proposed."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from ..access.envfile import schema
from .proposals import Proposals, Web

STACK = "compose.deploy.yaml"
ENV = ".env.example"
HOST = re.compile(r"(?:\w+://)?(?:[^@/]+@)?([^:/]+)")
"""The host of a repository's address, with a scheme or without."""
APART = "requirements-patchwork.txt"
WORKFLOWS = {
    "github": (".github/workflows/fab-deploy.yml", "workflow.yml"),
    "gitlab": (".gitlab-ci.yml", "gitlab-ci.yml"),
}
"""Whose CI deploys each push → the file that it reads, and its template."""
IGNORED = (".env", ".venv/", "__pycache__/")
"""What git is to ignore there: secrets of a server, and what Python makes."""
GUESS = "A guess from its port. Better: a path that answers 200 only when all that it needs works."


@dataclass(frozen=True)
class Variable:
    """A variable that a compose file reads from the environment or ``.env``."""

    name: str
    default: str
    required: bool


@dataclass(frozen=True)
class Project:
    """A repository with a compose project, as it was found."""

    compose: tuple[str, ...]
    """Its compose files, relative to the repository."""
    deployable: bool
    """Whether that has an ``x-deploy`` of its own."""
    repository: str
    """Where servers fetch it from; empty: git does not know."""
    branch: str
    variables: tuple[Variable, ...]
    ignored: tuple[str, ...]
    """The lines of its ``.gitignore``."""
    collection: str
    """What pip installs this collection by."""

    @property
    def workflow(self) -> tuple[str, str]:
        """The file by which a CI deploys each push, and its template, by the repository's host."""
        host = HOST.match(self.repository)
        return WORKFLOWS["gitlab" if host and "gitlab" in host[1] else "github"]

    @property
    def stacks(self) -> tuple[str, ...]:
        """What is deployed: they, and behind them what a deploy must know."""
        return self.compose if self.deployable else (*self.compose, STACK)


@dataclass(frozen=True)
class File:
    """A file that a project gets."""

    purpose: str
    """In a few words."""
    text: str
    optional: bool = False
    """Whether one that the project has already is as good."""


def new_files(
    project: Project, proposals: Proposals, templates: Mapping[str, str]
) -> dict[str, File]:
    """The files by their paths."""
    example = bool(proposals.webs) and not (project.deployable or proposals.proxy)
    values = {
        "PROJECT": proposals.project,
        "COMPOSE": " and ".join(project.compose),
        "STACKS": ", ".join(project.stacks),
        "COMPOSE_FILE": ":".join(project.stacks),
        "HOME": "/".join([".." for _ in PurePosixPath(project.compose[0]).parent.parts] or ["."]),
        "REPOSITORY": project.repository or "<where the server fetches this repository from>",
        "BRANCH": project.branch,
        "VARIABLES": "\n".join(_variables(project.variables)),
        "HINTS": "\n".join(_hints(proposals, proxy=example)),
        "PUBLISHED": " and ".join(web.service for web in proposals.webs if web.published) or "none",
        "LOCATIONS": "\n".join(_locations(proposals.webs)),
        "UPSTREAMS": "\n".join(_upstream(web) for web in proposals.webs),
    }

    def made(*names: str) -> str:
        text = "\n".join(templates[name] for name in names)
        for name, value in values.items():
            text = text.replace(f"__{name}__", value)
        return text.rstrip("\n") + "\n"

    workflow, template = project.workflow
    files = {
        "hosts.ini": File("the servers; set what stands in <>", made("hosts.ini")),
        "fabfile.py": File("the tasks of those servers", made("fabfile")),
        "requirements-deploy.txt": File("what pip installs for them", f"{project.collection}\n"),
        APART: File("what pip installs with --no-deps", templates["patchwork"]),
        workflow: File("deploys each push", made(template)),
        ENV: File("the settings of a server", made("env.example"), optional=True),
    }
    if not project.deployable:
        parts = ("compose.deploy", "compose.proxy") if example else ("compose.deploy",)
        files[STACK] = File("what is deployed, and the checks that it must pass", made(*parts))
    if example:
        files["proxy/nginx.conf"] = File("a proxy, to deploy without a gap", made("nginx.conf"))
        files["proxy/upstreams.conf"] = File("where its requests go", made("upstreams.conf"))
    for context in proposals.contexts:
        path = f"{context}/.dockerignore" if context else ".dockerignore"
        files[path] = File("what stays out of the image", made("dockerignore"), optional=True)
    return files


def ignore_lines(project: Project) -> tuple[str, ...]:
    """What is to be added to ``.gitignore``."""
    there = {line.strip().strip("/") for line in project.ignored}
    return tuple(line for line in IGNORED if line.strip("/") not in there)


def lacking(project: Project, example: str) -> tuple[str, ...]:
    """The keys that a project's own ``.env.example`` does not have."""
    known = {rule.key for rule in schema(example)}
    wanted = ("COMPOSE_FILE", *(one.name for one in project.variables))
    return tuple(name for name in wanted if name not in known)


def _variables(variables: Sequence[Variable]) -> Iterator[str]:
    for one in variables:
        if one.required:
            yield "# @required"
        yield f"{one.name}={one.default}"


def _hints(proposals: Proposals, *, proxy: bool) -> Iterator[str]:
    for web in proposals.webs:
        yield f"  {web.service}:"
        yield f"    # {GUESS}" if web.guessed else "    # As its health check asks."
        yield f'    probe: {{port: {web.port}, path: "{web.path}"}}'
        if proxy:
            yield "    # With the proxy below: a new container starts beside the old one."
            yield "    #update: {order: start-first}"
    for name in proposals.data:
        yield f"  {name}:"
        yield "    # It keeps data: no deploy restarts it unasked."
        yield "    keep: true"
        if name in proposals.databases:
            yield "    # Backups every night, and one before each migration (docs/backup.md)."
            yield "    #database: {user: POSTGRES_USER, name: POSTGRES_DB}"
    if proposals.proxy:
        yield f"  # {proposals.proxy} takes the requests. What is behind it is replaced in place"
        yield "  # and is away for seconds, unless the proxy does what docs/proxy.md says."
    if proxy:
        yield "  #proxy:"
        yield "  #  proxy: true"
        yield "  #  upstreams: proxy/upstreams.conf"
        yield "  #  maintenance: return 503;"
        yield '  #  gates: [{name: site, url: "http://{address}/"}]'


def _locations(webs: Sequence[Web]) -> Iterator[str]:
    """The first has all requests; a person says which of them the others get."""
    for number, web in enumerate(webs):
        mark, path = ("#", f"/{web.service}/") if number else ("", "/")
        yield ""
        yield f"        {mark}location {path} {{"
        yield f"        {mark}    include /etc/deploy/proxy/maintenance*.conf;"
        yield f"        {mark}    proxy_pass http://{web.service}$side;"
        yield f"        {mark}}}"


def _upstream(web: Web) -> str:
    return f"""
upstream {web.service} {{
    zone {web.service} 64k;
    least_conn;
    server {web.service}:{web.port} resolve max_fails=0;
    keepalive 16;
    # Shorter than the service keeps an idle connection, or it answers some requests with 502.
    keepalive_timeout 4s;
}}"""
