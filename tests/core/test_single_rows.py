"""What is done for one row the short way gives what is done for many: unlinking, lists, spans of page tables."""

from __future__ import annotations

import numpy as np
import pytest
from oracles import new_world

from rmapexplorer.core.audit import audit
from rmapexplorer.core.index.chains import Chains
from rmapexplorer.core.operations import Mmap, Munmap, Spawn, Touch
from rmapexplorer.core.radix import Radix, Tables
from rmapexplorer.core.table import VmaTable, ids
from rmapexplorer.core.units import Machine, Span


@pytest.mark.parametrize("kind", ["anon", "file-shared", "anon-shared"])
@pytest.mark.parametrize("design", ["pte_chain", "anon_vma", "anon_vma_chain"])
def test_vmas_unmapped_one_by_one_and_together_leave_the_same(design: str, kind: str) -> None:
    worlds = []
    for spans in ([Span(8, 32)], [Span(8, 12), Span(12, 16), Span(16, 20), Span(20, 24), Span(24, 28), Span(28, 32)]):
        w = new_world(design, Machine(calls="2.6.7"))
        w.apply(Spawn(pid=1))
        for at in range(0, 40, 4):
            prot = "rw" if at % 8 else "rwx"  # neighbours that do not merge
            w.apply(Mmap(pid=1, span=Span(at, at + 4), prot=prot, kind=kind, file="f" if kind == "file-shared" else ""))
            w.apply(Touch(pid=1, runs=((at, at + 4, "w"),)))
        for span in spans:
            assert w.apply(Munmap(pid=1, span=span)).ok
        audit(w)
        worlds.append(w)
    one, many = worlds
    assert one.mms[0].starts == many.mms[0].starts == [0, 4, 32, 36]
    assert [file.users for file in one.files] == [file.users for file in many.files]
    assert sorted(one.vma.live().tolist()) == sorted(many.vma.live().tolist())
    assert len(one.page) == len(many.page)


def test_a_row_used_again_has_fresh_cells_but_those_given() -> None:
    table = VmaTable()
    row = table.new(mm=3, start=5, end=9, file=2, label=1)
    table.free(row)
    assert table.new(end=7) == row
    assert {name: int(getattr(table, name)[row]) for name in table.COLUMNS} == {
        "mm": -1, "start": 0, "end": 7, "pgoff": 0, "flags": 0, "file": -1, "label": -1, "touched": 0,
        "guarded": 0,
    }  # fmt: skip


@pytest.mark.parametrize("count", [3, 20])
def test_lists_forget_few_as_they_forget_many(count: int) -> None:
    lists = Chains()
    for node in range(40):
        lists.add_tail(node % 2, node)
    gone = np.arange(0, 2 * count, 2)
    assert lists.remove_many(np.append(gone, [500])).tolist() == [0] * count
    assert lists.remove_many(gone).tolist() == []
    assert lists.members(0).tolist() == list(range(2 * count, 40, 2))
    assert lists.size(1) == 20


@pytest.mark.parametrize(
    ("start", "end"), [(0, 512), (3, 9), (511, 513), (500, 1100), (512, 1024), (5, 6), (2000, 2001)]
)
def test_spans_of_page_tables(start: int, end: int) -> None:
    pool, tables = Radix(), Tables(0)
    filled = [0, 3, 8, 511, 512, 1023, 1030]
    for vpn in filled:
        slot = pool.make_slot(tables, vpn)  # first: it may grow the pool
        pool.flat[slot] = vpn + 1
    vpns, slots = pool.span(tables, start, end)
    assert vpns.tolist() == [vpn for vpn in filled if start <= vpn < end]
    assert pool.flat[slots].tolist() == [vpn + 1 for vpn in vpns.tolist()]
    assert pool.locate(np.zeros(len(vpns), np.int64), vpns).tolist() == slots.tolist()
    assert ids(vpns).dtype == np.int64
