"""What a case measures with: work in a process of its own, the whole program, the twin, files to run, all in one scratch folder."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from attrs import define, field

from rmapexplorer.bench import recordings
from rmapexplorer.bench.measured import Stopped
from rmapexplorer.bench.twin import Twin
from rmapexplorer.bench.watch import Watched, watched
from rmapexplorer.core.operations import Operation
from rmapexplorer.core.units import Machine
from rmapexplorer.formats import writing
from rmapexplorer.formats.session import Session, save_session

SECONDS, LONG_SECONDS = 300.0, 1800.0
"""How long one measurement may take, and one of a recording of millions of lines."""

MOST_MB = 3000.0
"""A measurement that needs more is ended."""


@define(eq=False)
class Rig:
    """One run of the bench. ``quick``: one repeat of everything. ``recording``: the one that is told many times, "" for none."""

    scratch: Path
    quick: bool = False
    recording: str = ""
    twin: Twin = field(init=False)

    def __attrs_post_init__(self) -> None:
        self.twin = Twin(self.scratch)

    def repeats(self, full: int) -> int:
        """How often something is to be measured."""
        return 1 if self.quick else full

    def inside(self, work: str, **arguments: Any) -> dict[str, Any]:
        """What a function of bench.work gives in a process of its own, and "peak", its memory in MB. :raises Stopped: nothing."""
        words = [sys.executable, "-m", "rmapexplorer.bench", work, json.dumps(arguments)]
        done = watched(words, SECONDS, MOST_MB)
        found: dict[str, Any] = json.loads(done.output.splitlines()[-1])
        return found | {"peak": max(found["peak"], done.peak)}

    def program(self, words: Sequence[str], seconds: float = SECONDS) -> Watched:
        """The whole program with these arguments. :raises Stopped: it failed."""
        return watched([sys.executable, "-m", "rmapexplorer", *words], seconds, MOST_MB)

    def kernel(self, what: str, *numbers: int, scale: float = 1.0) -> tuple[dict[str, tuple[float, ...]], str]:
        """The twin's figures by name (microseconds times ``scale``); without any, why there are none."""
        try:
            found = self.twin.run(what, *numbers)
        except Stopped as why:
            return {}, str(why)
        return {name: tuple(scale * value for value in values) for name, values in found.items()}, ""

    def session(self, name: str, operations: Callable[[], Sequence[Operation]]) -> str:
        """Path of a session with these operations, made where it is not there yet."""
        path = self.scratch / f"{name}.rmap"
        if not path.exists():
            ops = tuple(operations())
            save_session(Session(title=name, machine=Machine(), operations=ops, position=len(ops)), str(path))
        return str(path)

    def recorded(self, kind: str, lines: int) -> str:
        """Path of a recording of that many lines, made where it is not there yet; ``kind``: "pool" or "malloc"."""
        path = self.scratch / f"{kind}-{lines}.perf.txt"
        if not path.exists():
            told = recordings.allocator(lines) if kind == "malloc" else recordings.repeated(self.source(), lines)
            writing.write(str(path), recordings.pieces(told, packed=False))
        return str(path)

    def source(self) -> str:
        """Path of the recording that is told many times. :raises Stopped: none is known."""
        if not self.recording:
            raise Stopped("there is no recording to tell many times; name one with --recording")
        return self.recording
