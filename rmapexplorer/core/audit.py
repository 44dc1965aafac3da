"""The audit: everything a world counts, counted anew from its page tables and lists. Changes nothing.

A finding is a bug of ours, never of the user: the counts a world keeps in step (mapcount, rss, swap counts,
users) must equal what its ptes say, every entry must lie in a vma, every object must be reachable.
"""

from __future__ import annotations

import numpy as np

from rmapexplorer.core import flags as vm
from rmapexplorer.core import radix
from rmapexplorer.core.objects import Mm
from rmapexplorer.core.pages import is_page
from rmapexplorer.core.radix import ENTRY_SHIFT, Radix
from rmapexplorer.core.table import ANON, EXCLUSIVE, FILE, SHMEM, Bools, Ints
from rmapexplorer.core.units import TABLE_SHIFT, Corruption
from rmapexplorer.core.world import World

_STATES = radix.PRESENT | radix.PROTNONE | radix.SWAP | radix.MARKER | radix.OFFSET


def audit(w: World) -> None:
    """Compare all counts with a recount, the design's included.

    :raises Corruption: with the first difference found, in one sentence.
    """
    _tasks(w)
    _vmas(w)
    _tables(w)
    _entries(w)
    _counts(w)
    _swap(w)
    _files(w)
    _reachable(w)
    footprint(w)
    w.design.check()


def _fail_if(broken: Bools | bool, sentence: str) -> None:
    if broken.any() if isinstance(broken, np.ndarray) else broken:
        raise Corruption(sentence)


def _tasks(w: World) -> None:
    users = dict.fromkeys(w.mms, 0)
    for task in w.tasks.values():
        if task.zombie:
            continue
        _fail_if(task.mm not in users, f"task {task.pid} has mm {task.mm}, which does not exist")
        users[task.mm] += 1
    for mm in w.mms.values():
        _fail_if(mm.users != users[mm.id], f"mm {mm.id} counts {mm.users} users, {users[mm.id]} tasks have it")


def _vmas(w: World) -> None:
    v = w.vma
    seen: list[int] = []
    for mm in w.mms.values():
        rows = np.array(mm.vmas, np.int64)
        seen += mm.vmas
        name = f"mm {mm.id}"
        _fail_if(~v.alive[rows], f"{name} lists a vma that was freed")
        _fail_if(v.mm[rows] != mm.id, f"{name} lists a vma of another mm")
        _fail_if(v.start[rows] != np.array(mm.starts, np.int64), f"the starts of {name} differ from its vmas'")
        _fail_if(v.start[rows] >= v.end[rows], f"{name} has an empty vma")
        _fail_if(v.end[rows[:-1]] > v.start[rows[1:]], f"vmas of {name} overlap or are out of order")
    live = w.vma.live().tolist()
    _fail_if(sorted(seen) != live, "a live vma is in no mm's list, or in two")
    _fail_if(len(w.vma) != len(live), "the vma table miscounts its rows")


def _tables(w: World) -> None:
    _pool(w.pt, {mm.id: mm.tables.rows for mm in w.mms.values()}, "page-table page", True)
    _pool(w.cache, {file.id: file.cache.rows for file in w.files}, "page-cache node", False)


def _pool(pool: Radix, owners: dict[int, dict[int, int]], what: str, exact: bool) -> None:
    rows = [row for tables in owners.values() for row in tables.values()]
    _fail_if(sorted(rows) != pool.live().tolist(), f"a live {what} belongs to nobody, or to two")
    for owner, tables in owners.items():
        for number, row in tables.items():
            _fail_if(pool.owner[row] != owner, f"{what} {row} names another owner")
            _fail_if(pool.base[row] != number << TABLE_SHIFT, f"{what} {row} names another place")
    dead = np.ones(pool.capacity, np.bool_)
    dead[pool.live()] = False
    _fail_if(pool.entries[dead] != 0, f"a freed {what} is not empty")
    if exact:
        _fail_if(len(pool) != len(rows), f"the {what}s are miscounted")


def entries_of(w: World, mm: Mm) -> tuple[Ints, Ints, Ints]:
    """(page numbers, entries, vma of each or -1) of all entries of an mm that are not none, ascending."""
    vpns, slots = w.pt.span(mm.tables, 0, 1 << 40)
    rows = np.array(mm.vmas, np.int64)
    if not len(rows) or not len(vpns):
        return vpns, w.pt.flat[slots], np.full(len(vpns), -1, np.int64)
    at = np.searchsorted(w.vma.start[rows], vpns, "right") - 1
    owner = rows[np.maximum(at, 0)]
    return vpns, w.pt.flat[slots], np.where((at >= 0) & (vpns < w.vma.end[owner]), owner, -1)


def _entries(w: World) -> None:
    for mm in w.mms.values():
        vpns, entries, vmas = entries_of(w, mm)
        name = f"mm {mm.id}"
        _fail_if(vmas < 0, f"{name} has a pte outside its vmas")
        state = entries & _STATES
        _fail_if((state & (state - 1)) != 0, f"{name} has a pte in two states")
        _fail_if(state == 0, f"{name} has a pte in no state")
        mapped = is_page(entries)
        pages = entries[mapped] >> ENTRY_SHIFT
        _fail_if(~w.page.alive[pages], f"{name} maps a page that was freed")
        _writable(w, name, entries, vmas)
        _own_file(w, name, vpns[mapped], pages, vmas[mapped])


def _writable(w: World, name: str, entries: Ints, vmas: Ints) -> None:
    write = (entries & radix.WRITE) != 0
    flags = w.vma.flags[vmas]
    _fail_if(write & ((flags & vm.WRITE) == 0), f"{name} has a writable pte in a vma without VM_WRITE")
    _fail_if(write & ~is_page(entries), f"{name} has a writable pte that maps no page")
    private = write & ((flags & vm.SHARED) == 0)
    pages = entries[private] >> ENTRY_SHIFT
    _fail_if((w.page.state[pages] & EXCLUSIVE) == 0, f"{name} may write a private page that is not exclusively its own")
    _fail_if(is_page(entries) & ((entries & radix.PROTNONE) != 0) & ((flags & vm.ACCESS) != 0),
             f"{name} has a PROT_NONE pte in an accessible vma")  # fmt: skip


def _own_file(w: World, name: str, vpns: Ints, pages: Ints, vmas: Ints) -> None:
    of_file = (w.page.state[pages] & ANON) == 0
    pages, vmas, vpns = pages[of_file], vmas[of_file], vpns[of_file]
    _fail_if(w.page.mapping[pages] != w.vma.file[vmas], f"{name} maps a page of another file")
    index = w.vma.pgoff[vmas] + vpns - w.vma.start[vmas]
    linear = (w.vma.flags[vmas] & vm.NONLINEAR) == 0
    _fail_if(linear & (w.page.index[pages] != index), f"{name} maps another page of its file")


def _counts(w: World) -> None:
    mapcount = np.zeros(w.page.capacity, np.int64)
    for mm in w.mms.values():
        _, entries, _ = entries_of(w, mm)
        pages = entries[is_page(entries)] >> ENTRY_SHIFT
        np.add.at(mapcount, pages, np.int64(1))
        _fail_if(mm.rss != len(pages), f"mm {mm.id} counts rss {mm.rss}, {len(pages)} ptes map pages")
    live = w.page.live()
    for page in live[mapcount[live] != w.page.mapcount[live]][:1].tolist():
        raise Corruption(f"page {page} has mapcount {w.page.mapcount[page]}, {mapcount[page]} ptes map it")
    state = w.page.state[live]
    _fail_if(((state & EXCLUSIVE) != 0) & (w.page.mapcount[live] > 1), "an exclusive page is mapped more than once")
    _fail_if(((state & ANON) != 0) == ((state & FILE) != 0), "a page is neither anonymous nor a file's, or both")


def _swap(w: World) -> None:
    count = np.zeros(w.swap.capacity, np.int64)
    for mm in w.mms.values():
        _, entries, _ = entries_of(w, mm)
        np.add.at(count, entries[(entries & radix.SWAP) != 0] >> ENTRY_SHIFT, np.int64(1))
    live = w.swap.live()
    _fail_if(count[live] != w.swap.count[live], "a swap slot counts other than the entries that refer to it")
    count[live] = 0
    _fail_if(count != 0, "an entry refers to a swap slot that was freed")
    cache = w.cache.entries[w.cache.live()].reshape(-1)
    written = cache[(cache & radix.SWAP) != 0] >> ENTRY_SHIFT
    pages = w.page.live()
    in_cache = pages[w.page.swap[pages] >= 0]
    _fail_if(w.swap.page[w.page.swap[in_cache]] != in_cache, "a page in the swap cache is not its slot's")
    holders = live[w.swap.page[live] >= 0]
    _fail_if(w.page.swap[w.swap.page[holders]] != holders, "a swap slot names a page that is not in the swap cache")
    reached = np.concatenate([live[w.swap.count[live] > 0], written, holders])
    _fail_if(np.setdiff1d(live, reached).size > 0, "a swap slot is used by nobody")
    _fail_if(~w.swap.alive[written], "the page cache refers to a swap slot that was freed")


def _files(w: World) -> None:
    live = w.vma.live()
    for file in w.files:
        rows = np.sort(live[w.vma.file[live] == file.id])
        name = f"file {file.name}"
        _fail_if(file.users != len(rows), f"{name} counts {file.users} vmas, {len(rows)} map it")
        order = np.concatenate([w.imap.order(file.id), np.array(w.nonlinear.get(file.id, []), np.int64)])
        _fail_if(not np.array_equal(np.sort(order), rows), f"the i_mmap of {name} differs from the vmas that map it")
        _fail_if(
            w.imap.size(file.id) + len(w.nonlinear.get(file.id, [])) != len(rows),
            f"the i_mmap of {name} miscounts its members",
        )
        _fail_if(not w.imap.in_order(file.id), f"the i_mmap of {name} is out of order")
        for number, row in file.cache.rows.items():
            columns = np.flatnonzero(w.cache.entries[row] & radix.PRESENT)
            pages, index = w.cache.entries[row, columns] >> ENTRY_SHIFT, (number << TABLE_SHIFT) + columns
            good = w.page.alive[pages] & (w.page.mapping[pages] == file.id) & (w.page.index[pages] == index)
            _fail_if(~good, f"the page cache of {name} holds a page that is not the file's")
            _fail_if(file.size is not None and bool((index >= file.size).any()), f"{name} caches pages beyond its end")


def _reachable(w: World) -> None:
    live = w.page.live()
    state = w.page.state[live]
    anon = live[(state & ANON) != 0]
    slot = w.page.swap[anon]
    kept = (w.page.mapcount[anon] > 0) | ((slot >= 0) & (w.swap.count[np.maximum(slot, 0)] > 0))
    _fail_if(~kept, "an anonymous page is alive that nothing maps and no swap entry needs")
    cache = w.cache.entries[w.cache.live()].reshape(-1)
    held = np.sort(cache[(cache & radix.PRESENT) != 0] >> ENTRY_SHIFT)
    _fail_if(not np.array_equal(held, live[(state & FILE) != 0]), "a file's page is not in the page cache")
    for file in w.files:
        if file.shmem and not file.users:
            _fail_if(bool(file.cache.rows), f"{file.name} is unmapped everywhere and still has pages")
    _fail_if(((state & SHMEM) != 0) & ((state & FILE) == 0), "a page is shared memory's and no file's")


def footprint(w: World) -> None:
    """What the design says it keeps against what is reachable.

    :raises Corruption: where the two differ.
    """
    kept = {row.kind: row.objects for row in w.design.footprint()}
    reached = w.design.recount()
    if kept != reached:
        raise Corruption(f"{w.design.key} keeps {kept}, reachable are {reached}")


__all__ = ["audit", "entries_of", "footprint"]
