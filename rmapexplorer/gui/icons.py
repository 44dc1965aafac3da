"""Our own monochrome pictures (resources/icons), coloured from the theme's tokens; and a design's marker as an icon."""

from __future__ import annotations

import math
from functools import lru_cache

from PySide6.QtCore import QByteArray, QPointF, QRectF, Qt
from PySide6.QtGui import QGuiApplication, QIcon, QPainter, QPixmap, QPolygonF
from PySide6.QtSvg import QSvgRenderer

from rmapexplorer.gui.style import BASE_POINTS
from rmapexplorer.gui.theme import Theme, between, look
from rmapexplorer.resources import resource

SCALE = 2
"""Pixmaps are drawn this much larger, for screens of more pixels."""


def grown(pixels: float) -> int:
    """Pixels at 100 percent, at the present text size: pictures grow with the words beside them."""
    return round(pixels * QGuiApplication.font().pointSizeF() / BASE_POINTS)


def icon(name: str, theme: Theme, size: int = 16) -> QIcon:
    """The picture ``icons/NAME.svg`` in the text colour, paler where disabled."""
    pale = between(theme.color("faint"), theme.color("panel"), 0.5)
    return _icon(name, theme.color("text").name(), pale.name(), grown(size))


@lru_cache(maxsize=1024)
def _icon(name: str, ink: str, pale: str, size: int) -> QIcon:
    # a few hundred bytes each; every change of theme asks for all of them
    result = QIcon()
    for color, mode in ((ink, QIcon.Mode.Normal), (pale, QIcon.Mode.Disabled)):
        result.addPixmap(_render(_source(name), color, size), mode)
    return result


@lru_cache(maxsize=256)
def _source(name: str) -> bytes:
    return resource(f"icons/{name}.svg").read_bytes()


def marker(design: str, theme: Theme, size: int = 12) -> QIcon:
    """The marker of a design in its colour, the shape that its LOOK names."""
    size = grown(size)
    picture = _blank(size)
    painter = QPainter(picture)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(theme.design(design))
    box = QRectF(1.5, 1.5, size - 3.0, size - 3.0)
    if look(design).marker == "o":
        painter.drawEllipse(box)
    else:
        painter.drawPolygon(QPolygonF([_in(box, x, y) for x, y in _OUTLINES[look(design).marker]]))
    painter.end()
    return QIcon(picture)


_STAR = [
    (0.5, 0.0), (0.62, 0.36), (1.0, 0.38), (0.7, 0.61), (0.81, 1.0),
    (0.5, 0.77), (0.19, 1.0), (0.3, 0.61), (0.0, 0.38), (0.38, 0.36),
]  # fmt: skip
_PLUS = [
    (0.36, 0.0), (0.64, 0.0), (0.64, 0.36), (1.0, 0.36), (1.0, 0.64), (0.64, 0.64), (0.64, 1.0), (0.36, 1.0),
    (0.36, 0.64), (0.0, 0.64), (0.0, 0.36), (0.36, 0.36),
]  # fmt: skip


def _ring(corners: int, first: float) -> list[tuple[float, float]]:
    """A regular polygon; ``first`` is the angle of its first corner in turns, 0 to the right, clockwise."""
    angles = [2 * math.pi * (first + k / corners) for k in range(corners)]
    return [(0.5 + 0.54 * math.cos(a), 0.5 + 0.54 * math.sin(a)) for a in angles]


def _turned(points: list[tuple[float, float]]) -> list[tuple[float, float]]:
    """By an eighth of a turn round the middle."""
    h = math.sqrt(0.5)
    return [(0.5 + h * (x - y), 0.5 + h * (x + y - 1)) for x, y in points]


_OUTLINES = {
    "star": _STAR,
    "+": _PLUS,
    "x": _turned(_PLUS),
    "p": _ring(5, -0.25),
    "h": _ring(6, 0.0),
    "t": [(0.0, 0.05), (1.0, 0.05), (0.5, 1.0)],
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


def _render(source: bytes, color: str, size: int) -> QPixmap:
    picture = _blank(size)
    painter = QPainter(picture)
    coloured = source.replace(b"currentColor", color.encode("ascii"))
    QSvgRenderer(QByteArray(coloured)).render(painter, QRectF(0, 0, size, size))
    painter.end()
    return picture
