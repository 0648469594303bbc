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
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from .docker import run

BUNDLE = "/etc/ssl/certs/ca-certificates.crt"
BUNDLES = (BUNDLE, "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/cert.pem")
PIP_KEYS = ("index-url", "extra-index-url", "trusted-host", "proxy", "timeout")
NPM_KEYS = ("registry", "proxy", "https-proxy", "noproxy", "strict-ssl")


@dataclass(frozen=True)
class Machine:
    """The machine's way to the registries, as files and options for an image."""

    certificates: str
    """Every certificate that it trusts, in one text."""
    pip_conf: str
    npmrc: str
    apt_options: tuple[str, ...]
    apt_sources: tuple[str, ...]
    """Debian archives that a Debian machine itself uses; empty elsewhere: Debian's own serves."""


def look(release: str) -> Machine:
    """Read this machine's configuration, with archives for that Debian release."""
    with ThreadPoolExecutor() as pool:
        pip, npm = pool.submit(_pip_conf), pool.submit(_npmrc)
        options, sources = pool.submit(_apt_options), pool.submit(_apt_sources, release)
        return Machine(
            certificates(), pip.result(), npm.result(), options.result(), sources.result()
        )


def certificates() -> str:
    """Every certificate that this machine trusts, in one text."""
    for path in (os.environ.get("SSL_CERT_FILE", ""), *BUNDLES):
        if path and Path(path).is_file():
            return Path(path).read_text(errors="replace")
    return ""


def _pip_conf() -> str:
    """What pip is told here, without what names paths of this machine."""
    settings = {"cert": BUNDLE}
    if proxy := _proxy("https"):
        settings["proxy"] = proxy
    listed = run([sys.executable, "-m", "pip", "config", "list"]).stdout
    for key in PIP_KEYS:
        values = re.findall(rf"^[^=]*\.{key}='(.*)'$", listed, re.MULTILINE)
        remote = [word for word in " ".join(values).split() if not word.startswith(("file:", "/"))]
        if remote:
            settings[key] = " ".join(remote)
    return "[global]\n" + "".join(f"{key} = {value}\n" for key, value in settings.items())


def _npmrc() -> str:
    """What npm is told here, as far as it is about reaching the registry."""
    lines = [f"cafile={BUNDLE}"]
    if shutil.which("npm"):
        listed = json.loads(run(["npm", "config", "list", "--json"]).stdout or "{}")
        for key in NPM_KEYS:
            if (value := listed.get(key)) not in (None, "", [""]):
                lines.append(f"{key}={value if isinstance(value, str) else json.dumps(value)}")
    return "\n".join(lines) + "\n"


def _apt_options() -> tuple[str, ...]:
    """What apt is told here, as far as it is about reaching the archive."""
    wanted = re.compile(r'Acquire::(https?::|Check-).* ".+";')
    listed = run(["apt-config", "dump"]).stdout if shutil.which("apt-config") else ""
    options = [line for line in listed.splitlines() if wanted.fullmatch(line)]
    for scheme in ("http", "https"):
        if proxy := _proxy(scheme):
            options.append(f'Acquire::{scheme}::Proxy "{proxy}";')
    return tuple(options)


def _apt_sources(release: str) -> tuple[str, ...]:
    about = Path("/etc/os-release")
    facts = dict(
        line.partition("=")[::2]
        for line in (about.read_text().splitlines() if about.exists() else [])
    )
    if facts.get("ID") != "debian":
        return ()
    own = facts["VERSION_CODENAME"]
    words = ["apt-get", "indextargets", "--format", "$(REPO_URI) $(CODENAME)"]
    listed = run([*words, "Created-By: Packages"]).stdout
    pairs = {(line.split()[0], line.split()[-1]) for line in listed.splitlines()}
    return tuple(
        f"deb {uri} {release}{codename.removeprefix(own)} main"
        for uri, codename in sorted(pairs)
        if codename.partition("-")[0] == own and uri.startswith("http")
    )


def _proxy(scheme: str) -> str:
    return os.environ.get(f"{scheme}_proxy") or os.environ.get(f"{scheme.upper()}_PROXY") or ""
