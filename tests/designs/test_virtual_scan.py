"""virtual_scan: nothing kept, all page tables scanned in turn; memory stays right and gets free as 2.4 does it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from at_random import FILED, run_at_random
from oracles import I386, X86_64, check_world, last_exit, new_world

from rmapexplorer.core.audit import audit
from rmapexplorer.core.operations import Exec, Exit, Fork, Mlock, Mmap, Operation, Reclaim, Spawn, Touch
from rmapexplorer.core.radix import YOUNG
from rmapexplorer.core.units import Machine, Span
from rmapexplorer.core.walk import price
from rmapexplorer.core.world import World
from rmapexplorer.designs.virtual_scan import END, VirtualScan
from rmapexplorer.formats.perf import load_perf

SHELL = Path(__file__).parent.parent / "data" / "recordings" / "shell-pipeline.perf.txt.gz"
MACHINES = [pytest.param(I386, id="i386"), pytest.param(X86_64, id="x86_64")]


def run(w: World, *ops: Operation) -> World:
    for op in ops:
        outcome = w.apply(op)
        assert outcome.ok, (op, outcome)
    return w


def process(pages: int, machine: Machine = X86_64) -> World:
    w = new_world("virtual_scan", machine)
    return run(w, Spawn(pid=1), Mmap(pid=1, span=Span(0, pages)), Touch(pid=1, runs=((0, pages, "w"),)))


def scan(w: World) -> VirtualScan:
    assert isinstance(w.design, VirtualScan)
    return w.design


def idle(w: World) -> None:
    """Nobody used any page lately."""
    w.pt.flat[:] &= ~np.int64(YOUNG)


def mapped(w: World) -> int:
    return int((w.page.mapcount[w.page.live()] > 0).sum())


# -- the oracles -------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("machine", [{}, {"calls": "2.6.7"}, {"ram_pages": 56, "swap_pages": 64}])
def test_random_operations(seed: int, machine: dict[str, object]) -> None:
    run_at_random(["virtual_scan"], seed, mix=FILED, **machine)


def test_a_recording_runs() -> None:
    w = new_world("virtual_scan")
    for op in load_perf(str(SHELL)).operations:
        w.apply(op)
    check_world(w)
    last_exit(w)


# -- what it costs -------------------------------------------------------------------------------------


@pytest.mark.parametrize("machine", MACHINES)
def test_it_keeps_a_word_in_each_mm_and_allocates_nothing(machine: Machine) -> None:
    """Section 2 (c): 0 objects of its own; 4 or 8 bytes of swap_address in mm_struct."""
    w = run(process(100, machine), *(Fork(pid=1, child=pid) for pid in range(2, 12)))
    assert sum(row.bytes for row in w.footprint()) == 11 * machine.word_bytes
    assert [w.counters[name] for name in ("objs_alloc", "atomic_allocs", "sleeping_allocs")] == [0, 0, 0]


@pytest.mark.parametrize("pages", [1, 2, 100, 1000])
def test_one_page_costs_half_of_all_ptes(pages: int) -> None:
    """The scan has no target: over all pages of T ptes the sum of what passes before each is T (T + 1) / 2."""
    probe = process(pages).probe()
    assert (probe.ptes, probe.hits, probe.missed) == (pages * (pages + 1) // 2, pages, 0)


@pytest.mark.parametrize("children", [1, 2, 9])
def test_a_shared_page_waits_until_the_scan_has_passed_all_its_mms(children: int) -> None:
    """k mms share P pages: page i needs (k - 1) P + i + 1 ptes and all k mms, wherever the cursor stands."""
    pages, k = 20, children + 1
    w = run(process(pages), *(Fork(pid=1, child=2 + i) for i in range(children)))
    for cursor in w.mms:
        scan(w).swap_mm = cursor
        priced = price(w, w.candidates(w.anonymous_pages())[0])
        assert sorted(priced.probes.tolist()) == [(k - 1) * pages + i + 1 for i in range(pages)]
        assert set(priced.nodes.tolist()) == {k}


def test_a_walk_begins_where_the_scan_stopped() -> None:
    w = process(10)
    scan(w).swap_mm, scan(w).address = 0, {0: 7}
    order = w.candidates(w.anonymous_pages())[0].vpn.tolist()
    assert order == [7, 8, 9, 0, 1, 2, 3, 4, 5, 6]
    scan(w).address[0] = END
    assert w.candidates(w.anonymous_pages())[0].vpn.tolist() == list(range(10))


@pytest.mark.parametrize("seed", [0, 1])
def test_a_thousand_children_with_a_thousand_pages(seed: int) -> None:
    """W9's million pages: every page costs all ptes before it, a million million in sum, counted without being listed."""
    children, pages = 100, 100
    w = run(process(pages), *(Fork(pid=1, child=2 + i) for i in range(children)))
    run(w, *(Touch(pid=2 + i, runs=((0, pages, "w"),)) for i in range(children)))
    total = (children + 1) * pages
    assert w.probe().ptes == total * (total + 1) // 2


# -- swap_out and shrink_cache ---------------------------------------------------------------------------


def test_the_scan_stops_when_32_pages_lost_their_last_pte() -> None:
    """SWAP_CLUSTER_MAX; the next call goes on at swap_address. The pages stay until shrink_cache meets them."""
    w = process(100)
    idle(w)
    for call in (1, 2, 3):
        scan(w).swap_out()
        assert (mapped(w), len(w.page), scan(w).address[0]) == (100 - 32 * call, 100, 32 * call)
    scan(w).swap_out()
    assert (mapped(w), len(w.page)) == (0, 100)
    audit(w)
    run(w, Reclaim(pages=96))
    assert (len(w.page), w.counters["swap_outs"]) == (4, 96)


def test_a_pte_of_a_shared_page_spends_nothing() -> None:
    """try_to_swap_out says whether the page became freeable: with two mms only the second pte counts (2.4.18)."""
    w = run(process(50), Fork(pid=1, child=2))
    idle(w)
    scan(w).swap_out()
    assert (w.mm_of(1).rss, w.mm_of(2).rss, mapped(w)) == (0, 18, 18)
    audit(w)


def test_young_ptes_are_aged_and_pages_used_twice_are_activated() -> None:
    """mark_page_accessed: the first time the page is referenced, the second time active, and then the scan leaves it alone.

    A call visits one mm more than there are (counter = mmlist_nr; while (--counter >= 0)): here the same again.
    """
    w = process(40)
    assert scan(w).swap_out().activated == 0
    assert (mapped(w), w.counters["pte_probes"], w.counters["hits"]) == (8, 40 + 32, 32)
    run(w, Touch(pid=1, runs=((36, 40, "r"),)))
    assert scan(w).swap_out().activated == 4
    assert (mapped(w), w.counters["hits"]) == (4, 36)
    scan(w).swap_out()
    assert mapped(w) == 4


def test_the_ring_is_in_order_of_kinship() -> None:
    """exec'd mms come right behind init_mm, forked ones right behind their parents (exec_mmap, copy_mm of 2.4)."""
    w = run(new_world("virtual_scan"), Spawn(pid=1), Spawn(pid=2), Fork(pid=1, child=3), Fork(pid=1, child=4))
    ring = [next(pid for pid, task in w.tasks.items() if task.mm == mm) for mm in scan(w).ring]
    assert ring == [2, 1, 4, 3]
    scan(w).swap_mm = w.tasks[4].mm
    run(w, Exit(pid=4))
    assert scan(w).swap_mm == w.tasks[3].mm
    run(w, Exec(pid=3), Exit(pid=1))
    assert scan(w).swap_mm == -1
    audit(w)


def test_locked_pages_stay() -> None:
    w = run(process(60), Mlock(pid=1, span=Span(0, 20)))
    run(w, Reclaim())
    assert (mapped(w), len(w.page)) == (20, 20)
    run(w, Reclaim(pages=10))
    assert mapped(w) == 20


@pytest.mark.parametrize("pages", [10, 200, 2000])
def test_reclaim_frees_what_is_asked_for(pages: int) -> None:
    """In batches of 32, as long as there is something to free; what was swapped comes back as it was."""
    w = process(pages)
    run(w, Reclaim(pages=pages // 2))
    assert pages // 2 <= pages - len(w.page) <= pages // 2 + 31
    audit(w)
    run(w, Touch(pid=1, runs=((0, pages, "r"),)))
    assert len(w.page) == pages
    run(w, Reclaim(pages=pages))
    assert len(w.page) == 0


def test_a_working_set_twice_as_large_as_memory_runs() -> None:
    """RAM for half of four processes' pages: reclaim runs by itself and nothing is lost; more is scanned than unmapped."""
    machine = Machine(ram_pages=200, swap_pages=1000)
    w = run(new_world("virtual_scan", machine), *(Spawn(pid=pid) for pid in (1, 2, 3, 4)))
    for pid in (1, 2, 3, 4):
        run(w, Mmap(pid=pid, span=Span(0, 100)), Touch(pid=pid, runs=((0, 100, "w"),)))
    for _ in range(3):
        run(w, *(Touch(pid=pid, runs=((0, 100, "r"),)) for pid in (1, 2, 3, 4)))
        audit(w)
    assert w.counters["missed_ptes"] == 0
    assert w.counters["pte_probes"] > w.counters["hits"] > 600


def test_one_turn_serves_all_pages_that_are_wanted() -> None:
    """Reclaim of everything: every present pte is looked at once, by one pass over all mms."""
    w = run(process(50), Fork(pid=1, child=2))
    run(w, Reclaim())
    assert (len(w.page), w.counters["pte_probes"], w.counters["hits"]) == (0, 100, 100)
