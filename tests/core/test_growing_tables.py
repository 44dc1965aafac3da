"""Tables grow in the middle of a call: what is written then must land in the new columns."""

from __future__ import annotations

import pytest
from oracles import WORLDS, new_world

from rmapexplorer.core import flags as vm
from rmapexplorer.core.audit import audit
from rmapexplorer.core.operations import Madvise, Mlock, Mmap, Mprotect, Mseal, Operation, Spawn, Touch
from rmapexplorer.core.units import Span
from rmapexplorer.core.world import World

AT = Span(20, 30)


def filled(key: str, free: int) -> World:
    """A world with a vma at 0-100 and all rows of the vma table taken but ``free``."""
    w = new_world(key)
    w.apply(Spawn(pid=1))
    w.apply(Mmap(pid=1, span=Span(0, 100)))
    page = 1000
    while w.vma.capacity - len(w.vma) > free:
        w.apply(Mmap(pid=1, span=Span(page, page + 1)))
        page += 2
    return w


@pytest.mark.parametrize("free", [0, 1, 2])
@pytest.mark.parametrize("key", WORLDS)
@pytest.mark.parametrize(
    ("op", "flag"),
    [
        (Mlock(pid=1, span=AT), vm.LOCKED),
        (Madvise(pid=1, span=AT, advice="random"), vm.RAND_READ),
        (Mseal(pid=1, span=AT), vm.SEALED),
    ],
)
def test_flags_of_a_split_that_makes_the_vma_table_grow(key: str, op: Operation, flag: int, free: int) -> None:
    w = filled(key, free)
    capacity = w.vma.capacity
    assert w.apply(op).ok
    assert (w.vma.capacity > capacity) == (free < 2)
    mm = w.mms[0]
    assert [bool(w.vma.flags[w.vma_at(mm, vpn)] & flag) for vpn in (19, 20, 29, 30)] == [False, True, True, False]


@pytest.mark.parametrize("key", WORLDS)
def test_protection_of_a_split_that_makes_the_vma_table_grow(key: str) -> None:
    w = filled(key, 1)
    assert w.apply(Mprotect(pid=1, span=AT, prot="r")).ok
    assert w.vma.flags[w.vma_at(w.mms[0], 25)] & vm.ACCESS == vm.READ


@pytest.mark.parametrize("key", WORLDS)
@pytest.mark.parametrize("access", ["r", "w"])
@pytest.mark.parametrize("kind", ["anon", "file-private", "file-shared", "anon-shared"])
def test_faults_that_make_page_tables_pages_and_page_cache_grow(key: str, kind: str, access: str) -> None:
    w = new_world(key)
    w.apply(Spawn(pid=1))
    pages = 512 * (w.pt.capacity + 1)
    w.apply(Mmap(pid=1, span=Span(0, pages), kind=kind, file="f0" if kind.startswith("file") else ""))
    for number in range(pages // 512):
        w.apply(Touch(pid=1, runs=((number * 512, number * 512 + 1, access),)))
        audit(w)
    entries = [w.pt.get(w.mms[0].tables, number * 512) for number in range(pages // 512)]
    assert all(entries)


@pytest.mark.parametrize("key", WORLDS)
def test_guard_pages_that_make_the_page_tables_grow(key: str) -> None:
    w = new_world(key)
    w.apply(Spawn(pid=1))
    w.apply(Mmap(pid=1, span=Span(0, 512 * 20)))
    for number in range(20):
        assert w.apply(Madvise(pid=1, span=Span(number * 512, number * 512 + 1), advice="guard_install")).ok
    for number in range(20):
        assert w.apply(Touch(pid=1, runs=((number * 512, number * 512 + 1, "r"),))).error == "SIGSEGV"
