"""The hook ``relocates``: a move whose pages the design ties to the new place merges there like new memory."""

from __future__ import annotations

import pytest
from picture import ORIGIN, at, do, write
from recording import Recorder

from rmapexplorer.core import operations as o
from rmapexplorer.core.units import KernelError, Machine
from rmapexplorer.core.world import World

MOVE = o.Mremap(pid=1, span=at(0, 2), new_pages=2, to=ORIGIN + 20)


class Relocating(Recorder):
    """Says yes, or refuses the call."""

    may = True

    def relocates(self, vma: int, start: int, end: int) -> bool:
        self.log.append(f"relocates {vma} {end - start}")
        if not self.may:
            raise KernelError("EFAULT", "these pages stay where they are", "span")
        return True


def world(*ops: o.Operation, touched: bool = True) -> World:
    w = World(Relocating(), Machine())
    do(w, o.Spawn(pid=1), o.Mmap(pid=1, span=at(0, 2)), *ops)
    if touched:
        do(w, o.Touch(pid=1, runs=(write(0, 2),)))
    w.design.taken()  # type: ignore[attr-defined]
    return w


def hooks(w: World, op: o.Operation) -> list[str]:
    do(w, op)
    return w.design.taken()  # type: ignore[attr-defined, no-any-return]


def test_the_new_vma_is_prepared_and_not_cloned() -> None:
    w = world()
    assert hooks(w, MOVE) == [
        *("relocates 0 2", "prepare 1", "must_copy x2 0 mremap", "ptes_moved x2 0 1", "span_moved 0 1 2"),
        "vmas_unlinked x1",
    ]
    row = w.mms[0].vmas[0]
    assert w.vma.pgoff[row] == ORIGIN + 20


def test_a_faulted_vma_merges_beside_a_fresh_one() -> None:
    """pgoff is that of the new place, so that the neighbour may grow over it, and nothing is adopted from the source."""
    w = world(o.Mmap(pid=1, span=at(18, 20)))
    log = hooks(w, MOVE)
    assert "may_merge 1 left" in log and not [line for line in log if line.startswith("anon_vma_adopted")]
    assert [int(w.vma.end[row] - w.vma.start[row]) for row in w.mms[0].vmas] == [4]


def test_untouched_memory_is_not_asked_about() -> None:
    assert "relocates 0 2" not in hooks(world(touched=False), MOVE)


@pytest.mark.parametrize("dontunmap", [False, True])
def test_a_refusal_ends_the_call_before_anything_moved(dontunmap: bool) -> None:
    w = world()
    w.design.may = False  # type: ignore[attr-defined]
    op = o.Mremap(pid=1, span=at(0, 2), new_pages=2, to=ORIGIN + 20, dontunmap=dontunmap)
    assert w.apply(op).error == "EFAULT"
    assert [int(w.vma.start[row]) for row in w.mms[0].vmas] == [ORIGIN]


def test_a_copy_keeps_classes_a_design_chose() -> None:
    """FILE_INDEX set in __init__ is a class: a copy of the world takes it as it is."""
    w = world()
    w.design.FILE_INDEX = type(w.imap)
    twin = w.copy()
    assert twin.design.FILE_INDEX is type(w.imap)
