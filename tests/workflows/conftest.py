"""A private key that opens nothing."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from scripts.ci import fab

from .bench import FAKE, Bench
from .samples import HOSTS


@pytest.fixture(scope="session")
def secret(tmp_path_factory: pytest.TempPathFactory) -> str:
    file = tmp_path_factory.mktemp("key") / "id"
    words = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "", "-f", str(file)]
    subprocess.run(words, check=True)
    return file.read_text()


@pytest.fixture
def bench(tmp_path: Path, secret: str, monkeypatch: pytest.MonkeyPatch) -> Bench:
    (tmp_path / "hosts.ini").write_text(HOSTS)
    stand_in = tmp_path / "fab"
    stand_in.write_text(FAKE.format(folder=tmp_path))
    stand_in.chmod(0o755)
    monkeypatch.setattr(fab, "FAB", stand_in)
    monkeypatch.setattr(fab, "PROJECT", tmp_path / "checkout")
    monkeypatch.setenv("HOSTS_INI", str(tmp_path / "hosts.ini"))
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(tmp_path / "summary.md"))
    monkeypatch.setenv("SSH_KEY_UBUNTU", secret)
    monkeypatch.setenv("SSH_KEY_FAR_AWAY", secret)
    monkeypatch.setenv("SSH_KEY_THIRD", secret)
    return Bench(tmp_path)
