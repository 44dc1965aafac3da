"""Painting of the structures picture: boxes by state, links as curves; dash and mark beside every hue."""

from __future__ import annotations

from attrs import frozen
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QFont, QFontMetricsF, QPainter, QPainterPath, QPen

from rmapexplorer.engine.frames import Link, Node
from rmapexplorer.gui.panel import scaled
from rmapexplorer.gui.structure_layout import MORE, Layout
from rmapexplorer.gui.theme import Theme, mono

RADIUS = 5.0
FADED = 0.18


@frozen
class Brushes:
    """Colours and faces of the picture, made once a theme."""

    theme: Theme
    title: QFont
    word: QFont
    small: QFont
    small_size: float

    @classmethod
    def of(cls, theme: Theme, base: QFont) -> Brushes:
        """The look of ``theme`` with the face ``base``."""
        small = scaled(base, 0.86)
        size = base.pointSizeF()
        return cls(theme, mono(size if size > 0 else None), QFont(base), small, QFontMetricsF(small).xHeight())

    @property
    def dim(self) -> QColor:
        """Secondary text."""
        return self.theme.color("dim")

    @property
    def veil(self) -> QColor:
        """What lies under the headings when the picture is scrolled."""
        color = self.theme.color("panel")
        color.setAlphaF(0.96)
        return color

    def family(self, number: int, otherwise: str) -> QColor:
        """The family's colour, or a token where there is none."""
        return self.theme.family(number) if number >= 0 else self.theme.color(otherwise)

    def paint_focus(self, p: QPainter, box: QRectF, scale: float) -> None:
        """The keyboard's ring."""
        p.setBrush(Qt.BrushStyle.NoBrush)
        p.setPen(QPen(self.theme.color("accent"), 1.4 / scale, Qt.PenStyle.DotLine))
        gap = 3.5 / scale
        p.drawRoundedRect(box.adjusted(-gap, -gap, gap, gap), RADIUS + gap, RADIUS + gap)


def paint_links(p: QPainter, look: Brushes, layout: Layout, hot: str) -> None:
    """All links; with a box in ``hot`` its own stand out and the others fade."""
    p.setBrush(Qt.BrushStyle.NoBrush)
    for mine in (False, True):
        for link in layout.links:
            if (hot in (link.source, link.target)) == mine:
                _paint_link(p, look, layout, link, 1.0 if mine or not hot else FADED, mine)


def _paint_link(p: QPainter, look: Brushes, layout: Layout, link: Link, alpha: float, hot: bool) -> None:
    a, b = layout.boxes[link.source], layout.boxes[link.target]
    if a.x > b.x:
        a, b = b, a
    start, end = QPointF(a.x + a.width, a.middle), QPointF(b.x, b.middle)
    if a.x == b.x:
        end = QPointF(b.x + b.width, b.middle)
    reach = max((end.x() - start.x()) * 0.5, 18.0)
    path = QPainterPath(start)
    path.cubicTo(start + QPointF(reach, 0), end - QPointF(reach if a.x != b.x else -reach, 0), end)
    from_page = not link.family >= 0 and link.state == "hit"
    color = look.theme.color("warn") if from_page else look.family(link.family, "faint")
    if link.kernel or link.state == "kernel":
        color = look.theme.color("bad")
    color.setAlphaF(alpha * (1.0 if link.state == "hit" or hot else 0.7))
    pen = QPen(color, {"hit": 1.8}.get(link.state, 1.2) + (0.8 if hot else 0.0))
    if link.state in ("miss", "kernel"):
        pen.setDashPattern([3.5, 2.5] if link.state == "miss" else [1.5, 2.0])
    pen.setCapStyle(Qt.PenCapStyle.FlatCap)
    p.setPen(pen)
    p.drawPath(path)


def paint_node(p: QPainter, look: Brushes, node: Node, box: QRectF, *, hot: bool, legible: bool) -> None:
    """One box: frame by state, a bar in the family's colour, two lines of text, a mark."""
    theme, task = look.theme, node.rank == 3
    if node.state == MORE:
        _paint_stub(p, look, node, box, hot, legible)
        return
    edge, width, style = _edge(look, node)
    radius = box.height() / 2 if task else RADIUS
    fill = theme.color("raised")
    if hot:
        fill = theme.color("sel")
    pen = QPen(edge, width + (0.6 if hot else 0.0), style)
    if style == Qt.PenStyle.CustomDashLine:
        pen.setDashPattern([4, 3])
        pen.setCapStyle(Qt.PenCapStyle.FlatCap)
    p.setPen(pen)
    p.setBrush(fill)
    p.drawRoundedRect(box, radius, radius)
    if not task and (node.family >= 0 or node.state == "focus"):
        p.setPen(Qt.PenStyle.NoPen)
        bar = theme.color("warn") if node.state == "focus" else look.family(node.family, "faint")
        bar.setAlphaF(0.5 if node.state in ("miss", "now miss", "dead") else 1.0)
        p.setBrush(bar)
        p.drawRoundedRect(QRectF(box.x() + 3, box.y() + 5, 3, box.height() - 10), 1.5, 1.5)
    if legible:
        _text(p, look, node, box)
    _mark(p, look, node, box)
    if node.kernel and node.state != "kernel":
        _differs(p, look, box)


def _differs(p: QPainter, look: Brushes, box: QRectF) -> None:
    """On the upper right corner: a recorded kernel has it otherwise."""
    at, reach = QPointF(box.right() - 6, box.top() + 1), 6.5
    p.setPen(QPen(look.theme.color("panel"), 1.5))
    p.setBrush(look.theme.color("bad"))
    p.drawEllipse(at, reach, reach)
    p.setPen(QPen(look.theme.color("panel"), 1.3, c=Qt.PenCapStyle.RoundCap))
    for y in (-1.5, 1.5):
        p.drawLine(at + QPointF(-3, y), at + QPointF(3, y))
    p.drawLine(at + QPointF(-1.8, 3.4), at + QPointF(1.8, -3.4))


def _paint_stub(p: QPainter, look: Brushes, node: Node, box: QRectF, hot: bool, legible: bool) -> None:
    """What is left out of a rank: a broken pill with a number."""
    pen = QPen(look.theme.color("accent" if hot else "faint"), 1.1)
    pen.setDashPattern([3, 3])
    p.setPen(pen)
    p.setBrush(look.theme.color("sel" if hot else "panel"))
    p.drawRoundedRect(box, box.height() / 2, box.height() / 2)
    if legible:
        p.setFont(look.word)
        p.setPen(look.theme.color("accent"))
        p.drawText(box, Qt.AlignmentFlag.AlignCenter, node.title)


def _edge(look: Brushes, node: Node) -> tuple[QColor, float, Qt.PenStyle]:
    color = look.theme.color
    if node.state == "focus":
        return color("warn"), 2.0, Qt.PenStyle.SolidLine
    if node.state == "selected":
        return color("accent"), 2.0, Qt.PenStyle.SolidLine
    if node.state == "kernel":
        return color("bad"), 1.3, Qt.PenStyle.CustomDashLine
    if node.state in ("hit", "now hit"):
        return color("good"), 3.0 if node.state == "now hit" else 1.5, Qt.PenStyle.SolidLine
    if node.state == "now miss":
        return color("dim"), 2.6, Qt.PenStyle.CustomDashLine
    if node.state in ("miss", "dead"):
        return color("faint"), 1.0, Qt.PenStyle.CustomDashLine
    if node.rank == 1 and node.family >= 0:
        return look.family(node.family, "line"), 1.5, Qt.PenStyle.SolidLine
    return color("line"), 1.2, Qt.PenStyle.SolidLine


def _text(p: QPainter, look: Brushes, node: Node, box: QRectF) -> None:
    dull = node.state in ("miss", "now miss", "dead")
    marked = dull or node.state in ("hit", "now hit")
    task = node.rank == 3
    area = box.adjusted(11, 2, -22 if marked else -9, -2)
    title = QFont(look.word if task else look.title)
    title.setStrikeOut(node.state == "dead")
    p.setFont(title)
    p.setPen(look.theme.color("bad" if node.state == "kernel" else "dim" if dull else "text"))
    metrics = QFontMetricsF(title)
    words = metrics.elidedText(node.title, Qt.TextElideMode.ElideRight, area.width())
    if not node.subtitle:
        p.drawText(area, Qt.AlignmentFlag.AlignCenter if task else Qt.AlignmentFlag.AlignVCenter, words)
        return
    small = QFontMetricsF(look.small)
    top = box.y() + (box.height() - metrics.height() - small.height()) / 2
    side = Qt.AlignmentFlag.AlignHCenter if task else Qt.AlignmentFlag.AlignLeft
    p.drawText(QRectF(area.x(), top, area.width() + 1, metrics.height()), side, words)
    p.setFont(look.small)
    p.setPen(look.dim)
    words = small.elidedText(node.subtitle, Qt.TextElideMode.ElideRight, area.width())
    p.drawText(QRectF(area.x(), top + metrics.height(), area.width() + 1, small.height()), side, words)


def _mark(p: QPainter, look: Brushes, node: Node, box: QRectF) -> None:
    """A tick for a hit, a cross for a miss."""
    at = QPointF(box.right() - 14, box.center().y())
    if node.state in ("hit", "now hit"):
        p.setPen(QPen(look.theme.color("good"), 1.8, c=Qt.PenCapStyle.RoundCap, j=Qt.PenJoinStyle.RoundJoin))
        p.drawPolyline([at + QPointF(-4, 0), at + QPointF(-1, 3), at + QPointF(4.5, -3.5)])
    elif node.state in ("miss", "now miss"):
        p.setPen(QPen(look.theme.color("faint"), 1.4, c=Qt.PenCapStyle.RoundCap))
        p.drawLine(at + QPointF(-3, -3), at + QPointF(3, 3))
        p.drawLine(at + QPointF(-3, 3), at + QPointF(3, -3))
