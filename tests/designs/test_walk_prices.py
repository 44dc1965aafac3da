"""What a walk costs, against walks done step by step as the kernels of their time wrote them."""

from __future__ import annotations

import random

import pytest
from oracles import found, new_world, truth

from rmapexplorer.core import operations as o
from rmapexplorer.core.units import Span
from rmapexplorer.core.walk import price, steps_of
from rmapexplorer.core.world import World

PLACES = 24


def crowd(key: str, seed: int) -> World:
    """A random family: forks, exits, writes, moves, splits."""
    r = random.Random(seed)
    w = new_world(key)
    w.apply(o.Spawn(pid=1))
    w.apply(o.Mmap(pid=1, span=Span(0, PLACES)))
    w.apply(o.Touch(pid=1, runs=((0, PLACES, "w"),)))
    born = 1
    for _ in range(40):
        pids = list(w.tasks)
        if not pids:
            break
        pid, at, kind = r.choice(pids), r.randrange(PLACES - 3), r.random()
        if kind < 0.35 and len(pids) < 9:
            born += 1
            w.apply(o.Fork(pid=pid, child=born))
        elif kind < 0.6:
            w.apply(o.Touch(pid=pid, runs=((at, at + r.randint(1, 3), "w"),)))
        elif kind < 0.7:
            w.apply(o.Mremap(pid=pid, span=Span(at, at + 2), new_pages=2, to=r.choice([100, 102, at + 30])))
        elif kind < 0.8:
            w.apply(o.Mprotect(pid=pid, span=Span(at, at + 2), prot=r.choice(["r", "rw"])))
        elif kind < 0.9:
            w.apply(o.Munmap(pid=pid, span=Span(at, at + 2)))
        elif len(pids) > 1:
            w.apply(o.Exit(pid=pid))
    return w


def by_anonmm(w: World, page: int, ptes: set[tuple[int, int]]) -> tuple[int, int, int]:
    """page_referenced_anon of rmap 10: (nodes, probes, hits), from the page's own anonmm round the circle."""
    design = w.design
    own, vpn = int(w.page.mapping[page]), int(w.page.index[page])
    members = design.groups.members(int(design.anonmm.head[own])).tolist()  # type: ignore[attr-defined]
    at = members.index(own)
    nodes = probes = hits = 0
    for row in members[at:] + members[:at]:
        nodes += 1
        mm = int(design.anonmm.mm[row])  # type: ignore[attr-defined]
        if mm < 0 or not w.mms[mm].rss:
            continue
        probes += 1
        hits += (mm, vpn) in ptes
        if hits == len(ptes):
            break
    return nodes, probes, hits


def by_anon_vma(w: World, page: int, ptes: set[tuple[int, int]]) -> tuple[int, int, int]:
    """page_referenced_anon of 2.6.7: the vmas of the list from its head, those that do not cover the index rejected."""
    index = int(w.page.index[page])
    nodes = probes = hits = 0
    for row in w.design.lists.members(int(w.page.mapping[page])).tolist():  # type: ignore[attr-defined]
        nodes += 1
        vpn = index - int(w.vma.pgoff[row]) + int(w.vma.start[row])
        if not w.vma.start[row] <= vpn < w.vma.end[row]:
            continue
        probes += 1
        hits += (int(w.vma.mm[row]), vpn) in ptes
        if hits == len(ptes):
            break
    return nodes, probes, hits


STEPWISE = {"anonmm": by_anonmm, "anonmm:variant=4c": by_anonmm, "anon_vma": by_anon_vma}


@pytest.mark.parametrize("seed", range(25))
@pytest.mark.parametrize("key", STEPWISE)
def test_price_of_every_page(key: str, seed: int) -> None:
    """Nodes, probes and hits of the bulk walk == those of a walk done step by step; rejects are nodes not probed."""
    w = crowd(key, seed)
    pages = w.anonymous_pages()
    priced = price(w, w.design.anon_candidates(pages))
    true = truth(w)
    for at, page in enumerate(pages.tolist()):
        cost = int(priced.nodes[at]), int(priced.probes[at]), int(priced.hits[at])
        assert cost == STEPWISE[key](w, page, true[page]), page
        if key == "anon_vma":
            assert int(priced.rejects[at]) == cost[0] - cost[1]


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("key", ["pte_chain", *STEPWISE, "anon_vma_chain"])
def test_steps_of_a_page_add_up_to_its_price(key: str, seed: int) -> None:
    """The steps the inspector lists end where the price says: as many candidates, as many hits, as many nodes."""
    w = crowd(key, seed)
    hits = found(w)
    for page in w.anonymous_pages().tolist():
        steps, priced = steps_of(w, page)
        assert len(steps) == int(priced.probes[0])
        assert {(s.mm, s.vpn) for s in steps if s.hit} == set(hits[page])
        stopped = int(priced.missed[0]) == 0 and key != "anon_vma_chain"
        if stopped:
            assert steps[-1].nodes == int(priced.nodes[0])
        assert [s.nodes for s in steps] == sorted(s.nodes for s in steps)
