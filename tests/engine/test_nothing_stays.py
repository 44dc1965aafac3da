"""Sessions that are gone are gone: no world of theirs waits for a collector that comes once in a long while."""

from __future__ import annotations

import gc
from collections.abc import Iterator

import pytest

from rmapexplorer.core.world import World
from rmapexplorer.engine.state_diff import CompareStates
from rmapexplorer.formats.session import Session

from .real_driver import Hand
from .worlds import letter


@pytest.fixture
def uncollected() -> Iterator[None]:
    gc.collect()
    gc.disable()
    yield
    gc.enable()


def worlds() -> int:
    """How many there are, needed or not."""
    return sum(isinstance(thing, World) for thing in gc.get_objects())


def test_worlds_go_with_their_session_and_with_every_move(uncollected: None) -> None:
    before = worlds()
    hand = Hand(letter(), 6)
    for number in range(8):
        hand.conductor.new(Session(title="another", operations=tuple(letter()), position=6), 100 + number)
        hand.run()
        for position in (2, 5, 0, 6):
            hand.seek(position)
        hand.job(lambda n: CompareStates(number=n, one=1, other=5))
        hand.conductor.set_designs([("anonmm", {}), ("objrmap", {})], 200 + number)
        hand.run()
        assert worlds() - before <= 2 * len(hand.stage.lanes)
