"""The neighbourhood: how the design in view finds the selected page, as boxes in four ranks and links between them.

``Picture`` paints and takes mouse and keys; where things go is structure_layout's business. New boxes fade in.
"""

from __future__ import annotations

import numpy as np
from attrs import evolve
from PySide6.QtCore import QEvent, QPoint, QPointF, QRectF, QSize, Qt, QVariantAnimation, Signal
from PySide6.QtGui import (
    QContextMenuEvent,
    QFocusEvent,
    QFontMetricsF,
    QHelpEvent,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QResizeEvent,
    QWheelEvent,
)
from PySide6.QtWidgets import QApplication, QToolTip, QWidget

from rmapexplorer.engine.frames import Node, Structure
from rmapexplorer.gui.panel import scaled
from rmapexplorer.gui.plain_text import plain_tip
from rmapexplorer.gui.selection import Selection
from rmapexplorer.gui.structure_layout import MORE, RANKS, Layout, Sizes, arrange, prominence
from rmapexplorer.gui.structure_paint import Brushes, paint_links, paint_node
from rmapexplorer.gui.structure_words import STATES, box_tip
from rmapexplorer.gui.theme import Theme, mono

ZOOM, SMALLEST, LARGEST, READABLE = 1.2, 0.08, 4.0, 0.6
MARGIN = 14.0
CLOSEST = 2.0
"""Least gap between boxes of a column, in pixels at scale 1: gaps go before letters become small."""
FADE_MS = 260
"""How long a new box takes to come out."""

Key = Qt.Key


class Picture(QWidget):
    """The boxes and links. The keyboard moves among boxes, a click selects what one stands for."""

    context_requested = Signal(str, dict, QPoint)
    more_wanted = Signal(int)
    """A stub of this rank was clicked: what it stands for is wanted."""
    moved = Signal()
    """Other boxes may be inside the panel now."""

    def __init__(self, selection: Selection, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._selection = selection
        self._theme: Theme | None = None
        self._brushes: Brushes | None = None
        self.structure = Structure()
        self._ahead: dict[str, int] = {}
        self.layout_now = arrange(self.structure)
        self.scale, self.offset = 1.0, QPointF(0, 0)
        self._touched, self._whole = False, False
        self.hovered, self.cursor_key = "", ""
        self._press: QPointF | None = None
        self._last = QPointF()
        self._panning = False
        self.reduced_motion = False
        """New boxes are there at once."""
        self._fresh: frozenset[str] = frozenset()
        self._fade = QVariantAnimation(self)
        self._fade.setDuration(FADE_MS)
        self._fade.setStartValue(0.0)
        self._fade.setEndValue(1.0)
        self._fade.valueChanged.connect(lambda _: self.update())
        self._fade.finished.connect(self._faded)
        self.setObjectName("structures_picture")
        self.setAccessibleName("Structures around the selection")
        self.setMouseTracking(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMinimumSize(240, 90)

    # --- what is shown

    def set_theme(self, theme: Theme) -> None:
        """Take the colours of ``theme``."""
        self._theme = theme
        self._brushes = Brushes.of(theme, self.font())
        self.update()

    def set_structure(self, structure: Structure, whole: Structure | None = None) -> None:
        """Draw ``structure``; boxes that were there before keep their order.

        Where not all of it shows, what is hit comes before what is missed.

        :param whole: the structure after the whole walk, where this one shows a walk under way: it decides what is hit.
        """
        ahead = prominence(whole or structure)
        if structure == self.structure and ahead == self._ahead:
            return
        before = self.layout_now
        self.structure, self._ahead = structure, ahead
        self._arrange(before)
        keys = self.layout_now.boxes
        self._come_out(frozenset(keys) - frozenset(before.boxes), bool(frozenset(keys) & frozenset(before.boxes)))
        if self.cursor_key not in keys:
            self.cursor_key = next((n.key for n in self.layout_now.nodes if n.state == "focus"), "")
        self.hovered = self.hovered if self.hovered in keys else ""
        self._describe()
        if not any(key in keys for key in before.boxes):
            self.fit()
        elif not self._touched or len(self.outside()) == sum(n.state != MORE for n in self.layout_now.nodes):
            self._fit()
        self.update()

    def _come_out(self, fresh: frozenset[str], known: bool) -> None:
        # only what joins a picture that stays: another picture is there at once
        self._fade.stop()
        self._fresh = fresh if known and self.isVisible() and not self.reduced_motion else frozenset()
        if self._fresh:
            self._fade.start()

    def _faded(self) -> None:
        self._fresh = frozenset()
        self.update()

    def _describe(self) -> None:
        nodes = self.layout_now.nodes
        hits = sum(node.state in ("hit", "now hit") for node in nodes)
        self.setAccessibleDescription(f"{len(nodes)} boxes, {hits} of them hits")

    def _arrange(self, before: Layout | None) -> None:
        sizes, room = self._sizes(), self.width() - 2 * MARGIN
        self.layout_now = arrange(self.structure, sizes, before, room)
        if self.layout_now.height * READABLE > self.height() - 12:
            self.layout_now = arrange(self.structure, sizes, before, room, ahead=self._ahead)

    def _sizes(self) -> Sizes:
        """Boxes as wide as their text asks for, within reason."""
        big, small = QFontMetricsF(mono(self.font().pointSizeF())), QFontMetricsF(scaled(self.font(), 0.86))
        widths = [96.0] * RANKS
        for node in self.structure.nodes:
            rank = min(max(node.rank, 0), RANKS - 1)
            need = max(big.horizontalAdvance(node.title), small.horizontalAdvance(node.subtitle)) + 42
            widths[rank] = max(widths[rank], min(need, 230.0))
        line = big.height()
        sizes = Sizes(tall=line + small.height() + 5, short=line + 8, top=small.height() + 12)
        room = self.width() - 2 * MARGIN
        across = min(80.0, max(44.0, (room - sum(widths)) / (RANKS - 1)))
        return evolve(
            sizes, widths=(widths[0], widths[1], widths[2], widths[3]), across=across, down=self._gap_down(sizes)
        )

    def _gap_down(self, sizes: Sizes) -> float:
        """The gap between boxes that fills the height with the fullest rank, within reason."""
        full = [0.0] * RANKS
        count = [0] * RANKS
        for node in self.structure.nodes:
            rank = min(max(node.rank, 0), RANKS - 1)
            full[rank] += sizes.tall if node.subtitle else sizes.short
            count[rank] += 1
        rooms = [(self.height() - 20 - sizes.top - full[r]) / count[r] for r in range(RANKS) if count[r]]
        return min(30.0, max(CLOSEST, min(rooms, default=8.0)))

    def fit(self) -> None:
        """The whole picture where it stays readable, else its focus."""
        self._whole = False
        self._fit()

    def fit_all(self) -> None:
        """The whole picture, however small, until another fit, a zoom or another picture."""
        self._whole = True
        self._fit()

    def _fit(self) -> None:
        whole = self._whole_scale()
        readable = whole >= READABLE or self._whole
        self.scale = whole if readable else min(READABLE, max(whole, self._width_scale()))
        self._touched = False
        self._centre()

    def outside(self) -> list[str]:
        """The objects whose boxes are not wholly inside the panel."""
        area = self._shown_area().adjusted(-1, -1, 1, 1)
        return [n.key for n in self.layout_now.nodes if n.state != MORE and not area.contains(self._rect(n.key))]

    def _whole_scale(self) -> float:
        tall = max(self.layout_now.height, 1.0)
        return max(SMALLEST, min(self._width_scale(), (self.height() - 12.0) / tall))

    def _width_scale(self) -> float:
        return max(SMALLEST, min(1.0, (self.width() - 2 * MARGIN) / max(self.layout_now.width, 1.0)))

    def _centre(self) -> None:
        now = self.layout_now
        x = max(MARGIN, (self.width() - now.width * self.scale) / 2)
        y = (self.height() - now.height * self.scale) / 2
        if y < 4:
            focus = next((n.key for n in now.nodes if n.state == "focus"), "")
            middle = now.boxes[focus].middle if focus else 0.0
            low = self.height() - now.height * self.scale - 8
            y = min(4.0, max(low, self.height() / 2 - middle * self.scale))
        self.offset = QPointF(x, min(y, 40.0))
        self._went()

    def _went(self) -> None:
        self.update()
        self.moved.emit()

    # --- painting

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802
        """Headings, links, boxes."""
        if self._theme is None or self._brushes is None:
            return
        painter, look, now = QPainter(self), self._brushes, self.layout_now
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setClipRect(QRectF(self.rect()).adjusted(3, 0, -3, -2))
        painter.translate(self.offset)
        painter.scale(self.scale, self.scale)
        paint_links(painter, look, now, self.hovered or (self.cursor_key if self.hasFocus() else ""))
        legible = self.scale * look.small_size > 3.5
        shown = self._shown_area()
        for node in now.nodes:
            box = self._rect(node.key)
            if box.intersects(shown):
                painter.setOpacity(0.15 + 0.85 * float(self._fade.currentValue()) if node.key in self._fresh else 1.0)
                paint_node(painter, look, node, box, hot=node.key == self.hovered, legible=legible)
        painter.setOpacity(1.0)
        if self.hasFocus() and self.cursor_key in now.boxes:
            look.paint_focus(painter, self._rect(self.cursor_key), self.scale)
        painter.resetTransform()
        self._headings(painter, look)
        painter.end()

    def _headings(self, painter: QPainter, look: Brushes) -> None:
        """Column headings stay at the top while the picture moves under them."""
        metrics = QFontMetricsF(look.small)
        band = metrics.height() + 8
        first = min((box.y for box in self.layout_now.boxes.values()), default=0.0) * self.scale + self.offset.y()
        top = max(0.0, first - band)
        if first < band:
            painter.fillRect(QRectF(1, 0, self.width() - 2, band), look.veil)
        painter.setFont(look.small)
        painter.setPen(look.dim)
        now = self.layout_now
        for rank, keys in enumerate(now.order):
            if not keys:
                continue
            left = self.offset.x() + now.columns[rank] * self.scale
            wide = now.boxes[keys[0]].width * self.scale
            text = metrics.elidedText(self.structure.headings[rank], Qt.TextElideMode.ElideRight, wide)
            painter.drawText(QRectF(left, top, wide, band), Qt.AlignmentFlag.AlignCenter, text)

    def _rect(self, key: str) -> QRectF:
        box = self.layout_now.boxes[key]
        return QRectF(box.x, box.y, box.width, box.height)

    def _shown_area(self) -> QRectF:
        return QRectF(-self.offset / self.scale, QSize(self.size()).toSizeF() / self.scale)

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802
        """Spread over the new width."""
        super().resizeEvent(event)
        self._arrange(self.layout_now)
        if self._touched:
            self._went()
        else:
            self._fit()

    def changeEvent(self, event: QEvent) -> None:  # noqa: N802
        """Another font: other boxes."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.FontChange and self._theme is not None:
            self.set_theme(self._theme)
            self._arrange(self.layout_now)

    # --- mouse and keys

    def node_at(self, at: QPointF) -> Node | None:
        """The box under a point of the widget."""
        point = (at - self.offset) / self.scale
        return next((n for n in reversed(self.layout_now.nodes) if self._rect(n.key).contains(point)), None)

    def point_of(self, key: str) -> QPointF:
        """The centre of a box in the widget."""
        return self._rect(key).center() * self.scale + self.offset

    def zoom(self, factor: float, at: QPointF) -> None:
        """Zoom by ``factor``; what is at ``at`` stays there."""
        scale = min(max(self.scale * factor, SMALLEST), LARGEST)
        self.offset = at - (at - self.offset) * (scale / self.scale)
        self.scale = scale
        self._touched, self._whole = True, False
        self._went()

    def wheelEvent(self, event: QWheelEvent) -> None:  # noqa: N802
        """Zoom at the cursor."""
        self.zoom(ZOOM ** (event.angleDelta().y() / 120), event.position())
        event.accept()

    def mousePressEvent(self, event: QMouseEvent) -> None:  # noqa: N802
        """A click or the start of a pan."""
        if event.button() == Qt.MouseButton.LeftButton:
            self._press, self._last, self._panning = event.position(), event.position(), False

    def mouseMoveEvent(self, event: QMouseEvent) -> None:  # noqa: N802
        """Pan, or highlight the links of the box under the mouse."""
        if self._press is not None:
            far = (event.position() - self._press).manhattanLength() >= QApplication.startDragDistance()
            self._panning = self._panning or far
            if self._panning:
                self.offset += event.position() - self._last
                self._last, self._touched, self._whole = event.position(), True, False
                self._went()
            return
        self._hover(self.node_at(event.position()))

    def _hover(self, node: Node | None) -> None:
        key = node.key if node is not None else ""
        if key != self.hovered:
            self.hovered = key
            clickable = node is not None and node.target is not None
            self.setCursor(Qt.CursorShape.PointingHandCursor if clickable else Qt.CursorShape.ArrowCursor)
            self.update()

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:  # noqa: N802
        """A click selects what the box stands for."""
        pressed, self._press = self._press, None
        if pressed is not None and not self._panning and event.button() == Qt.MouseButton.LeftButton:
            node = self.node_at(event.position())
            if node is not None:
                self.cursor_key = node.key
                self._choose(node)

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:  # noqa: N802
        """On the background: fit."""
        if self.node_at(event.position()) is None:
            self.fit()

    def _choose(self, node: Node) -> None:
        if node.state == MORE:
            self.more_wanted.emit(node.rank)
        elif node.target is not None:
            self._selection.select(*node.target)
        self.update()

    def table(self) -> tuple[tuple[str, ...], list[np.ndarray], list[tuple[int, int] | None]]:
        """The boxes as a table: headings, columns, what each row selects."""
        now, heads = self.layout_now, ("column", "object", "what it is", "state", "linked with")
        known = {node.key: node for node in now.nodes}
        nodes = [known[key] for rank in now.order for key in rank]
        titles = {node.key: node.title for node in nodes}
        linked: dict[str, list[str]] = {node.key: [] for node in nodes}
        for link in now.links:
            linked[link.source].append(titles[link.target])
            linked[link.target].append(titles[link.source])
        rows = [
            (self.structure.headings[min(max(n.rank, 0), RANKS - 1)], n.title, n.subtitle, STATES.get(n.state, n.state),
             ", ".join(linked[n.key]))
            for n in nodes
        ]  # fmt: skip
        columns = [np.array([row[at] for row in rows], object) for at in range(len(heads))]
        return heads, columns, [node.target for node in nodes]

    def event(self, event: QEvent) -> bool:
        """Tooltips with the whole text of a box."""
        if event.type() == QEvent.Type.Leave:
            self._hover(None)
        if event.type() == QEvent.Type.ToolTip and isinstance(event, QHelpEvent):
            node = self.node_at(QPointF(event.pos()))
            QToolTip.showText(event.globalPos(), plain_tip(box_tip(node)) if node is not None else "", self)
            return True
        return super().event(event)

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:  # noqa: N802
        """The menu of what a box stands for."""
        node = self.node_at(QPointF(event.pos()))
        if event.reason() == QContextMenuEvent.Reason.Keyboard:
            node = next((n for n in self.layout_now.nodes if n.key == self.cursor_key), None)
        if node is not None and node.target is not None:
            pid, vpn = node.target
            self._selection.select(pid, vpn)
            kind = "page" if node.rank == 0 else "vma" if vpn >= 0 else "process"
            self.context_requested.emit(kind, {"pid": pid, "vpn": vpn} if vpn >= 0 else {"pid": pid}, event.globalPos())

    def focusInEvent(self, event: QFocusEvent) -> None:  # noqa: N802
        """Show where the keyboard is."""
        super().focusInEvent(event)
        if not self.cursor_key and self.layout_now.nodes:
            self.cursor_key = self.layout_now.nodes[0].key
        self.update()

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802
        """Arrows move among boxes, Enter selects, plus, minus and 0 zoom."""
        key = event.key()
        across = {Key.Key_Left: -1, Key.Key_Right: 1}.get(Key(key), 0)
        down = {Key.Key_Up: -1, Key.Key_Down: 1}.get(Key(key), 0)
        node = next((n for n in self.layout_now.nodes if n.key == self.cursor_key), None)
        if across or down:
            self._move(across, down)
        elif key in (Key.Key_Return, Key.Key_Enter, Key.Key_Space) and node is not None:
            self._choose(node)
        elif key in (Key.Key_Plus, Key.Key_Equal, Key.Key_Minus):
            self.zoom(1 / ZOOM if key == Key.Key_Minus else ZOOM, QPointF(self.rect().center()))
        elif key == Key.Key_0:
            self.fit()
        else:
            super().keyPressEvent(event)

    def _move(self, across: int, down: int) -> None:
        now = self.layout_now
        if self.cursor_key not in now.boxes:
            return
        rank = next(r for r, keys in enumerate(now.order) if self.cursor_key in keys)
        if down:
            i = now.order[rank].index(self.cursor_key) + down
            goal = now.order[rank][i] if 0 <= i < len(now.order[rank]) else self.cursor_key
        else:
            goal = self._linked(rank, across)
        self.cursor_key = goal
        self._bring_in(goal)
        self.update()

    def _linked(self, rank: int, across: int) -> str:
        """The nearest box linked with the cursor's on that side, else the nearest of the next rank that has any."""
        now, here = self.layout_now, self.layout_now.boxes[self.cursor_key]
        side = {key: r for r, keys in enumerate(now.order) for key in keys}
        ends = [(link.source, link.target) for link in now.links if self.cursor_key in (link.source, link.target)]
        near = [key for pair in ends for key in pair if (side[key] - rank) * across > 0]
        ranks = range(rank + across, RANKS if across > 0 else -1, across)
        near = near or next((list(now.order[r]) for r in ranks if now.order[r]), [])
        return min(near, key=lambda key: abs(now.boxes[key].middle - here.middle), default=self.cursor_key)

    def _bring_in(self, key: str) -> None:
        at = self.point_of(key)
        area = QRectF(self.rect()).adjusted(30, 40, -30, -20)
        dx = min(0.0, area.right() - at.x()) + max(0.0, area.left() - at.x())
        dy = min(0.0, area.bottom() - at.y()) + max(0.0, area.top() - at.y())
        self.offset += QPointF(dx, dy)
        self.moved.emit()
