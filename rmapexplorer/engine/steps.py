"""A job made of an iterator: work on the open session that changes nothing in it, a little at each step."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator

from attrs import define

from rmapexplorer.engine.stage import Stage

Work = Callable[[Stage], Generator[tuple[int, int] | None, None, None]]
"""Begins at the stage as it is when the job's turn comes; each ``next`` takes some milliseconds and may tell (done, of all)."""


def goes_on(way: Iterator[None]) -> bool:
    """One step of an iterator; False where there was none left."""
    for _ in way:
        return True
    return False


@define(eq=False)
class Steps:
    """Runs ``work`` to its end; cancelled, the generator is closed, so that its ``finally`` can tidy up.

    :param total: steps that are expected, 0 where nobody knows. :param quiet: normally too short for a progress bar.
    """

    number: int
    title: str
    work: Work
    total: int = 0
    quiet: bool = False
    done: int = 0
    shows: bool = False
    _running: Generator[tuple[int, int] | None, None, None] | None = None

    def start(self, stage: Stage) -> None:
        """Begin."""
        self._running = self.work(stage)

    def step(self, stage: Stage) -> bool:
        """One step; False at the end."""
        assert self._running is not None
        for told in self._running:
            self.done, self.total = told or (self.done + 1, self.total)
            return True
        return False

    def stop(self, stage: Stage) -> bool:
        """Cancelled."""
        if self._running is not None:
            self._running.close()
        return False


class AtOnce:
    """What all jobs of a single short step have in common; ``act`` is the step."""

    done: int = 0
    total: int = 1
    quiet: bool = True
    shows: bool = False

    def start(self, stage: Stage) -> None:
        """Nothing to prepare."""

    def step(self, stage: Stage) -> bool:
        """All of it."""
        self.act(stage)
        self.done = 1
        return False

    def act(self, stage: Stage) -> None:
        """Do it. :raises KernelError: it is refused."""
        raise NotImplementedError

    def stop(self, stage: Stage) -> bool:
        """Nothing is half done."""
        return False
