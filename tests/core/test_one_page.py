"""What is done for one page, pte or vma the short way is what is done for many: the same world, ids included."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any

import pytest
from at_random import FILED, MOVING, WILD, Mix, random_log
from oracles import new_world

from rmapexplorer.core import cow, faults, pages
from rmapexplorer.core import operations as o
from rmapexplorer.core.objects import Mm
from rmapexplorer.core.table import ids
from rmapexplorer.core.units import Machine, Span
from rmapexplorer.core.world import World
from rmapexplorer.designs.anon_vma import AnonVma
from rmapexplorer.designs.anon_vma_chain import AnonVmaChain
from rmapexplorer.designs.avc_links import AvcLinks
from rmapexplorer.designs.chain_store import ArrayStore, PairStore

KEYS = ("pte_chain", "pte_chain:layout=linked", "anonmm", "anonmm:variant=4b", "anon_vma", "anon_vma_chain")


@pytest.fixture
def long_way() -> Iterator[pytest.MonkeyPatch]:
    """Patches that send every short way through the vector statements."""
    with pytest.MonkeyPatch.context() as patch:
        yield patch


def lengthen(patch: pytest.MonkeyPatch) -> None:
    def clear(w: World, mm: Mm, vma: int, vpn: int, slot: int, cause: str) -> None:
        pages._clear_many(w, mm, vma, ids(vpn), ids(slot), cause)

    def wp_page(w: World, mm: Mm, row: int, vpn: int, slot: int) -> None:
        cow._write_group(w, mm, row, ids(vpn), ids(slot))

    def unlink(design: Any, vma: int) -> None:
        design._reach()
        if design.chain[vma] >= 0:
            design._unlink_many(ids(vma))

    def bind(design: Any, page: int, vma: int, vpn: int) -> None:
        v = design.w.vma
        design.w.page.mapping[ids(page)] = design.own[ids(vma)]
        design.w.page.index[ids(page)] = v.pgoff[ids(vma)] + ids(vpn) - v.start[ids(vma)]

    patch.setattr(faults, "handle_pte_fault", lambda *_: False)
    patch.setattr(pages, "clear_one", clear)
    patch.setattr(cow, "do_wp_page", wp_page)
    patch.setattr(AnonVma, "_unlink", lambda design, vma: design._unlink_many(ids(vma)))
    patch.setattr(AvcLinks, "_unlink", unlink)
    patch.setattr(AnonVmaChain, "_bind_one", bind)
    patch.setattr(AnonVma, "_bind_one", bind)
    patch.setattr(ArrayStore, "add_one", PairStore.add_one)
    patch.setattr(ArrayStore, "remove_one", PairStore.remove_one)


def replayed(key: str, log: list[o.Operation], machine: Machine) -> list[object]:
    """After each operation its outcome, and now and then the state of the world."""
    w = new_world(key, machine)
    return [(w.apply(op), w.digest() if not at % 4 else "") for at, op in enumerate(log)]


@pytest.mark.parametrize("key", KEYS)
@pytest.mark.parametrize("era", ["2.6.7", "6.18"])
@pytest.mark.parametrize("mix", [FILED, MOVING, WILD], ids=["filed", "moving", "wild"])
def test_the_short_way_leaves_what_the_long_way_leaves(
    key: str, era: str, mix: Mix, long_way: pytest.MonkeyPatch
) -> None:
    machine, log = Machine(calls=era, files=dict(mix.files)), random_log(5, 160, mix)
    short = replayed(key, log, machine)
    lengthen(long_way)
    assert replayed(key, log, machine) == short


@pytest.mark.parametrize("key", KEYS)
def test_a_page_is_mapped_written_and_unmapped_without_vector_statements(
    key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Mapped, written, shared by a fork, copied, written by its owner again, unmapped: none of it goes the long way."""
    w = new_world(key)
    for op in (
        o.Spawn(pid=1), o.Mmap(pid=1, span=Span(64, 65)), o.Touch(pid=1, runs=((64, 65, "w"),)), o.Fork(pid=1, child=2),
    ):  # fmt: skip
        assert w.apply(op).ok

    def vector(*_: object) -> None:
        raise AssertionError("one page took the way of many")

    for module, names in (
        (faults, ("read_span", "write_span")), (pages, ("_clear_many", "release", "map_pages")),
        (cow, ("_write_group", "_copy", "new_pages", "store")),
    ):  # fmt: skip
        for name in names:
            monkeypatch.setattr(module, name, vector)
    for pid in (2, 1):
        assert w.apply(o.Touch(pid=pid, runs=((64, 65, "w"), (64, 65, "w"), (64, 65, "r")))).ok
        assert w.apply(o.Munmap(pid=pid, span=Span(64, 65))).ok
    assert w.counters["copied_by_write"] == 1
    assert len(w.page) == len(w.vma) == 0


@pytest.mark.parametrize("key", ["pte_chain", "anonmm", "anon_vma", "anon_vma_chain"])
def test_small_operations_make_few_calls(key: str) -> None:
    """Python calls, which is what they cost: of mmap, touch and munmap of a page together, and of a copy on write."""
    w = new_world(key)
    for op in (
        o.Spawn(pid=1), o.Mmap(pid=1, span=Span(64, 128)), o.Touch(pid=1, runs=((64, 128, "w"),)), o.Fork(pid=1, child=2),
        o.Touch(pid=2, runs=((64, 65, "w"),)),
    ):  # fmt: skip
        assert w.apply(op).ok
    here = Span(200, 201)
    assert (
        calls(w, [o.Mmap(pid=1, span=here), o.Touch(pid=1, runs=((200, 201, "w"),)), o.Munmap(pid=1, span=here)]) < 180
    )
    assert calls(w, [o.Touch(pid=2, runs=((70, 71, "w"),))]) < 75
    assert w.counters["copied_by_write"] == 2


def calls(w: World, ops: list[o.Operation]) -> int:
    """Python functions called by these operations."""
    count = 0

    def called(_frame: object, event: str, _argument: object) -> None:
        nonlocal count
        count += event == "call"

    before = sys.getprofile()
    sys.setprofile(called)
    try:
        done = [w.apply(op) for op in ops]
    finally:
        sys.setprofile(before)
    assert all(outcome.ok for outcome in done)
    return count
