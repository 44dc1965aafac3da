"""A batch gives exactly what single calls in the kernel's order would give, in every design."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from oracles import WORLDS, found, new_world

from rmapexplorer.core import operations as o
from rmapexplorer.core.table import Ints
from rmapexplorer.core.units import Span
from rmapexplorer.core.walk import price
from rmapexplorer.core.world import World

PITCH = 3
"""Pages from vma to vma: they do not touch, so that none borrows from a neighbour."""


def forest(key: str, vmas: int, depth: int, untouched: int) -> World:
    """A line of processes over many vmas; ``untouched`` of them were never written, the last process wrote some."""
    w = new_world(key)
    w.apply(o.Spawn(pid=1))
    for number in range(vmas):
        at = number * PITCH
        w.apply(o.Mmap(pid=1, span=Span(at, at + 2)))
        if number >= untouched:
            w.apply(o.Touch(pid=1, runs=((at, at + 2, "w"),)))
    for pid in range(1, depth + 1):
        w.apply(o.Fork(pid=pid, child=pid + 1))
        w.apply(o.Touch(pid=pid + 1, runs=tuple((n * PITCH, n * PITCH + 1, "w") for n in range(0, vmas, 2))))
    return w


class OneByOne:
    """Wraps a hook so that a batch arrives one id at a time."""

    def __init__(self, w: World, name: str) -> None:
        self.hook = getattr(w.design, name)
        setattr(w.design, name, self)

    def __call__(self, *arrays: Ints) -> None:
        for single in zip(*(array.tolist() for array in arrays), strict=True):
            self.hook(*(np.array([value], np.int64) for value in single))


def shape(w: World) -> list[object]:
    """What of a design does not depend on the ids it gave: footprint, links, walks in visiting order, by (mm, page)."""
    at = {page: min(ptes) for page, ptes in found(w).items() if ptes}
    walks = {at[page]: hits for page, hits in found(w).items() if hits}
    vmas = np.array([row for mm in w.mms.values() for row in mm.vmas], np.int64)
    owners = w.design.vma_owner(vmas).tolist()
    names = {owner: number for number, owner in enumerate(dict.fromkeys(owners))}
    kept = [(row.kind, row.objects, row.slab_pages) for row in w.footprint()]
    return [
        kept,
        w.design.vma_links(vmas).tolist(),
        [names[owner] for owner in owners],
        sorted(walks.items()),
        dict(w.counters),
    ]


@pytest.mark.parametrize("key", WORLDS)
@given(vmas=st.integers(1, 30), depth=st.integers(0, 4), untouched=st.integers(0, 12), orphan=st.booleans())
def test_fork_in_bulk(key: str, vmas: int, depth: int, untouched: int, orphan: bool) -> None:
    """vmas_forked of many at once == of one after the other (dup_mmap goes vma by vma)."""
    w = forest(key, vmas, depth, untouched)
    if orphan and depth > 1:
        w.apply(o.Exit(pid=depth))
    twin = w.copy()
    OneByOne(twin, "vmas_forked")
    for child in (50, 51, 52):
        for world in (w, twin):
            assert world.apply(o.Fork(pid=depth + 1, child=child)).ok
    assert shape(w) == shape(twin)
    w.design.check()
    twin.design.check()


@pytest.mark.parametrize("key", WORLDS)
@given(
    vmas=st.integers(1, 30), depth=st.integers(0, 4), untouched=st.integers(0, 12), first=st.integers(0, 20),
    last=st.integers(5, 90), pid=st.integers(1, 5),
)  # fmt: skip
def test_unlink_in_bulk(key: str, vmas: int, depth: int, untouched: int, first: int, last: int, pid: int) -> None:
    """vmas_unlinked of many at once == of one after the other; then an exit, where everything goes."""
    w = forest(key, vmas, depth, untouched)
    twin = w.copy()
    OneByOne(twin, "vmas_unlinked")
    pid = 1 + (pid - 1) % (depth + 1)
    for op in (o.Munmap(pid=pid, span=Span(first, first + last)), o.Exit(pid=1 + pid % (depth + 1))):
        for world in (w, twin):
            assert world.apply(op).ok
        assert shape(w) == shape(twin)
        assert w.design.recount() == twin.design.recount()
        w.design.check()


@pytest.mark.parametrize("key", WORLDS)
@given(vmas=st.integers(1, 12), depth=st.integers(0, 3))
def test_a_run_of_writes_equals_single_writes(key: str, vmas: int, depth: int) -> None:
    """Touch of a run == of its pages one by one: the same owners, indexes, walks and counts."""
    w = forest(key, vmas, depth, vmas // 2)
    twin = w.copy()
    for first, end in ((0, 7), (3, 20), (0, vmas * PITCH)):
        runs = [(n * PITCH, n * PITCH + 2) for n in range(vmas) if first <= n * PITCH < end]
        for world, single in ((w, False), (twin, True)):
            for low, high in runs:
                pages = range(low, high) if single else [low]
                for page in pages:
                    op = o.Touch(pid=depth + 1, runs=((page, page + 1 if single else high, "w"),))
                    assert world.apply(op).ok
    for world in (w, twin):
        world.design.check()
    assert shape(w) == shape(twin)


@pytest.mark.parametrize("key", WORLDS)
@pytest.mark.parametrize("children", [3, 70])
def test_walks_in_bulk(key: str, children: int) -> None:
    """The walk of all pages at once == of each page alone: nodes, rejects, probes and hits."""
    w = forest(key, 9, 2, 2)
    for child in range(children):
        w.apply(o.Fork(pid=1 + child % 3, child=100 + child))
        w.apply(o.Touch(pid=100 + child, runs=((child % 9 * PITCH, child % 9 * PITCH + 2, "w"),)))
    w.apply(o.Exit(pid=2))
    pages = w.anonymous_pages()
    bulk = price(w, w.design.anon_candidates(pages))
    alone = [price(w, w.design.anon_candidates(np.array([page]))) for page in pages.tolist()]
    for name in ("nodes", "rejects", "probes", "hits", "missed"):
        assert getattr(bulk, name).tolist() == [int(getattr(one, name)[0]) for one in alone], name
