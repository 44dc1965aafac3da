"""Painting of what is under way in the memory map: a drag with its ghost and verdict, and what moves between two frames.

All in the coordinates of the strips (x 0 is their left end).
"""

from __future__ import annotations

from PySide6.QtCore import QLineF, QPointF, QRectF, Qt
from PySide6.QtGui import QBrush, QColor, QPainter, QPen

from rmapexplorer.core.units import Span
from rmapexplorer.gui import memory_style as style
from rmapexplorer.gui import places
from rmapexplorer.gui.memory_drag import Live
from rmapexplorer.gui.memory_motion import Motion, Move
from rmapexplorer.gui.memory_scene import Scene

RADIUS = 3.0
LEAST_GHOST = 7.0
"""A ghost is never narrower, however squeezed the place is."""


def faded(color: QColor, alpha: float) -> QColor:
    """``color`` at ``alpha`` (0..1)."""
    return QColor(color.red(), color.green(), color.blue(), round(255 * alpha))


def dragged(p: QPainter, s: Scene, live: Live) -> None:
    """The old place hatched, the new one as a ghost in the verdict's colour, the border it snapped to as a line."""
    drag = live.drag
    row = int(s.rows.of_task[drag.task])
    y, height = s.y(row), s.box_height
    tone = s.color(tone_of(live))
    if drag.kind == "cut":
        _block(p, _box(s, drag.span, y, height), faded(tone, 0.25), tone, dashed=True)
        return
    color = _color(s, drag.task, drag.grab)
    if drag.kind == "move":
        _hatch(p, s, _box(s, drag.span, y, height), color)
        if not drag.outside:
            box = _box(s, drag.target, y, height)
            _block(p, box, faded(color, 0.94), tone)
            _label(p, s, box, drag.target, color)
    else:
        _resized(p, s, live, y, height, tone)
    if drag.snapped:
        x = _snap_pixel(s, live)
        p.setPen(QPen(s.color("accent"), 1.4, Qt.PenStyle.DashLine))
        p.drawLine(QLineF(x, s.top, x, s.height))


def _resized(p: QPainter, s: Scene, live: Live, y: float, height: float, tone: QColor) -> None:
    # what comes is tinted, what goes is hatched, the span that results has an outline
    drag = live.drag
    old, new = drag.span, drag.target
    changed = Span(min(old.end, new.end), max(old.end, new.end))
    grows = new.end > old.end
    if drag.kind == "start":
        changed, grows = Span(min(old.start, new.start), max(old.start, new.start)), new.start < old.start
    box = _box(s, changed, y, height)
    if changed.pages and grows:
        _block(p, box, faded(tone, 0.35), tone, dashed=True)
    elif changed.pages:
        _hatch(p, s, box, _color(s, drag.task, drag.grab))
    if new.pages > 0:
        _block(p, _box(s, new, y - 2, height + 4), QColor(0, 0, 0, 0), tone)


def _snap_pixel(s: Scene, live: Live) -> float:
    # the border that touches another vma: the right end of a moved block where only that one does
    drag = live.drag
    v, mine = s.frame.vmas, s.vmas(drag.task)
    right = drag.kind == "move" and drag.target.end in v.start[mine] and drag.to not in v.end[mine]
    return float(s.window.x(s.axis.unit(drag.target.end if right else drag.to)))


def tone_of(live: Live) -> str:
    """Token of the colour of a drag: that of its verdict where there is one."""
    return live.tone if live.fresh or not live.drag.operations else "accent"


def _color(s: Scene, task: int, vpn: int) -> QColor:
    vma = s.vma_at(task, vpn)
    if vma < 0:
        return s.color("other")
    kind = int(style.classes(s.mode, s.frame.vmas, slice(vma, vma + 1), s.frame.labels)[0])
    return s.color(style.CLASSES[s.mode][kind].token)


def _box(s: Scene, span: Span, y: float, height: float) -> QRectF:
    x0, x1 = s.edges(span.start, span.end)
    return QRectF(float(x0), y, max(float(x1 - x0) - 1.0, LEAST_GHOST), height)


def _block(p: QPainter, box: QRectF, fill: QColor, line: QColor, *, dashed: bool = False) -> None:
    pen = QPen(line, 2.0)
    if dashed:
        pen.setDashPattern([3.0, 2.0])
    p.setPen(pen)
    p.setBrush(fill)
    p.drawRoundedRect(box.adjusted(1, 1, -1, -1), RADIUS, RADIUS)


def _hatch(p: QPainter, s: Scene, box: QRectF, color: QColor) -> None:
    p.setPen(Qt.PenStyle.NoPen)
    p.setBrush(s.color("hole"))
    p.drawRoundedRect(box.adjusted(-1, -1, 1, 1), RADIUS, RADIUS)
    p.setBrush(QBrush(faded(color, 0.55), Qt.BrushStyle.BDiagPattern))
    p.drawRoundedRect(box, RADIUS, RADIUS)
    pen = QPen(color, 1.2)
    pen.setDashPattern([3.2, 2.2])
    p.setPen(pen)
    p.setBrush(Qt.BrushStyle.NoBrush)
    p.drawRoundedRect(box.adjusted(0.6, 0.6, -0.6, -0.6), RADIUS, RADIUS)


def _label(p: QPainter, s: Scene, box: QRectF, span: Span, color: QColor) -> None:
    for text in (places.shown().span(span.start, span.end), places.shown().at(span.start)):
        if s.fonts.mono_metrics.horizontalAdvance(text) <= box.width() - 6:
            p.setFont(s.fonts.mono)
            p.setPen(s.theme.on(color))
            p.drawText(box, Qt.AlignmentFlag.AlignCenter, text)
            return


# --- motion


def slide_in(p: QPainter, s: Scene, row: int, motion: Motion | None) -> None:
    """Shift and fade the row of a process that has just been forked: it comes out from under its parent."""
    move = motion.move if motion is not None else None
    if motion is None or move is None or move.kind != "fork":
        return
    tasks = s.frame.tasks.pid
    if s.rows.folded[row] or int(tasks[s.rows.task[row]]) != move.pid:
        return
    parent = [r for r in s.visible() if not s.rows.folded[r] and int(tasks[s.rows.task[r]]) == move.ppid]
    away = s.pitch if parent and parent[0] > row else -s.pitch  # never over the rows between
    p.setOpacity(motion.part)
    p.translate(0, away * (1.0 - motion.part))


def moving(p: QPainter, s: Scene, motion: Motion) -> None:
    """What is on its way over the rows."""
    move = motion.move
    if move is None or move.kind == "fork":
        return
    row = _row_of(s, move.pid)
    if row < 0:
        return
    y, height = s.y(row), s.box_height
    if move.kind == "slide":
        _slide(p, s, move, motion.part, row, y, height)
    else:
        _copy(p, s, move, motion.part, y, height)


def _row_of(s: Scene, pid: int) -> int:
    tasks = s.frame.tasks.pid
    return next((r for r in s.visible() if not s.rows.folded[r] and int(tasks[s.rows.task[r]]) == pid), -1)


def _slide(p: QPainter, s: Scene, move: Move, part: float, row: int, y: float, height: float) -> None:
    old, new = _box(s, move.old, y, height), _box(s, move.new, y, height)
    color = _color(s, int(s.rows.task[row]), move.new.start)
    _hatch(p, s, old, color)
    p.setPen(Qt.PenStyle.NoPen)
    p.setBrush(faded(s.color("hole"), 1.0 - part))
    p.drawRect(new)
    box = QRectF(
        old.left() + (new.left() - old.left()) * part, y, old.width() + (new.width() - old.width()) * part, height
    )
    _block(p, box, color, s.color("accent"))
    vma = s.vma_at(int(s.rows.task[row]), move.new.start)
    if vma >= 0:
        pgoff = int(s.frame.vmas.pgoff[vma]) + move.new.start - int(s.frame.vmas.start[vma])
        text = f"pgoff {pgoff:x}"
        if s.fonts.mono_metrics.horizontalAdvance(text) > box.width() - 4:
            text = f"{pgoff:x}"
        p.setFont(s.fonts.mono)
        p.setPen(s.theme.on(color))
        p.drawText(box, Qt.AlignmentFlag.AlignCenter, text)


def _copy(p: QPainter, s: Scene, move: Move, part: float, y: float, height: float) -> None:
    # the page lifts off the parent's row, or off its own, and lands
    parent = _row_of(s, move.ppid)
    x0, x1 = s.edges(move.new.start, min(move.new.end, move.new.start + 1))
    from_y = s.y(parent) if parent >= 0 else y
    lift = 10.0 * 4 * part * (1 - part)
    width = max(float(x1 - x0), 6.0)
    middle = float(x0 + x1) / 2
    warm = s.color("warn")
    p.setPen(QPen(faded(warm, 0.8 * (1 - part)), 1.2, Qt.PenStyle.DotLine))
    p.drawLine(QLineF(QPointF(middle, from_y + height / 2), QPointF(middle, y + height / 2)))
    box = QRectF(middle - width / 2, from_y + (y - from_y) * part - lift, width, height)
    _block(p, box, faded(warm, 0.5), warm)
