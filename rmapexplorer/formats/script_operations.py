"""The line of every operation in a scenario script: its parts in order, read and written by the same table."""

from __future__ import annotations

from typing import Any

from attrs import frozen

from rmapexplorer.core import operations as o
from rmapexplorer.core.operations import ADVICES, MMAP_FLAGS, Operation
from rmapexplorer.formats.script_cursor import Cursor
from rmapexplorer.formats.script_numbers import COUNT, OFFSET, PID, PLACE, Env
from rmapexplorer.formats.script_slots import (
    Backing,
    Budget,
    Child,
    Choice,
    Flags,
    Keyed,
    Newcomer,
    NewLength,
    Number,
    Place,
    Prot,
    Runs,
    Slot,
    Text,
)

_WHO = Number("pid", PID)
_COMM = Text("comm", "a name")
_FILE = Text("file", "the name of the file", needed=True)

_REFUSED = Choice("refused", {"refused": True}, False, quiet=True)

SHAPES: dict[type[Any], tuple[Slot, ...]] = {
    o.Spawn: (Newcomer(), _COMM),
    o.Fork: (_WHO, Child(), _COMM),
    o.Clone: (_WHO, Child(), Choice("thread", {"thread": True, "vfork": False}, True)),
    o.Exec: (_WHO, _COMM),
    o.Exit: (_WHO,),
    o.Mmap: (_WHO, Place(free=True), Prot("rw"), Backing(), Keyed("offset", "offset", OFFSET, 0),
             Flags("flags", MMAP_FLAGS), Text("label", "a name", "label"), _REFUSED),
    o.Munmap: (_WHO, Place(), _REFUSED),
    o.Mprotect: (_WHO, Place(), Prot(), _REFUSED),
    o.Mremap: (_WHO, Place(), Keyed("to", "to", PLACE, None, free=True), NewLength(),
               Choice("dontunmap", {"dontunmap": True}, False, quiet=True), _REFUSED),
    o.Brk: (_WHO, Number("end", PLACE), Keyed("start", "start", PLACE, None)),
    o.Madvise: (_WHO, Place(), Choice("advice", {word: word for word in ADVICES}), _REFUSED),
    o.Touch: (_WHO, Runs()),
    o.Reclaim: (Budget(),),
    o.Mlock: (_WHO, Place(), Choice("onfault", {"onfault": True}, False, quiet=True), _REFUSED),
    o.Munlock: (_WHO, Place(), _REFUSED),
    o.Mseal: (_WHO, Place(), _REFUSED),
    o.Ftruncate: (_WHO, _FILE, Keyed("pages", "pages", COUNT, needed=True)),
    o.Punch: (_WHO, _FILE, Keyed("offset", "offset", OFFSET, needed=True), Keyed("pages", "pages", COUNT, needed=True)),
    o.RemapFilePages: (_WHO, Place(), Keyed("offset", "offset", OFFSET, needed=True)),
    o.Ksm: (_WHO, Choice("enable", {"on": True, "off": False})),
    o.Swapoff: (),
}  # fmt: skip
"""Operation -> the parts of its line behind its name."""

NAMES: dict[str, type[Any]] = {kind.name: kind for kind in SHAPES}
"""The first word of a line -> the operation."""

EXAMPLES: dict[str, str] = {
    "spawn": 'spawn 1 "server"', "fork": "fork 1 -> 2", "clone": "clone 1 -> 3 thread", "exec": 'exec 2 "cgi"',
    "exit": "exit 2", "mmap": "mmap 2 a10-a20 rw private", "munmap": "munmap 2 a10-a14",
    "mprotect": "mprotect 2 a10-a14 r", "mremap": "mremap 2 a18-a1c to c40", "brk": "brk 2 b40",
    "madvise": "madvise 2 a10-a20 dontneed", "touch": "touch 2 a10-a14 w", "reclaim": "reclaim 16",
    "mlock": "mlock 2 a10-a14", "munlock": "munlock 2 a10-a14", "mseal": "mseal 2 a10-a14",
    "ftruncate": 'ftruncate 2 "data" pages 4', "punch": 'punch 2 "data" offset 1 pages 2',
    "remap_file_pages": "remap_file_pages 2 a10-a14 offset 8", "ksm": "ksm 2 on", "swapoff": "swapoff",
}  # fmt: skip
"""The first word -> a whole line, for hints."""


@frozen
class Line:
    """An operation as it stands in a script: ready, or with values that hang on names."""

    kind: type[Any]
    values: dict[str, Any]
    ready: Operation | None

    def make(self, env: Env) -> Operation:
        """The operation under what is known now. :raises ScriptError: a value is out of range."""
        if self.ready is not None:
            return self.ready
        made = {name: value(env) if callable(value) else value for name, value in self.values.items()}
        return self.kind(**made)  # type: ignore[no-any-return]


def read_line(cursor: Cursor, name: str) -> Line:
    """The rest of an operation's line, behind its name. :raises ScriptError: it is not one."""
    kind = NAMES[name]
    values: dict[str, Any] = {}
    for slot in SHAPES[kind]:
        slot.read(cursor, values)
    loose = any(callable(value) for value in values.values())
    return Line(kind, values, None if loose else kind(**values))


def print_operation(op: Operation) -> str:
    """The line of an operation; reading it gives the same operation again."""
    parts = [op.name]
    for slot in SHAPES[type(op)]:
        words = slot.show(op)
        if words:
            parts.append(words)
    return " ".join(parts)
