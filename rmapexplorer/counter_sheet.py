"""All counters of a run as CSV: a row for each operation under each design, and one with the sums of the design.

Counters are what the one operation added; what is live is what stands after it: objects and bytes of all kinds together,
then of each kind, empty where a design has no such kind.
"""

from __future__ import annotations

import csv
import io

from attrs import define, field

from rmapexplorer.batch import Each, Run
from rmapexplorer.core.counters import COUNTERS
from rmapexplorer.core.operations import Operation, describe
from rmapexplorer.core.outcome import Outcome
from rmapexplorer.core.world import World
from rmapexplorer.plain import inert

HEAD = ("operation", "call", "text", "design", "outcome")
LIVE = ("objects", "bytes")
TOTAL = "total"


@define(eq=False)
class CounterSheet:
    """Gathers the rows while designs run one after the other."""

    rows: list[dict[str, object]] = field(factory=list)

    def of(self, name: str) -> Each:
        """What a run of the world ``name`` calls after each operation."""

        def each(world: World, index: int, op: Operation, outcome: Outcome) -> None:
            told = (index + 1, op.name, describe(op), name, outcome.error or "done")
            counted = dict.fromkeys(COUNTERS, 0) | dict(outcome.deltas)
            self.rows.append(dict(zip(HEAD, told, strict=True)) | counted | _live(world))

        return each

    def total(self, done: Run) -> None:
        """The sums of a run that has ended."""
        told = (TOTAL, "", f"{done.operations} operations", done.name, f"{len(done.refused)} refused")
        self.rows.append(dict(zip(HEAD, told, strict=True)) | dict(done.world.counters) | _live(done.world))

    def text(self) -> str:
        """The whole sheet; the first line names the columns."""
        kinds = dict.fromkeys(name for row in self.rows for name in row if ": " in name)
        stream = io.StringIO()
        sheet = csv.DictWriter(stream, (*HEAD, *COUNTERS, *LIVE, *kinds), restval="", lineterminator="\n")
        sheet.writeheader()
        sheet.writerows({name: inert(v) if isinstance(v, str) else v for name, v in row.items()} for row in self.rows)
        return stream.getvalue()


def _live(world: World) -> dict[str, object]:
    kept = world.footprint()
    row: dict[str, object] = dict(zip(LIVE, (sum(r.objects for r in kept), sum(r.bytes for r in kept)), strict=True))
    for r in kept:
        row[f"{r.kind}: objects"], row[f"{r.kind}: bytes"] = r.objects, r.bytes
    return row
