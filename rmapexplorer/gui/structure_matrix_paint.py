"""What stands around and over the matrix's cells: labels, separators, cross-hair, selection, the walk's marks, the scale."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from attrs import define, field
from PySide6.QtCore import QLineF, QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QFont, QFontMetricsF, QLinearGradient, QPainter, QPen, QPolygonF

from rmapexplorer.engine.incidence import Chart
from rmapexplorer.engine.tiles import INHERITED, OWN
from rmapexplorer.gui import places
from rmapexplorer.gui.panel import scaled
from rmapexplorer.gui.structure_raster import Pixels, colour
from rmapexplorer.gui.structure_spots import Spots
from rmapexplorer.gui.theme import Theme, between, mono

if TYPE_CHECKING:
    from rmapexplorer.gui.structure_matrix import Matrix

MARK_STRIP = 10.0
"""Pixels left of the cells where the walk's marks are."""


@define
class MatrixLook:
    """Colours and faces, made once a theme."""

    theme: Theme
    small: QFont
    digits: QFont
    table: Pixels

    @classmethod
    def of(cls, theme: Theme, base: QFont, table: Pixels) -> MatrixLook:
        """The look of ``theme`` with the face ``base``."""
        small = scaled(base, 0.82)
        return cls(theme, small, mono(small.pointSizeF()), table)


@define
class Marks:
    """Rows and columns to be marked: of the selection, and of the walk's steps in order."""

    row: int = -1
    columns: list[tuple[int, str]] = field(factory=list)
    steps: list[tuple[int, bool]] = field(factory=list)
    """(row, hit) of the steps shown."""
    going: bool = False

    @classmethod
    def of(cls, chart: Chart, spots: Spots) -> Marks:
        """Those of ``spots``."""
        detail = spots.detail
        row = spots.chart_row(chart, detail.pid, detail.vpn) if detail is not None else -1
        wanted = [owner for owner in spots.wanted() if spots.state_of(owner) in ("focus", "selected")]
        columns = []
        for owner in wanted:
            found = np.flatnonzero(chart.names == owner)
            if len(found):
                columns.append((int(found[0]), spots.state_of(owner)))
        steps = []
        for step in spots.steps:
            at = spots.chart_row(chart, step.pid, step.start if step.start >= 0 else step.vpn)
            if at >= 0:
                steps.append((at, step.hit))
        return cls(row, columns, steps, spots.going)


def paint_frame(p: QPainter, look: MatrixLook, view: Matrix) -> None:
    """Gutters, labels, separators, the scale."""
    chart, theme, room = view.chart, look.theme, view.room()
    assert chart is not None
    p.setPen(QPen(theme.color("line"), 1))
    p.drawLine(QLineF(room.left() - 0.5, room.top(), room.left() - 0.5, room.bottom()))
    p.drawLine(QLineF(room.left(), room.top() - 0.5, room.right(), room.top() - 0.5))
    _separators(p, look, view, chart)
    _row_labels(p, look, view, chart)
    _column_labels(p, look, view, chart)
    _scale(p, look, view)


def _separators(p: QPainter, look: MatrixLook, view: Matrix, chart: Chart) -> None:
    room, seen = _inhabited(view), view.seen()
    p.setPen(QPen(between(look.theme.color("hole"), look.theme.color("faint"), 0.5), 1))
    lines = []
    for bounds, low, high, scale, start, across in (
        (chart.first, seen.top(), seen.bottom(), view.zy, view.offset.y(), True),
        (chart.roots, seen.left(), seen.right(), view.zx, view.offset.x(), False),
    ):
        part = bounds[(bounds > low) & (bounds < high) & (bounds > 0)]
        if len(part) and (high - low) * scale / (len(part) + 1) >= 12:
            for at in (part * scale + start).tolist():
                at = round(at) - 0.5
                if across:
                    lines.append(QLineF(room.left(), at, room.right(), at))
                else:
                    lines.append(QLineF(at, room.top(), at, room.bottom()))
    p.drawLines(lines)


def _row_labels(p: QPainter, look: MatrixLook, view: Matrix, chart: Chart) -> None:
    room, seen, metrics = view.room(), view.seen(), QFontMetricsF(look.small)
    high, right = metrics.height(), room.left() - MARK_STRIP - 4
    p.save()
    p.setClipRect(QRectF(0, room.top(), room.left(), room.height()))
    fine = view.zy >= high * 0.92
    digits = QFontMetricsF(look.digits)
    room_for_name = right - 8 - (digits.horizontalAdvance("7ffff") + 6 if fine else 0)
    begin = max(0, int(np.searchsorted(chart.first, max(seen.top(), 0), "right")) - 1)
    end = int(np.searchsorted(chart.first, seen.bottom(), "left"))
    below = -1e9
    p.setFont(look.small)
    p.setPen(look.theme.color("text"))
    for process in range(begin, min(end, len(chart.pids))) if end - begin < 4096 else _thinned(begin, end, room, high):
        top = max(float(chart.first[process]) * view.zy + view.offset.y(), room.top())
        bottom = float(chart.first[process + 1]) * view.zy + view.offset.y()
        y = top + (view.zy - high) / 2 if fine else max(room.top(), (top + min(bottom, room.bottom())) / 2 - high / 2)
        y = max(y, room.top())
        if y < below + high or y + high > room.bottom() + 2 or bottom <= top:
            continue
        below = y
        words = f"{chart.comms[process]} {chart.pids[process]}".strip()
        words = metrics.elidedText(words, Qt.TextElideMode.ElideMiddle, room_for_name)
        p.drawText(QRectF(8, y, room_for_name + 2, high), Qt.AlignmentFlag.AlignLeft | _MIDDLE, words)
    if fine:
        _addresses(p, look, view, chart, right)
    p.restore()


_MIDDLE = Qt.AlignmentFlag.AlignVCenter


def _thinned(begin: int, end: int, room: QRectF, high: float) -> range:
    return range(begin, end, max(1, int((end - begin) * high / max(room.height(), 1.0))))


def _addresses(p: QPainter, look: MatrixLook, view: Matrix, chart: Chart, right: float) -> None:
    seen, frame = view.seen(), view.spots.frame
    if frame is None:
        return
    p.setFont(look.digits)
    p.setPen(look.theme.color("dim"))
    for row in range(max(0, int(seen.top())), min(chart.rows, int(seen.bottom()) + 1)):
        found = view.spots.frame_row(chart, row)
        if found >= 0:
            box = QRectF(0, row * view.zy + view.offset.y(), right, view.zy)
            p.drawText(box, Qt.AlignmentFlag.AlignRight | _MIDDLE, places.shown().at(int(frame.vmas.start[found])))


def _column_labels(p: QPainter, look: MatrixLook, view: Matrix, chart: Chart) -> None:
    room, seen, metrics = view.room(), view.seen(), QFontMetricsF(look.digits)
    if not chart.columns:
        return
    p.save()
    p.setClipRect(QRectF(room.left(), 0, room.width(), room.top()))
    p.setFont(look.digits)
    p.setPen(look.theme.color("dim"))
    need = metrics.horizontalAdvance(chart.name(chart.columns - 1)) + 12
    first, last = max(0, int(seen.left())), min(chart.columns, int(seen.right()) + 1)
    every = 1
    while every * view.zx < need:
        every *= 2 if str(every)[0] in "15" else 5 if every < 5 else 2
    for column in range(first - first % every, last, every):
        x = column * view.zx + view.offset.x()
        box = QRectF(x, 0, max(view.zx, need), room.top())
        if every > 1 and x + need - 6 > room.right():
            break
        if every == 1:
            p.drawText(
                box.adjusted(0, 0, -max(0.0, need - view.zx), 0), Qt.AlignmentFlag.AlignCenter, chart.name(column)
            )
        else:
            p.drawLine(QLineF(x, room.top() - 4, x, room.top() - 1))
            p.drawText(box.translated(3, 0), Qt.AlignmentFlag.AlignLeft | _MIDDLE, chart.name(column))
    p.restore()


def _scale(p: QPainter, look: MatrixLook, view: Matrix) -> None:
    # in the corner: what the shades say
    tile, room = view.tile_now(), view.room()
    if tile is None:
        return
    p.setFont(look.small)
    metrics = QFontMetricsF(look.small)
    dim = look.theme.color("dim")
    y, x = room.top() / 2, 8.0
    single = tile.rows_by == "vma" and view.chart is not None and tile.columns_by == view.chart.owner
    if single:
        for shade, word in ((OWN, "own"), (INHERITED, "by fork")):
            if view.chart is not None and word == "by fork" and view.chart.own.all():
                continue
            p.fillRect(QRectF(x, y - 4, 8, 8), colour(look.table, shade))
            p.setPen(dim)
            wide = metrics.horizontalAdvance(word)
            p.drawText(QRectF(x + 11, 0, wide + 2, room.top()), _MIDDLE, word)
            x += wide + 19
        return
    if tile.most <= 1:
        p.fillRect(QRectF(x, y - 4, 8, 8), colour(look.table, 60))
        p.setPen(dim)
        p.drawText(QRectF(x + 12, 0, room.left() - x - 14, room.top()), _MIDDLE, "1 link")
        return
    words = ("1", f"{tile.most:,}")
    ends = [metrics.horizontalAdvance(word) for word in words]
    wide = max(12.0, min(46.0, room.left() - ends[0] - ends[1] - 24))
    p.setPen(dim)
    p.drawText(QRectF(x, 0, ends[0] + 2, room.top()), _MIDDLE, words[0])
    box = QRectF(x + ends[0] + 4, y - 4, wide, 8)
    gradient = QLinearGradient(box.topLeft(), box.topRight())
    for part in range(9):
        gradient.setColorAt(part / 8, colour(look.table, round(60 + 195 * part / 8)))
    p.fillRect(box, gradient)
    p.drawText(QRectF(box.right() + 4, 0, ends[1] + 2, room.top()), _MIDDLE, words[1])


def paint_marks(p: QPainter, look: MatrixLook, view: Matrix, marks: Marks) -> None:
    """Selection, walk, cross-hair, cursor, frame."""
    room, theme = view.room(), look.theme
    p.save()
    p.setClipRect(room.adjusted(-MARK_STRIP - 2, 0, 0, 0))
    if marks.row >= 0:
        _row_band(p, view, marks.row, theme.color("accent"))
    for column, state in marks.columns:
        _column_band(p, view, column, theme.color("warn" if state == "focus" else "accent"))
    _steps(p, look, view, marks)
    p.setClipRect(room)
    if view.hovered is not None:
        _outline(p, view, view.hovered, theme.color("text"), 1.0)
    if view.hasFocus() and view.caret is not None:
        _outline(p, view, view.caret, theme.color("accent"), 2.0)
    if view.marquee is not None:
        wash = QColor(theme.color("accent"))
        wash.setAlphaF(0.18)
        p.setPen(QPen(theme.color("accent"), 1.2, Qt.PenStyle.DashLine))
        p.setBrush(wash)
        p.drawRect(view.marquee.normalized())
    p.restore()


def _inhabited(view: Matrix) -> QRectF:
    # the part of the room where there are cells
    corner = view.to_widget(QPointF(*view.extent))
    return view.room().intersected(QRectF(view.room().topLeft(), corner + QPointF(1, 1)))


def _row_band(p: QPainter, view: Matrix, row: int, color: QColor) -> None:
    room = _inhabited(view)
    y, high = row * view.zy + view.offset.y(), max(view.zy, 1.0)
    wash = QColor(color)
    wash.setAlphaF(0.13)
    p.fillRect(QRectF(room.left(), y, room.width(), high), wash)
    p.setPen(QPen(color, 1))
    p.drawLine(QLineF(room.left() - MARK_STRIP, y, room.right(), y))
    if high > 3:
        p.drawLine(QLineF(room.left() - MARK_STRIP, y + high, room.right(), y + high))


def _column_band(p: QPainter, view: Matrix, column: int, color: QColor) -> None:
    room = _inhabited(view)
    x, wide = column * view.zx + view.offset.x(), max(view.zx, 1.0)
    wash = QColor(color)
    wash.setAlphaF(0.10)
    p.fillRect(QRectF(x, room.top(), wide, room.height()), wash)
    line = QColor(color)
    line.setAlphaF(0.8)
    p.setPen(QPen(line, 1))
    p.drawLine(QLineF(x, room.top(), x, room.bottom()))
    if wide > 3:
        p.drawLine(QLineF(x + wide, room.top(), x + wide, room.bottom()))


def _steps(p: QPainter, look: MatrixLook, view: Matrix, marks: Marks) -> None:
    room, theme = view.room(), look.theme
    x = room.left() - MARK_STRIP + 1
    seen: set[tuple[int, bool]] = set()
    p.setRenderHint(QPainter.RenderHint.Antialiasing)
    for number, (row, hit) in enumerate(marks.steps):
        now = marks.going and number == len(marks.steps) - 1
        y = (row + 0.5) * view.zy + view.offset.y()
        spot = (round(y / 2), hit)
        if (spot in seen and not now) or not room.top() <= y <= room.bottom():
            continue
        seen.add(spot)
        size = 4.5 if now else 3.2
        arrow = QPolygonF([QPointF(x, y - size), QPointF(x + 8, y), QPointF(x, y + size)])
        p.setPen(QPen(theme.color("good" if hit else "faint"), 1.2))
        p.setBrush(theme.color("good") if hit else Qt.BrushStyle.NoBrush)
        p.drawPolygon(arrow)
        if now:
            p.drawLine(QLineF(room.left(), y, room.right(), y))
    p.setRenderHint(QPainter.RenderHint.Antialiasing, False)


def _outline(p: QPainter, view: Matrix, place: tuple[int, int], color: QColor, width: float) -> None:
    cell, room = view.cell_box(place), view.room()
    a, b = view.to_widget(cell.topLeft()), view.to_widget(cell.bottomRight())
    box = QRectF(a, b)
    if box.width() < 5:
        box.adjust(-(5 - box.width()) / 2, 0, (5 - box.width()) / 2, 0)
    if box.height() < 5:
        box.adjust(0, -(5 - box.height()) / 2, 0, (5 - box.height()) / 2)
    faint = QColor(color)
    faint.setAlphaF(0.3)
    p.setPen(QPen(faint, 1))
    p.drawLine(QLineF(room.left(), box.center().y(), box.left(), box.center().y()))
    p.drawLine(QLineF(box.center().x(), room.top(), box.center().x(), box.top()))
    p.setPen(QPen(color, width))
    p.setBrush(Qt.BrushStyle.NoBrush)
    p.drawRect(box.adjusted(-0.5, -0.5, 0.5, 0.5))
