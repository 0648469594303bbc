"""After each task: no secret of a server's ``.env`` stands where others read."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from fabfile.model.access.secrecy import secret_values

from .machine import CHECKOUT, ROOT, Machine

SHORTEST = 6
"""Characters of a value that is hidden at all."""
OWN = (f"{CHECKOUT}/.env",)
"""Files in which secrets are meant to stand, and what their names begin with."""
BUILD = f"{ROOT}/build/"
"""What a run works with, for the user alone: it goes when the run ends well."""
PULLS = "env.pull"
"""The task whose output is the file itself."""


class Silence:
    """What one task says and leaves, searched for the secrets of before and after it."""

    searched = 0
    """Tasks so far, in this process."""

    def __init__(self, machines: Iterable[Machine]) -> None:
        self.machines = list(machines)
        self.said = [len(machine.transcript) for machine in self.machines]
        self.secrets = self._secrets()

    def broken_by(self, line: str, shown: str, *, well: bool) -> list[str]:
        """Where a secret stands: in what ``line`` showed, in its words, in files that it wrote.

        ``well``: it ended with 0.
        """
        Silence.searched += 1
        self.secrets |= self._secrets()
        places = [] if line.startswith(PULLS) else [("what was shown", shown)]
        places += [
            place
            for machine, said in zip(self.machines, self.said, strict=True)
            for place in _places(machine, said, built=well and not machine.locks)
        ]
        return [what for what, text in places if any(secret in text for secret in self.secrets)]

    def _secrets(self) -> set[str]:
        """Also those that only a file of before has."""
        texts = [
            (text, machine.origin.tip.files.get(".env.example", ""))
            for machine in self.machines
            for path, text in machine.files.items()
            if path.startswith(OWN)
        ]
        found = {secret for text, example in texts for secret in secret_values(text, example)}
        return {secret for secret in found if len(secret) >= SHORTEST}


def _places(machine: Machine, said: int, *, built: bool) -> Iterator[tuple[str, str]]:
    words = "\n".join(word for words in machine.transcript[said:] for word in words)
    yield f"the words of a command on {machine.name}", words
    own = OWN if built else (*OWN, BUILD)
    for path, text in machine.files.items():
        if not path.startswith(own) and not path.endswith("/env"):
            yield f"{machine.name}:{path}", text
