"""Tables as CSV: the first line names the columns, numbers are plain, nothing is rounded."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterable, Iterator, Sequence

from attrs import frozen

from rmapexplorer.core.flags import perms
from rmapexplorer.core.metrics import KEYS
from rmapexplorer.core.places import IN_PAGES, Places
from rmapexplorer.engine.frames import Frame, HistoryEntry
from rmapexplorer.engine.grid import Grid
from rmapexplorer.engine.stage import Stage
from rmapexplorer.plain import inert

ROWS = 1000
"""Rows in one piece."""


@frozen(kw_only=True)
class Table:
    """Column names and rows; None is an empty cell."""

    head: tuple[str, ...]
    rows: Iterable[Sequence[object]]


def csv_pieces(table: Table) -> Iterator[str]:
    """The text, some rows at a time."""
    stream = io.StringIO(newline="")
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(table.head)
    for number, row in enumerate(table.rows, 1):
        writer.writerow([_cell(value) for value in row])
        if number % ROWS == 0:
            yield stream.getvalue()
            stream.seek(0)
            stream.truncate()
    yield stream.getvalue()


def _cell(value: object) -> object:
    if isinstance(value, float):
        if math.isnan(value):
            return ""
        return int(value) if value.is_integer() else value
    return inert(value) if isinstance(value, str) else value


def curves(stage: Stage, grid: Grid) -> Table:
    """All curves up to the grid's last position: a row a position, a column for each metric of each design, by their keys.

    Empty cells: the log has no probe there. Make those it has before, with engine.probing.
    """
    head = ("position", *(curve_name(lane.kind.key, key) for key in KEYS for lane in stage.lanes))
    return Table(head=head, rows=_curve_rows(stage, grid))


def curve_name(design: str, metric: str) -> str:
    """The column of one curve in every CSV."""
    return f"{design} {metric}"


def _curve_rows(stage: Stage, grid: Grid) -> Iterator[Sequence[object]]:
    for start in range(0, grid.last + 1, ROWS):
        values = stage.metric_rows(start, min(start + ROWS, grid.last + 1), grid)
        flat = values.transpose(0, 2, 1).reshape(len(values), -1)
        for number, row in enumerate(flat.tolist(), start):
            yield [number, *row]


def processes(frame: Frame) -> Table:
    """The living processes at the position shown."""
    rows = frame.tasks
    head = ("pid", "ppid", "comm", "threads", "vmas", "anon_pages", "file_pages", "swap_pages")
    whole = [getattr(rows, name).tolist() for name in head if name != "comm"]
    whole.insert(2, list(rows.comm))
    return Table(head=head, rows=zip(*whole, strict=True))


def vmas(frame: Frame, places: Places = IN_PAGES) -> Table:
    """All vmas of all processes under the design in view; ``places``: how start and end are written, in hexadecimal."""
    head = (
        "pid", "comm", "start", "end", "pages", "flags", "pgoff", "file", "label", "anon", "links",
        "anon_pages", "file_pages", "swap_pages",
    )  # fmt: skip
    return Table(head=head, rows=_vma_rows(frame, places))


def _vma_rows(frame: Frame, places: Places) -> Iterator[Sequence[object]]:
    table, tasks = frame.vmas, frame.tasks
    for task in range(len(tasks.pid)):
        low, high = int(table.first[task]), int(table.first[task + 1])
        pid, comm = int(tasks.pid[task]), tasks.comm[task]
        columns = [
            getattr(table, name)[low:high].tolist()
            for name in (
                "start", "end", "flags", "pgoff", "file", "label", "anon", "links",
                "anon_pages", "file_pages", "swap_pages",
            )
        ]  # fmt: skip
        for start, end, flags, pgoff, file, label, anon, *counts in zip(*columns, strict=True):
            yield (
                pid, comm, places.at(start), places.at(end), end - start, perms(flags), f"{pgoff:x}",
                frame.files[file] if file >= 0 else "", frame.labels[label] if label >= 0 else "",
                anon if anon >= 0 else "", *counts,
            )  # fmt: skip


def history(entries: Iterable[HistoryEntry], places: Places = IN_PAGES) -> Table:
    """The operations of the branch shown, with their outcome under the design in view."""
    head = ("position", "call", "operation", "outcome", "rule", "outcomes_differ", "merges_refused")
    rows = (
        (
            one.position,
            one.name,
            places.text(one.text),
            one.error or "done",
            places.text(one.rule),
            int(one.differs),
            one.refused_merges,
        )
        for one in entries
    )
    return Table(head=head, rows=rows)
