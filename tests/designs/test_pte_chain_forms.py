"""The forms pte_chain had: pairs and arrays, with PG_direct and without, blocks of any size, failing atomic allocations."""

from __future__ import annotations

from pathlib import Path

import pytest
from at_random import FILED, run_at_random
from oracles import I386, X86_64, check_world, last_exit, new_world

from rmapexplorer.core.operations import Exit, Fork, Mmap, Munmap, Operation, Reclaim, Spawn, Touch
from rmapexplorer.core.sizes import slab_objects
from rmapexplorer.core.units import KernelError, Machine, Span
from rmapexplorer.core.world import World
from rmapexplorer.formats.perf import load_perf

FORMS = (
    *("pte_chain:layout=linked", "pte_chain:layout=linked,direct=off", "pte_chain:direct=off", "pte_chain:slots=7"),
    *("pte_chain:slots=31,fail_atomic=every-2nd", "pte_chain:slots=15,direct=off,fail_atomic=every-10th"),
)
SHELL = Path(__file__).parent.parent / "data" / "recordings" / "shell-pipeline.perf.txt.gz"
MACHINES = [pytest.param(I386, id="i386"), pytest.param(X86_64, id="x86_64")]
GIB = 1 << 30


def run(w: World, *ops: Operation) -> World:
    for op in ops:
        outcome = w.apply(op)
        assert outcome.ok, (op, outcome)
    return w


def family(key: str, mappings: int, machine: Machine = X86_64, pages: int = 1) -> World:
    w = run(
        new_world(key, machine), Spawn(pid=1), Mmap(pid=1, span=Span(0, pages)), Touch(pid=1, runs=((0, pages, "w"),))
    )
    return run(w, *(Fork(pid=1, child=2 + i) for i in range(mappings - 1)))


def blocks(w: World) -> int:
    return w.footprint()[0].objects


def chain_bytes(w: World) -> int:
    return w.footprint()[0].bytes


# -- the oracles -------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(3))
def test_random_operations_in_all_forms(seed: int) -> None:
    run_at_random(FORMS, seed, mix=FILED)


@pytest.mark.parametrize("seed", range(2))
def test_random_operations_with_little_memory(seed: int) -> None:
    run_at_random(FORMS, seed, mix=FILED, ram_pages=48, swap_pages=64, calls="2.6.7")


@pytest.mark.parametrize("key", FORMS)
def test_a_recording_runs(key: str) -> None:
    w = new_world(key)
    for op in load_perf(str(SHELL)).operations:
        w.apply(op)
    check_world(w)
    assert w.probe().missed == 0
    last_exit(w)


# -- sizes and closed forms ----------------------------------------------------------------------------


@pytest.mark.parametrize("machine", MACHINES)
@pytest.mark.parametrize("slots", [7, 15, 31])
@pytest.mark.parametrize("direct", ["on", "off"])
def test_f1_blocks_of_a_chosen_size(machine: Machine, slots: int, direct: str) -> None:
    """F1: ceil(k / N) blocks of N ptes and a word; without PG_direct for one mapping too (mm/rmap.c 2.5.34 to 2.6.5)."""
    for k in (1, 2, slots, slots + 1, 2 * slots + 1):
        w = family(f"pte_chain:slots={slots},direct={direct}", k, machine)
        assert blocks(w) == (0 if k == 1 and direct == "on" else -(-k // slots))
        assert w.footprint()[0].size == (slots + 1) * machine.word_bytes


@pytest.mark.parametrize("machine", MACHINES)
def test_pairs_are_a_pointer_to_the_pte_and_one_to_the_next(machine: Machine) -> None:
    """8 and 16 bytes a mapping; with PG_direct the second mapping takes two pairs (page_add_rmap, 2.5.27)."""
    for k in (1, 2, 3, 10):
        w = family("pte_chain:layout=linked", k, machine)
        assert chain_bytes(w) == (0 if k == 1 else k) * 2 * machine.word_bytes
        assert blocks(family("pte_chain:layout=linked,direct=off", k, machine)) == k


@pytest.mark.parametrize("k", [2, 3, 8, 32, 101])
def test_f2_of_pairs(k: int) -> None:
    """Oldest first each removal passes all that came later, until one is left: k (k + 1) / 2 - 1; newest first k - 1.

    page_remove_rmap of 2.5.27 unlinks the pair where it stands and makes a lone pte direct at once: the scan that
    arrays made half as long for exiting shells (2.5.34; k (k + 4) / 4 for even k).
    """
    w = family("pte_chain:layout=linked", k)
    twin = w.copy()
    run(w, *(Munmap(pid=pid, span=Span(0, 1)) for pid in range(1, k)))
    assert (w.counters["slots_compared"], blocks(w)) == (k * (k + 1) // 2 - 1, 0)
    run(twin, *(Munmap(pid=pid, span=Span(0, 1)) for pid in range(k, 1, -1)))
    assert (twin.counters["slots_compared"], blocks(twin)) == (k - 1, 0)


def test_w8_exit_storm() -> None:
    """300 shells that share 5 pages exit, oldest first: pairs scan twice as far as arrays do (10,000 shells: 2002).

    Anton Blanchard measured 3 to 4 times in time (message of H:d5c82932), cache lines included, which are not simulated.
    """
    compared = {}
    for key in ("pte_chain:layout=linked", "pte_chain"):
        w = family(key, 300, pages=5)
        run(w, *(Exit(pid=pid) for pid in range(1, 301)))
        compared[key] = w.counters["slots_compared"]
    assert compared == {"pte_chain:layout=linked": 5 * (300 * 301 // 2 - 1), "pte_chain": 5 * 300 * 304 // 4}


def test_pairs_are_found_from_either_end_at_the_price_from_the_head() -> None:
    """Of eight ptes the newest costs one comparison, the oldest eight; the middle ones what lies before them."""
    for order in ([8, 7, 6, 5, 4, 3, 2, 1], [1, 2, 3, 4, 5, 6, 7, 8], [4, 5, 1, 8, 2, 7, 3, 6]):
        w, chain, compared = family("pte_chain:layout=linked,direct=off", 8), list(range(8, 0, -1)), 0
        for pid in order:
            run(w, Munmap(pid=pid, span=Span(0, 1)))
            compared += chain.index(pid) + 1
            chain.remove(pid)
            assert w.counters["slots_compared"] == compared
            check_world(w)


def test_a_lone_pte_becomes_direct_again_when_it_should() -> None:
    """Arrays wait for page_referenced (2.6.5), pairs do not (2.5.27), and without PG_direct nothing ever does."""
    left = {}
    for key in ("pte_chain", "pte_chain:layout=linked", "pte_chain:direct=off"):
        w = run(family(key, 2), Exit(pid=2))
        left[key] = [blocks(w)]
        run(w, Reclaim(pages=0), Reclaim(pages=1))
        left[key].append(w.counters["objs_free"] > 0)
    assert {key: first for key, (first, _) in left.items()} == {
        "pte_chain": 1,
        "pte_chain:layout=linked": 0,
        "pte_chain:direct=off": 1,
    }


def test_pairs_have_no_slots_to_choose() -> None:
    with pytest.raises(KernelError, match="layout=linked"):
        new_world("pte_chain:layout=linked,slots=7")


# -- allocations ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(("form", "every"), [("never", 0), ("every-10th", 10), ("every-2nd", 2)])
def test_c15_atomic_allocations_that_fail_are_made_again(form: str, every: int) -> None:
    """C15: a fork of 99 pages in one vma tries 1 + 99 times; each failure is one GFP_KERNEL more (copy_page_range, 2.6.5)."""
    w = family(f"pte_chain:fail_atomic={form}", 1, pages=99)
    before = dict(w.counters)
    run(w, Fork(pid=1, child=2))
    tries = before["atomic_allocs"] + 100
    failed = tries // every - before["atomic_allocs"] // every if every else 0
    delta = w.counters.since(before)
    assert (delta["atomic_allocs"], delta.get("atomic_failures", 0)) == (100, failed)
    assert delta.get("sleeping_allocs", 0) == failed
    assert blocks(w) == 99


def test_pairs_are_all_allocated_atomically() -> None:
    """2.5.27: pte_chain_alloc inside page_add_rmap; a fork of 10 direct pages takes 20 pairs, faults none."""
    w = family("pte_chain:layout=linked", 1, pages=10)
    assert w.counters["atomic_allocs"] == 0
    run(w, Fork(pid=1, child=2))
    assert (w.counters["atomic_allocs"], w.counters["sleeping_allocs"]) == (20, 0)


# -- published figures -----------------------------------------------------------------------------------


def test_p2_slabs_of_a_database() -> None:
    """P2: 3,411,018 chains of 32 bytes lay in 30,186 slabs of 113 (Peter Wong, 2002-09-17, 100 GB decision support).

    OF6165D951.694A9B41-ON85256C36.00684F02@pok.ibm.com: 7 ptes a block, 22,817,885 reverse maps, 6.69 for each chain.
    """
    w = family("pte_chain:slots=7", 2, I386)
    size = w.footprint()[0].size
    per_page = slab_objects(size, "i386")
    assert (size, per_page) == (32, 113)
    assert -(-3_411_018 // per_page) == 30_186
    assert round(3_411_018 * size / 1e6) == 109  # the mail's 104 MB are MiB
    assert round(3_411_018 * size / 2**20) == 104
    assert round(30_186 * 4096 / 2**20) == 118
    assert round(22_817_885 / 3_411_018, 2) == 6.69 <= w.design.store.slots  # type: ignore[attr-defined]


@pytest.mark.parametrize(("tasks", "gib", "expected"), [(100, 2.7, 0.527), (700, 2.7, 3.69)])
def test_w3_shared_memory_of_a_database(tasks: int, gib: float, expected: float) -> None:
    """W3: 8 bytes for each task and page of 2.7 GB: 0.527 GiB for 100 tasks, 3.69 for 700 (20040308202433.GA12612@dualathlon.random).

    A share of the pages is run, in pairs on i386; every page costs the same.
    """
    pages = 5
    w = new_world("pte_chain:layout=linked", I386)
    for pid in range(1, tasks + 1):
        shared = Mmap(pid=pid, span=Span(0, pages), kind="file-shared", file="shm")
        run(w, Spawn(pid=pid), shared, Touch(pid=pid, runs=((0, pages, "w"),)))
    assert chain_bytes(w) == pages * tasks * 8
    assert round(chain_bytes(w) / pages * gib * GIB / 4096 / GIB, 3 if expected < 1 else 2) == expected


def test_w3_five_thousand_tasks() -> None:
    """W3: 5,000 tasks x 2 GB: 9.77 GiB at 4 bytes a pte, "10 GB" in the mail of 2003-04; with blocks of 31 it is 10.125.

    Blocks of 7 (32-byte lines) would be 11.17: next_and_idx and the last, part-filled block come to the bare slots.
    """
    per_page = {}
    for slots in (7, 31):
        w = new_world(f"pte_chain:slots={slots}", I386)
        shared = Mmap(pid=1, span=Span(0, 1), kind="file-shared", file="shm")
        run(w, Spawn(pid=1), shared, Touch(pid=1, runs=((0, 1, "w"),)))
        for pid in range(2, 5001):
            run(w, Fork(pid=1, child=pid))
            if w.rules.fork_skips_file_ptes:
                run(w, Touch(pid=pid, runs=((0, 1, "w"),)))
        assert w.page.mapcount.max() == 5000
        per_page[slots] = chain_bytes(w) * (2 * GIB // 4096) / GIB
    assert round(5000 * 4 * (2 * GIB // 4096) / GIB, 2) == 9.77
    assert {slots: round(total, 2) for slots, total in per_page.items()} == {7: 11.17, 31: 10.12}
