"""New: write into a repository with a compose project what a deploy of it needs."""

from __future__ import annotations

from pathlib import Path, PurePosixPath

from ...model.deploy import resolved
from ...model.errors import refused
from ...model.project.files import (
    ENV,
    STACK,
    Project,
    ignore_lines,
    lacking,
    new_files,
)
from ...model.project.proposals import propose
from ...model.reading import load
from ...remote.project import repository
from ...ui.console import Console

NEXT = (
    "  pip install --no-deps -r requirements-patchwork.txt",
    "  fab doctor",
)


def new(console: Console, folder: Path, compose: str) -> None:
    """Write the files, or say that they are there. Exit code 2, and nothing written, otherwise."""
    root = repository.root_of(folder)
    if "wishwithme_ops" in repository.text_of(root / "fabfile.py"):
        console.line("", f"no change: {root} is set up already; fab --list shows its tasks")
        return
    stands_in = repository.compose_files(root, compose)
    text, variables = repository.resolved(root, stands_in)
    stack, model = resolved.parse(text, ""), load(text)
    tracked = repository.git(root, "ls-files", "-z").split("\0")
    project = Project(
        compose=stands_in,
        deployable="x-deploy" in model,
        repository=repository.git(root, "remote", "get-url", "origin").strip(),
        branch=repository.git(root, "symbolic-ref", "--short", "HEAD").strip() or "main",
        variables=variables,
        ignored=tuple(repository.text_of(root / ".gitignore").splitlines()),
        collection=repository.collection(),
    )
    proposals = propose(stack, model, PurePosixPath(root), tracked)
    files = new_files(project, proposals, repository.TEMPLATES)
    there = repository.present(root, ["fabfile", *files])
    kept = [path for path in there if path in files and files[path].optional]
    if foreign := [path for path in there if path not in kept]:
        raise refused(f"{root} has {', '.join(foreign)} already; nothing was written")
    made = {path: file for path, file in files.items() if path not in kept}
    ignored = ignore_lines(project)
    repository.write(
        root,
        {path: file.text for path, file in made.items()},
        {".gitignore": ignored} if ignored else {},
    )
    console.table("", ("wrote", ""), [(path, file.purpose) for path, file in made.items()])
    if ignored:
        console.line("", f"added to .gitignore: {' '.join(ignored)}")
    if ENV in kept and (keys := lacking(project, repository.text_of(root / ENV))):
        console.warn("", f"{ENV} has no {', '.join(keys)}: a server's .env is checked by it")
    for line in stack.not_understood:
        console.warn("", f"a deploy would refuse this: {line}")
    edited = [path for path in ("hosts.ini", STACK) if path in files]
    for line in ("next:", f"  $EDITOR {' '.join(edited)}", *NEXT):
        console.line("", line)
