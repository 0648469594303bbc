"""SOPS as a test uses it: real keys of age, which open nothing else."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

PLACES = f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}"
SOPS = shutil.which("sops", path=PLACES)
RECIPIENT = "age1ltmajm3yjx3qcz4nwa77kkcjk2kluk0t28umtzjvgr3fxeun95fqny90yx"
OPENS = "AGE-SECRET-KEY-19U4C6NMSR3H9WH8XMWGZRMANEEXREUPECA09XJ4DTQ8L9UZEH2KSHJH9WZ"
ANOTHER = "AGE-SECRET-KEY-1RUTREQD6TL58K9DPL5DQ7J7X7XCKRFUUZ609Y0XURP8UV4ZYJLUS3AHZQW"
RULES = f"creation_rules:\n  - path_regex: secrets/.*\\.env$\n    age: {RECIPIENT}\n"


def set_up(folder: Path, key: str = OPENS) -> Path:
    """Have SOPS encrypt for :data:`RECIPIENT` in a project's folder; the file with its key."""
    (folder / ".sops.yaml").write_text(RULES)
    file = folder / "age.txt"
    file.write_text(f"{key}\n")
    return file
