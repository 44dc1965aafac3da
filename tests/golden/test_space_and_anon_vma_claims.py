"""What the letter of 2004-03-12 and its answers claim about one space for all, direct pages, merging and trees, measured.

Expected figures follow from the code of 2.6.7 ("rmap 39", "rmap 40"), from the patch of anon_vma RFC2 (2004-03-11) and,
for the space that was never written, from its description. Where a claim and our figure differ, the text says why.
"""

from __future__ import annotations

import random
from collections.abc import Iterator

import numpy as np
import pytest
from oracles import I386, X86_64, new_world, truth
from test_closed_forms import family, page_of, run, walk_of

from rmapexplorer.core.index.prio_tree import PrioTrees
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
from rmapexplorer.core.units import Machine, Span
from rmapexplorer.core.walk import price
from rmapexplorer.core.world import World
from rmapexplorer.designs.shared_space import SharedSpace

RFC2 = "alloc=fork,adopt=none,stop=never,files=list"
NAIVE, FIXUP = f"anon_vma:direct=naive,{RFC2}", f"anon_vma:direct=fixup,{RFC2}"
FAR = 1 << 18


def written(pid: int, start: int, end: int) -> Touch:
    return Touch(pid=pid, runs=((start, end, "w"),))


def move(pid: int, start: int, pages: int, to: int) -> Mremap:
    return Mremap(pid=pid, span=Span(start, start + pages), new_pages=pages, to=to)


# -- C6, F4: lists against the tree ------------------------------------------------------------------


@pytest.mark.parametrize("n", [1, 2, 10, 100])
def test_c6_pages_of_a_childs_own(n: int) -> None:
    """C6: "in all common cases" anon_vma beats one tree for all: true of memory mapped after the fork, not of the heap.

    New memory is one node against up to n in the tree, where all children have their new vma at the same indexes; in
    inherited memory both look at up to n + 1 vmas. With direct pages (RFC2) it always looks at one.
    """
    visits: dict[str, tuple[list[int], list[int]]] = {}
    for key in ("anon_vma", "shared_space", FIXUP):
        w = family(key, n)
        for pid in range(2, 2 + n):
            run(w, Mmap(pid=pid, span=Span(FAR, FAR + 1)), written(pid, FAR, FAR + 1), written(pid, 0, 1))
        pids = range(2, 2 + n)
        visits[key] = [int(walk_of(w, p, FAR).nodes[0]) for p in pids], [int(walk_of(w, p).nodes[0]) for p in pids]
    fresh, inherited = visits["anon_vma"]
    assert fresh == [1] * n
    assert inherited == list(range(n, 0, -1))  # F4: n - i + 1, list_add at the head
    fresh, inherited = visits["shared_space"]
    # the tree is two nodes: the inherited vma and its n copies, the new one and its n - 1 likes
    assert sum(fresh) == n * (n + 1) // 2
    assert sum(inherited) == n * (n + 1) // 2 + 2 * n
    assert visits[FIXUP] == ([1] * n, [1] * n)


@pytest.mark.parametrize(("key", "total"), [(FIXUP, 1_000), (NAIVE, 1_000), ("shared_space", 501_500)])
def test_f4_a_thousand_children(key: str, total: int) -> None:
    """F4: 1,000 children with a page each in an inherited vma: 1 probe each while pages are direct; n(n + 3) / 2 in a space.

    The first in the space's tree is the parent's vma, then come the children's: 2, 3, ... n + 1 probes.
    """
    n = 1000
    w = run(family(key, n), *(written(2 + i, 0, 1) for i in range(n)))
    pages = np.array([page_of(w, 2 + i) for i in range(n)], np.int64)
    priced = price(w, w.candidates(pages)[0])
    assert (priced.hits == 1).all()
    assert int(priced.probes.sum()) == total


# -- C7, C8: direct pages ------------------------------------------------------------------------------


@pytest.mark.parametrize("machine", [I386, X86_64])
def test_c7_direct_pages_are_cheap_and_so_are_others(machine: Machine) -> None:
    """C7: faults allocate nothing for direct pages; 2.6.7 allocates once for a vma; the walk is one probe in each."""
    allocated = {}
    for key in (NAIVE, FIXUP, "anon_vma", "anonmm", "shared_space"):
        w = run(new_world(key, machine), Spawn(pid=1), Mmap(pid=1, span=Span(0, 50)), Mmap(pid=1, span=Span(60, 90)))
        faults = w.apply(Touch(pid=1, runs=((0, 10, "w"), (20, 30, "w"), (60, 70, "w"))))
        allocated[key] = faults.deltas.get("objs_alloc", 0)
        assert "atomic_allocs" not in faults.deltas
        for vpn in (0, 25, 69):
            priced = walk_of(w, 1, vpn)
            assert (int(priced.probes[0]), int(priced.hits[0])) == (1, 1), key
    assert allocated == {NAIVE: 0, FIXUP: 0, "anon_vma": 2, "anonmm": 0, "shared_space": 0}


@pytest.mark.parametrize(("lower", "upper"), [(1, 1), (10, 3), (100, 1), (40, 60)])
@pytest.mark.parametrize("part", ["lower", "upper", "hole"])
def test_c8_direct_pages_do_not_survive_a_split(lower: int, upper: int, part: str) -> None:
    """C8 and acceptance 7: naive loses the pages of the part that becomes a new vma, a fix-up touches as many, 2.6.7 none.

    mprotect of the lower part makes the upper one new, of the upper part the lower one (split_vma with new_below). munmap
    of a hole makes both new and frees the old one, in the order of 6.18; that of 2.6.4 would make only the upper part
    new. Andrea Arcangeli gave direct pages up for this the same day.
    """
    hole = 7 if part == "hole" else 0
    pages = lower + hole + upper
    split: dict[str, Operation] = {
        "lower": Mprotect(pid=1, span=Span(0, lower), prot="r"),
        "upper": Mprotect(pid=1, span=Span(lower, pages), prot="r"),
        "hole": Munmap(pid=1, span=Span(lower, lower + hole)),
    }
    figures = {}
    for key in (NAIVE, FIXUP, "anon_vma"):
        w = run(family(key, 0, pages=pages), split[part])
        touched = w.counters["pages_touched_for_fixup"]
        missed = w.probe().missed
        run(w, Reclaim())
        assert w.counters["missed_ptes"] == w.counters["pages_unswappable"] == missed
        figures[key] = (missed, touched)
    changed = {"lower": upper, "upper": lower, "hole": lower + upper}[part]
    assert figures == {NAIVE: (changed, 0), FIXUP: (0, changed), "anon_vma": (0, 0)}


# -- C9, C10: merging ----------------------------------------------------------------------------------


def ideal(w: World) -> int:
    """Vmas there would be if flags, file and file offset alone decided."""
    count, v = 0, w.vma
    for mm in w.mms.values():
        for at, row in enumerate(mm.vmas):
            before = mm.vmas[at - 1] if at else -1
            joins = before >= 0 and v.end[before] == v.start[row] and v.flags[before] == v.flags[row]
            count += not (joins and v.file[before] == v.file[row] < 0)
    return count


def refills(rng: random.Random) -> Iterator[Operation]:
    """Memory of one origin: holes are cut and filled, all of it is written again, the heap grows and shrinks."""
    for _ in range(40):
        at = rng.randrange(1, 59)
        hole = Span(at, min(at + rng.randrange(1, 9), 59))
        yield Munmap(pid=1, span=hole)
        if rng.random() < 0.5:
            yield Brk(pid=1, start=60, end=60 + rng.randrange(12))
        yield Mmap(pid=1, span=hole)
        yield written(1, rng.randrange(0, 30), rng.randrange(31, 60))


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("key", ["anon_vma", FIXUP, "anon_vma:adopt=none", "shared_space"])
def test_c9_appending_and_refilling_always_merge(key: str, seed: int) -> None:
    """C9, C10 and acceptance 8: without mremap holes and growth of memory of one origin merge: none refused, vmas / ideal 1.

    With mremap beside a vma of another origin a merge is refused: for the index, or for the anon_vma.
    """
    w = run(family(key, 0, pages=60), *refills(random.Random(seed)))
    assert w.counters["merges_refused"] == 0
    assert len(w.vma) == ideal(w) == 1
    end = int(w.vma.end[w.mms[0].vmas[0]])
    run(w, Mmap(pid=1, span=Span(FAR, FAR + 8)), written(1, FAR, FAR + 8))
    moved = w.apply(move(1, 10, 4, FAR + 8))
    assert moved.deltas["merges_refused"] == 1
    assert [refusal.rule for refusal in moved.refusals] == ["pgoff"]
    assert (len(w.vma), ideal(w)) == (4, 3)
    assert end >= 60


def test_c9_two_areas_written_apart_do_not_join() -> None:
    """C10's 1.00 needs one origin: areas written apart have anon_vmas of their own, and memory mapped between joins one.

    The letter allows for it ("merging vmas with different anon_vma"); in a space the indexes continue, and all three join.
    """
    vmas = {}
    for key in ("anon_vma", FIXUP, "shared_space", "anonmm", "pte_chain"):
        w = run(new_world(key), Spawn(pid=1), Mmap(pid=1, span=Span(0, 4)), Mmap(pid=1, span=Span(8, 12)))
        run(w, written(1, 0, 4), written(1, 8, 12), Fork(pid=1, child=2), Mmap(pid=1, span=Span(4, 8)))
        vmas[key] = len(w.mms[0].vmas)
    assert vmas == {"anon_vma": 2, FIXUP: 2, "shared_space": 1, "anonmm": 1, "pte_chain": 1}


def test_w6_adoption_changes_the_number_of_vmas() -> None:
    """Acceptance 10: pages get rights and are written one by one, then all the same rights: 1 vma with adoption, else n."""
    n = 64
    counts = {}
    for adopt in ("neighbour", "merge", "none"):
        w = run(new_world(f"anon_vma:adopt={adopt}"), Spawn(pid=1), Mmap(pid=1, span=Span(0, n), prot="r"))
        for at in range(n):
            run(w, Mprotect(pid=1, span=Span(at, at + 1), prot="rwx" if at % 2 else "rw"), written(1, at, at + 1))
        run(w, Mprotect(pid=1, span=Span(0, n), prot="rw"))
        assert ideal(w) == 1
        counts[adopt] = (len(w.vma), w.counters["merges_refused"] > 0)
    assert counts == {"neighbour": (1, False), "merge": (1, False), "none": (n, True)}


@pytest.mark.parametrize("moves", [0, 1, 4])
def test_c10_a_little_less_merging(moves: int) -> None:
    """C10: each piece moved away leaves two vmas and makes one that no neighbour takes in; all else merges."""
    w = family("anon_vma", 0, pages=64)
    for number in range(moves):
        run(w, move(1, 8 * number + 4, 4, FAR + 4 * (moves - number)))
    assert (len(w.vma), ideal(w)) == ((2 * moves + 1, moves + 2) if moves else (1, 1))


# -- C11, C12: what the rule and the tree are for ------------------------------------------------------


@pytest.mark.parametrize("pages", [1, 5, 30])
@pytest.mark.parametrize("index", ["tree", "list"])
def test_c11_without_the_rule_for_pgoff_pages_are_lost(pages: int, index: str) -> None:
    """C11: moved pages merge with a neighbour whose indexes they do not continue, and get addresses that are not theirs."""
    figures = {}
    for check in ("on", "off"):
        w = run(
            family(f"shared_space:pgoff_check={check},index={index}", 0, pages=40), Mmap(pid=1, span=Span(FAR, FAR + 9))
        )
        run(w, written(1, FAR, FAR + 9), move(1, 3, pages, FAR + 9))
        missed = w.probe().missed
        run(w, Reclaim())
        assert w.counters["missed_ptes"] == missed
        figures[check] = (len(w.vma), missed)
    assert figures == {"on": (4, 0), "off": (3, pages)}


@pytest.mark.parametrize("children", [1, 4, 16])
@pytest.mark.parametrize("moved", [1, 7])
def test_c12_a_tree_makes_anonmm_faster_not_right(children: int, moved: int) -> None:
    """C12: vmas of the group in a prio_tree by address, beside anonmm 4c, which does not copy.

    Children unmap the upper half. For its pages the tree names one vma where anonmm visits every mm, and misses exactly
    the ptes that anonmm misses: those at addresses the page does not know.
    """
    pages = 32
    w = family("anonmm:variant=4c", children, pages=pages)
    run(w, *(Munmap(pid=2 + i, span=Span(16, pages)) for i in range(children)), move(2, 0, moved, FAR))
    live = w.vma.live()
    trees, at_node = PrioTrees(), {}
    for row in live.tolist():
        node = trees.new(0, int(w.vma.start[row]), int(w.vma.end[row]) - 1)
        at_node.setdefault(trees.insert(node), []).append(row)
    missed = nodes = 0
    ptes = truth(w)
    for page, places in ptes.items():
        address = int(w.page.index[page])
        found, _, looked = trees.overlapping(0, address)
        rows = [row for node in found for row in at_node[node]]
        nodes += looked - len(found) + len(rows)
        missed += len(places) - len({(int(w.vma.mm[row]), address) for row in rows} & places)
    assert missed == w.probe().missed == moved
    unmapped = [page for page, places in ptes.items() if places <= {(0, vpn) for vpn in range(16, pages)}]
    assert len(unmapped) == 16
    assert nodes < len(ptes) * (children + 1) + 2 * len(ptes)
    for page in unmapped:
        assert sum(len(at_node[node]) for node in trees.overlapping(0, int(w.page.index[page]))[0]) == 1


# -- C16: room for indexes -----------------------------------------------------------------------------


def test_c16_slices_of_a_space() -> None:
    """C16: 2^32 indexes of 4 KiB are 2^44 bytes (the letter: 2^42), 4,096 slices of 2^20 pages.

    The process that exec made has one, so 4,095 children get one each and the 4,096th fork, which makes the 4,097th
    process, finds none left. (The figure 4,097 one meets is that of processes.)
    """
    assert (1 << 32) * 4096 == 1 << 44
    w = family("shared_space:policy=P1", 0, I386)
    assert isinstance(w.design, SharedSpace)
    assert w.design.slices == 4096
    overflows = []
    for number in range(1, 4099):
        run(w, Fork(pid=1, child=1 + number))
        if number != 4096:
            run(w, Exit(pid=1 + number))
        overflows.append(w.counters["index_overflows"])
    assert [overflows[number - 1] for number in (4095, 4096, 4097, 4098)] == [0, 1, 2, 3]
    # number 4,096 has slice 0 again: new memory of its has the indexes that its parent's would have
    for pid in (1, 4097):
        run(w, Mmap(pid=pid, span=Span(FAR, FAR + 1)), written(pid, FAR, FAR + 1))
    assert w.design.duplicates(0) == 1
    assert w.probe().missed == 0


def test_c16_the_objection_of_linus() -> None:
    """C16 (2004-03-12): memory is moved away, new memory takes its addresses: as many duplicates as pages, none missed."""
    for n in (1, 3):
        w = family("shared_space", n, pages=8)
        run(w, move(1, 0, 8, FAR), Mmap(pid=1, span=Span(0, 8)), written(1, 0, 8))
        assert isinstance(w.design, SharedSpace)
        assert w.design.duplicates(0) == 8
        assert w.probe().missed == 0
        # the new page is in one vma, and the walk looks at those of all n children and at the one moved away too
        assert int(walk_of(w, 1, 0).probes[0]) <= n + 2


# -- acceptance 5, F7: test-mmap3 ----------------------------------------------------------------------


def mmap3(key: str, pages: int, forks: int) -> World:
    """Ingo Molnar's test-mmap3 (2004-03-09): single-page mappings of a file in reverse, written, then 2^forks processes."""
    w = new_world(key, Machine(calls="2.6.7", files={"tmpfs": pages * 10 // 9}))
    run(w, Spawn(pid=1), Mmap(pid=1, span=Span(0, pages), kind="file-shared", file="tmpfs"))
    for at in range(pages):
        run(w, Mmap(pid=1, span=Span(at, at + 1), kind="file-shared", file="tmpfs", offset=pages - at))
    run(w, written(1, 0, pages))
    alive = 1
    for _ in range(forks):
        run(w, *(Fork(pid=1 + i, child=1 + alive + i) for i in range(alive)))
        alive *= 2
    return w


def page_at(w: World, offset: int) -> int:
    return w.cache.get(w.files[0].cache, offset) >> 12


def test_acceptance_5_a_file_of_576000_vmas() -> None:
    """18,000 vmas a process, 576,000 on the file: a prio_tree visits at most 64 + 32 nodes, a list 288,016 in the mean (F7).

    dup_mmap puts a child's vma beside its parent's, so the 32 mappers of a page stand together: 32 * (18,000 + 1) / 2.
    Ten pages placed evenly, both ends among them, have the mean of all. The walk without early stop visits all 576,000.
    """
    tree, lists = (mmap3(f"anon_vma:files={kind}", 18_000, 5) for kind in ("prio_tree", "list"))
    offsets = [1, 2_001, 4_000, 6_000, 8_000, 10_001, 12_001, 14_001, 16_000, 18_000]
    assert sum(offsets) == len(offsets) * 18_001 // 2
    for w in (tree, lists):
        assert {len(mm.vmas) for mm in w.mms.values()} == {18_000}
        assert w.imap.size(0) == 576_000
    pages = {w: np.array([page_at(w, offset) for offset in offsets], np.int64) for w in (tree, lists)}
    priced = price(tree, tree.candidates(pages[tree])[0])
    assert (priced.hits == 32).all()
    assert int(priced.walk.total_nodes.max()) <= 64 + 32
    priced = price(lists, lists.candidates(pages[lists])[0])
    assert (priced.hits == 32).all()
    assert int(priced.nodes.sum()) == len(offsets) * 288_016
    assert set(priced.walk.total_nodes.tolist()) == {576_000}
