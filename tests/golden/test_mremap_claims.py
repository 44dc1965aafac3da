"""What the letter of 2004-03-12 and its answers claim about anonmm and mremap, measured.

Expected figures follow from the code of anobjrmap 4/6 and 5/6 (2003-03-20), 5/6 and 7/6 (2004-03), rmap 11 (2004-05-22)
and 2.6.7; for designs that were never written, from their description.
"""

from __future__ import annotations

import numpy as np
import pytest
from oracles import I386, X86_64, found, truth
from test_closed_forms import family, page_of, run, walk_of

from rmapexplorer.core.operations import Exit, Fork, Mmap, Mremap, Operation, Reclaim, Spawn, Touch
from rmapexplorer.core.table import Ints
from rmapexplorer.core.units import Machine, Span
from rmapexplorer.core.walk import price
from rmapexplorer.core.world import World
from rmapexplorer.designs.anonmm import AnonMm

MACHINES = [pytest.param(I386, id="i386"), pytest.param(X86_64, id="x86_64")]
VARIANTS = ("anonmm", *(f"anonmm:variant={v}" for v in ("4a", "4b", "4c", "4d")))
FORMS = ("anonmm_ranges", "anonmm_ranges:form=tree", "anonmm_ranges:form=exhaustive")
OTHERS = ("pte_chain", "shared_space", "anon_vma", "anon_vma_chain")
LOSSY = ("anonmm:variant=4a", "anonmm:variant=4c")
FAR = 1 << 20


def move(pid: int, start: int, pages: int, to: int) -> Mremap:
    return Mremap(pid=pid, span=Span(start, start + pages), new_pages=pages, to=to)


def objects(w: World, kind: str) -> int:
    return sum(row.objects for row in w.footprint() if row.kind == kind)


# -- C1, C2: pages that mremap moves -----------------------------------------------------------------


@pytest.mark.parametrize("key", (*VARIANTS, *FORMS, *OTHERS))
@pytest.mark.parametrize(("pages", "moved"), [(1, 1), (8, 3), (50, 50)])
def test_c1_ptes_lost_by_mremap_of_shared_pages(key: str, pages: int, moved: int) -> None:
    """C1: fork, the child moves R of P shared pages: 4a and 4c lose R ptes, all others none; 4d and 4e copy R pages.

    page_update_anon_rmap of 2004-03-18 acts with mapcount 1 alone; rmap 11 copies ("mremap moved %d cows").
    """
    w = run(family(key, 1, pages=pages), move(2, 0, moved, FAR))
    assert w.probe().missed == (moved if key in LOSSY else 0)
    assert w.counters["copied_by_mremap"] == (moved if key in ("anonmm", "anonmm:variant=4d") else 0)
    run(w, Reclaim())
    assert w.counters["missed_ptes"] == w.counters["pages_unswappable"] == (moved if key in LOSSY else 0)


@pytest.mark.parametrize("key", (*VARIANTS, *FORMS))
def test_c1_exclusive_pages_are_never_lost(key: str) -> None:
    """C1: pages that no fork shares move without loss, without copy and without an object that stays; one probe finds each."""
    w = family(key, 0, pages=9)
    before = {row.kind: row.objects for row in w.footprint()}
    run(w, move(1, 2, 5, FAR))
    probe = w.probe()
    assert (probe.missed, probe.ptes, w.counters["copied_by_mremap"]) == (0, 9, 0)
    after = {row.kind: row.objects for row in w.footprint() if "spare" not in row.kind}
    assert after == {kind: before[kind] for kind in after}


class Rewriting(AnonMm):
    """4c that gives every moved page its new address, shared or not."""

    def ptes_moved(
        self, pages: Ints, source: int, target: int, old_vpns: Ints, vpns: Ints, old_slots: Ints, slots: Ints
    ) -> None:
        self.w.page.index[pages] = vpns


@pytest.mark.parametrize("moved", [1, 4, 10])
def test_c2_rewriting_the_index_loses_the_parents_ptes_instead(moved: int) -> None:
    """C2: as many ptes are lost, those of the other side."""
    w = World(Rewriting(variant="4c"), X86_64)
    for op in family_log(10):
        assert w.apply(op).ok
    assert w.apply(move(2, 0, moved, FAR)).ok
    lost = {(mm, vpn) for page, ptes in truth(w).items() for mm, vpn in ptes - set(found(w)[page])}
    assert lost == {(0, vpn) for vpn in range(moved)}
    lossy = run(family("anonmm:variant=4c", 1, pages=10), move(2, 0, moved, FAR))
    assert lossy.probe().missed == w.probe().missed == moved


def family_log(pages: int) -> tuple[Operation, ...]:
    written = Touch(pid=1, runs=((0, pages, "w"),))
    return Spawn(pid=1), Mmap(pid=1, span=Span(0, pages)), written, Fork(pid=1, child=2)


# -- C3, C4: chains of addresses ---------------------------------------------------------------------


@pytest.mark.parametrize("machine", MACHINES)
@pytest.mark.parametrize("moved", [1, 6, 100])
def test_c3_blocks_after_the_first_mremap(machine: Machine, moved: int) -> None:
    """C3: 4b takes a block of 32 bytes (64) for each shared page moved, none for exclusive ones; no atomic allocation; fork none.

    struct rmap_chain {slot[7], next}, kmalloc with GFP_KERNEL in rmap_get_cpu: addresses, not the pte_chains of the letter.
    """
    size = 32 if machine is I386 else 64
    w = run(family("anonmm:variant=4b", 1, machine, pages=moved + 4), move(2, 0, moved, FAR))
    rows = {row.kind: row for row in w.footprint()}
    assert (rows["rmap_chain"].objects, rows["rmap_chain"].bytes) == (moved, moved * size)
    assert w.counters["atomic_allocs"] == 0
    allocated = w.apply(Fork(pid=2, child=3)).deltas
    assert (allocated["sleeping_allocs"], allocated["objs_alloc"]) == (1, 1)  # the anonmm
    # every walk probes index and address in every mm, until the last pte is found: four, then six with the new child
    page = np.array([page_of(w, 1)], np.int64)
    assert int(price(w, w.candidates(page)[0]).probes[0]) == 6
    alone = run(family("anonmm:variant=4b", 0, machine, pages=moved), move(1, 0, moved, FAR))
    assert objects(alone, "rmap_chain") == 0


@pytest.mark.parametrize("machine", MACHINES)
@pytest.mark.parametrize("times", [1, 2, 6, 7, 13, 14, 20])
def test_c4_what_mremap_leaves_behind(machine: Machine, times: int) -> None:
    """C4: R shared pages moved to k distinct places: 4b R blocks(k), a range 1, records k, exhaustive and anon_vma nothing.

    blocks(k) = 1 for 6 addresses and one more for each 7 beyond; an anon_vma's linkage moves with the vma.
    """
    pages, size = 5, 32 if machine is I386 else 64
    blocks = 1 + max(0, -(-(times - 6) // 7))
    grown = {}
    for key in ("anonmm:variant=4b", *FORMS, "anon_vma"):
        w = family(key, 1, machine, pages=pages)
        before = w.footprint_bytes()
        for k in range(times):
            run(w, move(2, FAR * k, pages, FAR * (k + 1)))
        assert w.probe().missed == 0
        grown[key] = w.footprint_bytes() - before - sum(row.bytes for row in w.footprint() if "spare" in row.kind)
    record = (24, 28) if machine is I386 else (48, 56)
    assert grown == {
        "anonmm:variant=4b": pages * blocks * size,
        "anonmm_ranges": record[1],
        "anonmm_ranges:form=tree": times * record[0],
        "anonmm_ranges:form=exhaustive": 0,
        "anon_vma": 0,
    }


def test_c4_back_and_forth_adds_nothing_new() -> None:
    """C4: distinct addresses count: between two places 4b keeps a block a page, until mapcount is 0; home again a range is gone."""
    worlds = {key: family(key, 1, pages=5) for key in ("anonmm:variant=4b", *FORMS)}
    for w in worlds.values():
        for _ in range(8):
            run(w, move(2, 0, 5, FAR), move(2, FAR, 5, 0))
    kinds = {"anonmm:variant=4b": "rmap_chain", FORMS[0]: "range", FORMS[1]: "remap record"}
    assert [objects(worlds[key], kind) for key, kind in kinds.items()] == [5, 0, 2]
    rechained = worlds["anonmm:variant=4b"]
    assert rechained.probe().ptes == 5 * 3  # index, then the stale address between the two hits
    run(rechained, Exit(pid=2), Exit(pid=1))
    assert objects(rechained, "rmap_chain") == 0


# -- C5: ranges against vmas -------------------------------------------------------------------------


@pytest.mark.parametrize("machine", MACHINES)
@pytest.mark.parametrize("stretches", [2, 5, 40])
def test_c5_ranges_against_vmas_that_do_not_merge(machine: Machine, stretches: int) -> None:
    """C5: n stretches put side by side in reverse order: one vma with n ranges, or n vmas; ranges are cheaper, and atomic.

    A vma is 84 bytes (168) in 2.6.7, a range 28 (56) by inference: n ranges against n - 1 vmas more.
    """
    vma, size = (84, 28) if machine is I386 else (168, 56)
    bytes_of, atomic, vmas = {}, {}, {}
    for key in ("anonmm_ranges", "anon_vma", "anonmm_ranges:form=exhaustive"):
        w = family(key, 1, machine, pages=2 * stretches)
        before = w.footprint_bytes()
        for k in range(stretches):
            run(w, move(2, 2 * k, 2, FAR + 2 * (stretches - 1 - k)))
        vmas[key] = len(w.mms[1].vmas)
        bytes_of[key] = w.footprint_bytes() - before + (vmas[key] - 1) * (vma - (12 if machine is I386 else 24))
        atomic[key] = w.counters["atomic_allocs"]
        assert w.probe().missed == 0
        assert (w.counters["merges_refused"] > 0) == (key != "anonmm_ranges")
    assert vmas == {"anonmm_ranges": 1, "anon_vma": stretches, "anonmm_ranges:form=exhaustive": stretches}
    assert bytes_of["anonmm_ranges"] == stretches * size
    assert bytes_of["anon_vma"] == (stretches - 1) * vma
    assert bytes_of["anonmm_ranges"] < bytes_of["anon_vma"]
    assert atomic == {"anonmm_ranges": stretches, "anon_vma": 0, "anonmm_ranges:form=exhaustive": 0}


# -- C15: atomic allocations -------------------------------------------------------------------------


@pytest.mark.parametrize("key", (*VARIANTS, *FORMS, "anonmm_ranges:alloc=preallocated", "anonmm:group=none"))
def test_c15_no_fork_allocates_atomically(key: str) -> None:
    """C15: a fork of 10 pages takes one sleeping allocation, the anonmm; with ranges one more for each of them."""
    w = run(family(key, 1, pages=10), move(2, 0, 5, FAR))
    deltas = w.apply(Fork(pid=2, child=3)).deltas
    ranges = 1 if key.startswith("anonmm_ranges") and "form" not in key else 0
    assert (deltas.get("atomic_allocs", 0), deltas["sleeping_allocs"]) == (0, 1 + ranges)


# -- C17: symmetry -----------------------------------------------------------------------------------


def test_c17_a_moved_page_costs_more_or_not() -> None:
    """C17: probes for the two ptes of a page that the child moved, and of one it did not.

    Symmetric: anon_vma, Rik's space, the exhaustive walk. 4b and ranges pay with probes that miss; 4e has paid with a copy,
    each page then costs one.
    """
    probes = {}
    for key in ("anonmm", "anonmm:variant=4b", *FORMS, "shared_space", "anon_vma"):
        w = run(family(key, 1, pages=4), move(2, 0, 2, FAR))
        moved = np.unique([page_of(w, 1), page_of(w, 2, FAR)])
        priced = price(w, w.candidates(moved)[0])
        stayed = walk_of(w, 1, 3)
        assert (int(priced.hits.sum()), int(stayed.hits[0])) == (2, 2), key
        probes[key] = int(priced.probes.sum()), int(stayed.probes[0])
    assert probes == {
        "anonmm": (2, 2),
        "anonmm:variant=4b": (4, 2),
        "anonmm_ranges": (3, 2),
        "anonmm_ranges:form=tree": (4, 2),
        "anonmm_ranges:form=exhaustive": (2, 2),
        "shared_space": (2, 2),
        "anon_vma": (2, 2),
    }


# -- C18, F4, F6: who has the page -------------------------------------------------------------------


@pytest.mark.parametrize("n", [1, 2, 9, 60])
@pytest.mark.parametrize("key", (*VARIANTS, *FORMS))
def test_f4_private_page_of_each_child(key: str, n: int) -> None:
    """F4, C18: a page that child i wrote into an inherited vma is found with one probe: it names the child's own anonmm."""
    w = family(key, n)
    run(w, *(Touch(pid=2 + i, runs=((0, 1, "w"),)) for i in range(n)))
    assert [int(walk_of(w, 1 + i).probes[0]) for i in range(1, n + 1)] == [1] * n


@pytest.mark.parametrize("n", [1, 2, 9, 60, 1000])
def test_c18_private_pages_in_a_group_without_hints(n: int) -> None:
    """C18: where the page names the group alone, walks begin at its head: (G + 1) / 2 probes on average of G = n + 1 mms.

    True of Linus' sketch, false of Hugh's code: there the sum is G. The parent writes last, so that it keeps its page.
    """
    totals = {}
    for key in ("anonmm", "anonmm:group=none"):
        w = run(family(key, n), *(Touch(pid=pid, runs=((0, 1, "w"),)) for pid in range(n + 1, 0, -1)))
        pages = np.array([page_of(w, 1 + i) for i in range(n + 1)], np.int64)
        priced = price(w, w.candidates(pages)[0])
        assert (priced.hits == 1).all()
        totals[key] = int(priced.probes.sum())
    assert totals == {"anonmm": n + 1, "anonmm:group=none": (n + 1) * (n + 2) // 2}


@pytest.mark.parametrize("n", [1, 2, 9, 30])
@pytest.mark.parametrize("which", ["first", "middle", "last"])
@pytest.mark.parametrize("key", (*VARIANTS, *FORMS, "anonmm:group=none"))
def test_f6_page_left_to_one_child(key: str, n: int, which: str) -> None:
    """F6: the parent's page, by now child j's alone: the parent, then the children in order of birth, j + 1 probes."""
    j = {"first": 1, "middle": max(n // 2, 1), "last": n}[which]
    w = family(key, n)
    run(w, *(Touch(pid=pid, runs=((0, 1, "w"),)) for pid in range(1, n + 2) if pid != 1 + j))
    priced = walk_of(w, 1 + j)
    assert (int(priced.probes[0]), int(priced.hits[0])) == (j + 1, 1)
