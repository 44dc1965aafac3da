"""One operation as one small JSON object and back, every value checked.

``{"op":"mmap","pid":1,"span":[16,32]}``: the names are those of core.operations, fields that have their default
are left out, a span is [first page, end page]. What the kernel refuses can be written too, since a refused call stays
in the history: an empty span, one that ends before it begins, pages beyond user space, a pid that nobody has.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from reprlib import Repr
from typing import Any

import attrs

from rmapexplorer.core.operations import ADVICES, KINDS, MMAP_FLAGS, OPERATIONS, Operation
from rmapexplorer.core.units import PAGE_SHIFT, Span
from rmapexplorer.formats.limits import MAX_RUNS, MAX_TEXT, at_most

MAX_PID = (1 << 31) - 1
MAX_PAGE = 1 << (64 - PAGE_SHIFT)
"""End of what an unsigned long can address, in pages; user space ends long before."""

MAX_FILE_PAGES = 1 << 51
"""Pages of the longest file (MAX_LFS_FILESIZE, 2^63 bytes)."""

MAX_MAP_COUNT = (1 << 31) - 1
"""The largest vm.max_map_count, an int."""

_PROT = re.compile(r"(r?w?x?|none|-)\Z")

UNWRITABLE = re.compile("[\0\ud800-\udfff]")
"""What no text of a file may hold: NUL, and half a surrogate pair, which UTF-8 cannot say."""

_SHORT = Repr()
_SHORT.maxlevel, _SHORT.maxstring, _SHORT.maxother, _SHORT.maxlong = 3, 60, 60, 60
_SHORT.maxlist = _SHORT.maxdict = _SHORT.maxtuple = 12
"""Shows the beginning of a value without writing out all of it."""

Check = Callable[[Any], Any]
"""Takes the JSON value, returns what the operation holds; ValueError("must be ...") otherwise."""


def shown(value: object) -> str:
    """A value as it stands in the file, cut to what fits into a sentence."""
    words = {None: "null", True: "true", False: "false"}
    try:
        text = words[value] if value is None or isinstance(value, bool) else _SHORT.repr(value)
    except ValueError:  # an integer of more digits than Python prints
        text = "a very long number"
    except RecursionError:
        text = "a deeply nested value"
    return text if len(text) <= 40 else text[:37] + "..."


def whole(low: int, high: int) -> Check:
    """A whole number in [low, high]."""

    def check(value: Any) -> int:
        if type(value) is not int:
            raise ValueError(f"must be a whole number, not {shown(value)}")
        if not low <= value <= high:
            raise ValueError(f"must be from {low} to {high}, not {shown(value)}")
        return value

    return check


def maybe(check: Check) -> Check:
    """None, or what ``check`` takes."""
    return lambda value: None if value is None else check(value)


def one_of(words: tuple[str, ...], what: str) -> Check:
    """One word of a list."""

    def check(value: Any) -> str:
        if not isinstance(value, str) or value not in words:
            raise ValueError(f"is {shown(value)}, which is no {what} (known: {', '.join(words)})")
        return value

    return check


def text(value: Any) -> str:
    """A string that can be written as UTF-8."""
    if not isinstance(value, str):
        raise ValueError(f"must be a text in quotes, not {shown(value)}")
    if len(value) > MAX_TEXT:
        raise ValueError(f"must be at most {MAX_TEXT} characters long")
    if UNWRITABLE.search(value):
        raise ValueError("must not hold half a surrogate pair or a NUL character")
    return value


def flag(value: Any) -> bool:
    """true or false."""
    if not isinstance(value, bool):
        raise ValueError(f"must be true or false, not {shown(value)}")
    return value


def span(value: Any) -> Span:
    """[first page, end page] of an address space; what is wrong with the two the call itself says."""
    if not isinstance(value, list) or len(value) != 2:
        raise ValueError(f"must be [first page, end page], not {shown(value)}")
    return Span(_vpn(value[0]), _vpn(value[1]))


def prot(value: Any) -> str:
    """Letters of r, w, x in this order."""
    if not isinstance(value, str) or not _PROT.match(value):
        raise ValueError(f"must be letters of rwx in this order, not {shown(value)}")
    return value


def runs(value: Any) -> tuple[tuple[int, int, str], ...]:
    """[[first page, end page, "r" or "w"], ...], at least one."""
    if isinstance(value, list):
        at_most(len(value), MAX_RUNS, "runs")
    if not isinstance(value, list) or not value:
        raise ValueError(f"must be a list of [first page, end page, access], not {shown(value)}")
    return tuple(_run(item) for item in value)


def _run(value: Any) -> tuple[int, int, str]:
    if not isinstance(value, list) or len(value) != 3 or value[2] not in ("r", "w"):
        raise ValueError(f'must hold [first page, end page, "r" or "w"], not {shown(value)}')
    return _vpn(value[0]), _vpn(value[1]), value[2]


def flags(value: Any) -> tuple[str, ...]:
    """Different words of MMAP_FLAGS."""
    if not isinstance(value, list):
        raise ValueError(f"must be a list of flags, not {shown(value)}")
    at_most(len(value), len(MMAP_FLAGS), "flags")
    checked = tuple(one_of(MMAP_FLAGS, "mmap flag")(word) for word in value)
    if len(set(checked)) != len(checked):
        raise ValueError(f"must not name a flag twice, as {shown(value)} does")
    return checked


_vpn, _pid, _pages = whole(0, MAX_PAGE), whole(0, MAX_PID), whole(0, MAX_FILE_PAGES)

_CHECKS: dict[str, Check] = {
    "pid": _pid, "child": _pid, "comm": text, "thread": flag, "span": span, "prot": prot,
    "kind": one_of(KINDS, "kind of mapping"), "file": text, "offset": _pages, "flags": flags, "label": text,
    "new_pages": _vpn, "to": maybe(_vpn), "dontunmap": flag, "end": _vpn,
    "start": maybe(_vpn), "advice": one_of(ADVICES, "advice"), "runs": runs, "onfault": flag, "pages": _pages, "enable": flag,
    "refused": flag,
}  # fmt: skip
"""By field name: the same name means the same thing in every operation."""

_SHAPES: dict[str, tuple[type[Any], dict[str, tuple[Check, bool]]]] = {
    kind.name: (
        kind,
        {
            a.name: (maybe(_pages) if kind.name == "reclaim" else _CHECKS[a.name], a.default is attrs.NOTHING)
            for a in attrs.fields(kind)
        },
    )
    for kind in OPERATIONS
}
"""Operation name -> (class, field -> (check, required))."""

_DEFAULTS: dict[type[Any], tuple[tuple[str, Any], ...]] = {
    kind: tuple((a.name, a.default) for a in attrs.fields(kind)) for kind in OPERATIONS
}


def encode(op: Operation) -> dict[str, Any]:
    """The JSON object of one operation, in the order of its fields, defaults left out."""
    data: dict[str, Any] = {"op": op.name}
    for name, default in _DEFAULTS[type(op)]:
        value = getattr(op, name)
        if default is attrs.NOTHING or value != default:
            data[name] = [value.start, value.end] if isinstance(value, Span) else _plain(value)
    return data


def _plain(value: Any) -> Any:
    return [_plain(v) for v in value] if isinstance(value, tuple) else value


def decode(data: Any) -> Operation:
    """The operation of one JSON object; ValueError says what is wrong with it."""
    if not isinstance(data, dict):
        raise ValueError(f'must be an object like {{"op": "fork", ...}}, not {shown(data)}')
    name = data.get("op")
    if "op" not in data:
        raise ValueError('has no "op", the name of the operation')
    if not isinstance(name, str) or name not in _SHAPES:
        raise ValueError(f"has the unknown op {shown(name)} (known: {', '.join(_SHAPES)})")
    kind, shape = _SHAPES[name]
    values: dict[str, Any] = {}
    for key, value in data.items():
        if key == "op":
            continue
        if key not in shape:
            raise ValueError(f"({name}) has a field {shown(key)} that {name} does not have")
        try:
            values[key] = shape[key][0](value)
        except ValueError as error:
            raise ValueError(f'({name}): "{key}" {error}') from error
    for key, (_, required) in shape.items():
        if required and key not in values:
            raise ValueError(f'({name}) has no "{key}"')
    return kind(**values)  # type: ignore[no-any-return]


def problem(op: Operation) -> str:
    """Why this operation cannot stand in a session file, in words that follow "operation N "; empty where it can."""
    try:
        decode(encode(op))
    except ValueError as error:
        return str(error)
    return ""
