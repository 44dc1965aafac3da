"""All counters of a run as CSV: a row for each operation under each design, and one with the sums of the design.

Counters are what the one operation added; what is live is what stands after it: objects and bytes of all kinds together,
then of each kind, empty where a design has no such kind.
"""

from __future__ import annotations

import csv
import io
import os
import pickle
import tempfile
import zlib
from collections.abc import Iterator
from typing import IO, Any

from attrs import define, field

from rmapexplorer.batch import Run
from rmapexplorer.core.counters import COUNTERS
from rmapexplorer.core.operations import Operation, describe
from rmapexplorer.core.outcome import Outcome
from rmapexplorer.core.world import World
from rmapexplorer.plain import inert

HEAD = ("operation", "call", "text", "design", "outcome")
LIVE = ("objects", "bytes")
TOTAL = "total"

ROWS_HELD = 500
"""Of one world in memory (1 MB); the others are in a file."""

Row = dict[str, object]


def _nameless() -> IO[bytes]:
    return tempfile.TemporaryFile(buffering=0)


@define(eq=False)
class Rows:
    """The rows of the world ``name``, any number: they are kept in a file without a name, which a process made later shares.

    ``kinds``: columns of what is live, those of each kind, in the order in which they came.
    """

    name: str
    kinds: dict[str, None] = field(factory=dict)
    _held: list[Row] = field(factory=list)
    _file: IO[bytes] = field(factory=_nameless)

    def begin(self) -> None:
        """The world is run from the start: what there was of it is gone."""
        self.kinds.clear()
        self._held.clear()
        self._file.seek(0)
        self._file.truncate()

    def each(self, world: World, index: int, op: Operation, outcome: Outcome) -> None:
        """What the run of the world calls after each operation."""
        told = (index + 1, op.name, describe(op), self.name, outcome.error or "done")
        counted = dict.fromkeys(COUNTERS, 0) | dict(outcome.deltas)
        self.put(dict(zip(HEAD, told, strict=True)) | counted | _live(world))

    def total(self, done: Run) -> None:
        """The sums of a run that has ended."""
        told = (TOTAL, "", f"{done.operations} operations", done.name, f"{len(done.refused)} refused")
        self.put(dict(zip(HEAD, told, strict=True)) | dict(done.world.counters) | _live(done.world))
        self._keep()

    def put(self, row: Row) -> None:
        """One row more, by column."""
        self.kinds.update(dict.fromkeys(name for name in row if ": " in name))
        self._held.append(row)
        if len(self._held) >= ROWS_HELD:
            self._keep()

    def _keep(self) -> None:
        packed = zlib.compress(pickle.dumps(self._held, 5), 1)
        view = memoryview(len(packed).to_bytes(8, "little") + packed)
        while view:
            view = view[self._file.write(view) :]
        self._held.clear()

    def close(self) -> None:
        """Nobody needs them any more."""
        self._file.close()

    def all(self) -> Iterator[Row]:
        """From the first on, those that another process wrote too."""
        with open(os.dup(self._file.fileno()), "rb") as file:
            file.seek(0)
            while size := file.read(8):
                yield from pickle.loads(zlib.decompress(file.read(int.from_bytes(size, "little"))))
        yield from self._held


@define(eq=False)
class CounterSheet:
    """The rows of all worlds, those of one after those of another."""

    worlds: list[Rows] = field(factory=list)

    def of(self, name: str) -> Rows:
        """Those of one world more."""
        self.worlds.append(Rows(name))
        return self.worlds[-1]

    def close(self) -> None:
        """Nobody needs the rows any more."""
        for rows in self.worlds:
            rows.close()

    def pieces(self) -> Iterator[str]:
        """The whole sheet, some rows at a time; the first line names the columns."""
        kinds: dict[str, None] = {}
        for rows in self.worlds:
            kinds |= rows.kinds
        stream = io.StringIO()
        sheet: csv.DictWriter[Any] = csv.DictWriter(
            stream, (*HEAD, *COUNTERS, *LIVE, *kinds), restval="", lineterminator="\n"
        )
        sheet.writeheader()
        for rows in self.worlds:
            for row in rows.all():
                sheet.writerow({name: inert(v) if isinstance(v, str) else v for name, v in row.items()})
                if stream.tell() > 1 << 16:
                    yield _taken(stream)
        yield _taken(stream)


def _taken(stream: io.StringIO) -> str:
    text = stream.getvalue()
    stream.seek(0)
    stream.truncate()
    return text


def _live(world: World) -> Row:
    kept = world.footprint()
    row: Row = dict(zip(LIVE, (sum(r.objects for r in kept), sum(r.bytes for r in kept)), strict=True))
    for r in kept:
        row[f"{r.kind}: objects"], row[f"{r.kind}: bytes"] = r.objects, r.bytes
    return row
