"""A patch of the matrix as boxes: the vmas and objects of the links that were framed, with the tasks they belong to."""

from __future__ import annotations

import time

import numpy as np
from attrs import frozen

from rmapexplorer.engine.frames import Link, Node, Structure
from rmapexplorer.engine.incidence import SLICE_S, Atlas, Chart, Pending
from rmapexplorer.engine.stage import Stage

MOST_VMAS, MOST_OBJECTS, MOST_LINKS = 80, 40, 600


@frozen(kw_only=True, eq=False)
class PatchQuestion:
    """The links of rows [rows) and columns [columns) of the chart as a structure."""

    atlas: Atlas
    rows: tuple[int, int]
    columns: tuple[int, int]
    key: str = "structures.patch"

    def answer(self, stage: Stage) -> Structure | Pending:
        """From the design in view."""
        chart = self.atlas.chart(stage, time.perf_counter() + SLICE_S)
        if isinstance(chart, Pending):
            return chart
        return patch(chart, spans(stage, chart), self.rows, self.columns)


def spans(stage: Stage, chart: Chart) -> dict[int, list[tuple[int, int]]]:
    """First page and end of the vmas of each pid of the chart, looked up when asked for."""
    world = stage.shown.world

    class _Spans(dict[int, list[tuple[int, int]]]):
        def __missing__(self, pid: int) -> list[tuple[int, int]]:
            rows = world.mms[world.tasks[pid].mm].vmas  # type: ignore[attr-defined]
            table = world.vma  # type: ignore[attr-defined]
            self[pid] = [(int(table.start[row]), int(table.end[row])) for row in rows]
            return self[pid]

    return _Spans()


def patch(
    chart: Chart, of: dict[int, list[tuple[int, int]]], rows: tuple[int, int], columns: tuple[int, int]
) -> Structure:
    """The structure of the links in a part of the chart, the first of each kind where there are too many."""
    inside = np.flatnonzero(
        (chart.row >= rows[0]) & (chart.row < rows[1]) & (chart.column >= columns[0]) & (chart.column < columns[1])
    )
    r, c = chart.row[inside], chart.column[inside]
    all_rows, all_columns = np.unique(r), np.unique(c)
    keep_columns = all_columns[:MOST_OBJECTS]
    keep_rows = np.unique(r[np.isin(c, keep_columns)])[:MOST_VMAS]
    drawn = np.flatnonzero(np.isin(r, keep_rows) & np.isin(c, keep_columns))
    nodes = [
        Node(
            key=f"o{column}", rank=1, title=chart.name(column), family=int(chart.names[column]),
            subtitle=f"{chart.links[column]:,} links · {chart.pages[column]:,} pages",
        )
        for column in keep_columns.tolist()
    ]  # fmt: skip
    links, tasks = [], {}
    for row in keep_rows.tolist():
        process = chart.process(row)
        pid, comm = chart.pids[process], chart.comms[process]
        start, end = of[pid][row - int(chart.first[process])]
        nodes.append(
            Node(
                key=f"r{row}", rank=2, title=f"{start:x}-{end:x}", subtitle=f"{comm} {pid}".strip(), target=(pid, start)
            )
        )
        tasks[pid] = Node(key=f"t{pid}", rank=3, title=comm or f"pid {pid}", subtitle=f"pid {pid}", target=(pid, -1))
        links.append(Link(source=f"r{row}", target=f"t{pid}"))
    for at in drawn[:MOST_LINKS].tolist():
        column = int(c[at])
        links.append(Link(source=f"o{column}", target=f"r{int(r[at])}", family=int(chart.names[column])))
    left_out = (0, len(all_columns) - len(keep_columns), len(all_rows) - len(keep_rows), 0)
    return Structure(
        nodes=(*nodes, *tasks.values()), links=tuple(links), shown=len(keep_rows) + len(keep_columns),
        total=len(all_rows) + len(all_columns), headings=("", chart.owner, "vma", "task"), left_out=left_out,
        note=f"The {len(inside):,} links framed in the matrix · select a page or a vma to leave",
    )  # fmt: skip
