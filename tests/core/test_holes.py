"""Where the kernel would put a mapping: the highest hole free in every world, as a plain search finds it, without searching anew."""

from __future__ import annotations

import random

import pytest

from rmapexplorer.core import holes
from rmapexplorer.core.holes import Space, beside, top_down
from rmapexplorer.core.operations import Mmap, Mprotect, Munmap, Spawn
from rmapexplorer.core.resolve import MMAP_BASE, resolve
from rmapexplorer.core.units import Machine, Span
from rmapexplorer.core.world import World
from rmapexplorer.designs.registry import design_named

FLOOR, CEILING = 16, 400


def world_of(*spans, design="anon_vma") -> World:
    world = World(design_named(design), Machine())
    world.apply(Spawn(pid=1))
    for start, end in spans:
        assert world.apply(Mmap(pid=1, span=Span(start, end))).ok
    return world


def spaces(*worlds) -> list[Space]:
    return [Space(world, world.mm_of(1)) for world in worlds]


def plain(found, pages: int) -> int:
    """Page by page from the top."""
    free = lambda at: all(space.lowest(at, at + pages) < 0 for space in found)  # noqa: E731
    return next((at for at in range(CEILING - pages, FLOOR - 1, -1) if free(at)), -1)


@pytest.mark.parametrize("seed", range(12))
def test_the_place_is_the_highest_free_in_every_world(seed):
    rng = random.Random(seed)
    one, other = world_of(), world_of(design="pte_chain")
    for _ in range(120):
        pages = rng.choice((1, 1, 2, 3, 5, 9, 20))
        found = spaces(one, other)
        place = top_down(found, pages, FLOOR, CEILING)
        assert place == plain(found, pages)
        start = rng.randrange(FLOOR, CEILING)
        if place >= 0 and rng.random() < 0.8:
            op = Mmap(pid=1, span=Span(place, place + pages), prot=rng.choice(("r", "rw")))
        else:
            kind = rng.choice((Munmap, Mmap))
            op = kind(pid=1, span=Span(start, min(start + rng.randrange(1, 30), CEILING)))
        for world in rng.choice(((one, other), (one,), (other,))):
            assert world.apply(op).ok
        if rng.random() < 0.1:
            one = one.copy()


def test_edges():
    assert top_down(spaces(world_of((FLOOR, CEILING))), 1, FLOOR, CEILING) == -1
    assert top_down(spaces(world_of((CEILING - 2, CEILING + 9))), 4, FLOOR, CEILING) == CEILING - 6
    assert beside(spaces(world_of((0x1000, 0x1010))), 0x1000, 0x20) == 0x1020
    assert beside(spaces(world_of((0x1000, 0x1010), (0x1010, 0x1012))), 0x1000, 0x20) == 0x1020
    assert beside(spaces(world_of()), (1 << 20) - 4, 8) == -1


def test_mappings_one_after_the_other_are_placed_without_looking_at_those_before(monkeypatch):
    """A search of everything and steps over vmas are counted; neither grows with what is mapped already."""
    steps = 0
    overlap = World.vmas_in

    def counted(self, mm, start, end):
        nonlocal steps
        steps += 1
        return overlap(self, mm, start, end)

    world = world_of((MMAP_BASE - 8, MMAP_BASE))
    monkeypatch.setattr(World, "vmas_in", counted)
    monkeypatch.setattr(holes, "_search", lambda *_: pytest.fail("everything was searched"))
    for number in range(300):
        before = steps
        op = resolve(Mmap(pid=1, span=Span(-1, 0)), [world])
        assert steps - before <= 2 and op.span.start == MMAP_BASE - 9 - number
        world.apply(op)
        world.apply(Mprotect(pid=1, span=op.span, prot="r" if number % 2 else "x"))
