"""JSON from a server, read as if a stranger had written it.

What is not exactly as it should be is a ValueError: a field that is missing, unknown, of another
type, or there twice; a number that no clock, disk or float has; more nesting than anybody needs.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import MISSING, fields, is_dataclass
from functools import cache
from types import NoneType
from typing import Annotated, Any, TypeVar, cast, get_args, get_origin, get_type_hints

Made = TypeVar("Made")
MOST = 1 << 53
"""The largest whole number: JSON has no larger one that every reader understands."""
Instant = Annotated[int, 253_402_300_799]
"""Seconds since 1970, at most the end of the year 9999: what a calendar knows."""


def load(text: str) -> Any:
    """What a text says in JSON."""
    try:
        return json.loads(
            text,
            object_pairs_hook=_object,
            parse_float=_finite,
            parse_constant=_finite,
        )
    except RecursionError:
        raise ValueError("nested too deep") from None


def make(kind: type[Made], raw: object) -> Made:
    """A dataclass with these fields, each of the type that it is declared with."""
    if not isinstance(raw, dict):
        raise ValueError(f"no {kind.__name__}")
    it = cast("Any", kind)
    hints, known = _hints(it), fields(it)
    needed = {f.name for f in known if f.default is MISSING and f.default_factory is MISSING}
    if not needed <= raw.keys() <= hints.keys():
        raise ValueError(f"not the fields of a {kind.__name__}")
    return kind(**{name: _value(hints[name], value) for name, value in raw.items()})


def plain(text: str) -> str:
    """A text that can be written down: half a character cannot."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


@cache
def _hints(kind: Any) -> Mapping[str, Any]:
    return get_type_hints(kind, include_extras=True)


def _value(hint: Any, raw: Any) -> Any:
    origin, inner = get_origin(hint), get_args(hint)
    if hint is str and isinstance(raw, str):
        return plain(raw)
    if hint is int:
        return _number(raw, MOST)
    if origin is Annotated:
        return _number(raw, inner[1])
    if hint is float:
        return raw if type(raw) is float else float(_number(raw, MOST))
    if is_dataclass(hint):
        return make(cast("type[Any]", hint), raw)
    if origin is Mapping and isinstance(raw, dict):
        return {plain(key): _value(inner[1], value) for key, value in raw.items()}
    if origin is tuple and isinstance(raw, list):
        hints = [inner[0]] * len(raw) if inner[-1] is ... else inner
        return tuple(_value(one, value) for one, value in zip(hints, raw, strict=True))
    raise ValueError(f"{NoneType if raw is None else type(raw).__name__} is not a {hint}")


def _number(raw: Any, most: int) -> int:
    if type(raw) is not int or not 0 <= raw <= most:
        raise ValueError("not a number from 0 on")
    return raw


def _object(pairs: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in pairs:
        if key in found:
            raise ValueError("a field stands there twice")
        found[key] = value
    return found


def _finite(text: str) -> float:
    if not math.isfinite(number := float(text)):
        raise ValueError("a number is none")
    return number
