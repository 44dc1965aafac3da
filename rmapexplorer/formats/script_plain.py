"""Lines of a script that say an operation the way it is printed: read by one expression each.

No names, no arithmetic, no blanks but those that are printed. Whatever else a line may be, or be meant to be, the tables of
script_operations read it; for a line that is read here they give the same operation.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from rmapexplorer.core import operations as o
from rmapexplorer.core.operations import ADVICES, MMAP_FLAGS, Operation
from rmapexplorer.core.units import Span
from rmapexplorer.formats.limits import MAX_RUNS

# numbers of so few digits are in range, and no name looks like one
_PID = "([0-9]{1,9})"
_COUNT = "([0-9]{1,15})"
_PAGE = "([0-9a-f]{1,12})"
_SPAN = f"{_PAGE}(?:-{_PAGE})?"
_TEXT = r'"([ !#-\[\]-~]{0,200})"'
_PROT = "(rwx|rw|rx|r|wx|w|x|none)"
_RUN = re.compile(rf" ?{_SPAN} ([rw])")

Groups = tuple[str, ...]
Maker = Callable[[Groups], Operation | None]


def _span(start: str, end: str | None) -> Span:
    first = int(start, 16)
    return Span(first, first + 1 if end is None else int(end, 16))


def _prot(word: str) -> str:
    return "" if word == "none" else word


def _mmap(g: Groups) -> Operation | None:
    pid, start, end, prot, share, file, offset, flags, label = g
    words = tuple(flags.split())
    if len(set(words)) != len(words):
        return None
    return o.Mmap(
        pid=int(pid), span=_span(start, end), prot=_prot(prot), file=file or "", label=label or "", flags=words,
        kind=f"file-{share}" if file is not None else "anon" if share == "private" else "anon-shared",
        offset=int(offset or "0", 16),
    )  # fmt: skip


def _mremap(g: Groups) -> Operation:
    pid, start, end, to, pages, dontunmap = g
    span = _span(start, end)
    return o.Mremap(
        pid=int(pid), span=span, to=None if to is None else int(to, 16),
        new_pages=max(span.pages, 0) if pages is None else int(pages), dontunmap=dontunmap is not None,
    )  # fmt: skip


def _touch(g: Groups) -> Operation | None:
    pid, text = g
    found = [_RUN.fullmatch(run) for run in text.split(",", MAX_RUNS)]
    runs = []
    for match in found:
        if match is None:
            return None
        start, end, access = match.groups()
        first = int(start, 16)
        runs.append((first, first + 1 if end is None else int(end, 16), access))
    return o.Touch(pid=int(pid), runs=tuple(runs)) if len(runs) <= MAX_RUNS else None


_LINES: dict[str, tuple[str, Maker]] = {
    "spawn": (f"{_PID}(?: {_TEXT})?", lambda g: o.Spawn(pid=int(g[0]), comm=g[1] or "")),
    "fork": (f"{_PID} -> {_PID}(?: {_TEXT})?", lambda g: o.Fork(pid=int(g[0]), child=int(g[1]), comm=g[2] or "")),
    "clone": (f"{_PID} -> {_PID} (thread|vfork)",
              lambda g: o.Clone(pid=int(g[0]), child=int(g[1]), thread=g[2] == "thread")),
    "exec": (f"{_PID}(?: {_TEXT})?", lambda g: o.Exec(pid=int(g[0]), comm=g[1] or "")),
    "exit": (_PID, lambda g: o.Exit(pid=int(g[0]))),
    "mmap": (f"{_PID} {_SPAN} {_PROT} (private|shared)(?: file {_TEXT})?(?: offset {_PAGE})?"
             f"((?: (?:{'|'.join(MMAP_FLAGS)}))*)(?: label {_TEXT})?", _mmap),
    "munmap": (f"{_PID} {_SPAN}", lambda g: o.Munmap(pid=int(g[0]), span=_span(g[1], g[2]))),
    "mprotect": (f"{_PID} {_SPAN} {_PROT}",
                 lambda g: o.Mprotect(pid=int(g[0]), span=_span(g[1], g[2]), prot=_prot(g[3]))),
    "mremap": (f"{_PID} {_SPAN}(?: to {_PAGE})?(?: pages {_COUNT})?( dontunmap)?", _mremap),
    "brk": (f"{_PID} {_PAGE}(?: start {_PAGE})?",
            lambda g: o.Brk(pid=int(g[0]), end=int(g[1], 16), start=None if g[2] is None else int(g[2], 16))),
    "madvise": (f"{_PID} {_SPAN} ({'|'.join(ADVICES)})",
                lambda g: o.Madvise(pid=int(g[0]), span=_span(g[1], g[2]), advice=g[3])),
    "touch": (f"{_PID} ([0-9a-frw, -]+)", _touch),
    "mlock": (f"{_PID} {_SPAN}( onfault)?",
              lambda g: o.Mlock(pid=int(g[0]), span=_span(g[1], g[2]), onfault=g[3] is not None)),
}  # fmt: skip
_READ = {word: (re.compile(f"{word} {pattern}"), make) for word, (pattern, make) in _LINES.items()}


def plain(line: str) -> Operation | None:
    """The operation of a line as it is printed; None where it has to be read with care."""
    found = _READ.get(line[: line.find(" ")])
    match = found[0].fullmatch(line) if found else None
    return found[1](match.groups()) if found and match else None
