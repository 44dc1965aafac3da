"""A fork shares page tables row by row; what comes out is what copy_pte_range gives pte by pte."""

from __future__ import annotations

import random

import numpy as np
import pytest
from oracles import finds, new_world
from recording import Recorder

from rmapexplorer.core import flags as vm
from rmapexplorer.core import radix
from rmapexplorer.core.audit import audit
from rmapexplorer.core.operations import Fork, Madvise, Mmap, Mprotect, Reclaim, Spawn, Touch
from rmapexplorer.core.pages import is_page
from rmapexplorer.core.table import ids
from rmapexplorer.core.units import Machine, Span
from rmapexplorer.core.world import World

BASE = 512 * 9 - 200
KINDS = ("anon", "anon", "anon", "anon-shared", "file-private", "file-shared")


def mixed(seed: int, key: str = "anon_vma_chain") -> World:
    """A process with vmas of all kinds, some in one table, some over several, their pages written, read, or in swap."""
    dice, w, at = random.Random(seed), new_world(key, Machine(files={"f": 64})), BASE
    w.apply(Spawn(pid=1))
    for _ in range(14):
        at += dice.choice((0, 0, 1, 30, 300))
        span = Span(at, at + dice.choice((1, 2, 7, 60, 600)))
        at = span.end
        w.apply(Mmap(pid=1, span=span, kind=dice.choice(KINDS), file="f", offset=dice.randrange(9)))
        for _ in range(3):
            low = dice.randrange(span.start, span.end)
            high = dice.randrange(low, span.end) + 1
            w.apply(Touch(pid=1, runs=((low, high, dice.choice("rww")),)))
        if dice.random() < 0.5:
            w.apply(
                Madvise(pid=1, span=span, advice=dice.choice(("dontfork", "wipeonfork", "guard_install", "pageout")))
            )
        if dice.random() < 0.2:
            w.apply(Mprotect(pid=1, span=span, prot=""))
    return w


def expected(w: World) -> tuple[dict[int, int], dict[int, int]]:
    """Entries by page number of the parent and of the child after a fork, one after another."""
    mm, theirs, ours = w.mms[0], {}, {}
    for row in mm.vmas:
        flags = int(w.vma.flags[row])
        copied = not flags & (vm.DONTCOPY | vm.WIPEONFORK) and (w.design.has_anon(row) or bool(w.vma.guarded[row]))
        for vpn in range(int(w.vma.start[row]), int(w.vma.end[row])):
            entry = w.pt.get(mm.tables, vpn)
            if not entry:
                continue
            if copied and entry & radix.SWAP:
                entry &= ~radix.EXCLUSIVE
            elif copied and not flags & vm.SHARED and is_page(ids(entry))[0]:
                entry &= ~radix.WRITE
            theirs[vpn] = entry
            if copied:
                ours[vpn] = entry & ~radix.YOUNG
    return theirs, ours


def entries(w: World, mm: int) -> dict[int, int]:
    """All entries of an mm by page number."""
    out = {}
    for number, row in w.mms[mm].tables.rows.items():
        columns = np.flatnonzero(w.pt.entries[row])
        assert len(columns), "a fork makes no empty table"
        out |= dict(zip((columns + number * 512).tolist(), w.pt.entries[row, columns].tolist(), strict=True))
    return out


@pytest.mark.parametrize("seed", range(12))
def test_rows_come_out_as_pte_by_pte(seed: int) -> None:
    w = mixed(seed)
    theirs, ours = expected(w)
    mapcount = w.page.mapcount.copy()
    assert w.apply(Fork(pid=1, child=2)).ok
    assert entries(w, 1) == ours
    for vpn, entry in theirs.items():
        assert w.pt.get(w.mms[0].tables, vpn) == entry
    mapped = [entry >> radix.ENTRY_SHIFT for entry in ours.values() if is_page(ids(entry))[0]]
    assert (w.page.mapcount - mapcount == np.bincount(mapped, minlength=len(mapcount))).all()
    audit(w)
    finds(w)


@pytest.mark.parametrize("key", ["pte_chain", "anon_vma:direct=fixup", "anon_vma_lazy"])
def test_designs_that_ask_for_them_are_told_of_the_ptes(key: str) -> None:
    w = mixed(3, key)
    assert w.apply(Fork(pid=1, child=2)).ok
    audit(w)
    finds(w)


@pytest.mark.parametrize("told", [True, False])
def test_ptes_are_listed_for_a_design_that_wants_to_know_them(told: bool) -> None:
    design = Recorder()
    design.TOLD_OF_FORKED_PTES = told
    w = World(design, Machine())
    for op in (Spawn(pid=1), Mmap(pid=1, span=Span(0, 600)), Touch(pid=1, runs=((0, 600, "w"),)), Fork(pid=1, child=2)):
        assert w.apply(op).ok
    assert ("ptes_set x600 fork" in design.log) == told
    assert "fork_spares 1 600" in design.log
    assert w.apply(Reclaim()).ok
