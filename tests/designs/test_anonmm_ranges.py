"""anonmm with notes about moved ranges: ranges of vmas, one tree of remaps a group, or none and an exhaustive walk."""

from __future__ import annotations

import random
from pathlib import Path

import numpy as np
import pytest
from at_random import run_at_random
from moving import counted, families
from oracles import I386, X86_64, check_world, finds, last_exit, new_world, truth
from picture import ORIGIN, at, do, write
from test_walk_prices import crowd

from rmapexplorer.core import flags as vm
from rmapexplorer.core import operations as o
from rmapexplorer.core.index.files import nodes_of_tree
from rmapexplorer.core.units import Machine
from rmapexplorer.core.walk import price, steps_of
from rmapexplorer.core.world import World
from rmapexplorer.designs import anonmm_ranges
from rmapexplorer.designs.anonmm_runs import (
    EMPTY,
    closure,
    components,
    cut,
    delta_at,
    images,
    joined,
    pieces,
    ranks,
    recorded,
)
from rmapexplorer.formats.perf import load_perf

RANGES, TREE, EXHAUSTIVE = "anonmm_ranges", "anonmm_ranges:form=tree", "anonmm_ranges:form=exhaustive"
FORMS = (RANGES, TREE, EXHAUSTIVE)
ALL = (*FORMS, "anonmm_ranges:alloc=preallocated", "anonmm_ranges:form=tree,alloc=preallocated")
RECORDINGS = Path(__file__).parents[1] / "data" / "recordings"


def kept(w: World) -> int:
    """Ranges or records."""
    return sum(row.objects for row in w.footprint() if row.kind != "anonmm")


def family(key: str, pages: int = 6, children: int = 1, machine: Machine = X86_64) -> World:
    """Process 1 with written pages, and children 2, 3 ... that share them."""
    w = new_world(key, machine)
    do(w, o.Spawn(pid=1), o.Mmap(pid=1, span=at(0, pages)), o.Touch(pid=1, runs=(write(0, pages),)))
    return do_all(w, *(o.Fork(pid=1, child=2 + i) for i in range(children)))


def do_all(w: World, *ops: o.Operation) -> World:
    do(w, *ops) if ops else None
    return w


def move(pid: int, first: int, end: int, to: int) -> o.Mremap:
    return o.Mremap(pid=pid, span=at(first, end), new_pages=end - first, to=ORIGIN + to)


# -- oracles -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize("key", ALL)
def test_families_that_move_lose_nothing(key: str, seed: int) -> None:
    """Every pte is found after every operation; nothing is copied; allocated and not freed is what is there."""

    def look(w: World, op: o.Operation) -> None:
        c = w.counters
        assert c["objs_alloc"] - c["objs_free"] == sum(row.objects for row in w.footprint())
        assert c["copied_by_mremap"] == c["missed_ptes"] == 0
        if "exhaustive" in key or "preallocated" in key:
            assert c["atomic_allocs"] == 0
        if "exhaustive" not in key:
            assert c["merges_refused"] == 0

    families(key, seed, look=look)


def test_these_families_do_what_they_are_for() -> None:
    """The seeds above make ranges and records, chains of moves, and refused merges."""
    most: dict[str, int] = {}
    for key in (RANGES, TREE):
        sizes: list[int] = []
        worlds = [families(key, seed, look=lambda w, op, s=sizes: s.append(kept(w))) for seed in range(12)]  # type: ignore[misc]
        most[key] = max(sizes)
        assert counted(worlds, "atomic_allocs")[0] > 12
    assert min(most.values()) > 5
    assert counted((families(EXHAUSTIVE, seed) for seed in range(8)), "merges_refused")[0] > 10


@pytest.mark.parametrize("seed", range(4))
def test_all_operations(seed: int) -> None:
    run_at_random(ALL, seed, 90)


@pytest.mark.parametrize("key", FORMS)
def test_a_recording(key: str) -> None:
    """Real programs that fork and exec move nothing that is shared: no range is ever kept."""
    session = load_perf(str(RECORDINGS / "shell-pipeline.perf.txt.gz"))
    w = World(new_world(key).design, session.machine)
    for op in session.operations:
        w.apply(op)
    check_world(w)
    assert kept(w) == w.counters["atomic_allocs"] == 0
    last_exit(w)


# -- ranges ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("machine", "sizes"), [(I386, (28, 24)), (X86_64, (56, 48))])
def test_sizes(machine: Machine, sizes: tuple[int, int]) -> None:
    for key, size in zip((RANGES, TREE), sizes, strict=True):
        rows = family(key, machine=machine).footprint()
        assert [(row.objects, row.size) for row in rows[1:]] == [(0, size)]
        assert "inference" in rows[1].source
    assert [row.kind for row in family(EXHAUSTIVE, machine=machine).footprint()] == ["anonmm"]


def test_exclusive_pages_need_no_range() -> None:
    """Nobody shares them, resident or on swap: the index is rewritten, the walk is one probe."""
    for key in (RANGES, TREE):
        w = family(key, children=0)
        do(w, move(1, 0, 3, 20))
        assert kept(w) == w.counters["atomic_allocs"] == 0
        assert sorted(w.page.index[w.anonymous_pages()].tolist()) == [ORIGIN + c for c in (3, 4, 5, 20, 21, 22)]
        do(w, o.Reclaim(), move(1, 3, 6, 30), o.Touch(pid=1, runs=(write(30, 33),)))
        assert kept(w) == 0
        assert w.probe().ptes == 3
        check_world(w)


def test_one_range_for_a_move_and_none_for_the_way_back() -> None:
    w = family(RANGES)
    do(w, move(2, 0, 6, 20))
    assert w.design.runs == {1: pytest.approx(np.array([[ORIGIN + 20, ORIGIN + 26, -20]]))}  # type: ignore[attr-defined]
    do(w, move(2, 20, 26, 0))
    assert kept(w) == 0


def test_ranges_split_drop_and_join_with_their_vmas() -> None:
    w = family(RANGES, pages=8)
    do(w, move(2, 0, 8, 20))
    sizes = [kept(w)]
    for op in (
        o.Mprotect(pid=2, span=at(22, 25), prot="r"),  # three vmas, a range in each
        o.Mprotect(pid=2, span=at(22, 25), prot="rw"),  # one again
        o.Munmap(pid=2, span=at(23, 24)),  # a hole: two
        o.Mmap(pid=2, span=at(23, 24)),  # filled with memory that was never elsewhere: one vma, two ranges
        o.Fork(pid=2, child=3),  # a copy of both
        o.Exit(pid=2),
        o.Exit(pid=3),
    ):
        do(w, op)
        check_world(w)
        sizes.append(kept(w))
    assert sizes == [1, 3, 1, 2, 2, 4, 2, 0]
    assert w.counters["merges_refused"] == 0


def test_moves_of_moved_memory_add_up() -> None:
    """Two stretches put side by side keep a range each; a third beside its old neighbour joins it."""
    w = family(RANGES, pages=6)
    do(w, move(2, 0, 2, 20), move(2, 4, 6, 22))
    assert kept(w) == 2
    do(w, move(2, 20, 24, 40))
    assert w.design.runs[1].tolist() == [[ORIGIN + 40, ORIGIN + 42, -40], [ORIGIN + 42, ORIGIN + 44, -38]]  # type: ignore[attr-defined]
    do(w, move(2, 2, 4, 50), move(2, 42, 44, 52))
    assert w.design.runs[1].tolist() == [[ORIGIN + 40, ORIGIN + 42, -40], [ORIGIN + 50, ORIGIN + 54, -48]]  # type: ignore[attr-defined]
    check_world(w)


def test_allocation_under_the_lock_or_before() -> None:
    """Atomic: what is needed, one try each. Preallocated: a range for each stretch and two for splits, the rest freed."""
    made = {}
    for key in (RANGES, "anonmm_ranges:alloc=preallocated"):
        w = family(key)
        made[key] = do(w, move(2, 0, 6, 20)).deltas
        check_world(w)
    assert {k: v for k, v in made[RANGES].items() if "alloc" in k or "free" in k} == {
        "objs_alloc": 1,
        "atomic_allocs": 1,
    }
    other = made["anonmm_ranges:alloc=preallocated"]
    assert {k: v for k, v in other.items() if "alloc" in k or "free" in k} == {
        "objs_alloc": 3,
        "objs_free": 2,
        "sleeping_allocs": 3,
    }


def test_first_fault_in_a_range_goes_by_the_old_address() -> None:
    """A page that appears in moved memory is indexed where the memory was: the parent's later page there is another's."""
    w = family(RANGES)
    do(w, o.Madvise(pid=2, span=at(2), advice="dontneed"), move(2, 0, 6, 20))
    do(w, o.Touch(pid=2, runs=(write(22),)))
    page = w.pt.get(w.mms[1].tables, ORIGIN + 22) >> 12
    assert w.page.index[page] == ORIGIN + 2
    do(w, o.Fork(pid=2, child=3), move(3, 20, 26, 0))
    assert finds(w) == 0


# -- records -----------------------------------------------------------------------------------------


def test_one_record_for_a_move_and_one_for_the_way_back() -> None:
    """Records are the group's: a second child that moves alike needs none; they stay when the movers exit."""
    w = family(TREE, children=3)
    sizes = []
    for op in (
        move(2, 0, 6, 20),
        move(3, 0, 6, 20),
        move(2, 20, 26, 0),
        o.Exit(pid=2),
        o.Exit(pid=3),
        o.Exit(pid=4),
        o.Exit(pid=1),
    ):
        do(w, op)
        sizes.append(kept(w))
    assert sizes == [1, 1, 2, 2, 2, 2, 0]


def test_closure_follows_records_both_ways() -> None:
    """Against a search of a graph, edge by edge."""
    dice = random.Random(5)
    for _ in range(40):
        records = EMPTY
        edges: set[tuple[int, int]] = set()
        for _ in range(dice.randrange(8)):
            start, shift = dice.randrange(20, 60), dice.choice([-20, -7, 5, 30])
            end = start + dice.randrange(1, 9)
            records = recorded(records, start, end, shift)
            edges |= {(a, a + shift) for a in range(start, end)} | {(a + shift, a) for a in range(start, end)}
        index = np.array(sorted(dice.sample(range(70), 12)), np.int64)
        first, vpn = closure(records, index)
        for place, begin in enumerate(index.tolist()):
            reached, frontier = [begin], [begin]
            while frontier:
                frontier = sorted({b for a, b in edges if a in frontier} - set(reached))
                reached += frontier
            assert vpn[first[place] : first[place + 1]].tolist() == reached


def test_components_and_ranks_are_those_of_the_closure() -> None:
    """Against the closure written down: the same pages reached, each at the same place."""
    dice, most = random.Random(11), 0
    for _ in range(60):
        records = EMPTY
        for _ in range(dice.randrange(7)):
            start = dice.randrange(20, 60)
            records = recorded(records, start, start + dice.randrange(1, 20), dice.choice([-20, -7, 3, 5, 30]))
        index = np.array(sorted(dice.sample(range(90), 20)), np.int64)
        first, vpn = closure(records, index)
        pages, label = components(records, index)
        assert np.array_equal(np.bincount(label)[label[np.searchsorted(pages, index)]], np.diff(first))
        place = np.arange(len(vpn)) - np.repeat(first[:-1], np.diff(first))
        asked = np.array(dice.sample(range(len(vpn)), 20), np.int64)
        assert np.array_equal(ranks(records, np.repeat(index, np.diff(first))[asked], vpn[asked]), place[asked])
        most = max(most, int(place[asked].max()))
    assert most > 9


def test_long_walks_cost_what_listing_them_says(monkeypatch: pytest.MonkeyPatch) -> None:
    """A walk that lists what it hits alone is priced as that which lists every address, page by page."""
    checked = 0

    def look(w: World, op: o.Operation) -> None:
        nonlocal checked
        pages = w.anonymous_pages()
        if not len(pages) or not w.design.records:
            return
        seen = []
        for listed in (1 << 40, -1):
            monkeypatch.setattr(anonmm_ranges, "LISTED", listed)
            monkeypatch.setattr(anonmm_ranges, "FEW", 0)
            walk = w.design.anon_candidates(pages)
            priced = price(w, walk)
            figures = (priced.nodes, priced.rejects, priced.probes, priced.hits, priced.missed)
            seen.append(([column.tolist() for column in figures], walk.place is None))
        assert seen[0][0] == seen[1][0], op
        checked += seen[0][1] and not seen[1][1]

    for seed in range(4):
        families(TREE, seed, 60, look=look)
    assert checked > 20


def test_the_price_of_a_program_that_reallocates_and_forks() -> None:
    """Nine records tie thousands of addresses together; their 17 million turns are counted without being written down."""
    session = load_perf(str(RECORDINGS / "python-realloc-fork.perf.txt.gz"))
    w = World(new_world(TREE).design, session.machine)
    for op in session.operations:
        w.apply(op)
    probe = w.probe()
    assert (probe.pages, probe.hits, probe.missed) == (8112, 11836, 0)
    assert (probe.nodes, probe.ptes) == (228_293_640, 8_316_452)


def test_runs_against_a_dict_of_pages() -> None:
    """cut, pieces, joined, delta_at and images, page by page."""
    dice = random.Random(7)
    for _ in range(60):
        delta = {}
        for _ in range(4):
            start = dice.randrange(40)
            delta |= dict.fromkeys(range(start, start + dice.randrange(1, 8)), dice.choice([0, 3, -9, 12]))
        delta = {vpn: d for vpn, d in delta.items() if d}
        runs = EMPTY
        for vpn, d in sorted(delta.items()):
            runs = np.concatenate([runs, [[vpn, vpn + 1, d]]])
        runs = joined(runs, 0, 100)
        assert all(a[1] < b[0] or a[2] != b[2] for a, b in zip(runs.tolist(), runs[1:].tolist(), strict=False))
        at_all = np.arange(60)
        assert delta_at(runs, at_all).tolist() == [delta.get(vpn, 0) for vpn in range(60)]
        assert delta_at(cut(runs, 20), at_all).tolist() == delta_at(runs, at_all).tolist()
        parts = pieces(runs, 10, 30).tolist()
        assert [(p[0], p[2]) for p in parts] == [
            (vpn, delta.get(vpn, 0)) for vpn in range(10, 30) if vpn == 10 or delta.get(vpn, 0) != delta.get(vpn - 1, 0)
        ]
        index = np.array(sorted(dice.sample(range(60), 20)), np.int64)
        key, vpn, through = images(runs, index)
        where = [(i, v) for i, want in enumerate(index.tolist()) for v in ([want] if not delta.get(want) else [])
                 + sorted(v for v, d in delta.items() if v + d == want)]  # fmt: skip
        assert list(zip(key.tolist(), vpn.tolist(), strict=True)) == where
        assert through.tolist() == [v in delta for _, v in where]


# -- costs -------------------------------------------------------------------------------------------


def turn(w: World, mm: int, index: int) -> tuple[list[tuple[int, int]], int]:
    """What one mm's turn probes: (page number, nodes until then) in order; and the nodes of a turn that finds nothing."""
    form = w.design.options["form"]
    if form == "ranges":
        runs = w.design.runs.get(mm, EMPTY).tolist()  # type: ignore[attr-defined]
        down = nodes_of_tree(len(runs), 0)
        here = [] if any(s <= index < e for s, e, _ in runs) else [(index, down)]
        there = [index - d for s, e, d in runs if s <= index - d < e]
        return here + [(v, down + k) for k, v in enumerate(there, 1)], down + len(there)
    if form == "tree":
        head = int(w.design.anonmm.head[w.design.of_mm[mm]])  # type: ignore[attr-defined]
        records = w.design.records.get(head, EMPTY)  # type: ignore[attr-defined]
        _, vpns = closure(records, np.array([index]))
        whole = 2 * len(vpns) * nodes_of_tree(len(records), 0) + len(vpns) - 1
        return [(v, whole if k else 0) for k, v in enumerate(vpns.tolist())], whole
    out = []
    for place, row in enumerate(w.mms[mm].vmas, 1):
        vpn = index - int(w.vma.pgoff[row]) + int(w.vma.start[row])
        if not int(w.vma.flags[row]) & vm.SHARED and w.vma.start[row] <= vpn < w.vma.end[row]:
            out.append((vpn, place))
    return out, len(w.mms[mm].vmas)


def stepwise(w: World, page: int, ptes: set[tuple[int, int]]) -> tuple[int, int, int]:
    """(nodes, probes, hits) from the page's own mm round the group, turn by turn."""
    design = w.design
    own, index = int(w.page.mapping[page]), int(w.page.index[page])
    members = design.groups.members(int(design.anonmm.head[own])).tolist()  # type: ignore[attr-defined]
    begin = members.index(own)
    nodes = probes = hits = 0
    for row in members[begin:] + members[:begin]:
        nodes += 1
        mm = int(design.anonmm.mm[row])  # type: ignore[attr-defined]
        if mm < 0 or not w.mms[mm].rss:
            continue
        places, whole = turn(w, mm, index)
        for vpn, upto in places:
            probes += 1
            hits += (mm, vpn) in ptes
            if hits == len(ptes):
                return nodes + upto, probes, hits
        nodes += whole
    return nodes, probes, hits


@pytest.mark.parametrize("seed", range(20))
@pytest.mark.parametrize("key", FORMS)
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


# -- pictures ----------------------------------------------------------------------------------------


def test_what_the_inspector_says() -> None:
    w = family(RANGES)
    do(w, move(2, 0, 6, 20))
    moved = w.vma_at(w.mms[1], ORIGIN + 20)
    assert w.design.owner_fields(-1, moved)[1][-1][:2] == ("ranges", "1")
    assert w.design.vma_links(np.array([moved, w.mms[0].vmas[0]])).tolist() == [1, 0]
    drawn = w.design.picture(int(w.anonymous_pages()[0]), -1, 10)
    assert moved in {node.vma for node in drawn.nodes}
    w = family(TREE)
    do(w, move(2, 0, 6, 20))
    assert w.design.owner_fields(-1, w.mms[0].vmas[0])[1][-1][:2] == ("remap records", "1")
