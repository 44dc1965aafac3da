"""What does not fit into memory is told in a sentence, and the session goes on as it was."""

from __future__ import annotations

from rmapexplorer.core import room
from rmapexplorer.core.operations import Mmap, Spawn, Touch
from rmapexplorer.core.room import ROOM, bounded
from rmapexplorer.core.units import Span
from rmapexplorer.engine.frames import Notice

from .real_driver import Hand

PAGES = 1 << 20


def test_an_operation_too_large_is_told_and_the_session_lives() -> None:
    hand = Hand([Spawn(pid=1), Mmap(pid=1, span=Span(16, 16 + PAGES))], 2)
    before = hand.digests()
    with bounded((ROOM.taken() + room.SPARE + (120 << 20)) >> 20):
        try:
            hand.submit(Touch(pid=1, runs=((16, 16 + PAGES, "w"),)))
        except MemoryError:  # where the engine's thread would be
            hand.conductor.broken()
        hand.run()
        said = [m for m in hand.told if isinstance(m, Notice)]
        assert [m.level for m in said] == ["error"] and "needs more memory than" in said[0].text
        assert said[0].text.endswith("The session is kept at the last good position.")
        assert hand.stage.line.cursor == 2 and hand.digests() == before
        hand.submit(Touch(pid=1, runs=((16, 20, "w"),)))
        assert hand.stage.line.cursor == 3
