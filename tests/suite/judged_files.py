"""Puts files where judges read them as the servers do: settings for compose, paths for nginx."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.names import API, SITE, WWW


@contextmanager
def compose_settings(root: Path, compose_file: Path) -> Iterator[Path]:
    """Yield the env file to read a compose file with: ``.env.example``, filled in for its server.

    The development file must do without any, so for that one it is an empty file.
    """
    from fabfile.model.access.envfile import schema  # noqa: PLC0415 - a broken fabfile spoils this one judge

    server = compose_file.name.removeprefix("docker-compose.").removesuffix("yml").rstrip(".")
    rules = schema((root / ".env.example").read_text()) if server else ()
    lines = []
    for rule in rules:
        if rule.applies_to(server):
            blank = rule.required and not rule.default
            filled = SITE if rule.domain else "x" * max(rule.minimum, 1)
            lines.append(f"{rule.key}={filled if blank else rule.default}\n")
    with TemporaryDirectory() as folder:
        settings = Path(folder, "env")
        settings.write_text("".join(lines))
        yield settings


@contextmanager
def container_tree(
    root: Path, configuration: Path, waf_mode: str = "off", scheme: str = "https"
) -> Iterator[Path]:
    """Lay one configuration's directory and the shared snippets out as its container sees them.

    The container's absolute paths are rewritten to the tree's own, so that every ``include``
    resolves. Yields the copy of the configuration. Of what a deploy writes to ``proxy/`` only the
    names are there, and the upstreams with everybody in them. The WAF's own rules stand in its
    image alone.
    ``waf_mode`` and ``scheme`` (of the resolver) are those of the servers' ``.env``.
    """
    from fabfile.model.deploy.proxy_files import naming  # noqa: PLC0415 - as above

    waf = root / "nginx/waf" / waf_mode
    chosen = {"waf": waf} if configuration.match("nginx/ubuntu/*") else {}
    chosen |= (
        {"link": root / "nginx/link" / scheme} if configuration.match("nginx/montreal/*") else {}
    )
    home = "etc/waf" if configuration.match("services/waf/etc/*") else "etc/nginx"
    with TemporaryDirectory() as folder:
        tree = Path(folder)
        heavy = shutil.ignore_patterns("node_modules", "dist")
        shutil.copytree(root / configuration.parent, tree / home, ignore=heavy)
        shutil.copytree(root / "nginx/snippets", tree / "etc/wishwithme/snippets")
        for name, place in chosen.items():
            if place.is_dir():
                shutil.copytree(place, tree / "etc/wishwithme" / name)
        written = tree / "etc/wishwithme/proxy/upstreams.conf"
        tracked = [root / configuration.parent / written.name]
        tracked += [waf / "upstream.conf"] if configuration.match("nginx/ubuntu/*") else []
        if told := [file.read_text() for file in tracked if file.exists()]:
            written.parent.mkdir()
            written.write_text("".join(told))
        if configuration.match("nginx/ubuntu/*"):
            written.parent.mkdir(exist_ok=True)
            for name, text in naming({"site": (SITE, WWW), "api": (API,)}).items():
                written.with_name(name).write_text(text)
        for file in tree.rglob("*.conf"):
            text = file.read_text()
            for path in (f"/{home}/", "/etc/wishwithme/"):
                text = text.replace(path, f"{tree}{path}")
            file.write_text(text)
        yield tree / home / configuration.name
