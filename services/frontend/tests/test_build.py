"""What is built, and from what."""

from __future__ import annotations

import gzip
import json
import re
from base64 import b64encode
from hashlib import sha256
from pathlib import Path
from urllib.parse import urlsplit

from .workshop import SERVICE

REGISTRY = "registry.npmjs.org"


def test_the_pages_own_tests_pass(own_tests: str) -> None:
    assert not own_tests.startswith("FAILED"), own_tests
    assert re.search(r"Tests +\d+ passed \(\d+\)", own_tests), own_tests


def test_every_locked_package_comes_from_the_public_registry_with_a_checksum() -> None:
    text = (SERVICE / "package-lock.json").read_text()
    lock = json.loads(text)
    packages = {name: facts for name, facts in lock["packages"].items() if name}
    assert {urlsplit(facts["resolved"]).netloc for facts in packages.values()} == {REGISTRY}
    assert all(facts["integrity"].startswith("sha512-") for facts in packages.values())


def test_the_lock_holds_the_programs_of_every_machine_that_builds_the_page() -> None:
    """npm leaves one out without a word when the registry does not have it for that release.

    This is why package.json pins rollup: its newest release was not there for the image's musl.
    """
    packages = json.loads((SERVICE / "package-lock.json").read_text())["packages"]
    wanted = {name for facts in packages.values() for name in facts.get("optionalDependencies", ())}
    assert {name for name in wanted if f"node_modules/{name}" not in packages} == set()
    for machine in ("linux-x64-musl", "linux-arm64-musl", "linux-x64-gnu", "darwin-arm64"):
        assert f"@rollup/rollup-{machine}" in wanted


def test_every_direct_dependency_is_an_exact_version() -> None:
    package = json.loads((SERVICE / "package.json").read_text())
    versions = [*package["dependencies"].values(), *package["devDependencies"].values()]
    assert [version for version in versions if not re.fullmatch(r"\d+\.\d+\.\d+", version)] == []


def test_the_documents_title_stands_in_its_source_once() -> None:
    assert (SERVICE / "index.html").read_text().count("<title>Wish With Me</title>") == 1


def test_nothing_stands_inline_in_the_document(dist: Path) -> None:
    document = (dist / "index.html").read_text()
    scripts = re.findall(r"<script([^>]*)>(.*?)</script>", document, re.DOTALL)
    assert [body for _, body in scripts] == [""]
    assert all("src=" in attributes for attributes, _ in scripts)
    assert re.findall(r"<style|\sstyle=|\son\w+=|javascript:", document) == []


def test_the_document_names_every_asset_by_its_content(dist: Path) -> None:
    document = (dist / "index.html").read_text()
    named = {*re.findall(r"/assets/([\w.-]+)", document)}
    assert named == {file.name for file in (dist / "assets").iterdir()}
    assert all(re.fullmatch(r"\w+-[\w-]{8}\.(js|css)", name) for name in named), named


def test_nothing_that_is_built_knows_where_the_api_is(dist: Path) -> None:
    files = [file for file in dist.rglob("*") if file.is_file()]
    assert [file.name for file in files if re.search(rb"https?://api\.", file.read_bytes())] == []


def test_nothing_that_is_built_needs_eval(dist: Path) -> None:
    scripts = [*dist.rglob("*.js")]
    guilty = [
        file.name for file in scripts if re.search(rb"\beval\(|new Function\(", file.read_bytes())
    ]
    assert guilty == []


def test_the_page_stays_small(dist: Path) -> None:
    """45 kB over the wire: less than a second on a slow phone's connection."""
    assets = [file.read_bytes() for file in (dist / "assets").iterdir()]
    assert sum(len(gzip.compress(content)) for content in assets) < 45_000


def test_the_manifest_names_what_is_there(dist: Path) -> None:
    manifest = json.loads((dist / "manifest.webmanifest").read_text())
    assert manifest["name"] == "Wish With Me"
    assert [
        icon["src"] for icon in manifest["icons"] if not (dist / icon["src"][1:]).is_file()
    ] == []


def test_the_service_worker_knows_every_file_of_its_build_by_its_checksum(dist: Path) -> None:
    """So no other document, and no half of another release, becomes the page's shell."""
    worker = (dist / "sw.js").read_text()
    (listed,) = re.findall(r"\{(?:\"/[^\"]+\":\"sha256-[^\"]+\",?)+\}", worker)
    apart = {"sw.js", "icon.svg", "manifest.webmanifest"}
    files = {file for file in dist.rglob("*") if file.is_file() and file.name not in apart}
    sums = {
        f"/{file.relative_to(dist)}": b64encode(sha256(file.read_bytes()).digest())
        for file in files
    }
    assert json.loads(listed) == {path: f"sha256-{sum_.decode()}" for path, sum_ in sums.items()}
    assert "__FILES__" not in worker
    assert re.findall(r"\bimport\b|\bexport\b", worker) == []
