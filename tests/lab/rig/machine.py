"""How this machine reaches the package registries, for image builds that must reach them too.

A machine may trust an authority of its own, use a proxy or a mirror. What the stand-in images need
of that is copied from the machine when they are built; nothing of it is ever in the repository.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import sys
from functools import cache
from pathlib import Path

from .docker import run

BUNDLES = (
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/cert.pem",
)
BUNDLE_INSIDE = "/etc/ssl/certs/ca-certificates.crt"
PIP_KEYS = ("index-url", "extra-index-url", "trusted-host", "proxy", "timeout")
NPM_KEYS = ("registry", "proxy", "https-proxy", "noproxy", "strict-ssl")


def certificates() -> str:
    """Every certificate that this machine trusts, in one text."""
    for path in (os.environ.get("SSL_CERT_FILE", ""), *BUNDLES):
        if path and Path(path).is_file():
            return Path(path).read_text(errors="replace")
    return ""


@cache
def pip_conf() -> str:
    """pip's configuration, without what names paths of this machine."""
    lines = ["[global]", f"cert = {BUNDLE_INSIDE}"]
    listed = run([sys.executable, "-m", "pip", "config", "list"]).stdout
    for key in PIP_KEYS:
        found = re.findall(rf"^[^=]*\.{key}='(.*)'$", listed, re.MULTILINE)
        words = [word for word in " ".join(found).split() if not word.startswith(("file:", "/"))]
        if words:
            lines.append(f"{key} = {' '.join(words)}")
    proxy = os.environ.get("https_proxy") or os.environ.get("HTTPS_PROXY")
    if proxy and not any(line.startswith("proxy") for line in lines):
        lines.append(f"proxy = {proxy}")
    return "\n".join(lines) + "\n"


@cache
def npmrc() -> str:
    """npm's configuration, as far as it is about reaching the registry."""
    lines = [f"cafile={BUNDLE_INSIDE}"]
    if shutil.which("npm"):
        listed = run(["npm", "config", "list", "--json"]).stdout
        settings = json.loads(listed or "{}")
        lines += [
            f"{key}={settings[key]}"
            for key in NPM_KEYS
            if settings.get(key) not in (None, [""], "")
        ]
    return "\n".join(lines) + "\n"


@cache
def apt_options() -> tuple[str, ...]:
    """apt's configuration, as far as it is about reaching the archive."""
    listed = run(["apt-config", "dump"]).stdout.splitlines()
    options = [
        line
        for line in listed
        if re.match(r"Acquire::(https?::|Check-)", line) and not line.endswith('"";')
    ]
    for scheme in ("http", "https"):
        proxy = os.environ.get(f"{scheme}_proxy") or os.environ.get(f"{scheme.upper()}_PROXY")
        if proxy:
            options.append(f'Acquire::{scheme}::Proxy "{proxy}";')
    return tuple(options)


@cache
def apt_sources(release: str) -> tuple[str, ...]:
    """Sources for a Debian release, from the archives that a Debian machine itself uses.

    Empty on other machines: Debian's own archive serves there.
    """
    about = dict(
        line.partition("=")[::2] for line in Path("/etc/os-release").read_text().splitlines()
    )
    if about.get("ID") != "debian":
        return ()
    own = about["VERSION_CODENAME"]
    listed = run(
        ["apt-get", "indextargets", "--format", "$(REPO_URI) $(CODENAME)", "Created-By: Packages"]
    ).stdout
    pairs = {tuple(line.split()) for line in listed.splitlines() if len(line.split()) == 2}
    return tuple(
        f"deb {uri} {release}{codename.removeprefix(own)} main"
        for uri, codename in sorted(pairs)
        if codename.partition("-")[0] == own and uri.startswith("http")
    )
