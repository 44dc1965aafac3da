"""Stored copies: equal to the world they are of, independent, shared where nothing changed, and given back."""

from __future__ import annotations

import numpy as np
import pytest
from at_random import random_log

from rmapexplorer.core.audit import audit
from rmapexplorer.core.operations import Operation
from rmapexplorer.core.units import Machine
from rmapexplorer.core.world import World
from rmapexplorer.designs.registry import DESIGNS, design_named
from rmapexplorer.engine.checkpoints import Checkpoints
from rmapexplorer.engine.pool import CHUNK, Packed, Pool

PLENTY = 64 << 20


def run(world: World, operations: list[Operation]) -> World:
    """It, after these."""
    for op in operations:
        world.apply(op)
    return world


@pytest.mark.parametrize("kind", DESIGNS, ids=lambda kind: kind.key)
def test_a_stored_world_goes_on_as_the_world_does(kind: type) -> None:
    operations = random_log(5, 260)
    pool, last = Pool(PLENTY), None
    world = World(kind(), Machine())
    copies: list[tuple[int, Packed]] = []
    for number, op in enumerate(operations):
        world.apply(op)
        if number % 60 == 30:
            last = pool.store(world, last)
            assert last is not None
            copies.append((number, last))
    for number, packed in copies:
        again = run(packed.copy(), operations[number + 1 :])
        audit(again)
        assert again.digest() == world.digest()


def test_copies_are_independent() -> None:
    operations = random_log(1, 120)
    pool = Pool(PLENTY)
    packed = pool.store(run(World(design_named("anon_vma_chain"), Machine()), operations[:60]), None)
    assert packed is not None
    before = packed.copy().digest()
    run(packed.copy(), operations[60:])
    assert packed.copy().digest() == before


def test_what_did_not_change_is_shared_and_given_back() -> None:
    world = run(World(design_named("anon_vma_chain"), Machine()), random_log(2, 200))
    pool = Pool(PLENTY)
    first = pool.store(world, None)
    assert first is not None
    alone = pool.used_bytes
    second = pool.store(world, first)
    assert second is not None and pool.used_bytes == alone, "nothing changed"
    run(world, random_log(2, 203)[200:])
    third = pool.store(world, second)
    assert third is not None and pool.used_bytes - alone < alone / 4
    digest = third.copy().digest()
    pool.drop(first)
    pool.drop(second)
    assert third.copy().digest() == digest == world.digest()
    pool.drop(third)
    assert pool.used_bytes == 0 and pool.room == PLENTY // CHUNK
    assert not pool.uses.any()


def test_what_copies_hold_beside_chunks_is_bounded_and_given_back() -> None:
    world = run(World(design_named("anon_vma_chain"), Machine()), random_log(2, 200))
    pool = Pool(1 << 20)
    kept = []
    while (packed := pool.store(world, kept[-1] if kept else None)) is not None:
        kept.append(packed)
    assert len(kept) > 3 and pool.room > len(kept[0].rows), "there are chunks left: it is the rest that is too much"
    assert pool.beside_bytes == sum(len(one.body) + one.rows.nbytes for one in kept) <= 1 << 19
    assert all(one.own_bytes >= len(one.body) + one.rows.nbytes for one in kept)
    for one in kept:
        pool.drop(one)
    assert pool.beside_bytes == 0


def test_freed_chunks_are_used_again() -> None:
    pool = Pool(4 * CHUNK)
    one = pool.store(np.arange(3 * CHUNK // 8), None)
    assert one is not None and pool.room == 1
    assert pool.store(np.arange(3 * CHUNK // 8) + 1, None) is None
    pool.drop(one)
    two = pool.store(np.arange(4 * CHUNK // 8) + 7, None)
    assert two is not None and pool.room == 0
    assert np.array_equal(two.copy(), np.arange(4 * CHUNK // 8) + 7)


def test_an_array_that_grew_shares_its_beginning() -> None:
    pool = Pool(PLENTY)
    one = pool.store(np.arange(10 * CHUNK // 8), None)
    assert one is not None
    two = pool.store(np.arange(12 * CHUNK // 8), one)
    assert two is not None and pool.used_bytes == 12 * CHUNK


class TestCheckpoints:
    """The pool behind the checkpoints of a lane."""

    def test_thinned_where_there_is_no_room(self) -> None:
        points: Checkpoints[np.ndarray] = Checkpoints(pool=Pool(20 * CHUNK))  # type: ignore[type-var]
        for node in range(100):
            points.store(node, float(node), np.full(CHUNK // 8, node))
        assert 10 <= len(points.kept) <= 20 and 99 in points.kept
        for node, kept in points.kept.items():
            assert (kept.world.copy() == node).all()
        assert points.size_bytes <= 20 * CHUNK

    def test_one_too_large_is_not_kept(self) -> None:
        points: Checkpoints[np.ndarray] = Checkpoints(pool=Pool(2 * CHUNK))  # type: ignore[type-var]
        points.store(0, 0.0, np.zeros(CHUNK // 8))
        points.store(1, 1.0, np.arange(CHUNK))
        assert points.kept == {}
        points.store(2, 2.0, np.zeros(CHUNK // 8))
        assert list(points.kept) == [2]
