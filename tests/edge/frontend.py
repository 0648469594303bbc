"""The frontend's own nginx: its real configuration, and a page that stands in for the built one."""

from __future__ import annotations

import getpass
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.names import API

from .proxy import NGINX, ROOT, free_port, replace_in, wait_for

SERVICE = ROOT / "services/frontend"
PAGE = {
    "index.html": "<!doctype html><title>Wish With Me</title>",
    "assets/index-1a2b3c4d.js": "console.log(1);\n" * 200,
    "sw.js": "// nothing\n",
    "icon.svg": "<svg xmlns='http://www.w3.org/2000/svg'/>",
    "manifest.webmanifest": "{}",
}


@contextmanager
def frontend(folder: Path) -> Iterator[str]:
    """Where it listens, as its container does from its start."""
    for name, text in PAGE.items():
        (folder / "html" / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / "html" / name).write_text(text)
    (folder / "cache").mkdir()
    environment = {"PATH": os.environ["PATH"], "API_URL": f"https://{API}"}
    environment["PAGE_STATE"] = str(folder / "page")
    subprocess.run([str(SERVICE / "api-url.sh")], env=environment, check=True)
    port = free_port()
    configuration = folder / "nginx.conf"
    configuration.write_text((SERVICE / "nginx.conf").read_text())
    replace_in(
        configuration,
        {
            "user nginx;": f"user {getpass.getuser()};",
            "listen 80;": f"listen 127.0.0.1:{port};",
            "/run/page/": f"{folder}/page/",
            "/run/nginx.pid": f"{folder}/nginx.pid",
            "/var/cache/nginx/": f"{folder}/cache/",
            "/usr/share/nginx/html": f"{folder}/html",
        },
    )
    words = [str(NGINX), "-p", str(folder), "-c", str(configuration), "-e", "stderr"]
    with (folder / "error.log").open("ab") as log:
        process = subprocess.Popen([*words, "-g", "daemon off;"], stderr=log)
        try:
            wait_for(port, process, folder / "error.log")
            yield f"127.0.0.1:{port}"
        finally:
            process.terminate()
            process.wait(timeout=10)
