"""Executable pictures: a line of text for each process, text in, world, text out.

``draw("1: AAA.bb")`` is process 1 with a vma of three written pages, a hole, and a vma of two untouched pages. A run of one
letter is one vma; where two touch, the second is executable, so that they stay two. ``picture(world)`` says the same of
any world: a letter for each vma in order, upper case where a page is resident. ``frames(world)`` shows the ptes instead:
a letter for each page frame in order of appearance, upper case where the pte is writable, ``0`` the zero page, ``-``
none, ``s`` a swap entry, ``g`` a guard page. A line begins at page ``ORIGIN``.
"""

from __future__ import annotations

from itertools import groupby
from string import ascii_lowercase

from oracles import new_world

from rmapexplorer.core import operations as o
from rmapexplorer.core import radix
from rmapexplorer.core.outcome import Outcome
from rmapexplorer.core.units import Span
from rmapexplorer.core.world import World

ORIGIN = 16


def at(first: int, end: int | None = None) -> Span:
    """Columns ``first`` to ``end`` (exclusive; one column where left out) of the drawing."""
    return Span(ORIGIN + first, ORIGIN + (first + 1 if end is None else end))


def draw(text: str, design: str = "anon_vma_chain") -> World:
    """The world a picture shows."""
    w = new_world(design)
    for line in text.strip().splitlines():
        pid, _, columns = line.strip().partition(": ")
        do(w, o.Spawn(pid=int(pid)))
        _draw_vmas(w, int(pid), columns)
    return w


def _draw_vmas(w: World, pid: int, columns: str) -> None:
    place, touches, plain = 0, True, False
    for letter, run in groupby(columns, key=str.lower):
        pages = "".join(run)
        if letter != ".":
            plain = not (touches and plain)
            do(w, o.Mmap(pid=pid, span=at(place, place + len(pages)), prot="rw" if plain else "rwx"))
        touches = letter != "."
        place += len(pages)
    for place, letter in enumerate(columns):
        if letter.isupper():
            do(w, o.Touch(pid=pid, runs=(write(place),)))


def write(first: int, end: int | None = None) -> tuple[int, int, str]:
    """A run of writes for Touch, in columns."""
    span = at(first, end)
    return span.start, span.end, "w"


def read(first: int, end: int | None = None) -> tuple[int, int, str]:
    """A run of reads for Touch, in columns."""
    span = at(first, end)
    return span.start, span.end, "r"


def touch(w: World, pid: int, *runs: tuple[int, int, str]) -> Outcome:
    """Accesses of a process."""
    return w.apply(o.Touch(pid=pid, runs=runs))


def do(w: World, *ops: o.Operation) -> Outcome:
    """Operations that must succeed; returns the last outcome."""
    for op in ops:
        outcome = w.apply(op)
        assert outcome.ok, (op, outcome)
    return outcome


def fails(w: World, op: o.Operation) -> str | None:
    """The error of an operation."""
    return w.apply(op).error


def picture(w: World) -> str:
    """Vmas and resident pages of all processes."""
    letters, lines = iter(ascii_lowercase), []
    for task in w.processes():
        columns = _Columns()
        for row in w.mms[task.mm].vmas:
            letter = next(letters)
            for vpn in range(int(w.vma.start[row]), int(w.vma.end[row])):
                entry = w.pt.get(w.mms[task.mm].tables, vpn)
                columns.put(vpn, letter.upper() if _maps(entry) else letter)
        lines.append(f"{task.pid}: {columns}")
    return "\n".join(lines)


def frames(w: World) -> str:
    """Ptes of all processes."""
    names: dict[int, str] = {}
    lines = []
    for task in w.processes():
        columns = _Columns()
        for row in w.mms[task.mm].vmas:
            for vpn in range(int(w.vma.start[row]), int(w.vma.end[row])):
                columns.put(vpn, _pte(w.pt.get(w.mms[task.mm].tables, vpn), names))
        lines.append(f"{task.pid}: {columns}")
    return "\n".join(lines)


def _maps(entry: int) -> bool:
    return bool(entry & (radix.PRESENT | radix.PROTNONE)) and not entry & radix.ZERO


def _pte(entry: int, names: dict[int, str]) -> str:
    for bit, sign in ((radix.ZERO, "0"), (radix.SWAP, "s"), (radix.MARKER, "g")):
        if entry & bit:
            return sign
    if not entry:
        return "-"
    # g, s and the like are signs: frames are named a b c d e f h i ...
    letter = names.setdefault(entry >> radix.ENTRY_SHIFT, "abcdefhijklmnopqrtuvwxyz"[len(names)])
    return letter.upper() if entry & radix.WRITE else letter


class _Columns:
    """A line being filled from the left, holes as dots."""

    def __init__(self) -> None:
        self.text = ""

    def put(self, vpn: int, sign: str) -> None:
        self.text = self.text.ljust(vpn - ORIGIN, ".") + sign

    def __str__(self) -> str:
        return self.text
