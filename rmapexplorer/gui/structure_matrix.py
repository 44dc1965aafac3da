"""The matrix: vmas, process by process, against the design's objects; a cell is lit where a link ties the two.

From afar a cell is many processes against many trees, shaded by the logarithm of its links; nearer it becomes one
process, one vma, at last one avc. Counting is the engine's business: a tile at a time, for the part that is seen.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from PySide6.QtCore import QPointF, QRectF, Signal
from PySide6.QtGui import QFontMetricsF, QImage, QPainter, QPaintEvent
from PySide6.QtWidgets import QWidget

from rmapexplorer.engine.incidence import Atlas, Chart
from rmapexplorer.engine.tiles import FINE, OWN, MatrixQuestion, Tile
from rmapexplorer.gui import places
from rmapexplorer.gui.panel import scaled
from rmapexplorer.gui.selection import Selection
from rmapexplorer.gui.structure_board import STALE, Board
from rmapexplorer.gui.structure_forest import plural
from rmapexplorer.gui.structure_matrix_paint import Marks, MatrixLook, paint_frame, paint_marks
from rmapexplorer.gui.structure_raster import draw, ramp
from rmapexplorer.gui.structure_spots import Spots
from rmapexplorer.gui.theme import Theme

MARGIN = 0.6
"""Share of the seen part that is counted beyond it, on each side."""
WIDEST, TALLEST = 58.0, 26.0
"""Pixels of a cell at most."""
TABLE_ROWS = 20_000


class Matrix(Board):
    """Zoom and pan, read the number under the mouse, click a vma, frame some links to see them as boxes."""

    SAME_SCALE = False
    wanted = Signal()
    """The part that is seen was not counted finely enough: ask."""
    framed = Signal(object, object)
    """(first row, end), (first column, end) of the links that the user framed."""

    def __init__(self, selection: Selection, parent: QWidget | None = None) -> None:
        super().__init__(selection, parent)
        self.chart: Chart | None = None
        self.whole: Tile | None = None
        self.part: Tile | None = None
        self.spots = Spots(None, None, 0)
        self.caret: tuple[int, int] | None = None
        """(row, column)."""
        self.hovered: tuple[int, int] | None = None
        self._asked: tuple[object, ...] = ()
        self._counted = (1, 1)
        self._marks = Marks()
        self._look: MatrixLook | None = None
        self._image: tuple[object, QImage, np.ndarray] | None = None
        self._thumb: tuple[object, QImage, np.ndarray] | None = None
        self.setObjectName("structures_matrix")
        self.setAccessibleName("Matrix of vmas and the design's objects")
        small = QFontMetricsF(scaled(self.font(), 0.82))
        self.gutter = (small.horizontalAdvance("server 12345 7ffff") + 20, small.height() + 8)

    # --- what is shown

    def set_theme(self, theme: Theme) -> None:
        """Take the colours of ``theme``."""
        self._look = MatrixLook.of(theme, self.font(), ramp(theme))
        self._image = self._thumb = None
        super().set_theme(theme)

    def set_answer(self, chart: Chart, tile: Tile, whole: bool) -> None:
        """A tile arrived: of the whole, or of the part that was asked for."""
        if self.chart is None or self.chart.design != chart.design:
            self.fitted, self.caret = True, None
        if self.chart is not chart:
            self.chart, self.part = chart, None
            self.whole = tile if whole else self.whole
            self.extent = (max(chart.columns, 1), max(chart.rows, 1))
            self._asked = ()
            self._remark()
            if self.fitted:
                self.fit()
            else:
                self.clamp()
        if whole:
            self.whole = tile
        else:
            self.part = tile
        self._image = self._thumb = None
        self.outdated(False)
        self.setAccessibleDescription(self.count_words())
        self._moved()

    def set_spots(self, spots: Spots) -> None:
        """What is selected and what the walk visits."""
        self.spots = spots
        self._remark()
        self.update()

    def _remark(self) -> None:
        self._marks = Marks.of(self.chart, self.spots) if self.chart is not None else Marks()

    def largest(self) -> tuple[float, float]:
        """A cell as large as a line of text."""
        return WIDEST, TALLEST

    def fit_scales(self) -> tuple[float, float]:
        """All of it; few cells do not fill the panel."""
        zx, zy = super().fit_scales()
        return min(zx, WIDEST), min(zy, TALLEST)

    def whole_question(self, atlas: Atlas) -> MatrixQuestion:
        """All of it, as it fits now."""
        room = self.room()
        self._counted = (max(60, round(room.width())), max(40, round(room.height())))
        return MatrixQuestion(atlas=atlas, size=self._counted)

    def outgrown(self) -> bool:
        """The panel is much larger or smaller than when all of it was counted."""
        room, (wide, high) = self.room(), self._counted
        ratio = max(room.width() / max(wide, 1), wide / max(room.width(), 1.0))
        return max(ratio, room.height() / max(high, 1), high / max(room.height(), 1.0)) > 1.3

    def part_question(self, atlas: Atlas) -> MatrixQuestion | None:
        """The part that is seen and some more, None where it was asked for."""
        chart = self.chart
        if chart is None or self.fitted:
            return None
        seen = self.seen()
        scales = (2 ** (np.floor(np.log2(self.zx) * 2) / 2), 2 ** (np.floor(np.log2(self.zy) * 2) / 2))
        if self._asked and self._asked[0] == scales and self._covers(self._asked, seen):
            return None
        dx, dy = seen.width() * MARGIN, seen.height() * MARGIN
        rows = (max(0, int(seen.top() - dy)), int(seen.bottom() + dy) + 1)
        columns = (max(0, int(seen.left() - dx)), int(seen.right() + dx) + 1)
        self._asked = (scales, rows, columns)
        return MatrixQuestion(
            atlas=atlas, rows=rows, columns=columns, row_pixels=float(self.zy), column_pixels=float(self.zx)
        )

    def _covers(self, asked: tuple[object, ...], seen: QRectF) -> bool:
        _, rows, columns = asked
        high, wide = self.extent[1], self.extent[0]
        inside = rows[0] <= max(seen.top(), 0) and min(seen.bottom(), high) <= rows[1]  # type: ignore[index]
        return inside and columns[0] <= max(seen.left(), 0) and min(seen.right(), wide) <= columns[1]  # type: ignore[index]

    def ask_again(self) -> None:
        """What was asked is not on its way any more."""
        self._asked = ()

    def _moved(self) -> None:
        super()._moved()
        self.wanted.emit()

    def tile_now(self) -> Tile | None:
        """The finest tile for what is in the middle of the picture."""
        part, seen = self.part, self.seen()
        if part is None or self.fitted or len(part.row_edges) < 2 or len(part.column_edges) < 2:
            return self.whole
        rows, columns = part.row_edges, part.column_edges
        middle = seen.center()
        inside = rows[0] <= middle.y() <= rows[-1] and columns[0] <= middle.x() <= columns[-1]
        return part if inside else self.whole

    def level_words(self) -> str:
        """What a cell stands for, a row by a column."""
        tile = self.tile_now()
        return f"A cell: {tile.rows_by} × {tile.columns_by}" if tile is not None else ""

    def count_words(self) -> str:
        """How many of the links are seen, and how they are put together."""
        chart, tile = self.chart, self.tile_now()
        if chart is None or tile is None:
            return ""
        if self.stale:
            return "counting links …"
        total = len(chart.row)
        shown = total if self.fitted else self._links_seen(tile)
        return f"{shown:,} of {total:,} links"

    def _links_seen(self, tile: Tile) -> int:
        seen = self.seen()
        r = np.searchsorted(tile.row_edges, [seen.top(), seen.bottom()], "right")
        c = np.searchsorted(tile.column_edges, [seen.left(), seen.right()], "right")
        return int(tile.counts[max(r[0] - 1, 0) : r[1], max(c[0] - 1, 0) : c[1]].sum())

    def place_fitted(self) -> None:
        """From the corner."""
        self.offset = self.room().topLeft()

    # --- painting

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802 (Qt's name)
        """Cells, labels, marks, minimap."""
        if self.chart is None or self.whole is None or self._look is None:
            return
        p = QPainter(self)
        p.setOpacity(STALE if self.stale else 1.0)
        p.drawImage(self.room().topLeft(), self._pixels(self._look))
        self._blank(p, self._look)
        paint_frame(p, self._look, self)
        paint_marks(p, self._look, self, self._marks)
        self.paint_map(p)
        p.end()

    def _blank(self, p: QPainter, look: MatrixLook) -> None:
        # where there are no rows and columns any more
        room, end = self.room(), self.to_widget(QPointF(*self.extent))
        if end.x() < room.right():
            p.fillRect(QRectF(QPointF(end.x(), room.top()), room.bottomRight()), look.theme.color("panel"))
        if end.y() < room.bottom():
            p.fillRect(QRectF(QPointF(room.left(), end.y()), room.bottomRight()), look.theme.color("panel"))

    def _pixels(self, look: MatrixLook) -> QImage:
        room, ratio = self.room(), self.devicePixelRatioF()
        size = (max(1, round(room.width() * ratio)), max(1, round(room.height() * ratio)))
        key = (size, self.zx, self.zy, self.offset.x(), self.offset.y(), id(self.whole), id(self.part))
        if self._image is None or self._image[0] != key:
            tiles = [t for t in (self.whole, None if self.fitted else self.part) if t is not None]
            if len(tiles) == 2 and self._fills(tiles[1]):
                del tiles[0]
            offset = (self.offset.x() - room.left(), self.offset.y() - room.top())
            pixels = draw(size, (self.zx, self.zy), offset, tiles, look.table, ratio)
            image = QImage(pixels.data, size[0], size[1], size[0] * 4, QImage.Format.Format_RGB32)
            image.setDevicePixelRatio(ratio)
            self._image = (key, image, pixels)
        return self._image[1]

    def _fills(self, tile: Tile) -> bool:
        # nothing that is seen lies outside of it
        seen = self.seen().intersected(QRectF(0, 0, *self.extent))
        rows, columns = tile.row_edges, tile.column_edges
        down = rows[0] <= seen.top() and seen.bottom() <= rows[-1]
        return bool(down and columns[0] <= seen.left() and seen.right() <= columns[-1])

    def paint_thumbnail(self, p: QPainter, box: QRectF) -> None:
        """The whole, small."""
        if self.whole is None or self._look is None:
            return
        key = (box.width(), box.height(), id(self.whole))
        if self._thumb is None or self._thumb[0] != key:
            size = (max(1, round(box.width())), max(1, round(box.height())))
            scale = (box.width() / self.extent[0], box.height() / self.extent[1])
            pixels = draw(size, scale, (0.0, 0.0), [self.whole], self._look.table)
            self._thumb = (key, QImage(pixels.data, size[0], size[1], size[0] * 4, QImage.Format.Format_RGB32), pixels)
        p.drawImage(box.topLeft(), self._thumb[1])

    # --- mouse and keys

    def place_of(self, at: QPointF) -> tuple[int, int] | None:
        """(row, column) there, None outside."""
        if self.chart is None or not self.room().contains(at):
            return None
        here = self.to_extent(at)
        row, column = int(np.floor(here.y())), int(np.floor(here.x()))
        return (row, column) if 0 <= row < self.chart.rows and 0 <= column < self.chart.columns else None

    def hover(self, at: QPointF | None) -> None:
        """A cross-hair."""
        found = self.place_of(at) if at is not None else None
        if found != self.hovered:
            self.hovered = found
            self.update()

    def click(self, at: QPointF, shift: bool) -> None:
        """Select the vma of the row."""
        self.caret = self.place_of(at) or self.caret
        if self.place_of(at) is not None:
            self.enter()

    def enter(self) -> None:
        """Select the vma under the cursor."""
        target = self.target_at(None)
        if target is not None:
            self._selection.select(*target)

    def toggle(self) -> None:
        """Space: the links round the cursor as boxes."""
        if self.caret is not None:
            box, few = self.cell_box(self.caret), QPointF(6.0, 12.0)
            spare = QRectF(box.center() - few, box.center() + few)
            self.selected_area(box.united(spare) if self.single else box)

    def target_at(self, at: QPointF | None) -> tuple[int, int] | None:
        """(pid, first page number) of the row there."""
        place = self.caret if at is None else self.place_of(at)
        return self.spots.target(self.chart, place[0]) if place is not None and self.chart is not None else None

    def step(self, across: int, down: int) -> None:
        """One cell on, of the size that is shown."""
        tile, chart = self.tile_now(), self.chart
        if tile is None or chart is None or not chart.rows or not chart.columns:
            return
        if self.caret is None:
            start = self.spots.detail
            row = self.spots.chart_row(chart, start.pid, start.vpn) if start is not None else -1
            self.caret = (max(row, 0), 0)
        else:
            row = _next(tile.row_edges, self.caret[0], down, chart.rows)
            self.caret = (row, _next(tile.column_edges, self.caret[1], across, chart.columns))
        cell = self.cell_box(self.caret)
        self.bring_in(cell)
        self.setAccessibleDescription(self.words(self.caret).replace("\n", ", "))
        self.update()

    def cell_box(self, place: tuple[int, int]) -> QRectF:
        """The cell that a row and column are drawn in, in units of the extent."""
        tile = self._tile_with(place)
        if tile is None:
            return QRectF(place[1], place[0], 1, 1)
        y0, y1 = _around(tile.row_edges, place[0])
        x0, x1 = _around(tile.column_edges, place[1])
        return QRectF(x0, y0, x1 - x0, y1 - y0)

    def _tile_with(self, place: tuple[int, int]) -> Tile | None:
        for tile in (None if self.fitted else self.part, self.whole):
            if tile is None or len(tile.row_edges) < 2 or len(tile.column_edges) < 2:
                continue
            rows, columns = tile.row_edges, tile.column_edges
            if rows[0] <= place[0] < rows[-1] and columns[0] <= place[1] < columns[-1]:
                return tile
        return None

    def selected_area(self, area: QRectF) -> None:
        """These links as boxes."""
        if self.chart is not None:
            rows = (max(0, int(area.top())), min(self.chart.rows, int(np.ceil(area.bottom()))))
            columns = (max(0, int(area.left())), min(self.chart.columns, int(np.ceil(area.right()))))
            self.framed.emit(rows, columns)

    def words_at(self, at: QPointF) -> str:
        """The tooltip."""
        place = self.place_of(at)
        return self.words(place) if place is not None else ""

    def words(self, place: tuple[int, int]) -> str:
        """A cell in words: a single link with its fields, else how many there are."""
        chart, tile = self.chart, self._tile_with(place)
        if chart is None or tile is None:
            return ""
        i = int(np.searchsorted(tile.row_edges, place[0], "right")) - 1
        j = int(np.searchsorted(tile.column_edges, place[1], "right")) - 1
        count, shade = int(tile.counts[i, j]), int(tile.shades[i, j])
        rows = self._row_words(chart, int(tile.row_edges[i]), int(tile.row_edges[i + 1]))
        columns = self._column_words(chart, int(tile.column_edges[j]), int(tile.column_edges[j + 1]))
        if tile.rows_by != "vma" or tile.columns_by != chart.owner or not count:
            links = f"{count:,} {plural(chart.link)}" if count != 1 else f"1 {chart.link}"
            return f"{rows}\n{columns}\n{links if count else f'no {chart.link}'}"
        lines = [chart.link, f"vma: {rows}", f"{chart.owner}: {columns}", self._kinship(shade)]
        row = self.spots.frame_row(chart, place[0])
        if row >= 0 and self.spots.frame is not None:
            vmas = self.spots.frame.vmas
            first = int(vmas.pgoff[row])
            lines.append(f"covers index {first:x} to {first + int(vmas.end[row] - vmas.start[row]) - 1:x}")
        return "\n".join(lines)

    def _kinship(self, shade: int) -> str:
        own = shade == OWN
        return "the vma's own" if own else "of an ancestor: the vma hangs on it through a fork"

    def _row_words(self, chart: Chart, first: int, last: int) -> str:
        a, b = chart.process(first), chart.process(last - 1)
        name = f"{chart.comms[a]} {chart.pids[a]}".strip()
        row = self.spots.frame_row(chart, first)
        if last - first == 1 and row >= 0 and self.spots.frame is not None:
            vmas = self.spots.frame.vmas
            return f"{places.shown().span(int(vmas.start[row]), int(vmas.end[row]))} of {name}"
        if a == b:
            return f"{last - first:,} vmas of {name}"
        return f"{b - a + 1:,} processes, {name} to {chart.comms[b]} {chart.pids[b]}: {last - first:,} vmas"

    def _column_words(self, chart: Chart, first: int, last: int) -> str:
        root = int(np.searchsorted(chart.roots, first, "right")) - 1
        if last - first == 1:
            name, top = chart.name(first), chart.name(int(chart.roots[root]))
            return name if name == top else f"{name} below {top}"
        return f"{last - first:,} {plural(chart.owner)}, {chart.name(first)} to {chart.name(last - 1)}"

    def table(self) -> tuple[Sequence[str], list[np.ndarray], list[tuple[int, int] | None]]:
        """The lit cells that are seen, as a table."""
        heads = ("vmas", "objects", "links")
        chart, tile = self.chart, self.tile_now()
        if chart is None or tile is None:
            return heads, [np.array([], np.int64)] * 3, []
        seen = self.seen()
        i, j = np.nonzero(tile.counts)
        rows, columns = tile.row_edges, tile.column_edges
        inside = (rows[i + 1] > seen.top()) & (rows[i] < seen.bottom())
        inside &= (columns[j + 1] > seen.left()) & (columns[j] < seen.right())
        i, j = i[inside][:TABLE_ROWS], j[inside][:TABLE_ROWS]
        names = {int(n): self._row_words(chart, int(rows[n]), int(rows[n + 1])) for n in np.unique(i)}
        objects = {int(n): self._column_words(chart, int(columns[n]), int(columns[n + 1])) for n in np.unique(j)}
        targets = {n: self.spots.target(chart, int(rows[n])) for n in names}
        words = [np.array([table[n] for n in at.tolist()], object) for table, at in ((names, i), (objects, j))]
        return heads, [*words, tile.counts[i, j]], [targets[n] for n in i.tolist()]

    @property
    def single(self) -> bool:
        """Each cell is one vma and one object."""
        return self.zy >= FINE and self.zx >= FINE


def _next(edges: np.ndarray, at: int, by: int, end: int) -> int:
    if not by:
        return at
    if not edges[0] <= at < edges[-1]:
        return min(max(at + by, 0), end - 1)
    i = int(np.searchsorted(edges, at, "right")) - 1 + by
    if 0 <= i < len(edges) - 1:
        return int(edges[i])
    return min(max(int(edges[0]) - 1 if by < 0 else int(edges[-1]), 0), end - 1)


def _around(edges: np.ndarray, at: int) -> tuple[int, int]:
    i = int(np.searchsorted(edges, at, "right")) - 1
    return int(edges[i]), int(edges[i + 1])
