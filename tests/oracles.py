"""Oracles of the tests: what a world must satisfy after every operation, found without the code under test.

``finds`` asks the walks, ``memory`` reads what each process would see, ``leaks`` recounts. All are slow and simple.
"""

from __future__ import annotations

import numpy as np

from rmapexplorer.core import flags as vm
from rmapexplorer.core import radix
from rmapexplorer.core.audit import audit
from rmapexplorer.core.operations import Exit
from rmapexplorer.core.units import Machine
from rmapexplorer.core.walk import price
from rmapexplorer.core.world import World
from rmapexplorer.designs.registry import design_named

WORLDS = ("pte_chain", "anonmm", "anonmm:variant=4c", "anon_vma", "anon_vma_chain")

I386 = Machine(arch="i386", word_bytes=4, cache_line_bytes=32)
X86_64 = Machine()


def new_world(key: str, machine: Machine = X86_64) -> World:
    """An empty world under the design of that key."""
    return World(design_named(key), machine)


def truth(w: World) -> dict[int, set[tuple[int, int]]]:
    """Page -> (mm, page number) of every pte that maps it, read entry by entry."""
    out: dict[int, set[tuple[int, int]]] = {}
    for mm in w.mms.values():
        for number, row in mm.tables.rows.items():
            entries = w.pt.entries[row]
            columns = np.flatnonzero(entries)
            for column, entry in zip(columns.tolist(), entries[columns].tolist(), strict=True):
                if entry & (radix.PRESENT | radix.PROTNONE) and not entry & radix.ZERO:
                    out.setdefault(entry >> radix.ENTRY_SHIFT, set()).add((mm.id, number * 512 + column))
    return out


def found(w: World) -> dict[int, list[tuple[int, int]]]:
    """Page -> (mm, page number) of the hits of its walk, for every mapped page, in visiting order."""
    pages = w.page.live()
    pages = pages[w.page.mapcount[pages] > 0]
    out: dict[int, list[tuple[int, int]]] = {int(page): [] for page in pages}
    for walk in w.candidates(pages) if len(pages) else []:
        priced = price(w, walk)
        for at in np.flatnonzero(priced.hit).tolist():
            page = int(walk.pages[priced.hit_page[at]])
            out[page].append((int(walk.mm[at]), int(walk.vpn[at])))
    return out


def finds(w: World) -> int:
    """Assert that every walk finds all ptes of its page, once each, but for those its form loses by declaration; how many."""
    true, seen = truth(w), found(w)
    assert set(true) == set(seen)
    missed, lost = set(), w.design.predicted_loss()
    for page, ptes in true.items():
        hits = seen[page]
        assert len(hits) == len(set(hits)), f"page {page}: a pte is found twice: {hits}"
        assert set(hits) <= ptes
        missed |= {(page, *pte) for pte in ptes - set(hits)}
    assert len(missed) == lost, f"{lost} ptes (page, mm, page number) must be lost, these are: {sorted(missed)[:9]}"
    return lost


def kept(w: World) -> int:
    """Objects that a design allocated and keeps: those of its footprint but for what lies inside other structures."""
    return sum(row.objects for row in w.footprint() if not ("linkage" in row.kind or "(in " in row.kind))


def content(w: World, mm_id: int, row: int, vpn: int) -> tuple[str, int]:
    """What a read of one page would find: how it is backed (guard, private, file) and the token of its last writer."""
    entry = w.pt.get(w.mms[mm_id].tables, vpn)
    file, index = int(w.vma.file[row]), int(w.vma.pgoff[row]) + vpn - int(w.vma.start[row])
    if entry & radix.OFFSET:
        entry, index = 0, entry >> radix.ENTRY_SHIFT
    if entry & radix.MARKER:
        return "guard", 0
    if entry & radix.FREED:
        return "data", 0
    if entry & radix.SWAP:
        return "data", int(w.swap.token[entry >> radix.ENTRY_SHIFT])
    if entry and not entry & radix.ZERO:
        return "data", int(w.page.token[entry >> radix.ENTRY_SHIFT])
    if file < 0:
        return "data", 0
    size = w.files[file].size
    if size is not None and index >= size:
        return "beyond", 0
    cached = w.cache.get(w.files[file].cache, index)
    if cached & radix.SWAP:
        return "data", int(w.swap.token[cached >> radix.ENTRY_SHIFT])
    return "data", int(w.page.token[cached >> radix.ENTRY_SHIFT]) if cached else w.files[file].saved.get(index, 0)


def memory(w: World) -> dict[tuple[int, int], tuple[object, ...]]:
    """(pid, page number) -> flags, file, offset, contents: what must be equal in all worlds.

    VM_ACCOUNT and VM_LOCKED may differ: mprotect of a vma and MREMAP_DONTUNMAP change them for whole vmas.
    """
    out: dict[tuple[int, int], tuple[object, ...]] = {}
    for task in w.tasks.values():
        if task.zombie or task.pid != task.leader:
            continue
        for row in w.mms[task.mm].vmas:
            file, start = int(w.vma.file[row]), int(w.vma.start[row])
            name = w.files[file].name if file >= 0 else ""
            flags = int(w.vma.flags[row]) & ~(vm.ACCOUNT | vm.LOCKED | vm.LOCKONFAULT)
            for vpn in range(start, int(w.vma.end[row])):
                offset = int(w.vma.pgoff[row]) + vpn - start if name else 0
                out[task.pid, vpn] = (flags, name, offset, *content(w, task.mm, row, vpn))
    return out


def check_world(w: World) -> None:
    """finds and leaks of one world."""
    audit(w)
    finds(w)


def last_exit(w: World) -> None:
    """End every task and assert that nothing of the design is left but the per-CPU spare."""
    while w.tasks:
        alive = [task.pid for task in w.tasks.values() if not task.zombie]
        assert w.apply(Exit(pid=alive[0])).ok
    audit(w)
    left = {row.kind: row.objects for row in w.footprint() if row.objects and "spare" not in row.kind}
    assert left == {}
    assert not len(w.vma)
    assert not len(w.pt)
    assert not w.mms
    assert not len(w.anonymous_pages())


__all__ = ["I386", "WORLDS", "X86_64", "check_world", "content", "finds", "found", "kept", "last_exit", "memory"]
