"""Everything a report of a session tells, gathered on the engine thread a little at a time; nothing is changed by it."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from itertools import groupby

import numpy as np
from attrs import frozen

from rmapexplorer.core.metrics import KEYS
from rmapexplorer.core.outcome import Outcome, Refusal
from rmapexplorer.core.units import Machine
from rmapexplorer.engine.files import session_of
from rmapexplorer.engine.frames import FootprintRow
from rmapexplorer.engine.grid import Grid, grid_of
from rmapexplorer.engine.lanes import Lane
from rmapexplorer.engine.probing import completed
from rmapexplorer.engine.stage import Stage
from rmapexplorer.formats.outline import Note

OPERATIONS = 2000
"""Operations listed; of longer sessions those that tell something come first."""
MERGES = 500
"""Refused merges listed."""
CURVE_POINTS = 600
"""Positions of a curve; of longer ones the smallest and the largest value of each stretch."""
_CHUNK = 500


@frozen(kw_only=True)
class DesignPart:
    """One design at the position of the report. ``figures``: core.metrics by key, probe included; NaN: not known."""

    key: str
    title: str
    era: str
    vmas: int
    footprint: tuple[FootprintRow, ...]
    figures: dict[str, float]
    refused: int
    """Operations of the branch, up to the position, that ended in an error."""
    digest: str


@frozen(kw_only=True)
class OperationPart:
    """One operation; ``outcomes`` by design in order: "" done, None unknown, else errno and rule. ``merges``: refused ones."""

    position: int
    text: str
    outcomes: tuple[str | None, ...]
    merges: tuple[int, ...]

    @property
    def differs(self) -> bool:
        """Not the same for all designs."""
        return len({outcome if outcome is None else outcome.partition(":")[0] for outcome in self.outcomes}) > 1


@frozen(kw_only=True)
class MergePart:
    """The same refusal by the same design at consecutive merges of one operation, ``times`` of them."""

    position: int
    text: str
    design: str
    refusal: Refusal
    times: int


@frozen(kw_only=True, eq=False)
class SessionReport:
    """What report files are made of. ``positions`` and ``values`` [positions, designs, metrics] are the curves.

    ``probed`` and ``probes`` are the same for the metrics that only a probe tells, at exactly the positions that have one.
    """

    title: str
    path: str
    machine: Machine
    position: int
    head: int
    branch: str
    branches: tuple[str, ...]
    designs: tuple[DesignPart, ...]
    operations: tuple[OperationPart, ...]
    merges: tuple[MergePart, ...]
    merges_refused: int
    """In all designs and operations together; ``merges`` may hold fewer."""
    positions: np.ndarray
    values: np.ndarray
    probed: np.ndarray
    probes: np.ndarray
    notes: tuple[Note, ...]
    imported: tuple[str, ...]
    """What an import skipped."""


def gather(stage: Stage) -> Generator[tuple[int, int] | None, None, SessionReport]:
    """Read the current branch up to the cursor; some milliseconds at each step. Probes that are missing are made first."""
    session, grid = session_of(stage), grid_of(stage.line, stage.line.cursor)
    yield from completed(stage, grid)
    parts = []
    for lane in stage.lanes:
        parts.append((yield from _design(stage, lane)))
    operations, merges, refused = yield from _operations(stage)
    yield None
    positions, values = yield from _curves(stage, grid)
    return SessionReport(
        title=stage.title or "untitled", path=stage.path or "", machine=stage.machine, position=stage.line.cursor,
        head=stage.line.head, branch=stage.line.branch, branches=tuple(stage.line.branches), designs=tuple(parts),
        operations=operations, merges=merges, merges_refused=refused, positions=positions, values=values,
        probed=np.array(grid.positions()), probes=np.concatenate([stage.metric_rows(p, p + 1, grid) for p in grid.positions()]),
        notes=tuple(session.notes), imported=stage.report,
    )  # fmt: skip


def _design(stage: Stage, lane: Lane) -> Generator[None, None, DesignPart]:
    row = lane.rows.take(np.array([lane.node]))[0]
    path = stage.line.path[: stage.line.cursor]
    refused = sum(1 for node in path if (outcome := lane.outcomes.get(node)) is not None and not outcome.ok)
    yield
    return DesignPart(
        key=lane.kind.key, title=lane.kind.title, era=str(getattr(getattr(lane.world, "design", None), "era", "")),
        vmas=lane.lens.vmas(lane.world), footprint=lane.lens.footprint(lane.world),
        figures=dict(zip(KEYS, row.tolist(), strict=True)), refused=refused, digest=lane.world.digest(),
    )  # fmt: skip


def _operations(stage: Stage) -> Generator[None, None, tuple[tuple[OperationPart, ...], tuple[MergePart, ...], int]]:
    telling: list[OperationPart] = []
    plain: list[OperationPart] = []
    merges: list[MergePart] = []
    count = 0
    for position, node in enumerate(stage.line.path[: stage.line.cursor], 1):
        outcomes = [lane.outcomes.get(node) for lane in stage.lanes]
        refused = tuple(outcome.deltas.get("merges_refused", 0) if outcome else 0 for outcome in outcomes)
        count += sum(refused)
        words = tuple(_words(outcome) for outcome in outcomes)
        kept = telling if any(words) or any(refused) else plain
        if len(kept) < OPERATIONS:
            kept.append(OperationPart(position=position, text=stage.text(node), outcomes=words, merges=refused))
        for lane, outcome in zip(stage.lanes, outcomes, strict=True):
            if outcome is not None and outcome.refusals and len(merges) < MERGES:
                merges += _merges(position, stage.text(node), lane.kind.title, outcome.refusals)
        if position % _CHUNK == 0:
            yield
    chosen = sorted(telling + plain[: OPERATIONS - len(telling)], key=lambda one: one.position)
    return tuple(chosen), tuple(merges[:MERGES]), count


def _words(outcome: Outcome | None) -> str | None:
    if outcome is None:
        return None
    return "" if outcome.ok else f"{outcome.error}: {outcome.rule}"


def _merges(position: int, text: str, design: str, refusals: Sequence[Refusal]) -> list[MergePart]:
    runs = ((refusal, len(list(same))) for refusal, same in groupby(refusals))
    return [
        MergePart(position=position, text=text, design=design, refusal=refusal, times=times) for refusal, times in runs
    ]


def _curves(stage: Stage, grid: Grid) -> Generator[None, None, tuple[np.ndarray, np.ndarray]]:
    count = stage.line.cursor + 1
    width = max(1, -(-count // (CURVE_POINTS // 2)))
    positions, rows = [], []
    for start in range(0, count, width):
        stop = min(count, start + width)
        values = stage.metric_rows(start, stop, grid)
        if width == 1:
            positions.append(np.array([start]))
            rows.append(values)
        else:
            positions.append(np.array([start, stop - 1]))
            rows.append(np.stack([_least(values), _most(values)]))
        if len(rows) % 50 == 0:
            yield None
    return np.concatenate(positions), np.concatenate(rows)


def _least(values: np.ndarray) -> np.ndarray:
    known = np.where(np.isnan(values), np.inf, values).min(axis=0)
    return np.where(np.isinf(known), np.nan, known)


def _most(values: np.ndarray) -> np.ndarray:
    known = np.where(np.isnan(values), -np.inf, values).max(axis=0)
    return np.where(np.isinf(known), np.nan, known)
