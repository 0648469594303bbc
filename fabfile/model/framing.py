"""How the answer of ``remote/look.sh`` is framed: nothing in it can look like something else."""

from __future__ import annotations

from .reading import load


def lines_of(text: str) -> list[str]:
    """The lines of what a program printed, without blank ones around them.

    At newlines only: what else Unicode calls the end of a line may stand in what others wrote.
    """
    stripped = text.strip()
    return [line.removesuffix("\r") for line in stripped.split("\n")] if stripped else []


class Sections(dict[str, str]):
    """The text of each section; one that is not there is an error that says so."""

    def __missing__(self, name: str) -> str:
        raise ValueError(f"the look at the server has no section '{name}'")


def sections_of(output: str, mark: str) -> Sections:
    """Section by section. Whoever wrote what stands in one did not know the mark."""
    sections = Sections()
    name = ""
    lines: list[str] = []
    for line in output.split("\n"):
        if line.startswith(mark + " "):
            sections[name] = "\n".join(lines)
            name, lines = line[len(mark) + 1 :], []
        else:
            lines.append(line)
    if name != "end":
        raise ValueError(f"the look at the server ended in its section '{name or 'start'}'")
    return sections


def begun(output: str, mark: str, name: str) -> str:
    """The text of one section as far as it came; empty: it did not come."""
    _, found, rest = f"\n{output}".partition(f"\n{mark} {name}\n")
    return rest.partition(f"\n{mark} ")[0] if found else ""


def fields(text: str, number: int) -> list[tuple[str, ...]]:
    """Rows of so many fields, each of which ends with NUL."""
    *found, rest = text.split("\0")
    if rest.strip("\n") or len(found) % number:
        raise ValueError("the look at the server has half an entry")
    return list(zip(*(found[at::number] for at in range(number)), strict=True))


def rows(text: str, number: int) -> list[list[str]]:
    """Lines of JSON, each a list of so many texts."""
    found = [load(line) for line in text.split("\n") if line]
    for row in found:
        if not isinstance(row, list) or [type(field) for field in row] != [str] * number:
            raise ValueError("the look at the server has a row of another shape")
    return found
