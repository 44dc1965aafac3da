"""A conductor on real worlds, driven by hand: nothing runs at the same time, so every test is repeatable."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from rmapexplorer.core.operations import Operation
from rmapexplorer.engine.conductor import Conductor
from rmapexplorer.engine.frames import Frame
from rmapexplorer.engine.outbox import Outbox
from rmapexplorer.engine.real import REAL_FILES, REAL_LENS, real_kinds
from rmapexplorer.engine.stage import Stage
from rmapexplorer.formats.session import Session

from .fake_world import Clock


class Hand:
    """Gives a conductor its orders and runs it to rest."""

    def __init__(self, log: Sequence[Operation] = (), position: int = 0) -> None:
        self.outbox = Outbox()
        self.conductor = Conductor(self.outbox, real_kinds, REAL_LENS, REAL_FILES, Clock(), 1 << 30)
        self.told: list[Any] = []
        self._number = 1
        self.conductor.new(Session(title="log", operations=tuple(log), position=position), 1)
        self.run()

    @property
    def stage(self) -> Stage:
        """What the conductor conducts."""
        stage = self.conductor.stage
        assert stage is not None
        return stage

    @property
    def frame(self) -> Frame:
        """The last one told."""
        return [m for m in self.told if isinstance(m, Frame)][-1]

    def run(self) -> None:
        """Until nothing is left to do."""
        while not self.conductor.idle:
            self.conductor.turn(0.008)
        self.told += self.outbox.take()

    def seek(self, position: int) -> None:
        """Go there."""
        self._number += 1
        self.conductor.seek(position, False, self._number)
        self.run()

    def submit(self, *operations: Operation) -> None:
        """Do these at the cursor."""
        self._number += 1
        self.conductor.submit(operations, "", self._number)
        self.run()

    def branch(self, name: str) -> None:
        """Switch to a branch."""
        self._number += 1
        self.conductor.branch(name, self._number)
        self.run()

    def job(self, make: Callable[[int], Any]) -> Any:
        """Queue a job, run it, return it."""
        self._number += 1
        job = make(self._number)
        self.conductor.job(job)
        self.run()
        return job

    def digests(self) -> dict[str, str]:
        """The digest of every world."""
        return {key: world.digest() for key, world in self.stage.worlds.items()}
