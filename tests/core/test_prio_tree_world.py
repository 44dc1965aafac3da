"""The prio_tree at the size it was made for (test-mmap3, 2004), and as the i_mmap of worlds."""

from __future__ import annotations

import time

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from oracles import finds, memory

from rmapexplorer.core import operations as o
from rmapexplorer.core.audit import audit
from rmapexplorer.core.index.prio_tree import PrioTreeIndex
from rmapexplorer.core.table import VmaTable, ids
from rmapexplorer.core.units import Machine, Span
from rmapexplorer.core.world import World
from rmapexplorer.designs.anon_vma import AnonVma

# -- test-mmap3 -----------------------------------------------------------------------------------

PAGES, PROCESSES = 18_000, 32


@pytest.fixture(scope="module")
def mmap3() -> tuple[PrioTreeIndex, float, float]:
    """18,000 vmas of one page in reverse, then five times every process forks; and the seconds both took."""
    vma = VmaTable()
    index = PrioTreeIndex(vma)
    rows = vma.new_many(PAGES)
    vma.start[rows], vma.end[rows] = np.arange(PAGES), np.arange(PAGES) + 1
    vma.pgoff[rows], vma.file[rows] = PAGES - np.arange(PAGES), 0
    begun = time.perf_counter()
    for row in rows.tolist():
        index.insert(row)
    built = time.perf_counter()
    processes = [rows]
    for _ in range(5):
        for process in processes.copy():
            processes.append(vma.copy_rows(process))
            index.insert_forked(process, processes[-1])
    return index, built - begun, time.perf_counter() - built


def test_mmap3_is_built_and_forked_in_seconds(mmap3):
    index, built, forked = mmap3
    assert index.size(0) == PAGES * PROCESSES == 576_000
    assert built < 5
    assert forked < 10
    assert index.in_order(0)


def test_mmap3_finds_a_page_in_64_nodes_and_its_32_vmas(mmap3):
    index, _, _ = mmap3
    assert index.height(0) <= 30 == 2 * index.index_bits(0)
    stabs = index.stab(0, np.arange(1, PAGES + 1))
    for page, stab in enumerate(stabs, 1):
        assert len(stab.vmas) == PROCESSES
        assert (index.vma.pgoff[stab.vmas] == page).all()
        assert stab.total_rejects <= 2 * (1 + 15) + 2 < 64
        assert stab.total == stab.total_rejects + PROCESSES <= 64 + PROCESSES
    assert index.stab(0, ids([0, PAGES + 1]))[1].total == 1


def test_mmap3_the_first_process_ends_and_its_tree_stays_in_place(mmap3):
    index, _, _ = mmap3
    old, index = index, index.copy(index.vma)
    shape = [old.trees.radix[node] for node in old.trees.preorder(0)]
    index.remove_many(np.arange(PAGES))
    assert [index.trees.radix[node] for node in index.trees.preorder(0)] == shape
    assert index.size(0) == PAGES * (PROCESSES - 1)
    assert index.in_order(0)
    index.remove_many(np.arange(PAGES, PAGES * PROCESSES))
    assert index.size(0) == 0
    assert index.in_order(0)
    assert old.size(0) == PAGES * PROCESSES


# -- in a world -----------------------------------------------------------------------------------


class WithPrioTree(AnonVma):
    """anon_vma with the file index of its time."""

    FILE_INDEX = PrioTreeIndex


BASE = 512 * 8 - 24
pids, places, lengths = st.integers(1, 4), st.integers(0, 40), st.integers(1, 12)


def span(at: int, length: int) -> Span:
    return Span(BASE + at, BASE + at + length)


operations = st.one_of(
    st.builds(lambda pid, at, n, offset, kind, flags: o.Mmap(pid=pid, span=span(at, n), kind=kind, file="f", offset=offset, flags=flags),
              pids, places, lengths, st.integers(0, 20), st.sampled_from(["file-shared", "file-private"]),
              st.sampled_from([(), ("populate",)])),
    st.builds(lambda pid, at, n: o.Munmap(pid=pid, span=span(at, n)), pids, places, lengths),
    st.builds(lambda pid, at, n, prot: o.Mprotect(pid=pid, span=span(at, n), prot=prot), pids, places, lengths,
              st.sampled_from(["r", "rw"])),
    st.builds(lambda pid, at, n, new, to: o.Mremap(pid=pid, span=span(at, n), new_pages=new, to=BASE + to),
              pids, places, lengths, lengths, places),
    st.builds(lambda pid, child: o.Fork(pid=pid, child=child), pids, pids),
    st.builds(lambda pid: o.Exit(pid=pid), st.integers(2, 4)),
)  # fmt: skip


@given(st.lists(operations, min_size=12, max_size=40))
def test_a_world_finds_every_page_and_audits_clean(log):
    worlds: list[World] = [
        World(design, Machine(files={"f": 64})) for design in (WithPrioTree(), AnonVma(files="list"))
    ]
    begin: list[o.Operation] = [
        o.Spawn(pid=1),
        o.Mmap(pid=1, span=span(0, 30), kind="file-shared", file="f", flags=("populate",)),
    ]
    for op in begin + log:
        assert len({w.apply(op).error for w in worlds}) == 1
        audit(worlds[0])
        finds(worlds[0])
    assert memory(worlds[0]) == memory(worlds[1])


def test_a_world_of_many_small_vmas_walks_logarithmically():
    pages, forks = 400, 4
    w = World(WithPrioTree(), Machine(files={"f": 500}))
    window = Span(4096, 4096 + pages)
    log: list[o.Operation] = [o.Spawn(pid=1), o.Mmap(pid=1, span=window, kind="file-shared", file="f")]
    for at in range(pages):
        here = Span(window.start + at, window.start + at + 1)
        log.append(o.Mmap(pid=1, span=here, kind="file-shared", file="f", offset=pages - at, flags=("populate",)))
    alive = 1
    for _ in range(forks):
        log += [o.Fork(pid=pid, child=alive + pid) for pid in range(1, alive + 1)]
        alive *= 2
    for op in log:
        assert w.apply(op).ok
    audit(w)
    assert w.imap.size(0) == pages * alive
    walk = w.file_candidates(w.page.live())
    assert walk.total_nodes.max() <= 2 * (1 + 9) + 3 + alive - 1
    finds(w)
