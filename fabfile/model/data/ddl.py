"""What SQL of PostgreSQL destroys, by PostgreSQL's own grammar; nothing is run."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

SERIAL = frozenset({"smallserial", "serial2", "serial", "serial4", "bigserial", "serial8"})
"""Types that bring a default along."""
HARMLESS_DROPS = frozenset(
    {
        "OBJECT_CAST",
        "OBJECT_EVENT_TRIGGER",
        "OBJECT_INDEX",
        "OBJECT_POLICY",
        "OBJECT_RULE",
        "OBJECT_STATISTIC_EXT",
        "OBJECT_TRIGGER",
    }
)
"""What goes without a row and without a name that a query could use."""
LOSING_DROPS = frozenset(
    {
        "OBJECT_FOREIGN_TABLE",
        "OBJECT_MATVIEW",
        "OBJECT_SCHEMA",
        "OBJECT_SEQUENCE",
        "OBJECT_TABLE",
    }
)
NAMED = frozenset(
    {
        "OBJECT_ATTRIBUTE",
        "OBJECT_COLUMN",
        "OBJECT_FUNCTION",
        "OBJECT_MATVIEW",
        "OBJECT_SCHEMA",
        "OBJECT_SEQUENCE",
        "OBJECT_TABLE",
        "OBJECT_TYPE",
        "OBJECT_VIEW",
    }
)
"""What queries name: under another name they no longer find it."""
OPAQUE = {
    "DoStmt": "runs a DO block, which cannot be judged",
    "CallStmt": "calls a procedure, which cannot be judged",
    "DropOwnedStmt": "drops all that a role owns",
    "DropdbStmt": "drops a database",
}


@dataclass(frozen=True)
class Harm:
    """One thing that loses data, or that code which still runs may not bear."""

    what: str
    """In words, such as ``drops table items``."""
    loses: bool
    """Whether data are gone: no downgrade brings them back."""


def harms(sql: str) -> list[Harm]:
    """What a script destroys, in its order; a table that it makes itself does not count."""
    from pglast import parse_sql
    from pglast.parser import ParseError

    try:
        statements = [raw.stmt for raw in parse_sql(sql)]
    except ParseError as error:
        return [Harm(f"is no SQL of PostgreSQL ({error.args[0]}) and cannot be judged", True)]
    judge = _Judge()
    for statement in statements:
        judge.take(statement)
    return judge.verdict()


@dataclass
class _Judge:
    """Reads statement after statement, and remembers what is new and what gets a default."""

    made: set[str] = field(default_factory=set)
    """Tables of the script itself."""
    found: list[Harm] = field(default_factory=list)
    required: dict[str, str] = field(default_factory=dict)
    """Column that becomes not null → how."""
    defaults: set[str] = field(default_factory=set)

    def verdict(self) -> list[Harm]:
        bare = [how for column, how in self.required.items() if column not in self.defaults]
        return self.found + [Harm(f"{how} without a default", False) for how in bare]

    def take(self, statement: Any) -> None:
        readers: dict[str, Callable[[Any], None]] = {
            "CreateStmt": self.created,
            "CreateTableAsStmt": self.created_from,
            "DropStmt": self.dropped,
            "TruncateStmt": self.emptied,
            "DeleteStmt": self.deleted,
            "RenameStmt": self.renamed,
            "AlterObjectSchemaStmt": self.moved,
            "AlterTableStmt": self.altered,
        }
        kind = type(statement).__name__
        if kind in OPAQUE:
            self.found.append(Harm(OPAQUE[kind], True))
        elif kind in readers:
            readers[kind](statement)

    def created(self, statement: Any) -> None:
        self.made.add(_name(statement.relation))

    def created_from(self, statement: Any) -> None:
        self.made.add(_name(statement.into.rel))

    def dropped(self, statement: Any) -> None:
        kind = statement.removeType.name
        if kind in HARMLESS_DROPS and statement.behavior.name != "DROP_CASCADE":
            return
        loses = kind in LOSING_DROPS or statement.behavior.name == "DROP_CASCADE"
        for name in map(_dotted, statement.objects):
            if name not in self.made:
                self.found.append(Harm(f"drops {_word(kind)} {name}", loses))

    def emptied(self, statement: Any) -> None:
        for name in map(_name, statement.relations):
            if name not in self.made:
                self.found.append(Harm(f"empties table {name}", True))

    def deleted(self, statement: Any) -> None:
        name = _name(statement.relation)
        if name not in self.made:
            self.found.append(Harm(f"deletes rows of {name}", True))

    def renamed(self, statement: Any) -> None:
        kind = statement.renameType.name
        if kind not in NAMED or (statement.relation and _name(statement.relation) in self.made):
            return
        old = statement.subname or ""
        place = _name(statement.relation) if statement.relation else _dotted(statement.object)
        old = f"{place}.{old}" if kind in ("OBJECT_COLUMN", "OBJECT_ATTRIBUTE") else place or old
        self.found.append(Harm(f"renames {_word(kind)} {old} to {statement.newname}", False))

    def moved(self, statement: Any) -> None:
        name = _name(statement.relation) if statement.relation else _dotted(statement.object)
        what = f"moves {_word(statement.objectType.name)} {name} to schema {statement.newschema}"
        self.found.append(Harm(what, False))

    def altered(self, statement: Any) -> None:
        table = _name(statement.relation)
        if table in self.made:
            return
        for command in statement.cmds:
            self._alter(table, command.subtype.name, command)

    def _alter(self, table: str, kind: str, command: Any) -> None:
        column = f"{table}.{command.name}"
        if kind == "AT_DropColumn":
            self.found.append(Harm(f"drops column {column}", True))
        elif kind == "AT_AlterColumnType":
            self.found.append(Harm(f"changes the type of {column}", True))
        elif kind == "AT_SetNotNull":
            self.required[column] = f"makes {column} not null"
        elif kind == "AT_DropNotNull":
            self.required.pop(column, None)
        elif kind == "AT_ColumnDefault" and command.def_ is not None:
            self.defaults.add(column)
        elif kind == "AT_ColumnDefault":
            self.defaults.discard(column)
        elif kind in ("AT_AddIdentity", "AT_SetIdentity"):
            self.defaults.add(column)
        elif kind == "AT_AddColumn":
            self._add(f"{table}.{command.def_.colname}", command.def_)

    def _add(self, column: str, definition: Any) -> None:
        kinds = {constraint.contype.name for constraint in definition.constraints or ()}
        if kinds & {"CONSTR_NOTNULL", "CONSTR_PRIMARY"}:
            self.required[column] = f"adds {column} not null"
        type_name = definition.typeName.names[-1].sval
        own = {"CONSTR_DEFAULT", "CONSTR_IDENTITY", "CONSTR_GENERATED"}
        if kinds & own or type_name in SERIAL:
            self.defaults.add(column)


def _name(relation: Any) -> str:
    """A table's name; that of its schema only where it is not the usual one."""
    schema = relation.schemaname
    return f"{schema}.{relation.relname}" if schema not in (None, "public") else relation.relname


def _dotted(parts: Any) -> str:
    """The name of what is dropped, whatever shape the grammar gives it."""
    parts = getattr(parts, "names", None) or getattr(parts, "objname", None) or parts
    words: Sequence[str] = list(_words(parts))
    return ".".join(words[1:] if words[:1] == ["public"] and len(words) > 1 else words)


def _words(parts: Any) -> Iterator[str]:
    if isinstance(parts, (tuple, list)):
        for part in parts:
            yield from _words(part)
    elif parts is not None:
        yield getattr(parts, "sval", None) or str(parts)


def _word(kind: str) -> str:
    return kind.removeprefix("OBJECT_").replace("_", " ").lower()
