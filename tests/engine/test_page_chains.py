"""Chains by length and groups with their exceptions, against a recount in the page tables."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from rmapexplorer.core.operations import Exit, Fork, Mmap, Mremap, Operation, Spawn, Touch
from rmapexplorer.core.units import Span
from rmapexplorer.core.world import World
from rmapexplorer.designs.registry import DESIGNS
from rmapexplorer.engine.page_chains import PTES_SHOWN, ChainsQuestion, GroupsQuestion, groups
from tests.engine.test_incidence import at_random, stage
from tests.engine.worlds import world_of

CHAINED = [d.key for d in DESIGNS if ChainsQuestion().answer(stage(World(d(), at_random(d.key, 1).machine), d.key))]
GROUPED = [design.key for design in DESIGNS if design.GROUPS]


def kind(key: str) -> Any:
    return next(design for design in DESIGNS if design.key == key)


def family(children: int) -> list[Operation]:
    out: list[Operation] = [
        Spawn(pid=1, comm="sh"),
        Mmap(pid=1, span=Span(16, 32)),
        Touch(pid=1, runs=((16, 20, "w"),)),
    ]
    return out + [Fork(pid=1, child=pid) for pid in range(2, children + 2)]


def test_there_are_designs_of_both_kinds() -> None:
    assert "pte_chain" in CHAINED and "anonmm" in GROUPED
    for key in set(GROUPED) - set(CHAINED):
        assert ChainsQuestion().answer(stage(at_random(key, 1), key)) is None
    assert GroupsQuestion().answer(stage(at_random("pte_chain", 1), "pte_chain")) is None


@pytest.mark.parametrize("key", CHAINED)
@pytest.mark.parametrize("seed", [1, 4])
def test_lengths_are_those_of_the_chains(key: str, seed: int) -> None:
    world = at_random(key, seed)
    picture = ChainsQuestion().answer(stage(world, key))
    assert picture is not None and picture.chain == () and picture.mapped == 0
    ptes = world.design.page_chains().ptes.tolist()  # type: ignore[union-attr]
    assert {n: int(count) for n, count in enumerate(picture.pages.tolist()) if count} == Counter(ptes)


def test_the_chain_of_the_selected_page_lists_all_who_map_it() -> None:
    world = world_of(kind("pte_chain"), family(9))
    picture = ChainsQuestion(pid=3, vpn=17).answer(stage(world, "pte_chain"))
    assert picture is not None and picture.spot == (3, 17) and picture.mapped == 10
    assert sorted(pte.pid for pte in picture.chain) == list(range(1, 11))
    assert {pte.vpn for pte in picture.chain} == {17} and {pte.comm for pte in picture.chain} == {"sh"}
    held = Counter(pte.block for pte in picture.chain)
    assert max(held.values()) <= picture.slots and len(held) == -(-10 // picture.slots)
    assert picture.pages[10] == 4
    for pid, vpn in ((0, -1), (3, 25), (99, 17)):
        none = ChainsQuestion(pid=pid, vpn=vpn).answer(stage(world, "pte_chain"))
        assert none is not None and none.mapped == 0 and none.chain == ()


def test_of_a_long_chain_the_first_are_listed_and_all_counted() -> None:
    picture = ChainsQuestion(pid=1, vpn=16).answer(
        stage(world_of(kind("pte_chain"), family(PTES_SHOWN + 20)), "pte_chain")
    )
    assert picture is not None and len(picture.chain) == PTES_SHOWN and picture.mapped == PTES_SHOWN + 21


def test_members_of_a_group_with_their_pages_and_homes() -> None:
    moved = Mremap(pid=3, span=Span(16, 18), new_pages=2, to=64)
    world = world_of(kind("anonmm"), [*family(4), Touch(pid=2, runs=((16, 17, "w"),)), moved, Exit(pid=5)])
    picture = groups(world)
    assert picture.total == len(picture.groups) == 1
    group = picture.groups[0]
    living = {member.pid: member for member in group.members if member.pid}
    assert set(living) == {1, 2, 3, 4} and living[2].comm == "sh" and living[2].home == (2, 16)
    assert living[2].pages == 1 and group.pages == sum(member.pages for member in group.members)
    assert group.size == picture.members


@pytest.mark.parametrize("key", GROUPED)
def test_exceptions_are_pages_mapped_elsewhere_than_their_index(key: str) -> None:
    world = at_random(key, 4)
    picture = groups(world)
    assert picture.members == len(world.design.incidence().objects) == sum(group.size for group in picture.groups)
    for group in picture.groups:
        assert group.chained <= group.exceptions
        for stray in group.examples:
            assert stray.vpn != stray.index and world.tasks[stray.pid].comm == stray.comm
    assert sum(group.exceptions for group in picture.groups) >= sum(bool(group.examples) for group in picture.groups)
