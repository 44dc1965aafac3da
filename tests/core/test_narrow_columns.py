"""Columns of ids are half as wide, and tables grow in steps: what they cost, and that nothing overflows in them."""

from __future__ import annotations

import numpy as np
import pytest
from oracles import WORLDS, finds, new_world

from rmapexplorer.core.audit import audit
from rmapexplorer.core.operations import Fork, Mmap, Operation, Reclaim, Spawn, Touch
from rmapexplorer.core.table import capacity_for
from rmapexplorer.core.units import Span
from rmapexplorer.core.world import World
from rmapexplorer.designs.anon_vma_chain import AnonVmaChain
from rmapexplorer.designs.avc_tables import FEW_TURNS


def storm(w: World, vmas: int, children: int) -> None:
    """A process with vmas of one touched page each, and its children."""
    log: list[Operation] = [Spawn(pid=1)]
    for at in range(0, 3 * vmas, 3):
        log += [Mmap(pid=1, span=Span(at, at + 1)), Touch(pid=1, runs=((at, at + 1, "w"),))]
    for op in (*log, *(Fork(pid=1, child=child) for child in range(2, 2 + children))):
        assert w.apply(op).ok


def test_a_storm_costs_a_few_words_a_vma() -> None:
    """A vma, an anon_vma, two avcs and their share of a page table: about 400 bytes a vma when ids were int64."""
    w = new_world("anon_vma_chain")
    storm(w, 200, 200)
    assert len(w.vma) == 200 * 201
    assert w.cost_bytes() / len(w.vma) < 260


def test_tables_grow_by_a_quarter_at_most() -> None:
    needs = [1, 2, 63, 64, 65, 1000, 1024, 1025, 4097, 6006, 100_000, 1_048_576, 1_048_577]
    rooms = [capacity_for(need) for need in needs]
    assert rooms == sorted(rooms)
    assert all(need <= at for need, at in zip(needs, rooms, strict=True))
    assert all(at <= 1.26 * need for need, at in zip(needs, rooms, strict=True) if need > 1024)


@pytest.mark.parametrize("key", [*WORLDS, "anon_vma_lazy", "anon_vma:direct=fixup", "shared_space", "cow_context"])
def test_ids_of_processes_that_come_late(key: str) -> None:
    """An mm's id is part of a key with the number of a page table: more than an int32 holds."""
    w = new_world(key)
    w.mm_births = (1 << 31) - 100
    storm(w, 5, 5)
    finds(w)
    audit(w)
    assert w.apply(Reclaim()).ok
    assert not len(w.anonymous_pages())


@pytest.mark.parametrize("children", [1, 4])
def test_turns_in_a_tree_are_given_out_for_ever(children: int) -> None:
    late, early = new_world("anon_vma_chain"), new_world("anon_vma_chain")
    assert isinstance(late.design, AnonVmaChain)
    assert isinstance(early.design, AnonVmaChain)
    late.design.seq = FEW_TURNS - 3
    for w in (late, early):
        storm(w, 6, children)
    late.design.seq = (1 << 31) - 2
    for w in (late, early):
        w.apply(Fork(pid=1, child=90))
        w.apply(Fork(pid=1, child=91))
    assert late.design.avc.seq.dtype == np.int64
    pages = late.anonymous_pages()
    for one, other in zip(late.candidates(pages), early.candidates(pages), strict=True):
        assert one.vma.tolist() == other.vma.tolist()
    audit(late)
