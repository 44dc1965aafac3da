"""The eras of anon_vma_chain: growth of fork chains, costs of walks, which vmas merge, the reuse that was a bug.

Merge rules by version: is_mergeable_anon_vma of mm/mmap.c (2.6.34, 3.0 with 965f55dea0e3) and of mm/vma.c (6.16, 6.18).
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from at_random import MOVING, run_at_random
from oracles import check_world, finds, last_exit, new_world

from rmapexplorer.core.operations import (
    Brk,
    Exit,
    Fork,
    Mmap,
    Mprotect,
    Mremap,
    Munmap,
    Operation,
    Reclaim,
    Spawn,
    Touch,
)
from rmapexplorer.core.sizes import I386, X86_64
from rmapexplorer.core.units import Machine, Span
from rmapexplorer.core.walk import price
from rmapexplorer.core.world import World
from rmapexplorer.designs.avc_eras import ERAS
from rmapexplorer.formats.perf import load_perf

RECORDINGS = Path(__file__).parents[1] / "data" / "recordings"
NAMES = ("2.6.34", "3.0", "3.7", "4.0", "6.0", "6.18")
AT = Span(10, 14)
WRITE = ((10, 14, "w"),)


def key(era: str) -> str:
    return f"anon_vma_chain:era={era}"


def run(w: World, *ops: Operation) -> World:
    for op in ops:
        outcome = w.apply(op)
        assert outcome.ok, (op, outcome)
    return w


def parent(era: str) -> World:
    """Process 1 with four written pages at 10."""
    return run(new_world(key(era)), Spawn(pid=1), Mmap(pid=1, span=AT), Touch(pid=1, runs=WRITE))


def counts(w: World) -> tuple[int, int]:
    kept = {row.kind: row.objects for row in w.footprint()}
    return kept["anon_vma_chain"], kept["anon_vma"]


def vma(w: World, pid: int, vpn: int = 10) -> int:
    return w.vma_at(w.mms[w.tasks[pid].mm], vpn)


def own(w: World, pid: int, vpn: int = 10) -> int:
    return int(w.design.vma_owner(np.array([vma(w, pid, vpn)]))[0])


def page(w: World, pid: int, vpn: int = 10) -> int:
    return w.pt.get(w.mms[w.tasks[pid].mm].tables, vpn) >> 12


def vmas_of(w: World, pid: int) -> list[tuple[int, int]]:
    return [(int(w.vma.start[row]), int(w.vma.end[row])) for row in w.mms[w.tasks[pid].mm].vmas]


def walk_from(w: World, pages: list[int] | np.ndarray) -> tuple[int, int]:
    """(nodes, probes) of walks that look at every vma their anon_vma offers, mapcount aside."""
    walk = w.candidates(np.array(pages, np.int64))[0]
    return int(walk.total_nodes[walk.group].sum()), int(np.diff(walk.first)[walk.group].sum())


def test_a_picture_counts_the_children_one_sees() -> None:
    w = new_world("anon_vma_chain")
    run(w, Spawn(pid=1), Mmap(pid=1, span=AT), Touch(pid=1, runs=WRITE))
    page = int(w.anonymous_pages()[0])

    def told() -> list[str]:
        return [node.subtitle for node in w.design.picture(page, w.mms[0].vmas[0], 9).nodes if node.rank == 1]

    assert told() == ["0 children · 1 vma"], "a root counts itself in num_children, and has no other"
    run(w, Fork(pid=1, child=2), Fork(pid=1, child=3))
    assert told() == ["2 children · 1 vma"]


def test_the_default_is_today() -> None:
    assert tuple(ERAS)[0] == "6.18"
    assert set(ERAS) == set(NAMES)


# -- chains of forks ---------------------------------------------------------------------------------


@pytest.mark.parametrize("era", NAMES)
@pytest.mark.parametrize("generations", [1, 2, 5, 40])
def test_the_endless_chain(era: str, generations: int) -> None:
    """The parent forks and exits. Before 4.0 the survivor hangs on n + 1 anon_vmas (Forrest, 2012); after, 3 at most."""
    w = parent(era)
    for n in range(1, generations + 1):
        run(w, Fork(pid=n, child=n + 1), Touch(pid=n + 1, runs=WRITE), Exit(pid=n))
    expected = generations + 1 if era in ("2.6.34", "3.0", "3.7") else min(generations + 1, 3)
    assert counts(w) == (expected, expected)
    last_exit(w)


@pytest.mark.parametrize("era", NAMES)
def test_all_alive(era: str) -> None:
    """A line of n + 1 processes: (n + 1)(n + 2) / 2 avcs, n + 1 anon_vmas, in every era: nobody unmaps, nothing is reused."""
    w = run(parent(era), *(Fork(pid=1 + i, child=2 + i) for i in range(9)))
    assert counts(w) == (10 * 11 // 2, 10)


# -- walks -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("n", [1, 4, 20])
def test_aim7_of_2010_before_and_after(n: int) -> None:
    """5beb49305251: n children write n pages each. Then n * n * (n + 1) vmas are visited on one list, now n * n.

    The tree adds its descent: one level for the one vma of a child's own anon_vma.
    """
    assert {k: aim7(k, n) for k in ("anon_vma", key("2.6.34"), key("6.18"))} == {
        "anon_vma": (n * n * (n + 1), n * n * (n + 1)),
        key("2.6.34"): (n * n, n * n),
        key("6.18"): (2 * n * n, n * n),
    }


@pytest.mark.parametrize(("name", "visits"), [("anon_vma", 1_001_000_000), (key("2.6.34"), 1_000_000)])
def test_aim7_with_a_thousand(name: str, visits: int) -> None:
    """The million pages of the commit's text."""
    assert aim7(name, 1000)[0] == visits


def aim7(name: str, n: int) -> tuple[int, int]:
    """(nodes, probes) of the walks of all pages that n children wrote, n each, mapcount aside."""
    w = run(new_world(name), Spawn(pid=1), Mmap(pid=1, span=Span(0, n)), Touch(pid=1, runs=((0, n, "w"),)))
    run(w, *(Fork(pid=1, child=2 + i) for i in range(n)))
    run(w, *(Touch(pid=2 + i, runs=((0, n, "w"),)) for i in range(n)))
    pages = w.anonymous_pages()
    theirs = np.unique(w.pt.flat[w.pt.span(w.mms[w.tasks[1].mm].tables, 0, n)[1]] >> 12)
    return walk_from(w, np.setdiff1d(pages, theirs))


@pytest.mark.parametrize("era", NAMES)
@pytest.mark.parametrize("n", [2, 8, 63])
def test_a_vma_cut_by_mprotect(era: str, n: int) -> None:
    """n vmas on one anon_vma: a list visits all n and rejects n - 1; a tree descends and reports one (bf181b9f9d8d)."""
    w = run(new_world(key(era)), Spawn(pid=1), Mmap(pid=1, span=Span(0, n)), Touch(pid=1, runs=((0, n, "w"),)))
    run(w, *(Mprotect(pid=1, span=Span(i, i + 1), prot="r") for i in range(0, n, 2)))
    assert len(vmas_of(w, 1)) == n
    walk = w.candidates(np.array([page(w, 1, n // 2)], np.int64))[0]
    listed = era in ("2.6.34", "3.0")
    assert int(walk.total_nodes[0]) == (n if listed else n.bit_length() + 1)
    assert int(walk.total_rejects[0]) == (n - 1 if listed else 0)
    assert price(w, walk).hits.tolist() == [1]


def test_a_list_walks_in_order_of_making_a_tree_by_pgoff() -> None:
    """2.6.34 adds at the tail: what was made later comes later, whatever its pgoff."""
    ops = (Fork(pid=1, child=2), Mprotect(pid=1, span=Span(10, 12), prot="r"), Fork(pid=1, child=3))
    orders = {}
    for era in ("2.6.34", "6.18"):
        w = run(parent(era), *ops)
        avcs = w.design.tree(own(w, 1))  # type: ignore[attr-defined]
        at = w.design.avc.vma[avcs]  # type: ignore[attr-defined]
        orders[era] = [(int(w.vma.mm[row]), int(w.vma.pgoff[row])) for row in at]
    assert orders["2.6.34"] == [(0, 10), (1, 10), (0, 12), (2, 10), (2, 12)]
    assert orders["6.18"] == [(1, 10), (0, 10), (2, 10), (0, 12), (2, 12)]


@pytest.mark.parametrize(("era", "kind"), [("2.6.34", "prio_tree"), ("3.0", "prio_tree"), ("3.7", "interval tree")])
def test_files_go_by_the_index_of_the_time(era: str, kind: str) -> None:
    w = new_world(key(era))
    assert kind == w.imap.KIND
    assert kind == w.copy().imap.KIND


# -- merging -----------------------------------------------------------------------------------------

BEFORE_30 = ("2.6.34",)
SINGULAR = ("3.0", "3.7", "4.0", "6.0")


def grows_beside(w: World, pid: int) -> bool:
    """New memory right of the vma at 10: does the vma take it in?"""
    run(w, Mmap(pid=pid, span=Span(14, 16)))
    return vma(w, pid, 14) == vma(w, pid, 10)


@pytest.mark.parametrize("era", NAMES)
def test_a_faulted_vma_grows_over_new_memory(era: str) -> None:
    """Row: existing side faulted, new side not. Yes in all eras while the chain is singular."""
    assert grows_beside(parent(era), 1)


@pytest.mark.parametrize("era", NAMES)
def test_a_forked_vma_grows_over_new_memory(era: str) -> None:
    """Row: forked vma grows or merges with a fresh neighbour. Yes before 3.0; its parent always may."""
    w = run(parent(era), Fork(pid=1, child=2))
    refused = w.counters["merges_refused"]
    assert grows_beside(w, 2) == (era in BEFORE_30)
    assert (w.counters["merges_refused"] > refused) == (era not in BEFORE_30)
    assert grows_beside(w, 1)
    check_world(w)


@pytest.mark.parametrize("era", NAMES)
def test_faulted_into_unfaulted(era: str) -> None:
    """Row: mprotect makes a faulted vma equal to its unfaulted left neighbour. Yes to 2.6.39, not in 3.0 to 6.15, yes after."""
    w = run(new_world(key(era)), Spawn(pid=1), Mmap(pid=1, span=Span(10, 12), prot="r"), Mmap(pid=1, span=Span(12, 14)))
    run(w, Touch(pid=1, runs=((12, 14, "w"),)), Mprotect(pid=1, span=Span(10, 12), prot="rw"))
    w2 = run(
        new_world(key(era)), Spawn(pid=1), Mmap(pid=1, span=Span(10, 12)), Mmap(pid=1, span=Span(12, 14), prot="rwx")
    )
    run(w2, Touch(pid=1, runs=((12, 14, "w"),)), Mprotect(pid=1, span=Span(12, 14), prot="rw"))
    merged = vma(w2, 1, 10) == vma(w2, 1, 12)
    assert merged == (era not in SINGULAR)
    # the other way round, unfaulted into faulted, always was allowed
    assert vma(w, 1, 10) == vma(w, 1, 12)
    check_world(w2)
    run(w2, Reclaim())
    assert w2.counters["missed_ptes"] == 0


@pytest.mark.parametrize("era", NAMES)
def test_a_forked_source_into_unfaulted(era: str) -> None:
    """The same in a child: yes to 2.6.39, no ever since."""
    ops = (
        Mmap(pid=1, span=Span(10, 12)),
        Mmap(pid=1, span=Span(12, 14), prot="rwx"),
        Touch(pid=1, runs=((12, 14, "w"),)),
    )
    w = run(
        new_world(key(era)), Spawn(pid=1), *ops, Fork(pid=1, child=2), Mprotect(pid=2, span=Span(12, 14), prot="rw")
    )
    assert (vma(w, 2, 10) == vma(w, 2, 12)) == (era in BEFORE_30)
    check_world(w)


@pytest.mark.parametrize("era", NAMES)
def test_neighbours_share_at_fault_from_singular_chains_only(era: str) -> None:
    """d0e9fe1758f2: a fresh vma borrows its neighbour's anon_vma; beside a forked one it makes its own."""
    ops = (Mmap(pid=1, span=Span(14, 16), prot="rwx"), Fork(pid=1, child=2))
    w = run(parent(era), *ops, *(Touch(pid=pid, runs=((14, 15, "w"),)) for pid in (1, 2)))
    assert own(w, 1, 14) == own(w, 1, 10)
    assert own(w, 2, 14) not in (own(w, 2, 10), -1)


@pytest.mark.parametrize("era", NAMES)
def test_pgoff_follows_an_unfaulted_vma(era: str) -> None:
    """Row: pgoff reset when unfaulted. Yes always; once faulted it is frozen."""
    w = run(new_world(key(era)), Spawn(pid=1), Mmap(pid=1, span=AT), Mremap(pid=1, span=AT, new_pages=4, to=100))
    assert int(w.vma.pgoff[vma(w, 1, 100)]) == 100
    run(w, Touch(pid=1, runs=((100, 101, "w"),)), Mremap(pid=1, span=Span(100, 104), new_pages=4, to=200))
    assert int(w.vma.pgoff[vma(w, 1, 200)]) == 100


@pytest.mark.parametrize("era", NAMES)
def test_brk_after_fork_makes_a_vma(era: str) -> None:
    """The child's heap grows: a vma of its own since 3.0 (will-it-scale's brk1 shows it), the parent's grows in place."""
    w = run(new_world(key(era)), Spawn(pid=1), Brk(pid=1, start=20, end=24), Touch(pid=1, runs=((20, 24, "w"),)))
    run(w, Fork(pid=1, child=2), Brk(pid=2, end=26), Brk(pid=1, end=26))
    assert len(vmas_of(w, 1)) == 1
    assert len(vmas_of(w, 2)) == (1 if era in BEFORE_30 else 2)


@pytest.mark.parametrize("era", NAMES)
def test_brk_takes_in_what_follows(era: str) -> None:
    """do_brk merged to both sides until the maple tree of 6.1; 6.18 expands the left vma alone."""
    w = run(new_world(key(era)), Spawn(pid=1), Brk(pid=1, start=20, end=22), Mmap(pid=1, span=Span(24, 26)))
    run(w, Brk(pid=1, end=24))
    assert vmas_of(w, 1) == ([(20, 24), (24, 26)] if era == "6.18" else [(20, 26)])


# -- reuse -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("era", NAMES)
def test_the_double_reuse_of_40(era: str) -> None:
    """P, C, D in line, C unmaps: E takes C's. Then E forks F: by degree it takes D's although D uses it; 6.0 does not."""
    line = (Fork(pid=1, child=2), Fork(pid=2, child=3), Munmap(pid=2, span=AT))
    w = run(parent(era), *line)
    middle = int(w.design.avc.anon_vma[w.design.links(vma(w, 3))[1]])  # type: ignore[attr-defined]
    run(w, Fork(pid=3, child=4))
    assert (own(w, 4) == middle) == (era in ("4.0", "6.0", "6.18"))
    run(w, Fork(pid=4, child=5))
    assert (own(w, 5) == own(w, 3)) == (era == "4.0")
    check_world(w)


def two_halves(era: str) -> World:
    """Process 7 with two halves that hang on different anon_vmas of 6 (A4, A5) besides D's A2, which nobody uses any more."""
    w = run(parent(era), Fork(pid=1, child=2), Fork(pid=2, child=3), Munmap(pid=2, span=AT))
    run(
        w, Fork(pid=3, child=4), Fork(pid=3, child=5)
    )  # 4 takes the anon_vma of 2; 5 is the second that keeps A2 in use
    upper = Span(12, 14)
    run(w, Mprotect(pid=4, span=upper, prot="r"), Fork(pid=4, child=6), Mprotect(pid=6, span=upper, prot="rw"))
    run(w, Touch(pid=6, runs=WRITE), Exit(pid=5), Exit(pid=3), Exit(pid=4), Fork(pid=6, child=7))
    return run(w, Mprotect(pid=7, span=upper, prot="r"), Mprotect(pid=7, span=upper, prot="rw"))


@pytest.mark.parametrize("era", NAMES)
def test_the_use_after_free_of_2022(era: str) -> None:
    """2555283eb40d: both halves took the same old anon_vma, so they merge although their chains differ, and one chain goes.

    The two upper pages are 6's, whose anon_vma no longer leads to 7: exactly their two ptes are missed, in 4.0 alone.
    """
    w = two_halves(era)
    joined = vma(w, 7, 10) == vma(w, 7, 12)
    assert joined == (era == "4.0")
    assert finds(w) == (2 if joined else 0)
    # 6 goes, its anon_vma with it: page->mapping of 7's pages points at what was freed
    run(w, Exit(pid=6))
    assert finds(w) == (2 if joined else 0)
    owner = int(w.page.mapping[page(w, 7, 12)])
    assert bool(w.design.av.alive[owner]) != joined  # type: ignore[attr-defined]
    run(w, Reclaim())
    assert (w.counters["missed_ptes"], w.counters["pages_unswappable"]) == ((2, 2) if joined else (0, 0))
    last_exit(w)


# -- sizes, and everything at random -----------------------------------------------------------------


@pytest.mark.parametrize(
    ("era", "anon_vma", "avc"),
    [("2.6.34", 24, 48), ("3.0", 64, 48), ("3.7", 56, 64), ("4.0", 72, 64), ("6.0", 104, 64), ("6.18", 104, 64)],
)
def test_sizes(era: str, anon_vma: int, avc: int) -> None:
    assert [row.size for row in parent(era).footprint()] == [anon_vma, avc]
    i386 = World(type(parent(era).design)(era=era), Machine(arch="i386", word_bytes=4))
    assert all("32-bit" in row.source for row in i386.footprint())
    assert all(set(by_arch) == {I386, X86_64} for by_arch in ERAS[era].sizes.values())


@pytest.mark.parametrize(("seed", "memory"), [(1, {}), (5, {}), (1, {"ram_pages": 48, "swap_pages": 24})])
def test_at_random(seed: int, memory: dict[str, int]) -> None:
    """The eras beside one another: other vmas, the same memory, every pte found, nothing left at the end."""
    assert len(run_at_random(map(key, NAMES), seed, 120, mix=MOVING, **memory).log) > 60


@pytest.mark.parametrize("era", ["2.6.34", "3.0", "4.0"])
def test_a_real_program(era: str) -> None:
    """A shell pipeline, recorded: every page is found at the end, and everything goes with the last process."""
    session = load_perf(str(RECORDINGS / "shell-pipeline.perf.txt.gz"))
    w = World(type(parent(era).design)(era=era), session.machine)
    for op in session.operations:
        w.apply(op)
    assert finds(w) == 0
    last_exit(w)
