"""Labels of vmas are numbered once, however many there are."""

from __future__ import annotations

from rmapexplorer.core.units import Machine
from rmapexplorer.core.world import World
from rmapexplorer.designs.registry import design_named


def test_labels_keep_their_numbers_in_a_copy_too() -> None:
    world = World(design_named("anon_vma"), Machine())
    assert [world.label_id(label) for label in ("[heap]", "", "[stack]", "[heap]")] == [0, -1, 1, 0]
    other = world.copy()
    assert other.label_id("[vdso]") == 2 and world.label_id("mine") == 2
    assert (world.labels, other.labels) == (["[heap]", "[stack]", "mine"], ["[heap]", "[stack]", "[vdso]"])


def test_none_is_looked_for_among_all() -> None:
    class Label(str):
        compared = 0
        __slots__ = ()

        def __eq__(self, other: object) -> bool:
            Label.compared += 1
            return str.__eq__(self, other)

        __hash__ = str.__hash__

    world = World(design_named("anon_vma"), Machine())
    for number in range(3000):
        world.label_id(Label(f"label {number}"))
    assert Label.compared < 3000
