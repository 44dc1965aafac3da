"""The lines at the top of a scenario script that say what it runs on: title, designs, calls, machine, files, processes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from attrs import frozen

from rmapexplorer.core.rules import ERAS
from rmapexplorer.core.units import KernelError
from rmapexplorer.designs.registry import DESIGNS, design_named
from rmapexplorer.formats.codec import MAX_FILE_PAGES, MAX_MAP_COUNT
from rmapexplorer.formats.script_cursor import Cursor, nearest
from rmapexplorer.formats.script_numbers import COUNT, PID, PLACE, Kind, whole

MACHINE: dict[str, tuple[str, Kind | None]] = {
    "ram": ("ram_pages", Kind("a number of pages", 10, 1, MAX_FILE_PAGES)),
    "swap": ("swap_pages", Kind("a number of pages", 10, 0, MAX_FILE_PAGES)),
    "max_map_count": ("max_map_count", Kind("a number of vmas", 10, 1, MAX_MAP_COUNT)),
    "word": ("word_bytes", Kind("a number of bytes", 10, 4, 8)),
    "line": ("cache_line_bytes", Kind("a number of bytes", 10, 16, 1024)),
    "arch": ("arch", None),
}
"""Words of a ``machine`` line -> field of the machine, and its number; None: a text."""


@frozen
class Head:
    """One such line: its first word, and what it says."""

    word: str
    values: dict[str, Any]


def _title(cursor: Cursor) -> dict[str, Any]:
    text = cursor.string("the title")
    if text is None:
        raise cursor.fail()
    return {"title": text}


def _designs(cursor: Cursor) -> dict[str, Any]:
    found: list[tuple[str, dict[str, str]]] = []
    while cursor.kind != "end" or not found:
        design = _design(cursor)
        if design in found:
            raise cursor.error(f"the design {design[0]} stands here twice", 0, len(cursor.line))
        found.append(design)
    return {"designs": tuple(found)}


def _design(cursor: Cursor) -> tuple[str, dict[str, str]]:
    keys = tuple(design.key for design in DESIGNS)
    cursor.hope("a design", keys)
    start, word = cursor.start, cursor.raw()
    if not word:
        raise cursor.fail()
    key, _, options = word.partition(":")
    try:
        design_named(word)
    except KernelError as error:
        meant = nearest(key, keys) if key not in keys else ""
        hint = f"; did you mean '{meant}'?" if meant else ""
        raise cursor.error(f"{error.rule}{hint}", start, len(word)) from error
    pairs = (option.partition("=") for option in options.split(",") if option)
    return key, {name: value for name, _, value in pairs}


def _calls(cursor: Cursor) -> dict[str, Any]:
    eras = tuple(rules.era for rules in ERAS)
    cursor.hope("a kernel", eras)
    start, word = cursor.start, cursor.raw()
    if word not in eras:
        raise cursor.error(f"found '{word}', expected one of {', '.join(eras)}", start, max(1, len(word)))
    return {"calls": word}


def _machine(cursor: Cursor) -> dict[str, Any]:
    values: dict[str, Any] = {}
    while cursor.kind != "end" or not values:
        word = cursor.need(*(word for word in MACHINE if MACHINE[word][0] not in values))
        name, kind = MACHINE[word]
        if not cursor.mark("="):
            raise cursor.fail()
        values[name] = whole(cursor, kind) if kind is not None else cursor.string("the name of the machine")
        if not values[name] and kind is None:
            raise cursor.fail()
    return values


def _file(cursor: Cursor) -> dict[str, Any]:
    name = cursor.string("the name of the file")
    if not name:
        raise cursor.fail()
    cursor.need("pages")
    return {"file": name, "pages": whole(cursor, COUNT)}


def _process(cursor: Cursor) -> dict[str, Any]:
    pid = whole(cursor, Kind(PID.what, 10, 1, PID.high))
    return {"pid": pid, "comm": cursor.string("its name") or ""}


def _view(cursor: Cursor) -> dict[str, Any]:
    key, options = _design(cursor)
    words = ",".join(f"{name}={value}" for name, value in options.items())
    return {"view": f"{key}:{words}" if words else key}


def _select(cursor: Cursor) -> dict[str, Any]:
    pid = whole(cursor, PID)
    return {"pid": pid, "vpn": -1 if cursor.kind == "end" else whole(cursor, PLACE)}


_READ: dict[str, Callable[[Cursor], dict[str, Any]]] = {
    "title": _title, "designs": _designs, "calls": _calls, "machine": _machine, "file": _file, "process": _process,
    "view": _view, "select": _select,
}  # fmt: skip
HEADS: tuple[str, ...] = tuple(_READ)
"""First words of such lines."""

HEAD_EXAMPLES = {
    "title": 'title "The fork server"', "designs": "designs pte_chain anonmm anon_vma_chain", "calls": "calls 6.18",
    "machine": "machine ram=4096 swap=1024", "file": 'file "libc.so" pages 500', "process": 'process 1 "init"',
    "view": "view anon_vma_chain", "select": "select 1 a10",
}  # fmt: skip


def read_head(cursor: Cursor, word: str) -> Head:
    """The rest of such a line. :raises ScriptError: it is not one."""
    return Head(word, _READ[word](cursor))
