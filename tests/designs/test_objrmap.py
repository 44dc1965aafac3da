"""objrmap: pages of files through i_mmap, the others on chains; and four ways to bear nonlinear vmas."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from at_random import FILED, run_at_random
from oracles import I386, X86_64, check_world, last_exit, new_world

from rmapexplorer.core.operations import Exit, Fork, Mmap, Munmap, Operation, Reclaim, RemapFilePages, Spawn, Touch
from rmapexplorer.core.units import Machine, Span
from rmapexplorer.core.walk import Priced, price
from rmapexplorer.core.world import World
from rmapexplorer.formats.perf import load_perf

NONLINEAR = ("objrmap", "objrmap:nonlinear=sweep", "objrmap:nonlinear=cluster", "objrmap:nonlinear=own-list")
FORMS = (*NONLINEAR, "objrmap:early_stop=off")
SHELL = Path(__file__).parent.parent / "data" / "recordings" / "shell-pipeline.perf.txt.gz"
MACHINES = [pytest.param(I386, id="i386"), pytest.param(X86_64, id="x86_64")]
OLD = Machine(calls="2.6.7", files={"f": 4096})


def run(w: World, *ops: Operation) -> World:
    for op in ops:
        outcome = w.apply(op)
        assert outcome.ok, (op, outcome)
    return w


def shared(pid: int, start: int, pages: int, offset: int = 0, touch: int = 0) -> tuple[Operation, ...]:
    """A shared mapping of file f, its first ``touch`` pages written."""
    mapped = Mmap(pid=pid, span=Span(start, start + pages), kind="file-shared", file="f", offset=offset)
    return (mapped, Touch(pid=pid, runs=((start, start + touch, "w"),))) if touch else (mapped,)


def page_at(w: World, pid: int, vpn: int) -> int:
    return w.pt.get(w.mm_of(pid).tables, vpn) >> 12


def walk_of(w: World, pid: int, vpn: int) -> Priced:
    return price(w, w.candidates(np.array([page_at(w, pid, vpn)], np.int64))[0])


# -- the oracles -------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(3))
def test_random_operations(seed: int) -> None:
    run_at_random(FORMS, seed, mix=FILED)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("memory", [{}, {"ram_pages": 48, "swap_pages": 64}])
def test_random_operations_with_nonlinear_vmas(seed: int, memory: dict[str, int]) -> None:
    run_at_random(FORMS, seed, mix=FILED, calls="2.6.7", **memory)


@pytest.mark.parametrize("key", FORMS)
def test_a_recording_runs(key: str) -> None:
    w = new_world(key)
    for op in load_perf(str(SHELL)).operations:
        w.apply(op)
    check_world(w)
    assert w.probe().missed == 0
    last_exit(w)


# -- what it costs -------------------------------------------------------------------------------------


@pytest.mark.parametrize("machine", MACHINES)
@pytest.mark.parametrize("mappers", [1, 2, 40])
def test_file_pages_cost_nothing_and_anonymous_ones_a_chain(machine: Machine, mappers: int) -> None:
    """0 bytes and 0 allocations a file page (mapcount takes the place of the pte union); chains as ever for the rest."""
    for key, pages in (("objrmap", 3), ("pte_chain", 8)):
        w = run(new_world(key, machine), Spawn(pid=1), *shared(1, 0, 5, touch=5))
        run(w, Mmap(pid=1, span=Span(100, 103)), Touch(pid=1, runs=((100, 103, "w"),)))
        before = dict(w.counters)
        run(w, *(Fork(pid=1, child=2 + i) for i in range(mappers - 1)))
        run(w, *(Touch(pid=2 + i, runs=((0, 5, "r"),)) for i in range(mappers - 1)))
        slots = machine.cache_line_bytes // machine.word_bytes - 1
        assert w.footprint()[0].objects == (0 if mappers == 1 else pages * -(-mappers // slots)), key
        if key == "objrmap":
            # per fork one try for each of the vmas whose ptes are copied, one after each block consumed
            vmas = (1 if w.rules.fork_skips_file_ptes else 2) * (mappers - 1)
            assert w.counters["atomic_allocs"] - before["atomic_allocs"] == vmas + w.footprint()[0].objects


@pytest.mark.parametrize("tasks", [1, 3, 10])
@pytest.mark.parametrize("windows", [1, 4])
def test_w2_nodes_are_the_vmas_of_the_file(tasks: int, windows: int) -> None:
    """W2 (rmap-test): N windows in each of T tasks: a page is mapped T times, and the list has N x T vmas to look at.

    T1 of the tests of 2003-04 is 100 x 100 = 10,000 nodes for 100 hits, T3 10,000 for 1 (20030405040614.66511e1e.akpm@digeo.com).
    Early stop cannot help the page whose last mapper is the last on the list; page_referenced of 2003 never stopped.
    """
    w = new_world("objrmap")
    for pid in range(1, tasks + 1):
        run(w, Spawn(pid=pid))
        for window in range(windows):
            run(w, *shared(pid, window * 20, 3, offset=window * 10, touch=3))
    priced = walk_of(w, 1, (windows - 1) * 20)
    assert (int(priced.nodes[0]), int(priced.probes[0]), int(priced.hits[0])) == (tasks * windows, tasks, tasks)
    first = walk_of(w, 1, 0)
    assert (int(first.nodes[0]), int(first.probes[0])) == (tasks * windows - windows + 1, tasks)


def test_w2_at_its_size() -> None:
    """T1's 100 tasks with 100 windows each, T3's single task with 10,000: 10,000 nodes for the last window's pages."""
    for tasks, windows in ((100, 100), (1, 10_000)):
        w = run(new_world("objrmap"), Spawn(pid=1))
        for window in range(windows):
            run(w, *shared(1, window * 4, 2, offset=window * 2))
        last = (windows - 1) * 4
        run(w, *(Fork(pid=1, child=pid) for pid in range(2, tasks + 1)))
        run(w, *(Touch(pid=pid, runs=((last, last + 1, "w"),)) for pid in range(1, tasks + 1)))
        priced = walk_of(w, 1, last)
        assert (int(priced.nodes[0]), int(priced.hits[0])) == (10_000, tasks)


@pytest.mark.parametrize(("stop", "asked"), [("on", 1), ("off", 8)])
def test_early_stop_is_about_page_referenced(stop: str, asked: int) -> None:
    """Eight vmas map other parts of the file: 2.6.7 stops at the one that maps the page, in 2003 only try_to_unmap did.

    The page is asked three times (found young, made inactive, found idle), then unmapped, which stops in both.
    """
    w = run(new_world(f"objrmap:early_stop={stop}"), Spawn(pid=1), *shared(1, 0, 1, touch=1))
    run(w, *(op for i in range(1, 8) for op in shared(1, 10 * i, 1, offset=i * 10)))
    run(w, Reclaim(pages=1))
    assert (w.counters["list_nodes"], w.counters["hits"], w.page.mapcount.max()) == (3 * asked + 1, 4, 0)


def test_private_copies_are_false_probes() -> None:
    """A MAP_PRIVATE vma whose page was written away is still on the list, covers the index, and maps another page."""
    w = run(new_world("objrmap"), Spawn(pid=1), Mmap(pid=1, span=Span(0, 1), kind="file-private", file="f"))
    run(w, Touch(pid=1, runs=((0, 1, "w"),)), Spawn(pid=2), *shared(2, 0, 1, touch=1))
    priced = walk_of(w, 2, 0)
    assert (int(priced.probes[0]), int(priced.hits[0])) == (2, 1)
    assert w.footprint()[0].objects == 0


def test_c13_mremap_of_a_file_needs_nothing() -> None:
    """C13: the moved vma keeps the file's pgoff: found at once, nothing allocated, nothing missed."""
    from rmapexplorer.core.operations import Mremap

    w = run(new_world("objrmap"), Spawn(pid=1), *shared(1, 0, 9, touch=9), Fork(pid=1, child=2))
    run(w, Touch(pid=2, runs=((0, 9, "r"),)))
    moved = w.apply(Mremap(pid=2, span=Span(0, 9), new_pages=9, to=600))
    assert {name for name in moved.deltas if "alloc" in name or "objs" in name} == set()
    assert int(walk_of(w, 2, 604).missed[0]) == 0


# -- nonlinear vmas: F8 and W7 -----------------------------------------------------------------------------


def permuted(key: str, pages: int) -> World:
    """One vma of ``pages`` pages, each showing the file page of its mirror image, none young."""
    w = run(new_world(key, OLD), Spawn(pid=1), *shared(1, 0, pages, touch=1))
    for vpn in range(pages):
        run(w, RemapFilePages(pid=1, span=Span(vpn, vpn + 1), offset=pages - 1 - vpn))
    w.pt.flat[:] &= ~np.int64(1 << 3)  # ptes unused for a while
    return w


@pytest.mark.parametrize("pages", [64, 256])
@pytest.mark.parametrize(
    ("form", "probes", "gone"), [("convert", 1, 1), ("sweep", None, None), ("cluster", 32, 32), ("own-list", 32, 32)]
)
def test_f8_reclaiming_one_page_of_a_nonlinear_vma(pages: int, form: str, probes: int | None, gone: int | None) -> None:
    """F8: try_to_unmap of one page: its chain; all n ptes of the vma (SUSE); 32 ptes of whatever pages (rmap 8 and 18).

    W7: with clusters the page that was meant may stay mapped: here the cursor begins at the other end of the vma.
    """
    w = permuted(f"objrmap:nonlinear={form}", pages)
    meant = page_at(w, 1, pages - 1)
    before = dict(w.counters)
    w.design.pageout(np.array([meant], np.int64))
    delta = w.counters.since(before)
    assert delta["pte_probes"] == (probes or pages)
    assert int((w.page.mapcount[w.page.live()] > 0).sum()) == pages - (gone or pages)
    assert bool(w.page.alive[meant]) == (form in ("cluster", "own-list"))
    assert delta.get("missed_ptes", 0) == 0
    check_world(w)


@pytest.mark.parametrize("form", ["cluster", "own-list"])
def test_f8_clusters_go_on_where_they_stopped(form: str) -> None:
    """The vma's cursor moves 32 ptes a call; two vmas take turns, the least advanced first (vm_private_data)."""
    w = permuted(f"objrmap:nonlinear={form}", 128)
    for step in range(1, 5):
        meant = page_at(w, 1, 127)
        w.design.pageout(np.array([meant], np.int64))
        assert int((w.page.mapcount[w.page.live()] > 0).sum()) == 128 - 32 * step
    assert not w.page.alive[meant]


def test_w7_young_ptes_are_aged_first() -> None:
    """A sweep clears the young bit of what was used and unmaps it the next time round."""
    for form in ("sweep", "cluster"):
        w = permuted(f"objrmap:nonlinear={form}", 32)
        run(w, Touch(pid=1, runs=((0, 16, "r"),)))
        meant = page_at(w, 1, 0)
        w.design.pageout(np.array([meant], np.int64))
        assert int((w.page.mapcount[w.page.live()] > 0).sum()) == 16
        for _ in range(2):
            w.design.pageout(np.array([meant], np.int64)[w.page.alive[[meant]]])
        assert int((w.page.mapcount[w.page.live()] > 0).sum()) == 0


def test_converted_pages_have_chains_until_nothing_maps_them() -> None:
    """page_convert_anon goes through all vmas of the file and chains every pte it finds; one pte alone is direct."""
    w = run(new_world("objrmap", OLD), Spawn(pid=1), *shared(1, 0, 8, touch=8), *shared(1, 100, 8, offset=0, touch=8))
    run(w, Fork(pid=1, child=2))
    before = dict(w.counters)
    run(w, RemapFilePages(pid=1, span=Span(0, 1), offset=3))
    delta = w.counters.since(before)
    # page 3 was mapped by four vmas of two processes, and by this pte now: five ptes on a chain of seven
    assert w.footprint()[0].objects == 1
    assert (delta["walks"], delta["hits"], delta["list_nodes"]) == (1, 4, 4)
    assert int(walk_of(w, 1, 0).probes[0]) == 5
    run(w, Exit(pid=2), Munmap(pid=1, span=Span(0, 8)), Munmap(pid=1, span=Span(100, 108)))
    assert w.footprint()[0].objects == 0
    run(w, *shared(1, 0, 8, touch=8))
    assert not w.design.converted.any()  # type: ignore[attr-defined]


def test_own_list_spares_linear_walks_the_nonlinear_vmas() -> None:
    """rmap 18: 50 nonlinear vmas are not looked at for a page that a linear one maps; rmap 8 passes them."""
    nodes = {}
    for form in ("sweep", "cluster", "own-list"):
        w = run(new_world(f"objrmap:nonlinear={form}", OLD), Spawn(pid=1))
        for at in range(50):
            run(w, *shared(1, 10 + at * 10, 2), RemapFilePages(pid=1, span=Span(10 + at * 10, 11 + at * 10), offset=9))
        run(w, *shared(1, 0, 1, offset=100, touch=1))
        meant = np.array([page_at(w, 1, 0)], np.int64)
        walk = w.design.walk_for(w.candidates(meant)[0], "referenced")
        nodes[form] = int(walk.total_nodes[0])
    assert nodes == {"sweep": 51, "cluster": 51, "own-list": 1}
