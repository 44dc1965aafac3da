"""What a process sees of its memory: what is mapped where, with which permissions and contents; nothing of how it is kept.

This is what must be equal in all worlds after equal operations with equal outcomes. Vma boundaries, frames and
residency are the design's own affair and are left out. Contents are one token a page: the number of the operation
that last wrote it, 0 for what nobody wrote.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np
from attrs import frozen

from rmapexplorer.core import flags as vm
from rmapexplorer.core import radix
from rmapexplorer.core.objects import Mm, Task
from rmapexplorer.core.pages import is_page
from rmapexplorer.core.radix import ENTRY_SHIFT
from rmapexplorer.core.table import ANON, NONE, Bools, Ints
from rmapexplorer.core.units import Span
from rmapexplorer.core.world import World

GUARD = -1
"""Token of a guard page: it cannot be read at all."""

Apart = Mapping[int, Iterable[Span]]
"""Pid -> spans that are not compared, since outcomes differed there."""

_Written = dict[int, tuple[Ints, Ints]]
"""File -> (page of the file, ascending; token) of everything somebody wrote to it, cached or not."""


@frozen(kw_only=True, eq=False)
class Memory:
    """Memory of one process. Spans ascend and touching ones that continue each other are one.

    :param access: VM_READ, VM_WRITE, VM_EXEC and VM_SHARED. :param file: id of the file, -1 for anonymous memory.
    :param delta: page of the file minus page number, 0 for anonymous memory.
    :param page, token: page numbers whose contents are not 0, ascending, and the contents.
    """

    start: Ints
    end: Ints
    access: Ints
    file: Ints
    delta: Ints
    page: Ints
    token: Ints


@frozen(kw_only=True, eq=False)
class Image:
    """What a world is compared by, without the world: its name, names of its files by id, and memory by pid of what is alive."""

    name: str
    files: tuple[str, ...]
    processes: dict[int, Memory]


def image(w: World) -> Image:
    """The memory of all processes alive."""
    written = _written(w)
    return Image(
        name=_name(w),
        files=tuple(file.name for file in w.files),
        processes={task.pid: _memory(w, w.mms[task.mm], written) for task in living(w)},
    )


def living(w: World) -> list[Task]:
    """The processes that are alive, in order of creation: no threads, no zombies."""
    return [task for task in w.processes() if not task.zombie]


def memory_of(w: World, pid: int) -> Memory:
    """What the process sees. :raises KernelError: ESRCH."""
    return _memory(w, w.mm_of(pid), _written(w))


def resident_anonymous(w: World, pid: int) -> int:
    """Resident anonymous pages the process maps: private copies of file pages too, zero page and swap not."""
    _, entries = _entries(w, w.mm_of(pid))
    pages = entries[is_page(entries)] >> ENTRY_SHIFT
    return int(np.count_nonzero(w.page.state[pages] & ANON))


def _memory(w: World, mm: Mm, written: _Written) -> Memory:
    rows = np.array(mm.vmas, np.int64)
    start, end, file = w.vma.start[rows], w.vma.end[rows], w.vma.file[rows]
    access = w.vma.flags[rows] & (vm.ACCESS | vm.SHARED)
    delta = np.where(file >= 0, w.vma.pgoff[rows] - start, 0)
    page, token = _contents(w, mm, rows, written)
    fresh = np.ones(len(rows), np.bool_)
    fresh[1:] = (start[1:] != end[:-1]) | (np.diff(access) != 0) | (np.diff(file) != 0) | (np.diff(delta) != 0)
    last = np.r_[fresh[1:], True] if len(rows) else fresh
    return Memory(start=start[fresh], end=end[last], access=access[fresh], file=file[fresh], delta=delta[fresh],
                  page=page, token=token)  # fmt: skip


def _entries(w: World, mm: Mm) -> tuple[Ints, Ints]:
    # (page numbers, ascending; entries) of all entries that are not none
    if not mm.tables.rows:
        return NONE, NONE
    rows = np.array([mm.tables.rows[number] for number in sorted(mm.tables.rows)], np.int64)
    entries = w.pt.entries[rows]
    at, column = np.nonzero(entries)
    return w.pt.base[rows[at]] + column, entries[at, column]


def _contents(w: World, mm: Mm, rows: Ints, written: _Written) -> tuple[Ints, Ints]:
    vpn, entries = _entries(w, mm)
    token = np.zeros(len(vpn), np.int64)
    mapped, swapped = is_page(entries), (entries & radix.SWAP) != 0
    token[mapped] = w.page.token[entries[mapped] >> ENTRY_SHIFT]
    token[swapped] = w.swap.token[entries[swapped] >> ENTRY_SHIFT]
    nonlinear = (entries & radix.OFFSET) != 0
    token[nonlinear] = _of_file_pages(w, mm, vpn[nonlinear], entries[nonlinear] >> ENTRY_SHIFT, written)
    token[(entries & radix.FREED) != 0] = 0
    token[(entries & radix.MARKER) != 0] = GUARD
    more, more_token = _unmapped_file_pages(w, rows, vpn, written)
    page, token = np.r_[vpn, more], np.r_[token, more_token]
    order = np.argsort(page, kind="stable")
    order = order[token[order] != 0]
    return page[order], token[order]


def _written(w: World) -> _Written:
    rows = w.cache.live()
    entries = w.cache.entries[rows]
    at, column = np.nonzero(entries)
    found = entries[at, column]
    token = np.where(
        (found & radix.PRESENT) != 0,
        w.page.token[_numbers(found, radix.PRESENT)],
        np.where((found & radix.SWAP) != 0, w.swap.token[_numbers(found, radix.SWAP)], 0),
    )
    dropped = np.array([(f.id, *item) for f in w.files for item in f.saved.items()], np.int64).reshape(-1, 3).T
    some = token != 0
    file = np.r_[w.cache.owner[rows[at[some]]], dropped[0]]
    index = np.r_[w.cache.base[rows[at[some]]] + column[some], dropped[1]]
    token = np.r_[token[some], dropped[2]]
    order = np.lexsort((index, file))
    file, index, token = file[order], index[order], token[order]
    names = np.unique(file)
    first, last = np.searchsorted(file, names).tolist(), np.searchsorted(file, names, "right").tolist()
    return {name: (index[i:j], token[i:j]) for name, i, j in zip(names.tolist(), first, last, strict=True)}


def _of_file_pages(w: World, mm: Mm, vpns: Ints, wanted: Ints, written: _Written) -> Ints:
    # contents of nonlinear ptes without a page: each says which page of its vma's file comes in at the next access
    out = np.zeros(len(vpns), np.int64)
    files = np.array([w.vma.file[w.vma_at(mm, vpn)] for vpn in vpns.tolist()], np.int64)
    for file in np.unique(files).tolist():
        index, token = written.get(file, (NONE, NONE))
        here = np.flatnonzero((files == file) & np.isin(wanted, index))
        out[here] = token[np.searchsorted(index, wanted[here])]
    return out


def _numbers(entries: Ints, bit: int) -> Ints:
    # ids of the entries that have the bit, 0 of the others, which is a row of every table
    return np.where((entries & bit) != 0, entries >> ENTRY_SHIFT, 0)


def _unmapped_file_pages(w: World, rows: Ints, mapped: Ints, written: _Written) -> tuple[Ints, Ints]:
    pages, tokens = [NONE], [NONE]
    for row in rows[np.isin(w.vma.file[rows], list(written))].tolist() if written else []:
        index, token = written[int(w.vma.file[row])]
        pgoff, start = int(w.vma.pgoff[row]), int(w.vma.start[row])
        low, high = np.searchsorted(index, [pgoff, pgoff + int(w.vma.end[row]) - start])
        pages.append(index[low:high] - pgoff + start)
        tokens.append(token[low:high])
    page, token = np.concatenate(pages), np.concatenate(tokens)
    new = ~np.isin(page, mapped)
    return page[new], token[new]


# -- two worlds ---------------------------------------------------------------------------------------


def difference(a: World, b: World, apart: Apart | None = None) -> str | None:
    """The first thing in which the memory of two worlds differs, as a sentence; None where all of it is equal.

    :param apart: what is left out.
    """
    return images_differ(image(a), image(b), apart)


def images_differ(a: Image, b: Image, apart: Apart | None = None) -> str | None:
    """``difference`` of two worlds by their images."""
    left_out = apart or {}
    for pid in sorted(set(a.processes) ^ set(b.processes)):
        if pid not in left_out:
            return f"Process {pid} is alive in {(a if pid in a.processes else b).name} only."
    for pid, mine in a.processes.items():
        theirs = b.processes.get(pid)
        if theirs is None:
            continue
        found = _spans_differ(a, b, mine, theirs, _edges(left_out.get(pid, ())))
        found = found or _contents_differ(a, b, mine, theirs, _edges(left_out.get(pid, ())))
        if found:
            return f"Process {pid}, {found}."
    return None


def _name(w: World) -> str:
    words = [
        f"{o.name}={w.design.options[o.name]}" for o in w.design.OPTIONS if w.design.options[o.name] != o.values[0]
    ]
    return w.design.key + (":" + ",".join(words) if words else "")


def _edges(spans: Iterable[Span]) -> Ints:
    return np.array([(span.start, span.end) for span in spans], np.int64).reshape(-1, 2)


def _outside(pages: Ints, apart: Ints) -> Bools:
    outside = np.ones(len(pages), np.bool_)
    for start, end in apart.tolist():
        outside &= (pages < start) | (pages >= end)
    return outside


def _spans_differ(a: Image, b: Image, mine: Memory, theirs: Memory, apart: Ints) -> str:
    # between two edges nothing changes on either side: compare there, at the first page
    edges = np.unique(np.concatenate([mine.start, mine.end, theirs.start, theirs.end, apart.reshape(-1)]))
    at_mine, at_theirs = _span_at(mine, edges), _span_at(theirs, edges)
    both = (at_mine >= 0) & (at_theirs >= 0)
    numbers = {name: number for number, name in enumerate(b.files)}
    files = np.array([numbers.get(name, -2) for name in a.files] + [-1], np.int64)
    same = (at_mine < 0) & (at_theirs < 0)
    if both.any():
        i, j = at_mine[both], at_theirs[both]
        same[both] = (mine.access[i] == theirs.access[j]) & (mine.delta[i] == theirs.delta[j])
        same[both] &= files[mine.file[i]] == theirs.file[j]
    wrong = np.flatnonzero(~same & _outside(edges, apart))
    if not len(wrong):
        return ""
    edge = wrong[0]
    here, there = _what(a, mine, int(at_mine[edge])), _what(b, theirs, int(at_theirs[edge]))
    return f"page {int(edges[edge]):x} is {here} in {a.name} and {there} in {b.name}"


def _span_at(memory: Memory, pages: Ints) -> Ints:
    # position of the span that holds each page, -1
    if not len(memory.start):
        return np.full(len(pages), -1, np.int64)
    at = np.searchsorted(memory.start, pages, "right") - 1
    return np.where((at >= 0) & (pages < memory.end[at]), at, -1)


def _what(w: Image, memory: Memory, at: int) -> str:
    if at < 0:
        return "not mapped"
    file, delta = int(memory.file[at]), int(memory.delta[at]) + int(memory.start[at])
    return vm.perms(int(memory.access[at])) + (f" of {w.files[file]} from file page {delta:x}" if file >= 0 else "")


def _contents_differ(a: Image, b: Image, mine: Memory, theirs: Memory, apart: Ints) -> str:
    if np.array_equal(mine.page, theirs.page) and np.array_equal(mine.token, theirs.token):
        return ""
    pages = np.union1d(mine.page, theirs.page)
    here, there = _tokens_at(mine, pages), _tokens_at(theirs, pages)
    wrong = np.flatnonzero((here != there) & _outside(pages, apart))
    if not len(wrong):
        return ""
    at = wrong[0]
    return f"page {int(pages[at]):x} {_content(int(here[at]))} in {a.name} and {_content(int(there[at]))} in {b.name}"


def _tokens_at(memory: Memory, pages: Ints) -> Ints:
    tokens = np.zeros(len(pages), np.int64)
    tokens[np.searchsorted(pages, memory.page)] = memory.token
    return tokens


def _content(token: int) -> str:
    if token == GUARD:
        return "is a guard page"
    return f"was last written by operation {token}" if token else "was never written"
