"""Walks too long to list are taken in parts: the same prices, the same reclaim, memory that grows with pages and members."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest
from at_random import random_log
from oracles import found, new_world

from rmapexplorer.core import long_walks
from rmapexplorer.core import operations as o
from rmapexplorer.core.long_walks import price_all, priced_walks
from rmapexplorer.core.units import Span
from rmapexplorer.core.world import World
from rmapexplorer.designs import anonmm_ranges, anonmm_walk
from rmapexplorer.designs.registry import DESIGNS

KEYS = [design.key for design in DESIGNS]
VARIANTS = [
    "anon_vma:direct=naive", "anon_vma_chain:era=2.6.34", "anonmm:group=none", "anonmm:variant=4b", "anonmm:variant=4c",
    "anonmm_ranges:form=exhaustive", "anonmm_ranges:form=tree", "objrmap:nonlinear=sweep", "pte_chain:layout=linked",
    "shared_space:index=list",
]  # fmt: skip


def listed_at_most(monkeypatch: pytest.MonkeyPatch, candidates: int, pages: int = 64) -> None:
    """From here on no more candidates are listed at once; anonmm lists hits alone of more ``pages`` than these."""
    monkeypatch.setattr(long_walks, "LISTED", candidates)
    for module in (anonmm_walk, anonmm_ranges):
        monkeypatch.setattr(module, "FEW", pages)
        monkeypatch.setattr(module, "LISTED", candidates)


def prices(w: World) -> list[list[int]]:
    """Of every mapped page: nodes, rejects, probes, hits, missed, find_vma calls of all."""
    pages = w.page.live()
    pages = pages[w.page.mapcount[pages] > 0]
    out = []
    for p in priced_walks(w, pages):
        out += np.stack([p.walk.pages, p.nodes, p.rejects, p.probes, p.hits, p.missed]).T.tolist() + [[p.find_vma]]
    return out


def where_hit(w: World) -> list[tuple[int, int, int]]:
    """(page, mm, page number) of every hit, sorted."""
    pages = w.page.live()
    pages = pages[w.page.mapcount[pages] > 0]
    out = []
    for p in priced_walks(w, pages):
        owners = p.walk.pages[p.hit_page[p.hit]]
        out += zip(owners.tolist(), p.walk.mm[p.hit].tolist(), p.walk.vpn[p.hit].tolist(), strict=True)
    return sorted(out)


@pytest.mark.parametrize("few", [0, 1000])
@pytest.mark.parametrize("key", KEYS + VARIANTS)
def test_prices_are_those_of_the_whole_list(key: str, few: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """However few candidates are listed at once, every page has the price and the hits that it has in one list."""
    w = new_world(key)
    for at, op in enumerate(random_log(seed=7, count=100)):
        w.apply(op)
        if at % 25 == 24:
            whole, hits = prices(w), sorted((p, *hit) for p, seen in found(w).items() for hit in seen)
            with monkeypatch.context() as patched:
                listed_at_most(patched, 5, few)
                assert prices(w) == whole
                assert where_hit(w) == hits


@pytest.mark.parametrize("key", KEYS + VARIANTS)
def test_reclaim_in_parts_leaves_the_same_world(key: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Counters, swap slots, page tables: the digests are equal after a log with reclaim."""
    log = [op for seed in (3, 4) for op in random_log(seed=seed, count=40)]
    digests = []
    for candidates in (1 << 20, 5):
        with monkeypatch.context() as patched:
            listed_at_most(patched, candidates, 0)
            w = new_world(key)
            for op in log:
                w.apply(op)
                w.apply(o.Reclaim(pages=2))
            digests.append(w.digest())
    assert digests[0] == digests[1]


def explosion(key: str, count: int, forks: int = 1) -> World:
    """One mapping of 2 x ``count`` written pages, every second one protected, and forks behind it."""
    w = new_world(key)
    w.apply(o.Spawn(pid=1))
    w.apply(o.Mmap(pid=1, span=Span(0x1000, 0x1000 + 2 * count)))
    w.apply(o.Touch(pid=1, runs=((0x1000, 0x1000 + 2 * count, "w"),)))
    for i in range(count):
        w.apply(o.Mprotect(pid=1, span=Span(0x1000 + 2 * i, 0x1001 + 2 * i), prot="r"))
    for child in range(forks):
        w.apply(o.Fork(pid=1, child=2 + child))
    return w


def crowd(key: str, count: int) -> World:
    """``count`` children that all share ``count`` pages with their parent."""
    w = new_world(key)
    w.apply(o.Spawn(pid=1))
    w.apply(o.Mmap(pid=1, span=Span(0x1000, 0x1000 + count)))
    w.apply(o.Touch(pid=1, runs=((0x1000, 0x1000 + count, "w"),)))
    w.apply(o.Mremap(pid=1, span=Span(0x1000, 0x1002), new_pages=2, to=0x9000))
    for child in range(count):
        w.apply(o.Fork(pid=1, child=2 + child))
    return w


def peak_of_probe(w: World) -> int:
    """Bytes that the probe has allocated at its peak; what it keeps from the first time on is not counted."""
    w.probe()
    tracemalloc.start()
    try:
        w.probe()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("key", KEYS + VARIANTS)
def test_memory_grows_as_pages_plus_members(key: str) -> None:
    """Twice the vmas on one anon_vma, each with a page: about twice the bytes; a list of pairs would take four times."""
    small, large = (peak_of_probe(explosion(key, count)) for count in (250, 500))
    assert large < 2.6 * small


@pytest.mark.parametrize("key", KEYS + VARIANTS)
def test_memory_is_bounded_where_everything_covers_everything(key: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of pages that no pte maps any more in most children only the listing bound counts, and the hits."""
    listed_at_most(monkeypatch, 1024)
    w = crowd(key, 40)
    w.apply(o.Exit(pid=1))
    for child in range(2, 36):
        w.apply(o.Touch(pid=child, runs=((0x1000 + 2, 0x1000 + 40, "w"),)))
    pages = w.anonymous_pages()
    tracemalloc.start()
    try:
        price_all(w, pages, w.design.anon_candidates)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    hits = int(w.page.mapcount[pages].sum())
    assert peak < 400 * (hits + len(pages) + 1024)
