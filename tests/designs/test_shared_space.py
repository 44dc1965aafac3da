"""The space of an exec group: every pte is found, at every policy; what the index costs, and what the rule is for."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from at_random import run_at_random
from oracles import I386, X86_64, check_world, last_exit, new_world

from rmapexplorer.core.operations import Brk, Exec, Exit, Fork, Mmap, Mremap, Munmap, Operation, Reclaim, Spawn, Touch
from rmapexplorer.core.units import Machine, Span
from rmapexplorer.core.walk import Priced, price
from rmapexplorer.core.world import World
from rmapexplorer.designs.shared_space import SharedSpace
from rmapexplorer.formats.perf import load_perf

RECORDING = Path(__file__).parents[1] / "data" / "recordings" / "shell-pipeline.perf.txt.gz"
POLICIES = ("", "policy=P1", "policy=P2")
CHECKED = [f"shared_space:{p}{',' if p else ''}index={i}" for p in POLICIES for i in ("tree", "list")]
UNCHECKED = [f"shared_space:{p}{',' if p else ''}pgoff_check=off" for p in POLICIES]


def run(w: World, *ops: Operation) -> World:
    for op in ops:
        outcome = w.apply(op)
        assert outcome.ok, (op, outcome)
    return w


def design(w: World) -> SharedSpace:
    assert isinstance(w.design, SharedSpace)
    return w.design


def written(pid: int, start: int, end: int) -> Touch:
    return Touch(pid=pid, runs=((start, end, "w"),))


def started(key: str, pages: int = 10, machine: Machine = X86_64) -> World:
    """Process 1 with pages 100 and up written, in one vma."""
    return run(
        new_world(key, machine), Spawn(pid=1), Mmap(pid=1, span=Span(100, 100 + pages)), written(1, 100, 100 + pages)
    )


def walk_of(w: World, pid: int, vpn: int) -> Priced:
    page = w.pt.get(w.mms[w.tasks[pid].mm].tables, vpn) >> 12
    return price(w, w.candidates(np.array([page], np.int64))[0])


def kept(w: World) -> dict[str, tuple[int, int]]:
    return {row.kind: (row.objects, row.bytes) for row in w.footprint()}


# -- the oracles ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(4))
def test_random_operations(seed: int) -> None:
    """All policies and both indexes find every pte, keep what is reachable, and show the memory that pte_chain shows."""
    run_at_random(CHECKED, seed, steps=100)


@pytest.mark.parametrize("seed", [1, 13, 50])
def test_random_operations_without_the_rule(seed: int) -> None:
    """Merging without a look at vm_pgoff loses ptes now and then, and nothing else goes wrong."""
    lost = dict.fromkeys(UNCHECKED, 0)

    def look(worlds: dict[str, World]) -> None:
        for key in UNCHECKED:
            lost[key] = max(lost[key], worlds[key].probe().missed)

    run_at_random([*CHECKED[:1], *UNCHECKED], seed, look=look)
    assert max(lost.values()) > 0


@pytest.mark.parametrize(
    "key", ["shared_space", "shared_space:policy=P1", "shared_space:policy=P2", "shared_space:index=list"]
)
def test_a_recording_of_a_shell(key: str) -> None:
    """A real shell's forks and execs, replayed: everything is found at every policy, nothing is left at the end."""
    session = load_perf(str(RECORDING))
    w = World(new_world(key).design.__class__(**new_world(key).design.options), session.machine)
    for number, op in enumerate(session.operations):
        w.apply(op)
        if number % 200 == 0:
            check_world(w)
    check_world(w)
    run(w, Reclaim())
    assert w.counters["missed_ptes"] == 0
    last_exit(w)


def test_copies_are_independent() -> None:
    """A checkpoint has its own index, spaces and table of vmas."""
    w = run(started("shared_space"), Fork(pid=1, child=2))
    digest, twin = w.digest(), w.copy()
    assert twin.digest() == digest
    run(twin, Munmap(pid=1, span=Span(103, 105)), Exit(pid=2), Exec(pid=1))
    assert w.digest() == digest
    check_world(w)


# -- what it keeps -------------------------------------------------------------------------------------


@pytest.mark.parametrize(("machine", "space", "node", "link"), [(I386, 16, 16, 8), (X86_64, 24, 32, 16)])
@pytest.mark.parametrize("children", [0, 1, 5])
def test_f3_bytes_of_a_forking_parent(machine: Machine, space: int, node: int, link: int, children: int) -> None:
    """F3: one space, and a node for each private vma of each process; 8 bytes less where a list is enough."""
    for key, kind, size in (
        ("shared_space", "prio_tree linkage", node),
        ("shared_space:index=list", "list linkage", link),
    ):
        w = started(key, machine=machine)
        run(w, Mmap(pid=1, span=Span(200, 210)), written(1, 200, 201), Mmap(pid=1, span=Span(300, 310)))
        run(w, *(Fork(pid=1, child=2 + i) for i in range(children)))
        assert kept(w) == {"address_space": (1, space), kind: (2 * (children + 1), size * 2 * (children + 1))}


def test_a_space_for_each_exec() -> None:
    """fork shares the space, exec leaves it; it goes with the last process of the group."""
    w = run(started("shared_space"), Fork(pid=1, child=2), Fork(pid=2, child=3), Exec(pid=2))
    assert kept(w)["address_space"][0] == 2
    run(w, Exit(pid=1))
    assert kept(w)["address_space"][0] == 2
    run(w, Exit(pid=3))
    assert kept(w)["address_space"][0] == 1
    assert (w.counters["objs_alloc"], w.counters["objs_free"], w.counters["atomic_allocs"]) == (2, 1, 0)


# -- walks ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("index", ["tree", "list"])
@pytest.mark.parametrize("n", [1, 2, 7, 20])
def test_f4_private_page_of_a_child(index: str, n: int) -> None:
    """F4: a page of the child's own in an inherited vma costs up to n + 1 probes, n of them in vain."""
    w = run(started(f"shared_space:index={index}", 1), *(Fork(pid=1, child=2 + i) for i in range(n)))
    run(w, *(written(2 + i, 100, 101) for i in range(n)))
    probes = [int(walk_of(w, 1 + i, 100).probes[0]) for i in range(n + 1)]
    assert sorted(probes) == list(range(1, n + 2))


def test_a_move_costs_nothing_and_changes_nothing() -> None:
    """After fork the child moves shared pages: none copied, none allocated, none lost; each walk as long as before."""
    w = run(started("shared_space"), Fork(pid=1, child=2))
    before = [int(walk_of(w, 1, vpn).nodes[0]) for vpn in range(100, 110)]
    deltas = w.apply(Mremap(pid=2, span=Span(100, 110), new_pages=10, to=500)).deltas
    assert not {"copied_by_mremap", "objs_alloc", "atomic_allocs", "pages_touched_for_fixup"} & set(deltas)
    assert [int(walk_of(w, 1, vpn).nodes[0]) for vpn in range(100, 110)] == before
    assert w.probe().missed == 0


# -- policies ------------------------------------------------------------------------------------------


def test_p0_hands_out_indexes_twice_after_a_move() -> None:
    """Linus' objection of 2004-03-12: memory is moved away, new memory takes its addresses. Here a false probe each."""
    for policy, duplicates in (("P0", 10), ("P1", 10), ("P2", 0)):
        w = run(started(f"shared_space:policy={policy}"), Mremap(pid=1, span=Span(100, 110), new_pages=10, to=500))
        assert design(w).duplicates(0) == 0
        run(w, Mmap(pid=1, span=Span(100, 110)), written(1, 100, 110))
        assert design(w).duplicates(0) == duplicates
        probe = w.probe()
        assert (probe.missed, probe.ptes - probe.hits) == (0, duplicates)


def test_p1_gives_each_process_a_slice() -> None:
    """New memory of a child lies in its own slice of 2^20 pages, inherited memory where its parent's does."""
    w = run(started("shared_space:policy=P1", machine=I386), Fork(pid=1, child=2), Fork(pid=2, child=3))
    for pid, slice_ in ((1, 0), (2, 1), (3, 2)):
        run(w, Mmap(pid=pid, span=Span(700, 710)), written(pid, 700, 710))
        mm = w.mms[w.tasks[pid].mm]
        assert [int(w.vma.pgoff[row]) for row in mm.vmas] == [100, (slice_ << 20) + 700]
        assert int(walk_of(w, pid, 700).probes[0]) == 1


def test_p2_keeps_indexes_apart_at_the_price_of_merging() -> None:
    """The last range handed out can grow; one with another behind it cannot, neither by brk nor in place."""
    w = run(started("shared_space:policy=P2"), Brk(pid=1, start=110, end=115))
    assert len(w.vma) == 1
    run(w, Mmap(pid=1, span=Span(300, 305)), Brk(pid=1, end=120))
    assert len(w.vma) == 3
    refused = w.apply(Mremap(pid=1, span=Span(300, 305), new_pages=6))
    assert (refused.error, refused.deltas["index_overflows"]) == ("ENOMEM", 1)
    assert [r.rule for r in refused.refusals] == ["pgoff"]
    run(w, Mremap(pid=1, span=Span(115, 120), new_pages=6))
    run(w, written(1, 300, 301))
    moved = w.apply(Mremap(pid=1, span=Span(300, 305), new_pages=9, to=400))
    assert (moved.error, moved.deltas["index_overflows"]) == (None, 1)
    check_world(w)


def test_p2_leaves_room_for_a_stack_to_grow() -> None:
    """A stack grows down, and so do its indexes: never below 0."""
    w = run(new_world("shared_space:policy=P2"), Spawn(pid=1), Mmap(pid=1, span=Span(9000, 9010), flags=("growsdown",)))
    run(w, written(1, 9000, 9010), written(1, 7990, 7991), Fork(pid=1, child=2))
    assert w.probe().missed == 0
    check_world(w)
