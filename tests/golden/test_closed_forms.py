"""Costs that are known in closed form or were published: chains, lists, groups, at any number of processes.

F1 to F6 follow from the code of mm/rmap.c at 2.6.5 (pte_chain), rmap 10 and 11 of 2004-05-22 (anonmm) and 2.6.7
(anon_vma, "rmap 40"); the text names what each rests on.
"""

from __future__ import annotations

import numpy as np
import pytest
from oracles import I386, X86_64, new_world

from rmapexplorer.core.operations import Exit, Fork, Mmap, Munmap, Operation, Spawn, Touch
from rmapexplorer.core.sizes import chain_slots
from rmapexplorer.core.units import KernelError, Machine, Span
from rmapexplorer.core.walk import Priced, price
from rmapexplorer.core.world import World

MACHINES = [pytest.param(I386, id="i386"), pytest.param(X86_64, id="x86_64")]
SIZES = {"i386": {"anonmm": 24, "anon_vma": 12, "link": 12}, "x86_64": {"anonmm": 40, "anon_vma": 24, "link": 24}}
DESIGNS = ("pte_chain", "anonmm", "anon_vma")


def run(w: World, *ops: Operation) -> World:
    for op in ops:
        outcome = w.apply(op)
        assert outcome.ok, (op, outcome)
    return w


def family(key: str, children: int, machine: Machine = X86_64, pages: int = 1, touched: bool = True) -> World:
    """Process 1 with ``pages`` written pages (or none yet) in one vma, and its children 2, 3, ... in order."""
    w = run(new_world(key, machine), Spawn(pid=1), Mmap(pid=1, span=Span(0, pages)))
    if touched:
        run(w, Touch(pid=1, runs=((0, pages, "w"),)))
    return run(w, *(Fork(pid=1, child=2 + i) for i in range(children)))


def page_of(w: World, pid: int, vpn: int = 0) -> int:
    return w.pt.get(w.mms[w.tasks[pid].mm].tables, vpn) >> 12


def walk_of(w: World, pid: int, vpn: int = 0) -> Priced:
    return price(w, w.candidates(np.array([page_of(w, pid, vpn)], np.int64))[0])


def objects(w: World) -> dict[str, int]:
    return {row.kind: row.objects for row in w.footprint()}


# -- F1, F2: pte_chain -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("line", "pte_addr", "word", "slots"),
    [
        *((16, 4, 4, 3), (32, 4, 4, 7), (64, 4, 4, 15), (128, 4, 4, 31)),
        *((16, 8, 4, 1), (32, 8, 4, 3), (64, 8, 4, 7), (128, 8, 4, 15)),
        *((16, 8, 8, 1), (32, 8, 8, 3), (64, 8, 8, 7), (128, 8, 8, 15)),
    ],
)
def test_slots_of_a_chain_block(line: int, pte_addr: int, word: int, slots: int) -> None:
    """NRPTE of 2.6.5's mm/rmap.c: what a cache line holds beside next_and_idx; i386, i386 HIGHPTE with PAE, 64-bit.

    The lead commit is "pte_chain = one cacheline array" of 2002-09-09, whose message names 7, 15 and 31 slots.
    """
    assert chain_slots(line, pte_addr, word) == slots


def test_chain_blocks_of_a_single_slot_are_refused() -> None:
    """The step from PG_direct to a chain needs two slots (page_add_rmap, 2.6.5): lines of 16 bytes do not fit 8-byte ptes."""
    with pytest.raises(KernelError, match="two ptes"):
        new_world("pte_chain", Machine(cache_line_bytes=16))


def blocks_expected(mappings: int, slots: int) -> int:
    return 0 if mappings <= 1 else -(-mappings // slots)


@pytest.mark.parametrize("machine", MACHINES)
@pytest.mark.parametrize("line", [32, 64, 128])
def test_f1_chain_blocks_of_k_mappings(machine: Machine, line: int) -> None:
    """F1: ceil(k / N) blocks for k > 1 mappings; the k-th allocates iff k == 2 or k > N and (k - 1) mod N == 0.

    From page_add_rmap of mm/rmap.c, 2.6.5.
    """
    machine = Machine(arch=machine.arch, word_bytes=machine.word_bytes, cache_line_bytes=line)
    slots = chain_slots(line, machine.word_bytes, machine.word_bytes)
    w = family("pte_chain", 0, machine)
    assert objects(w)["pte_chain"] == 0
    for k in range(2, 4 * slots + 3):
        before = objects(w)["pte_chain"]
        run(w, Fork(pid=1, child=k))
        assert objects(w)["pte_chain"] == blocks_expected(k, slots)
        allocated = objects(w)["pte_chain"] - before
        assert allocated == (k == 2 or (k > slots and (k - 1) % slots == 0))


def chained(k: int, machine: Machine) -> tuple[World, list[int]]:
    """A page with k mappings, in order of their insertion: process 1 to k."""
    w = family("pte_chain", k - 1, machine)
    return w, list(range(1, k + 1))


@pytest.mark.parametrize("machine", MACHINES)
@pytest.mark.parametrize("k", [2, 4, 6, 8, 14, 16, 32, 62, 100])
def test_f2_removal_oldest_first(k: int, machine: Machine) -> None:
    """F2: unmapping a page's k ptes in the order they came compares k(k + 4) / 4 slots, whatever NRPTE (k even).

    page_remove_rmap of 2.6.5 scans from the head block and moves the head's first entry into the hole; simulated
    independently for k = 32 and 100: 288 and 2,600.
    """
    w, pids = chained(k, machine)
    run(w, *(Munmap(pid=pid, span=Span(0, 1)) for pid in pids))
    # the last one alone is on a chain still: 2.6.5 collapses to PG_direct in page_referenced only
    assert w.counters["slots_compared"] == k * (k + 4) // 4
    assert objects(w)["pte_chain"] == 0


@pytest.mark.parametrize("machine", MACHINES)
@pytest.mark.parametrize("k", [2, 3, 7, 8, 15, 16, 32, 100])
def test_f2_removal_newest_first(k: int, machine: Machine) -> None:
    """F2: in reverse order every pte is the first used slot of the head block: k comparisons."""
    w, pids = chained(k, machine)
    run(w, *(Munmap(pid=pid, span=Span(0, 1)) for pid in reversed(pids)))
    assert w.counters["slots_compared"] == k


@pytest.mark.parametrize("machine", MACHINES)
def test_f2_a_thousand_mappings(machine: Machine) -> None:
    """F2: 251,000 comparisons oldest first, 1,000 newest first, for 1,000 mappings."""
    w, pids = chained(1000, machine)
    twin = w.copy()
    run(w, *(Exit(pid=pid) for pid in pids))
    assert w.counters["slots_compared"] == 251_000
    run(twin, *(Exit(pid=pid) for pid in reversed(pids)))
    assert twin.counters["slots_compared"] == 1_000


# -- F3: bytes after forks ---------------------------------------------------------------------------


@pytest.mark.parametrize("machine", MACHINES)
@pytest.mark.parametrize("children", [1, 2, 5, 6, 7, 13, 14, 20])
@pytest.mark.parametrize("pages", [1, 5])
@pytest.mark.parametrize("vmas", [1, 3])
def test_f3_bytes_of_a_forking_parent(machine: Machine, children: int, pages: int, vmas: int) -> None:
    """F3: P pages in v private vmas, n forks, nobody writes; bytes of each design by field lists of their kernels.

    pte_chain P ceil((n + 1) / N) L1; anonmm 24 (n + 1), 40 on 64-bit; anon_vma 12 anon_vmas and 12 v (n + 1) of
    linkage, 24 on 64-bit. The vmas lie apart, so that none adopts a neighbour's anon_vma.
    """
    size = SIZES[machine.arch]
    slots = chain_slots(machine.cache_line_bytes, machine.word_bytes, machine.word_bytes)
    expected = {
        "pte_chain": vmas * pages * blocks_expected(children + 1, slots) * machine.cache_line_bytes,
        "anonmm": size["anonmm"] * (children + 1),
        "anon_vma": size["anon_vma"] * vmas + size["link"] * vmas * (children + 1),
    }
    for key, bytes_expected in expected.items():
        w = run(new_world(key, machine), Spawn(pid=1))
        for number in range(vmas):
            at = number * (pages + 1)
            run(w, Mmap(pid=1, span=Span(at, at + pages)), Touch(pid=1, runs=((at, at + pages, "w"),)))
        run(w, *(Fork(pid=1, child=2 + i) for i in range(children)))
        kept = sum(row.bytes for row in w.footprint() if "spare" not in row.kind)
        assert kept == bytes_expected, key


@pytest.mark.parametrize("machine", MACHINES)
def test_f3_a_process_that_never_forked(machine: Machine) -> None:
    """C14: pte_chain keeps nothing for it (PG_direct), anonmm 1 object, anon_vma a head and a link for each vma."""
    size = SIZES[machine.arch]
    expected = {"pte_chain": 0, "anonmm": size["anonmm"], "anon_vma": size["anon_vma"] + size["link"]}
    for key, bytes_expected in expected.items():
        kept = family(key, 0, machine, pages=9).footprint()
        assert sum(row.bytes for row in kept if "spare" not in row.kind) == bytes_expected, key


# -- F4, F5, F6: walks -------------------------------------------------------------------------------


@pytest.mark.parametrize("machine", MACHINES)
@pytest.mark.parametrize("n", [1, 2, 3, 10, 25])
def test_f4_private_page_of_each_child_in_an_inherited_vma(machine: Machine, n: int) -> None:
    """F4: child i of n writes a page of its own into the inherited vma: probes are 1, 1 and n - i + 1.

    list_add at the head puts the newest vma first (anon_vma_link, mm/rmap.c 2.6.7), anonmm begins at the page's own mm.
    """
    for key in DESIGNS:
        w = family(key, n, machine)
        run(w, *(Touch(pid=2 + i, runs=((0, 1, "w"),)) for i in range(n)))
        probes = [int(walk_of(w, 1 + i).probes[0]) for i in range(1, n + 1)]
        assert probes == ([n - i + 1 for i in range(1, n + 1)] if key == "anon_vma" else [1] * n), key


@pytest.mark.parametrize(
    ("key", "total"), [("anon_vma", 500_500), ("anonmm", 1_000), ("pte_chain", 1_000), ("anon_vma_chain", 1_000)]
)
def test_f4_a_thousand_children(key: str, total: int) -> None:
    """F4: 1,000 children with a page each in an inherited vma: n(n + 1) / 2 probes for anon_vma, 1 each for the others.

    The scenario of commit 5beb49305251 (2010), which made a child's new pages the child's own.
    """
    n = 1000
    w = family(key, n)
    run(w, *(Touch(pid=2 + i, runs=((0, 1, "w"),)) for i in range(n)))
    pages = np.array([page_of(w, 2 + i) for i in range(n)], np.int64)
    priced = price(w, w.candidates(pages)[0])
    assert int(priced.probes.sum()) == total
    assert (priced.hits == 1).all()
    assert int(priced.missed.sum()) == 0


@pytest.mark.parametrize("machine", MACHINES)
@pytest.mark.parametrize("n", [1, 2, 6, 7, 20])
def test_f5_page_shared_by_all(machine: Machine, n: int) -> None:
    """F5: a page that parent and n children map costs n + 1 probes in every design; a chain ceil((n + 1) / N) nodes."""
    slots = chain_slots(machine.cache_line_bytes, machine.word_bytes, machine.word_bytes)
    for key in (*DESIGNS, "anon_vma_chain"):
        priced = walk_of(family(key, n, machine), 1)
        assert (int(priced.probes[0]), int(priced.hits[0])) == (n + 1, n + 1), key
        if key == "pte_chain":
            assert int(priced.nodes[0]) == blocks_expected(n + 1, slots)


@pytest.mark.parametrize("machine", MACHINES)
@pytest.mark.parametrize("n", [1, 2, 9, 30])
@pytest.mark.parametrize("which", ["first", "middle", "last"])
def test_f6_page_left_to_one_child(machine: Machine, n: int, which: str) -> None:
    """F6: the parent's page, by now mapped by child j alone: probes 1, j + 1 and n - j + 1.

    anonmm looks at the parent, then at children in order of birth (mm/rmap.c, rmap 10); anon_vma at the newest vma first.
    """
    j = {"first": 1, "middle": max(n // 2, 1), "last": n}[which]
    expected = {"pte_chain": 1, "anonmm": j + 1, "anon_vma": n - j + 1}
    for key in DESIGNS:
        w = family(key, n, machine)
        shared = page_of(w, 1)
        run(w, *(Touch(pid=pid, runs=((0, 1, "w"),)) for pid in range(1, n + 2) if pid != 1 + j))
        assert page_of(w, 1 + j) == shared
        priced = walk_of(w, 1 + j)
        assert (int(priced.probes[0]), int(priced.hits[0])) == (expected[key], 1), key


@pytest.mark.parametrize("n", [1, 2, 9])
def test_f6_of_a_parent_that_exited(n: int) -> None:
    """F6 with the parent gone: its anonmm is an orphan that is passed over, not probed (rmap 10)."""
    w = family("anonmm", n)
    run(w, Exit(pid=1), *(Touch(pid=2 + i, runs=((0, 1, "w"),)) for i in range(n - 1)))
    assert int(walk_of(w, 1 + n).probes[0]) == n
    assert objects(w) == {"anonmm": n + 1}


# -- atomic allocations ------------------------------------------------------------------------------


def test_c15_atomic_allocations_of_a_fork() -> None:
    """C15: pte_chain tries one GFP_ATOMIC for each vma and one for each block consumed at fork; the others none.

    copy_page_range of 2.6.5 has pte_chain_alloc(GFP_ATOMIC) before the loop and after each chain that page_add_rmap used.
    """
    tried = {}
    for key in (*DESIGNS, "anon_vma_chain"):
        w = family(key, 0, pages=10)
        tried[key] = w.apply(Fork(pid=1, child=2)).deltas.get("atomic_allocs", 0)
    assert tried == {"pte_chain": 1 + 10, "anonmm": 0, "anon_vma": 0, "anon_vma_chain": 0}
