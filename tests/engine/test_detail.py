"""Details of a selection: true, complete, and never a change in the world."""

from __future__ import annotations

import random

import pytest
from at_random import random_log

from rmapexplorer.core.operations import Exit, Fork, Madvise, Mmap, Mprotect, Spawn, Touch
from rmapexplorer.core.units import Span
from rmapexplorer.designs.registry import DESIGNS
from rmapexplorer.engine.detail import detail

from .worlds import letter, world_of

KEYS = [design.key for design in DESIGNS]


def worlds(log):
    return {design.key: world_of(design, log) for design in DESIGNS}


def values(fields):
    return {field.name: field.value for field in fields}


@pytest.mark.parametrize("key", KEYS)
def test_a_shared_page(key):
    """Page 17 of the parent after the fork; the child's was moved to 64 (anonmm copied it)."""
    seen = detail(worlds(letter()), key, 1, 17)
    assert values(seen.page)["mapcount"] == ("1" if key == "anonmm" else "2")
    assert seen.walk.hits == seen.walk.mapped
    assert seen.walk.missed == 0
    expected = ((1, 17),) if key == "anonmm" else ((1, 17), (2, 64))
    assert seen.walk.spots == expected
    assert tuple(sorted((s.pid, s.vpn) for s in seen.walk.steps if s.hit)) == expected
    assert seen.vma_span == (16, 32)
    assert [other.design for other in seen.others] == KEYS
    assert all(other.hits >= 1 and other.missed == 0 for other in seen.others)
    assert seen.owner_title


@pytest.mark.parametrize("key", KEYS)
def test_a_page_of_one_process(key):
    """It is found by its only candidate that counts, also where the design keeps such pages apart from the others."""
    log = [Spawn(pid=1, comm="sh"), Mmap(pid=1, span=Span(16, 32)), Touch(pid=1, runs=((16, 20, "w"),))]
    seen = detail(worlds(log), key, 1, 17)
    assert [(s.pid, s.vpn) for s in seen.walk.steps if s.hit] == [(1, 17)]
    assert len(seen.walk.steps) == seen.walk.probes


@pytest.mark.parametrize("key", KEYS)
def test_steps_count_up_to_the_cost_of_the_walk(key):
    seen = detail(worlds(letter()), key, 2, 64)
    nodes = [step.nodes for step in seen.walk.steps]
    assert nodes == sorted(nodes)
    assert len(nodes) == seen.walk.probes
    assert nodes[-1] <= seen.walk.nodes


@pytest.mark.parametrize("key", KEYS)
def test_what_is_not_a_page(key):
    log = [
        *letter(),
        Mmap(pid=1, span=Span(100, 104)),
        Touch(pid=1, runs=((100, 101, "r"), (101, 102, "w"))),
        Madvise(pid=1, span=Span(101, 102), advice="pageout"),
        Madvise(pid=1, span=Span(102, 103), advice="guard_install"),
    ]
    here = worlds(log)
    assert values(detail(here, key, 1, 30).page) == {"pte": "none"}
    assert values(detail(here, key, 1, 100).page) == {"pte": "zero page"}
    assert values(detail(here, key, 1, 101).page)["pte"] == "swap entry"
    assert values(detail(here, key, 1, 102).page) == {"pte": "guard marker"}
    hole = detail(here, key, 1, 5000)
    assert (hole.page, hole.vma, hole.walk, hole.merges, hole.vma_span) == ((), (), None, (), None)
    assert "Nothing" in hole.structure.note


def test_no_such_process():
    assert detail(worlds([*letter(), Exit(pid=2)]), KEYS[0], 2, 16) is None
    assert detail(worlds(letter()), KEYS[0], 1, -1).vpn == -1


@pytest.mark.parametrize("key", KEYS)
def test_merges_say_why_not_and_what_would_help(key):
    log = [Spawn(pid=1), Mmap(pid=1, span=Span(16, 32)), Mprotect(pid=1, span=Span(24, 32), prot="r")]
    left, right = detail(worlds(log), key, 1, 25).merges
    assert (left.side, left.mine, left.theirs, left.refusal.rule) == ("left", (24, 32), (16, 24), "flags")
    assert "VM_WRITE" in left.refusal.sentence
    assert "mprotect" in left.remedy
    assert (right.side, right.theirs, right.refusal) == ("right", None, None)


@pytest.mark.parametrize("key", KEYS)
def test_the_picture_hangs_together(key):
    seen = detail(worlds(letter()), key, 1, 17).structure
    keys = {node.key for node in seen.nodes}
    assert len(keys) == len(seen.nodes) > 1
    assert all(link.source in keys and link.target in keys for link in seen.links)
    assert {node.rank for node in seen.nodes} == {0, 1, 2, 3}
    touched = {link.source for link in seen.links} | {link.target for link in seen.links}
    assert touched == keys
    assert any(node.state == "focus" for node in seen.nodes)
    assert any(node.state == "hit" for node in seen.nodes)
    assert seen.shown <= seen.total


@pytest.mark.parametrize("key", KEYS)
@pytest.mark.parametrize("seed", range(3))
def test_looking_changes_nothing_and_never_fails(key, seed):
    here = worlds(random_log(seed, 150))
    before = {name: world.digest() for name, world in here.items()}
    dice = random.Random(seed)
    for _ in range(150):
        seen = detail(here, key, dice.randrange(1, 9), dice.randrange(0, 240))
        if seen is not None and seen.walk is not None:
            assert seen.walk.hits + seen.walk.missed == seen.walk.mapped
    assert {name: world.digest() for name, world in here.items()} == before


@pytest.mark.parametrize("key", ["anon_vma", "anon_vma_chain", "shared_space", "cow_context", "pte_chain", "anonmm"])
def test_of_many_candidates_those_that_map_the_page_are_drawn(key: str) -> None:
    """A parent and its first child still share the page; sixty children after them have copies of their own."""
    log = [
        Spawn(pid=1, comm="sh"),
        Mmap(pid=1, span=Span(16, 32)),
        Touch(pid=1, runs=((16, 17, "w"),)),
        Fork(pid=1, child=2),
    ]
    for pid in range(3, 63):
        log += [Fork(pid=1, child=pid), Touch(pid=pid, runs=((16, 17, "w"),))]
    design = next(kind for kind in DESIGNS if kind.key == key)
    shown = detail({key: world_of(design, log)}, key, 1, 16).structure
    hits = {node.target[0] for node in shown.nodes if node.rank == 2 and node.state == "hit"}
    assert hits == {1, 2}
