"""Finding things in a frame and in the history: what was typed as a query, the hits group by group, in short slices.

Everything here is plain Python and numpy; the numbers of a million vmas are compared in a few vector statements.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

import numpy as np
from attrs import evolve, frozen

from rmapexplorer.core.flags import perms
from rmapexplorer.core.units import PAGE_SHIFT
from rmapexplorer.engine.frames import Frame, HistoryEntry
from rmapexplorer.engine.lookups import Mappers
from rmapexplorer.gui import places
from rmapexplorer.gui.models.base import plural
from rmapexplorer.gui.owner_words import owner_word

SLICE = 4096
"""Operations that are looked through at a time."""

_SPAN = re.compile(r"(0x)?([0-9a-f]+)\s*(?:-|–|\.\.)\s*(0x)?([0-9a-f]+)$")
_ANON = re.compile(r"a(\d+)$")
_FRAME = re.compile(r"(?:#|pfn\s*|page\s*#|frame\s*#?)(0x[0-9a-f]+|\d+)$")


@frozen(kw_only=True)
class Query:
    """What was typed, read in every way it makes sense."""

    text: str
    """In small letters."""
    pid: int = -1
    pages: tuple[int, ...] = ()
    """Page numbers it may mean: as it stands, or as an address in bytes."""
    span: tuple[int, int] | None = None
    anon: int = -1
    page: int = -1
    """Number of a page frame."""


def parse(text: str) -> Query:
    """Read what was typed: pid, page number (p a10), byte address (0xa10000), span, A12, #42, or words."""
    word = text.strip().lower()
    made = Query(text=word, pid=int(word) if word.isdigit() else -1)
    made = evolve(made, pages=places.shown().readings(word))
    if found := _SPAN.match(word):
        low, high = _end(found[1], found[2]), _end(found[3] or found[1], found[4])
        made = evolve(made, span=(low, high) if low < high else None)
    if found := _ANON.match(word):
        made = evolve(made, anon=int(found[1]))
    if found := _FRAME.match(word):
        made = evolve(made, page=int(found[1], 0))
    return made


def _end(prefix: str | None, digits: str) -> int:
    # one end of a span: page number; bytes where it is written with 0x or like /proc/PID/maps
    number = int(digits, 16)
    return number >> PAGE_SHIFT if prefix or (len(digits) >= 8 and number % (1 << PAGE_SHIFT) == 0) else number


@frozen(kw_only=True)
class Hit:
    """One thing found: where to go, and the words for it. ``position`` -1: (pid, vpn) is to be selected."""

    title: str
    detail: str = ""
    right: str = ""
    pid: int = 0
    vpn: int = -1
    position: int = -1


@frozen(kw_only=True, eq=False)
class Group:
    """Hits of one kind. ``rows`` are rows of the frame's columns, or positions of the history."""

    kind: str
    noun: str
    heading: str
    rows: Sequence[int] | np.ndarray
    frame: Frame | None = None
    entries: Sequence[HistoryEntry] = ()
    vpn: int = -1
    spots: tuple[tuple[int, int], ...] = ()

    def hit(self, number: int) -> Hit:
        """The hit number ``number`` of this group."""
        row = int(self.rows[number])
        return _HITS[self.kind](self, row)


def _process(group: Group, row: int) -> Hit:
    assert group.frame is not None
    tasks = group.frame.tasks
    pid, vmas = int(tasks.pid[row]), int(tasks.vmas[row])
    return Hit(
        title=f"{tasks.comm[row]} {pid}", detail=f"{plural(vmas, 'vma')}, child of {int(tasks.ppid[row])}", pid=pid
    )


def _vma(group: Group, row: int) -> Hit:
    frame = group.frame
    assert frame is not None
    vmas, task = frame.vmas, int(np.searchsorted(frame.vmas.first, row, "right")) - 1
    pid, start, end = int(frame.tasks.pid[task]), int(vmas.start[row]), int(vmas.end[row])
    file, label, anon = int(vmas.file[row]), int(vmas.label[row]), int(vmas.anon[row])
    name = frame.files[file] if file >= 0 else frame.labels[label] if label >= 0 else ""
    words = [
        f"{frame.tasks.comm[task]} {pid}",
        *([owner_word(frame.view, anon)] if anon >= 0 else []),
        *([name] if name else []),
    ]
    inside = start <= group.vpn < end
    return Hit(
        title=f"{places.shown().span(start, end)} {perms(int(vmas.flags[row]))}", detail=" · ".join(words),
        right=places.shown().page(group.vpn) if inside else f"{end - start:,} page{'s' * (end - start != 1)}",
        pid=pid, vpn=group.vpn if inside else start,
    )  # fmt: skip


def _spot(group: Group, row: int) -> Hit:
    pid, vpn = group.spots[row]
    return Hit(title=places.shown().page(vpn), detail=f"of process {pid}", pid=pid, vpn=vpn)


def _operation(group: Group, row: int) -> Hit:
    entry = group.entries[row - 1]
    return Hit(title=places.shown().text(entry.text), detail=entry.error or "", right=f"{row:,}", position=row)


_HITS = {"process": _process, "vma": _vma, "page": _spot, "operation": _operation}


@frozen(kw_only=True, eq=False)
class Found:
    """All hits so far; ``whole``: nothing is left to look through."""

    groups: tuple[Group, ...] = ()
    whole: bool = False

    @property
    def total(self) -> int:
        """Hits of all groups."""
        return sum(len(group.rows) for group in self.groups)

    def hit(self, number: int) -> Hit:
        """The hit number ``number``, counted through all groups. IndexError: there are not so many."""
        for group in self.groups:
            if number < len(group.rows):
                return group.hit(number)
            number -= len(group.rows)
        raise IndexError(number)

    def counts(self) -> str:
        """``3 processes, 12 vmas, 400 operations``."""
        totals: dict[str, int] = {}
        for group in self.groups:
            totals[group.noun] = totals.get(group.noun, 0) + len(group.rows)
        return ", ".join(f"{n:,} {noun if n != 1 else _ONE.get(noun, noun[:-1])}" for noun, n in totals.items() if n)

    def with_page(self, answer: Mappers) -> Found:
        """With the places of a page frame, which the engine looked up."""
        group = Group(
            kind="page", noun="places", heading=f"page frame #{answer.page} in {answer.design}",
            rows=range(len(answer.spots)), spots=answer.spots,
        )  # fmt: skip
        return evolve(self, groups=(*_some([group]), *self.groups))


_ONE = {"processes": "process"}


def share(totals: Sequence[int], limit: int, least: int = 10) -> list[int]:
    """How many of each group are shown: ``least`` of each, what is left to the first that have more."""
    shown = [min(total, least) for total in totals]
    for number, total in enumerate(totals):
        shown[number] += max(0, min(total - shown[number], limit - sum(shown)))
    return shown


def search(frame: Frame | None, entries: Sequence[HistoryEntry], text: str) -> Iterator[Found]:
    """What is found so far, again and again: at once what the frame has, then the history a slice at a time."""
    query = parse(text)
    found = Found(groups=tuple(_of_frame(frame, query)) if frame is not None and query.text else ())
    yield found
    rows: list[int] = []
    for start in range(0, len(entries) if len(query.text) > 1 else 0, SLICE):
        part = entries[start : start + SLICE]
        rows += [start + n for n, entry in enumerate(part, 1) if _matches(entry, query.text)]
        yield evolve(found, groups=(*found.groups, *_history(entries, rows)))
    yield evolve(found, groups=(*found.groups, *_history(entries, rows)), whole=True)


def _matches(entry: HistoryEntry, needle: str) -> bool:
    return needle in entry.text.lower() or (entry.error is not None and needle in entry.error.lower())


def _history(entries: Sequence[HistoryEntry], rows: list[int]) -> list[Group]:
    return _some([Group(kind="operation", noun="operations", heading="operations", rows=list(rows), entries=entries)])


def _of_frame(frame: Frame, query: Query) -> Iterator[Group]:
    yield from _some([_processes(frame, query)])
    vmas = frame.vmas
    for page in query.pages:
        rows = np.flatnonzero((vmas.start <= page) & (page < vmas.end))
        yield from _some([_vmas(frame, f"vmas that hold {places.shown().page(page)}", rows, page)])
    if query.span is not None:
        low, high = query.span
        rows = np.flatnonzero((vmas.start < high) & (low < vmas.end))
        yield from _some([_vmas(frame, f"vmas in {places.shown().span(low, high)}", rows)])
    if query.anon >= 0:
        rows = np.flatnonzero(vmas.anon == query.anon)
        yield from _some([_vmas(frame, f"vmas of A{query.anon} in {frame.view}", rows)])
    yield from _some([_vmas(frame, f"vmas named “{query.text}”", _named(frame, query.text))])


def _processes(frame: Frame, query: Query) -> Group:
    tasks = frame.tasks
    exact = np.flatnonzero(tasks.pid == query.pid).tolist()
    more = [
        row for row, (pid, comm) in enumerate(zip(tasks.pid.tolist(), tasks.comm, strict=True))
        if query.text in comm.lower() or (query.pid >= 0 and str(pid).startswith(query.text))
        or query.text == f"{comm} {pid}".lower()
    ]  # fmt: skip
    rows = list(dict.fromkeys([*exact, *more]))
    return Group(kind="process", noun="processes", heading="processes", rows=rows, frame=frame)


def _named(frame: Frame, needle: str) -> np.ndarray:
    files = [n for n, name in enumerate(frame.files) if needle in name.lower()]
    labels = [n for n, name in enumerate(frame.labels) if needle in name.lower()]
    return np.flatnonzero(np.isin(frame.vmas.file, files) | np.isin(frame.vmas.label, labels))


def _vmas(frame: Frame, heading: str, rows: np.ndarray, vpn: int = -1) -> Group:
    return Group(kind="vma", noun="vmas", heading=heading, rows=rows, frame=frame, vpn=vpn)


def _some(groups: Sequence[Group]) -> list[Group]:
    return [group for group in groups if len(group.rows)]
