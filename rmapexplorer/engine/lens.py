"""How the engine looks at a world: the functions that read columns, figures and details off it.

The engine itself only moves worlds along the log; everything it shows goes through a Lens, so that tests
can drive it with a world of three lines.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping, Sequence
from typing import Any, Protocol

import numpy as np
from attrs import frozen

from rmapexplorer.core.operations import Operation
from rmapexplorer.core.outcome import Outcome
from rmapexplorer.core.units import Machine
from rmapexplorer.engine.frames import Detail, FootprintRow, TaskRows, VmaRows


class AnyWorld(Protocol):
    """What the engine needs of a world."""

    @property
    def counters(self) -> Mapping[str, int]:
        """Cumulative counters, names of core.counters."""
        ...

    def apply(self, op: Operation) -> Outcome:
        """Do one operation; Corruption where an invariant broke."""
        ...

    def copy(self) -> AnyWorld:
        """An independent copy."""
        ...

    def cost_bytes(self) -> int:
        """Memory a copy takes, in bytes."""
        ...

    def digest(self) -> str:
        """Hash of the whole state."""
        ...


@frozen(kw_only=True)
class Columns:
    """Processes and vmas of one world as a frame shows them."""

    tasks: TaskRows
    vmas: VmaRows
    files: tuple[str, ...]
    labels: tuple[str, ...]
    tables: Any = None
    """What the next frame need not read again (engine.page_tables.PageTables); used up by it."""


@frozen(kw_only=True)
class Lens:
    """The reading side of a world."""

    columns: Callable[[Seen, Columns | None], Columns]
    """(world, columns shown before) -> columns, arrays shared with those before where equal."""
    detail: Callable[[Mapping[str, Seen], str, int, int], Detail | None]
    """(worlds by key, key in view, pid, page number) -> everything about the selection."""
    footprint: Callable[[Seen], tuple[FootprintRow, ...]]
    measure: Callable[[Seen], np.ndarray]
    """One row of core.metrics.METRICS; NaN for what only a probe knows."""
    probe: Callable[[Seen, np.ndarray], Generator[None, None, None]]
    """Fills the probe's metrics into such a row, some milliseconds at each step; the world must stay as it is meanwhile."""
    vmas: Callable[[Seen], int]
    resolve: Callable[[Operation, Sequence[Seen]], Operation]
    """(operation, worlds) -> it with what the kernel would choose; KernelError: nothing fits."""
    undecided: Callable[[Operation], bool]
    """True where the kernel has something to choose."""
    problem: Callable[[Operation], str] = lambda op: ""
    """Why a session could not hold the operation, empty where it can; such a one never enters the log."""


Seen = Any
"""A world of the kind that the lens was made for."""

Designs = Sequence[tuple[str, Mapping[str, str]]]
"""(key, options) in order."""


class UnknownDesign(Exception):
    """One sentence: a session names a design or an option that this program does not have."""


@frozen(kw_only=True)
class Kind:
    """A design ready to be run: its key with options, its title, and how to make its empty world."""

    key: str
    title: str
    options: Mapping[str, str]
    make: Callable[[], AnyWorld]
    pickles: bool = False
    """Its worlds can be pickled with their arrays apart: copies of them share what did not change."""


KindMaker = Callable[[Designs, Machine], list[Kind]]
"""(design, options) of a session and its machine -> what to run; UnknownDesign where there is no such thing."""
