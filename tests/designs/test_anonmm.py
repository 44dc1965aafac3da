"""anonmm in its five forms, with the hint which mm mapped a page first and without it."""

from __future__ import annotations

import random
from pathlib import Path

import numpy as np
import pytest
from at_random import run_at_random
from moving import Ledger, counted, families
from oracles import I386, X86_64, check_world, finds, last_exit, new_world, truth
from picture import ORIGIN, at, do, frames, read, touch, write
from test_walk_prices import crowd

from rmapexplorer.core import operations as o
from rmapexplorer.core.units import Machine, Span
from rmapexplorer.core.walk import price, steps_of
from rmapexplorer.core.world import World
from rmapexplorer.designs.anonmm_chain import AddressChains, block_of
from rmapexplorer.formats.perf import load_perf

FAITHFUL = ("anonmm", "anonmm:group=none", "anonmm:variant=4b", "anonmm:variant=4b,group=none", "anonmm:variant=4d")
LOSSY = ("anonmm:variant=4a", "anonmm:variant=4c", "anonmm:variant=4a,group=none")
RECORDINGS = Path(__file__).parents[1] / "data" / "recordings"


def live_objects(w: World) -> int:
    return sum(row.objects for row in w.footprint())


# -- oracles -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize("key", FAITHFUL)
def test_families_that_move_lose_nothing(key: str, seed: int) -> None:
    """Every pte is found after every operation, and what was allocated and not freed is what is there."""

    def look(w: World, op: o.Operation) -> None:
        assert w.counters["objs_alloc"] - w.counters["objs_free"] == live_objects(w)

    families(key, seed, look=look)


@pytest.mark.parametrize("key", LOSSY)
def test_lossy_forms_lose_what_a_ledger_of_the_ptes_predicts(key: str) -> None:
    """After every operation exactly the ptes are lost that lie where their page was neither first mapped nor moved alone."""
    most = 0
    for seed in range(12):
        ledger = Ledger()

        def look(w: World, op: o.Operation, ledger: Ledger = ledger) -> None:
            nonlocal most
            ledger(w, op)
            assert finds(w) == ledger.lost
            most = max(most, ledger.lost)

        families(key, seed, look=look)
    assert most > 10


def test_these_families_do_what_they_are_for() -> None:
    """The seeds above chain addresses in 4b, and copy in 4d and 4e, in 4d more than in 4e."""
    chains: list[int] = []
    rechained = [
        families("anonmm:variant=4b", seed, look=lambda w, op: chains.append(w.footprint()[1].objects))
        for seed in range(6)
    ]
    assert max(chains) > 8
    assert counted(rechained, "atomic_allocs", "copied_by_mremap") == [0, 0]
    late, early = (
        counted([families(key, seed) for seed in range(6)], "copied_by_mremap")[0]
        for key in ("anonmm", "anonmm:variant=4d")
    )
    assert early > late > 20


@pytest.mark.parametrize("seed", range(4))
def test_all_operations(seed: int) -> None:
    run_at_random((*FAITHFUL, *LOSSY), seed, 90)


@pytest.mark.parametrize("key", (*FAITHFUL, *LOSSY))
def test_a_recording(key: str) -> None:
    """A shell pipeline runs through; fork and exec of real programs share nothing that mremap moves."""
    session = load_perf(str(RECORDINGS / "shell-pipeline.perf.txt.gz"))
    w = World(new_world(key).design, session.machine)
    for op in session.operations:
        w.apply(op)
    assert finds(w) == 0
    check_world(w)
    last_exit(w)


def test_4d_under_pressure() -> None:
    """With RAM for 24 pages and swap, moves of shared pages that are half on swap lose nothing."""
    dice = random.Random(1)
    w = new_world("anonmm:variant=4d", Machine(ram_pages=24, swap_pages=200))
    do(w, o.Spawn(pid=1), o.Mmap(pid=1, span=Span(0, 20)), o.Touch(pid=1, runs=((0, 20, "w"),)))
    for child in range(2, 5):
        do(w, o.Fork(pid=1, child=child))
        w.apply(o.Mremap(pid=child, span=Span(2, 14), new_pages=12, to=40 * child))
        w.apply(o.Touch(pid=dice.choice(list(w.tasks)), runs=((0, 2, "w"), (14, 20, "r"))))
        check_world(w)
    assert w.counters["copied_by_mremap"] == 36
    last_exit(w)


# -- costs -------------------------------------------------------------------------------------------


def stepwise(w: World, page: int, ptes: set[tuple[int, int]]) -> tuple[int, int, int]:
    """page_referenced_anon of anobjrmap 5/6: (nodes, probes, hits); index then chain in each mm, blocks are nodes too."""
    design = w.design
    own, index = int(w.page.mapping[page]), int(w.page.index[page])
    members = design.groups.members(int(design.anonmm.head[own])).tolist()  # type: ignore[attr-defined]
    turn = members.index(own)
    chained: list[int] = []
    if design.chains is not None:  # type: ignore[attr-defined]
        chained = design.chains.addresses(np.array([page]))[0].tolist()  # type: ignore[attr-defined]
    nodes = probes = hits = 0
    for row in members[turn:] + members[:turn]:
        nodes += 1
        mm = int(design.anonmm.mm[row])  # type: ignore[attr-defined]
        if mm < 0 or not w.mms[mm].rss:
            continue
        for place, vpn in enumerate([index, *chained]):
            nodes += place == 1 or (place > 6 and (place - 7) % 7 == 0)
            probes += 1
            hits += (mm, vpn) in ptes
            if hits == len(ptes):
                return nodes, probes, hits
    return nodes, probes, hits


@pytest.mark.parametrize("seed", range(15))
@pytest.mark.parametrize("key", [*FAITHFUL, *LOSSY])
def test_price_of_every_page(key: str, seed: int) -> None:
    """Nodes, probes and hits of all pages at once == those of each page's walk done step by step."""
    w = crowd(key, seed)
    pages = w.anonymous_pages()
    priced = price(w, w.design.anon_candidates(pages))
    assert np.array_equal(priced.walk.pages, pages)
    true = truth(w)
    for place, page in enumerate(pages.tolist()):
        cost = int(priced.nodes[place]), int(priced.probes[place]), int(priced.hits[place])
        assert cost == stepwise(w, page, true[page]), page
        steps, alone = steps_of(w, page)
        assert (len(steps), int(alone.nodes[0])) == (cost[1], cost[0])


def test_orphans_drain_alike_with_and_without_chains() -> None:
    """page_referenced moves pages of an exited mm to the first live one that has them; without hints there is nothing to move."""
    for key, left in (("anonmm", 2), ("anonmm:variant=4b", 2), ("anonmm:group=none", 2)):
        w = new_world(key)
        do(w, o.Spawn(pid=1), o.Mmap(pid=1, span=at(0, 2)))
        do(
            w,
            o.Fork(pid=1, child=2),
            touch_op(2, write(0, 2)),
            o.Fork(pid=2, child=3),
            o.Fork(pid=3, child=4),
            o.Exit(pid=2),
        )
        orphan = int(w.design.anonmm.mm[w.page.mapping[w.anonymous_pages()]].min())  # type: ignore[attr-defined]
        assert (orphan < 0) == (key != "anonmm:group=none")
        do(w, o.Reclaim(pages=1))
        mapping = w.page.mapping[w.anonymous_pages()]
        assert (w.design.anonmm.mm[mapping] >= 0).all()  # type: ignore[attr-defined]
        assert len(w.anonymous_pages()) <= left
        check_world(w)


def touch_op(pid: int, *runs: tuple[int, int, str]) -> o.Touch:
    return o.Touch(pid=pid, runs=runs)


# -- chains ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("machine", "size"), [(I386, 32), (X86_64, 64)])
def test_blocks_of_addresses(machine: Machine, size: int) -> None:
    """Six addresses fill the first block (its first word is the mapcount), seven each later one; 7 words and next each."""
    w = new_world("anonmm:variant=4b", machine)
    do(w, o.Spawn(pid=1), o.Mmap(pid=1, span=at(0)), touch_op(1, write(0)), o.Fork(pid=1, child=2))
    blocks = []
    for k in range(1, 23):
        do(w, o.Mremap(pid=2, span=at(10 * (k - 1)), new_pages=1, to=ORIGIN + 10 * k))
        blocks.append(w.footprint()[1].objects)
    assert blocks == [1] * 6 + [2] * 7 + [3] * 7 + [4] * 2
    assert [row.size for row in w.footprint()[1:]] == [size, size]
    do(w, o.Mremap(pid=2, span=at(220), new_pages=1, to=ORIGIN + 50))
    assert w.footprint()[1].objects == 4  # an address that was there already
    assert w.counters["atomic_allocs"] == 0


def test_addresses_stay_until_nothing_maps_the_page() -> None:
    """The mover exits: its addresses still cost probes and memory, until the last pte goes."""
    w = new_world("anonmm:variant=4b")
    do(
        w,
        o.Spawn(pid=1),
        o.Mmap(pid=1, span=at(0)),
        touch_op(1, write(0)),
        o.Fork(pid=1, child=2),
        o.Fork(pid=1, child=3),
    )
    for k in range(3):
        do(w, o.Mremap(pid=2, span=at(10 * k), new_pages=1, to=ORIGIN + 10 * (k + 1)))
    do(w, o.Exit(pid=2))
    assert w.footprint()[1].objects == 1
    page = w.anonymous_pages()
    assert price(w, w.design.anon_candidates(page)).probes.tolist() == [5]  # four addresses in 1, the first in 3
    do(w, o.Reclaim())
    assert w.footprint()[1].objects == 0


def test_a_chained_page_left_alone_stays_chained() -> None:
    """page_move_rmap looks at the chain, not at mapcount: the address it goes back to would be listed twice otherwise."""
    w = new_world("anonmm:variant=4b")
    do(w, o.Spawn(pid=1), o.Mmap(pid=1, span=at(0)), touch_op(1, write(0)), o.Fork(pid=1, child=2))
    do(w, o.Mremap(pid=2, span=at(0), new_pages=1, to=ORIGIN + 5), o.Exit(pid=1))
    page = w.anonymous_pages()
    for to, listed in ((7, 2), (5, 2), (0, 2), (9, 3)):
        here = int(w.vma.start[w.mms[1].vmas[0]])
        do(w, o.Mremap(pid=2, span=Span(here, here + 1), new_pages=1, to=ORIGIN + to))
        assert w.page.index[page].tolist() == [ORIGIN]
        assert w.design.chains.count(page).tolist() == [listed]  # type: ignore[attr-defined]
        check_world(w)


def test_swap_in_at_another_address_is_chained() -> None:
    """4b: the first to swap in gives the page its address, the other's goes on a chain."""
    w = new_world("anonmm:variant=4b")
    do(w, o.Spawn(pid=1), o.Mmap(pid=1, span=at(0)), touch_op(1, write(0)), o.Fork(pid=1, child=2), o.Reclaim())
    do(w, o.Mremap(pid=2, span=at(0), new_pages=1, to=ORIGIN + 5))
    assert w.footprint()[1].objects == 0
    assert touch(w, 1, read(0)).ok and touch(w, 2, read(5)).ok
    assert w.footprint()[1].objects == 1
    assert frames(w) == "1: a\n2: .....a"
    check_world(w)


def test_one_block_is_kept_ready() -> None:
    """rmap_get_cpu: moving exclusive pages allocates one spare and no block; shared ones take it, and leave none at the end."""
    w = new_world("anonmm:variant=4b")
    do(w, o.Spawn(pid=1), o.Mmap(pid=1, span=at(0, 4)), touch_op(1, write(0, 4)))
    do(w, o.Mremap(pid=1, span=at(0, 4), new_pages=4, to=ORIGIN + 10))
    assert [row.objects for row in w.footprint()] == [1, 0, 1]
    do(w, o.Fork(pid=1, child=2), o.Mremap(pid=2, span=at(10, 14), new_pages=4, to=ORIGIN))
    assert [row.objects for row in w.footprint()] == [2, 4, 0]
    assert w.counters["sleeping_allocs"] == 2 + 4


def test_chains_in_bulk_equal_chains_one_by_one() -> None:
    """Additions to many pages at once, against lists in Python."""
    dice = random.Random(3)
    chains, lists = AddressChains(), {page: [] for page in range(0, 200, 3)}  # type: ignore[var-annotated]
    for _ in range(60):
        pages = np.array(sorted(dice.sample(sorted(lists), 20)), np.int64)
        vpns = np.array([dice.randrange(30) for _ in pages], np.int64)
        took = chains.add(pages, vpns)
        for page, vpn, block in zip(pages.tolist(), vpns.tolist(), took.tolist(), strict=True):
            before = len(lists[page])
            if vpn not in lists[page]:
                lists[page].append(vpn)
            new = len(lists[page]) > before and (before == 0 or (before >= 6 and (before - 6) % 7 == 0))
            assert block == new
        if dice.random() < 0.3:
            gone = np.array(dice.sample(sorted(lists), 5), np.int64)
            freed = sum(int(block_of(np.array([len(lists[page]) - 1]))[0]) for page in gone.tolist() if lists[page])
            assert chains.drop(gone) == freed
            for page in gone.tolist():
                lists[page] = []
    every = np.array(sorted(lists), np.int64)
    assert chains.count(every).tolist() == [len(lists[page]) for page in every.tolist()]
    assert chains.addresses(every)[0].tolist() == [vpn for page in every.tolist() for vpn in lists[page]]


# -- pictures ----------------------------------------------------------------------------------------


def test_what_the_inspector_says_of_a_chained_page() -> None:
    w = new_world("anonmm:variant=4b")
    do(w, o.Spawn(pid=1), o.Mmap(pid=1, span=at(0)), touch_op(1, write(0)), o.Fork(pid=1, child=2))
    do(w, o.Mremap(pid=2, span=at(0), new_pages=1, to=ORIGIN + 3))
    page = int(w.anonymous_pages()[0])
    fields = w.design.owner_fields(page, -1)[1]
    assert fields[-1] == ("addresses", "2", "page->index, the others in 1 rmap_chain blocks")
    drawn = w.design.picture(page, -1, 10)
    assert {node.vma for node in drawn.nodes if node.rank == 2} == set(w.vma.live().tolist())
