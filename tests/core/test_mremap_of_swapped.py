"""A design may ask for swap entries of a moved span to be read back and copied before they move."""

from __future__ import annotations

import numpy as np
from picture import ORIGIN, at, do, frames, write
from recording import Recorder

from rmapexplorer.core import operations as o
from rmapexplorer.core.table import Bools, Ints
from rmapexplorer.core.units import Machine
from rmapexplorer.core.world import World


class Copier(Recorder):
    """Wants every swap entry back and every page copied."""

    def must_copy(self, entries: Ints, vma: int, vpns: Ints, cause: str) -> Bools:
        self.log.append(f"must_copy {cause} {vpns.tolist()}")
        return np.ones(len(entries), np.bool_)


def swapped(design: Recorder, machine: Machine | None = None) -> World:
    """Process 1 with three written pages, the first two on swap, and a child that shares them."""
    w = World(design, machine or Machine())
    do(w, o.Spawn(pid=1), o.Mmap(pid=1, span=at(0, 3)), o.Touch(pid=1, runs=(write(0, 2),)), o.Reclaim())
    do(w, o.Touch(pid=1, runs=(write(2),)), o.Fork(pid=1, child=2))
    design.taken()
    return w


MOVE = o.Mremap(pid=2, span=at(0, 3), new_pages=3, to=ORIGIN + 10)


def test_entries_wanted_are_read_back_and_copied_where_they_are() -> None:
    w = swapped(Copier())
    tokens = [int(w.swap.token[slot]) for slot in w.swap.live()]
    do(w, MOVE)
    asked = [line for line in w.design.taken() if line.startswith("must_copy")]  # type: ignore[attr-defined]
    first = ORIGIN
    assert asked == [
        f"must_copy mremap [{first + 2}]",
        f"must_copy mremap_swapped [{first}, {first + 1}]",
        f"must_copy mremap [{first}]",
        f"must_copy mremap [{first + 1}]",
    ]
    assert (w.counters["copied_by_mremap"], w.counters["swap_ins"]) == (3, 2)
    assert frames(w) == "1: ssa\n2: ..........BCD"
    assert w.swap.count[w.swap.live()].tolist() == [1, 1]
    entries = [w.pt.get(w.mms[1].tables, ORIGIN + 10 + column) for column in range(2)]
    assert [int(w.page.token[entry >> 12]) for entry in entries] == tokens


def test_designs_that_do_not_ask_move_entries_as_they_are() -> None:
    w = swapped(Recorder())
    do(w, MOVE)
    assert w.counters["swap_ins"] == 0
    assert frames(w) == "1: ssa\n2: ..........ssa"
    assert w.swap.count[w.swap.live()].tolist() == [2, 2]


def test_reading_back_makes_room() -> None:
    """With three frames of RAM two swapped pages are copied one after another: reclaim drops what is not mapped any more."""
    w = swapped(Copier(), Machine(ram_pages=3, swap_pages=16))
    do(w, MOVE)
    assert w.counters["copied_by_mremap"] >= 2
    assert len(w.page) <= 3
