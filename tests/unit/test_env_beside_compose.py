"""``.env`` beside compose itself: what both read is the same, or the difference is told.

``scripts/test --full`` tries 2,000 files.
"""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from fabfile.model.access.envfile import Rule, check, parse
from fabfile.remote.look import COMMIT

FILES = 2000 if "TEST_FULL" in os.environ else 60
KEYS = ("A", "B", "C", "KEY", "LONG_NAME", "x", "N1")
RULES = [Rule(key, "") for key in KEYS]
ABSENT = "<absent>"
PIECES = (
    "a", "b c", "7", "$", "$A", "${A}", "${B:-z}", "$$", "#", " #", "'", '"', "\\", "\\n", "\\\"",
    "=", ":", "%", "é", "\u2028", " ", "\t", "`id`", "$(id)", ";", "&", "--", "{", "}", "*", "!",
)  # fmt: skip
EQUALS = ("=", "=", "=", "=", " = ", "= ", " =", ": ", "")
LINES = ("", "# comment", "  # comment", "export", "just words", "=no key")
COMPOSE = Path(sys.executable).with_name("docker-compose")
TRUTH = "name: t\nservices:\n  t:\n    image: none\n    environment:\n" + "".join(
    f'      {key}: "${{{key}-{ABSENT}}}"\n' for key in KEYS
)
EFFECTIVE = COMMIT[COMMIT.index("effective() {") : COMMIT.index("ask effective")]
SCRIPT = f"""
clean() {{ env -i PATH="$PATH" HOME="$HOME" "$@"; }}
compose=("$1") truth=$2
{EFFECTIVE}
shift 2
for checkout; do
  scratch=$checkout
  effective >"$checkout/effective" 2>/dev/null
  clean "${{compose[@]}}" --project-directory "$checkout" --env-file "$checkout/.env" -f "$truth" \\
    config --format json >"$checkout/truth" 2>/dev/null
done
"""


def value(dice: random.Random) -> str:
    text = "".join(dice.choices(PIECES, k=dice.randrange(5)))
    return dice.choice((text, text, f"'{text}'", f'"{text}"', f"'{text}\n{text}'"))


def line(dice: random.Random) -> str:
    if dice.random() < 0.1:
        return dice.choice(LINES)
    before = dice.choice(("", "", "", "", "export ", "export\t", " ", "\t"))
    return f"{before}{dice.choice(KEYS)}{dice.choice(EQUALS)}{value(dice)}"


def told(text: str) -> dict[str, str]:
    """What a ``config`` printed of its one service's environment; empty: it was refused."""
    if not text:
        return {}
    (service,) = json.loads(text)["services"].values()
    # What compose prints is to be read by compose again.
    return {key: (one or "").replace("$$", "$") for key, one in service["environment"].items()}


@pytest.mark.timeout(3600)  # for the many of --full
def test_what_compose_reads_is_what_we_read_or_the_difference_is_told(tmp_path: Path) -> None:
    dice = random.Random(20)
    texts = ["".join(f"{line(dice)}\n" for _ in range(dice.randint(1, 5))) for _ in range(FILES)]
    folders = [tmp_path / str(number) for number in range(FILES)]
    for folder, text in zip(folders, texts, strict=True):
        folder.mkdir()
        (folder / ".env").write_text(text)
    truth = tmp_path / "truth.yml"
    truth.write_text(TRUTH)
    subprocess.run(["bash", "-c", SCRIPT, "read", COMPOSE, truth, *folders], check=True)
    outcomes: Counter[str] = Counter()
    for folder, text in zip(folders, texts, strict=True):
        real = told((folder / "truth").read_text())
        if not real:
            outcomes["compose refuses the file"] += 1
            continue
        env = parse(text)
        found = check(env, told((folder / "effective").read_text()), RULES, "ubuntu")
        other = [key for key in KEYS if env.values.get(key, ABSENT) != real[key]]
        if not other:
            outcomes["read alike"] += 1
            continue
        outcomes["told"] += 1
        lines = " ".join(found.problems)
        missed = [key for key in other if f" {key}:" not in lines and f" {key} " not in lines]
        assert env.problems or missed == [], (text, missed, real)
    print(", ".join(f"{what}: {count}" for what, count in sorted(outcomes.items())))
    assert {*outcomes} == {"compose refuses the file", "read alike", "told"}
