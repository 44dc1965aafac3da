"""Our own monochrome pictures (resources/icons), coloured from the theme's tokens; and a design's marker as an icon."""

from __future__ import annotations

from PySide6.QtCore import QByteArray, QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QIcon, QPainter, QPixmap, QPolygonF
from PySide6.QtSvg import QSvgRenderer

from rmapexplorer.gui.theme import Theme, look
from rmapexplorer.resources import resource

SCALE = 2
"""Pixmaps are drawn this much larger, for screens of more pixels."""


def icon(name: str, theme: Theme, size: int = 16) -> QIcon:
    """The picture ``icons/NAME.svg`` in the text colour, paler where disabled."""
    source = resource(f"icons/{name}.svg").read_bytes()
    result = QIcon()
    result.addPixmap(_render(source, theme.color("text"), size), QIcon.Mode.Normal)
    result.addPixmap(_render(source, _between(theme.color("faint"), theme.color("panel")), size), QIcon.Mode.Disabled)
    return result


def marker(design: str, theme: Theme, size: int = 12) -> QIcon:
    """The marker of a design in its colour: square, triangle, circle, diamond or star."""
    picture = _blank(size)
    painter = QPainter(picture)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(theme.design(design))
    box = QRectF(1.5, 1.5, size - 3.0, size - 3.0)
    if look(design).marker == "o":
        painter.drawEllipse(box)
    else:
        painter.drawPolygon(QPolygonF([_in(box, x, y) for x, y in _OUTLINES.get(look(design).marker, _STAR)]))
    painter.end()
    return QIcon(picture)


_STAR = [
    (0.5, 0.0), (0.62, 0.36), (1.0, 0.38), (0.7, 0.61), (0.81, 1.0),
    (0.5, 0.77), (0.19, 1.0), (0.3, 0.61), (0.0, 0.38), (0.38, 0.36),
]  # fmt: skip
_OUTLINES = {
    "s": [(0.05, 0.05), (0.95, 0.05), (0.95, 0.95), (0.05, 0.95)],
    "t1": [(0.5, 0.0), (1.0, 0.95), (0.0, 0.95)],
    "d": [(0.5, -0.08), (1.08, 0.5), (0.5, 1.08), (-0.08, 0.5)],
}


def _in(box: QRectF, x: float, y: float) -> QPointF:
    return QPointF(box.left() + x * box.width(), box.top() + y * box.height())


def _blank(size: int) -> QPixmap:
    picture = QPixmap(size * SCALE, size * SCALE)
    picture.setDevicePixelRatio(SCALE)
    picture.fill(Qt.GlobalColor.transparent)
    return picture


def _render(source: bytes, color: QColor, size: int) -> QPixmap:
    picture = _blank(size)
    painter = QPainter(picture)
    coloured = source.replace(b"currentColor", color.name().encode("ascii"))
    QSvgRenderer(QByteArray(coloured)).render(painter, QRectF(0, 0, size, size))
    painter.end()
    return picture


def _between(one: QColor, other: QColor) -> QColor:
    return QColor((one.red() + other.red()) // 2, (one.green() + other.green()) // 2, (one.blue() + other.blue()) // 2)
