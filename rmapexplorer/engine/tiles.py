"""Parts of the matrix of all links, counted cell by cell at any scale: from many processes by many trees to single links."""

from __future__ import annotations

import time

import numpy as np
import numpy.typing as npt
from attrs import frozen

from rmapexplorer.core.table import Ints
from rmapexplorer.engine.incidence import BLOCK, SLICE_S, Atlas, Chart, Pending
from rmapexplorer.engine.stage import Stage

FINE = 3.0
"""Pixels from which on a vma or an object has a row or column of its own."""
DIVIDED = 14.0
"""Pixels from which on processes and trees show what is inside them."""
COARSE = 2.0
"""Pixels a cell has at least."""
MOST_CELLS = 1400
"""Rows or columns of one answer."""

Shades = npt.NDArray[np.uint8]
INHERITED, OWN = 80, 153
"""Shades of single links: the vma's own object (vma->anon_vma), and one it hangs on through a fork."""


@frozen(kw_only=True, eq=False)
class Tile:
    """A part of the matrix, counted cell by cell. Row i of it holds the rows row_edges[i] up to row_edges[i + 1]."""

    row_edges: Ints
    column_edges: Ints
    counts: npt.NDArray[np.int64]
    shades: Shades
    """0 for nothing, else by the logarithm of the count; single links: INHERITED or OWN."""
    most: int
    rows_by: str
    columns_by: str
    """What a row and a column stand for: "vma", "process", "12 vmas" ..."""
    shown: int
    """Links in it."""


@frozen(kw_only=True, eq=False)
class MatrixQuestion:
    """The links of rows [rows) and columns [columns), at so many pixels a row and a column; answered (Chart, Tile)."""

    atlas: Atlas
    rows: tuple[int, int] = (0, 1 << 62)
    columns: tuple[int, int] = (0, 1 << 62)
    row_pixels: float = 0.0
    """0: the whole matrix in the picture of ``size``."""
    column_pixels: float = 0.0
    size: tuple[int, int] = (600, 300)
    """Width and height of the picture in pixels."""
    key: str = "structures.matrix"

    def answer(self, stage: Stage) -> tuple[Chart, Tile] | Pending:
        """From the chart of the design in view."""
        chart = self.atlas.chart(stage, time.perf_counter() + SLICE_S)
        if isinstance(chart, Pending):
            return chart
        whole = not self.row_pixels
        tall = self.size[1] / max(chart.rows, 1) if whole else self.row_pixels
        wide = self.size[0] / max(chart.columns, 1) if whole else self.column_pixels
        return chart, tile(chart, self.rows, self.columns, tall, wide)


def tile(chart: Chart, rows: tuple[int, int], columns: tuple[int, int], tall: float, wide: float) -> Tile:
    """Count the links of a part. ``tall`` and ``wide`` are the pixels of a row and a column."""
    row_edges, rows_by = edges(chart.first, rows, tall, ("vma", "process"))
    column_edges, columns_by = edges(chart.roots, columns, wide, (chart.owner, "root"))
    r, c = chart.row, chart.column
    r0, r1, c0, c1 = (int(at) for at in (row_edges[0], row_edges[-1], column_edges[0], column_edges[-1]))
    own = chart.own
    if (r0, r1) != (0, chart.rows):
        near = _near(chart, r0, r1)
        r, c, own = r[near], c[near], own[near]
    if (r0, r1, c0, c1) != (0, chart.rows, 0, chart.columns):
        inside = np.flatnonzero((r >= r0) & (r < r1) & (c >= c0) & (c < c1))
        r, c, own = r[inside], c[inside], own[inside]
    height, width = len(row_edges) - 1, len(column_edges) - 1
    to_row = np.repeat(np.arange(height), np.diff(row_edges))
    to_column = np.repeat(np.arange(width), np.diff(column_edges))
    counts = np.zeros(height * width, np.int64)
    good = r >= r0
    if not good.all():
        r, c, own = r[good], c[good], own[good]
    cell = to_row[r - r0] * width + to_column[c - c0] if height and width else np.empty(0, np.int64)
    if len(cell):
        counts += np.bincount(cell, minlength=height * width)
    most = int(counts.max(initial=0))
    single = rows_by == "vma" and columns_by == chart.owner
    shades = _single(cell, own, height * width) if single else _shaded(counts, most)
    return Tile(
        row_edges=row_edges, column_edges=column_edges, counts=counts.reshape(height, width),
        shades=shades.reshape(height, width), most=most, rows_by=rows_by, columns_by=columns_by, shown=len(cell),
    )  # fmt: skip


def _near(chart: Chart, first: int, end: int) -> Ints | slice:
    # links of the blocks in which there may be some of these rows
    blocks = np.flatnonzero((chart.highest >= first) & (chart.lowest < end))
    if 2 * len(blocks) > len(chart.lowest):
        return slice(None)
    links = (blocks[:, None] * BLOCK + np.arange(BLOCK)).ravel()
    return links[links < len(chart.row)]


def _single(cell: Ints, own: npt.NDArray[np.bool_], cells: int) -> Shades:
    shades = np.zeros(cells, np.uint8)
    shades[cell] = INHERITED
    shades[cell[own]] = OWN
    return shades


def _shaded(counts: Ints, most: int) -> Shades:
    scale = 195.0 / max(np.log(max(most, 2)), 1e-9)
    table = (60 + scale * np.log(np.arange(1, min(most, 4096) + 1))).astype(np.uint8)
    table = np.r_[np.uint8(0), table]
    shades: Shades = table[np.minimum(counts, 4096)]
    if most > 4096:
        shades = np.where(counts > 0, 60 + scale * np.log(np.maximum(counts, 1)), 0).astype(np.uint8)
    return shades


def edges(units: Ints, span: tuple[int, int], pixels: float, words: tuple[str, str]) -> tuple[Ints, str]:
    """Where the cells of one axis begin and end, and what a cell stands for.

    :param units: where processes, or trees, begin; the last element is the end of the axis.
    :param words: what one step of the axis is, and what a unit is.
    """
    end = int(units[-1])
    low, high = max(0, min(span[0], end)), max(0, min(span[1], end))
    if pixels >= FINE or high - low <= 1 or len(units) < 2:
        high = min(high, low + 2 * MOST_CELLS) if pixels >= FINE else high
        return np.arange(low, high + 1), words[0]
    a = int(np.searchsorted(units, low, "right")) - 1
    b = int(np.searchsorted(units, high, "left"))
    bounds = units[a : b + 1]
    bounds = bounds[np.r_[True, np.diff(bounds) > 0]]
    unit = (bounds[-1] - bounds[0]) / max(len(bounds) - 1, 1) * pixels
    together = max(1, int(np.ceil(COARSE / max(unit, 1e-12))), -(-len(bounds) // MOST_CELLS))
    if together > 1:
        a -= a % together  # the same groups wherever the part begins
        bounds = np.append(units[a:b:together], units[b])
        bounds = bounds[np.r_[True, np.diff(bounds) > 0]]
    return _divided(bounds, pixels, words, together)


def _divided(bounds: Ints, pixels: float, words: tuple[str, str], together: int) -> tuple[Ints, str]:
    # groups of units that are tall enough show what is inside them, a few pixels a cell
    widths = np.diff(bounds)
    cell = max(FINE, float(bounds[-1] - bounds[0]) * pixels / MOST_CELLS)
    parts = np.clip(np.round(widths * pixels / cell).astype(np.int64), 1, widths)
    parts[widths * pixels < DIVIDED] = 1
    which = np.repeat(np.arange(len(parts)), parts)
    inner = np.arange(len(which)) - np.repeat(np.cumsum(parts) - parts, parts)
    out = np.append(bounds[:-1][which] + inner * widths[which] // parts[which], bounds[-1])
    steps = max(1, round(float(widths.sum() / len(which))))
    whole = (parts == 1) & (widths > 1)
    if whole.any():
        unit = words[1] if together == 1 else f"{together:,} {words[1]}{'es' if words[1].endswith('s') else 's'}"
        return out, unit if whole.all() or together == 1 else f"up to {unit}"
    return out, words[0] if steps == 1 else f"{steps:,} {words[0]}s"
