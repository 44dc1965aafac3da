"""A probe of all pages is the sum of the probes of its parts, whatever they are: so it can be made a little at a time."""

from __future__ import annotations

import pytest

from rmapexplorer.core import world as module
from rmapexplorer.core.units import Machine
from rmapexplorer.core.world import World
from rmapexplorer.designs.registry import DESIGNS, design_named
from rmapexplorer.formats.open import load_any
from rmapexplorer.resources import resource
from rmapexplorer.workloads.families import FORK_SERVER, MREMAP_STORM


def worlds(key: str) -> list[World]:
    """A world after the letter's operations, after a fork server's and after a storm of moves."""
    logs = [load_any(str(resource("scenarios/the-letter-in-six-operations.rmap"))).operations]
    logs += [tuple(w.operations(w.values(full=False, children=4))) for w in (FORK_SERVER, MREMAP_STORM)]
    made = []
    for operations in logs:
        world = World(design_named(key), Machine())
        for op in operations:
            world.apply(op)
        made.append(world)
    return made


@pytest.mark.parametrize("key", [kind.key for kind in DESIGNS])
def test_the_parts_add_up(key: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for world in worlds(key):
        whole, digest = world.probe(), world.digest()
        for size in (1, 7):
            monkeypatch.setattr(module, "PROBED_AT_ONCE", size)
            assert world.probe() == whole
            steps = sum(1 for _ in world.probing())
            assert steps == max(0, -(-whole.pages // size) - 1)
        monkeypatch.undo()
        assert world.digest() == digest
